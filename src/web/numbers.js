// Numbers as the programs print them, and units as people read them.

// As printf's %.*f: the exact value of x is rounded once, ties to even
// (toFixed rounds it once too, but ties away from zero).
export function fixed(x, digits) {
	const up = x.toFixed(digits);
	const more = x.toFixed(digits + 1);
	const isTie = Number.isInteger(x * 2 ** (digits + 1))
		&& more.endsWith("5");
	if (!isTie || Number(up.at(-1)) % 2 === 0)
		return up;
	return more.slice(0, -1).replace(/\.$/, "");
}

const trimmed = text => text.includes(".") ? text.replace(/\.?0+$/, "") : text;

// As printf's %.*g.
function general(x, digits) {
	const [mantissa, power] = x.toExponential(digits - 1).split("e");
	if (power < -4 || power >= digits)
		return `${trimmed(mantissa)}e${power[0]}${
			power.slice(1).padStart(2, "0")}`;
	return trimmed(x.toFixed(digits - 1 - power));
}

// Commas between thousands of a number's text.
const grouped = text => text.includes("e") ? text : text.replace(/^-?\d+/,
	whole => whole.replace(/\B(?=(\d{3})+$)/g, ","));

export const count = x => grouped(String(x));

export const plural = (x, one, many = `${one}s`) =>
	`${count(x)} ${x === 1 ? one : many}`;

// A value of a profile: two decimals at most, or three digits where those
// would be zeros.
export function amount(x) {
	if (Math.abs(x) >= 1e15)
		return general(x, 9);
	const text = fixed(x, 2);
	return /[1-9]/.test(text) ? grouped(trimmed(text)) : general(x, 3);
}

// A share of a whole for people: "41 %", "0.3 %".
export function percent(share) {
	const x = 100 * share;
	return `${x > 0 && x < 1 ? general(x, 1) : fixed(x, 0)}\u00a0%`;
}

// What the ends of columns' names say of time, in seconds.
const units = [
	[/^(.*?)[_ .-]*(ms|msec|millis|milliseconds)$/i, 0.001, "millisecond"],
	[/^(.*?)[_ .-]*(s|sec|secs|seconds?)$/i, 1, "second"],
	[/^(.*?)[_ .-]*(min|mins|minutes?)$/i, 60, "minute"],
	[/^(.*?)[_ .-]*(h|hr|hrs|hours?)$/i, 3600, "hour"],
];

// One letter or two are a unit only behind a sign between words: "time_s",
// not "clicks".
const isUnit = found => found[2].length > 3
	|| /[_ .-]$/.test(found[0].slice(0, -found[2].length))
	|| found[1] === "";

// The words for values of a column of the log, of a kind ("sum", "mean",
// "events", "one"): {one, many, of, seconds}, or null where there are none.
export function unitOf(column, kind) {
	if (kind === "one")
		return null;
	if (kind === "events" || column === "events")
		return {one: "event", many: "events", of: ""};
	if (column === "value" || !column)
		return null;
	const words = text => text.replace(/[_.]+/g, " ").trim();
	for (const [pattern, seconds, name] of units) {
		const found = pattern.exec(column);
		if (found && isUnit(found))
			return {one: name, many: `${name}s`, seconds,
				of: words(found[1])};
	}
	return {one: "", many: "", of: words(column)};
}

// Seconds as people say them: "3.4 hours"; empty where they are few.
function duration(seconds) {
	const steps = [[3600, "hours"], [60, "minutes"], [1, "seconds"]];
	const [size, name] = steps.find(([size]) => Math.abs(seconds) >= 2 * size)
		?? steps[2];
	const x = seconds / size;
	return `${grouped(fixed(x, Math.abs(x) < 100 ? 1 : 0))} ${name}`;
}

// A value in its unit: "2,501 seconds"; what people would say beside it.
export function inUnit(x, unit) {
	const text = amount(x);
	if (!unit)
		return text;
	const word = x === 1 ? unit.one : unit.many;
	return word ? `${text} ${word}` : text;
}

export function spoken(x, unit) {
	if (!unit?.seconds)
		return "";
	const seconds = x * unit.seconds;
	const isClear = unit.seconds === 3600 ? Math.abs(x) < 1000
		: Math.abs(x) < 120;
	return isClear ? "" : duration(seconds);
}
