// An audience: customers pasted or read from a file, those most like all of
// them, and what either group shares.

import {foreign, headed, hint, leading, list, make, prose, say, section, show,
	tagLink} from "./elements.js";
import {count, fixed, plural} from "./numbers.js";
import {bar} from "./charts.js";
import {neighbours} from "./customer.js";
import {post, predict, save, search} from "./service.js";

// ---------------------------------------------------------------- lists

// The fields of a line; a field in quotation marks may hold the delimiter.
function fieldsOf(line, delimiter) {
	const fields = [];
	let field = "", isQuoted = false;
	for (let i = 0; i < line.length; i++) {
		const c = line[i];
		if (c === '"' && (isQuoted || field.trim() === "")) {
			if (isQuoted && line[i + 1] === '"')
				field += line[++i];
			else
				isQuoted = !isQuoted;
		} else if (c === delimiter && !isQuoted) {
			fields.push(field);
			field = "";
		} else {
			field += c;
		}
	}
	return [...fields, field].map(text => text.trim());
}

// The columns of a table that was pasted, or one column where it is a list:
// an id a line, or with commas or semicolons between.
export function columnsOf(text) {
	const lines = text.replace(/^\ufeff/, "").split(/\r\n|\n|\r/)
		.filter(line => line.trim());
	for (const delimiter of ["\t", ";", ","]) {
		const rows = lines.map(line => fieldsOf(line, delimiter));
		const width = rows[0]?.length ?? 0;
		if (width > 1 && rows.length > 1 && (delimiter === "\t"
			|| rows.every(row => row.length === width)))
			return Array.from({length: width}, (_, i) =>
				rows.map(row => row[i] ?? "").filter(id => id));
	}
	return [lines.flatMap(line => fieldsOf(line, "\t")).flatMap(part =>
		part.includes(";") ? fieldsOf(part, ";") : fieldsOf(part, ","))
		.filter(id => id)];
}

// What a spreadsheet may have made of an id: 1387.0, 1,387, '007.
const plainId = id => id.replace(/^'/, "").replace(/^(\d+)\.0+$/, "$1")
	.replace(/^\d{1,3}(,\d{3})+$/, number => number.replaceAll(",", ""));

// Names looked up for ids that nobody has, at most.
const mostLookedUp = 20;

// The id of the one customer with that name, or null.
async function idOfName(name) {
	const {customers} = await search("customers", name, 20);
	const same = customers.filter(one =>
		one.name?.toLowerCase() === name.toLowerCase());
	return same.length === 1 ? same[0].customer : null;
}

// Which ids of a list the model has: {known, unknown}.  The first is asked for
// last, so that the service does not leave it out as a header.
async function divide(ids) {
	const unique = [...new Set(ids)];
	unique.push(unique.shift());
	let unknown = unique;
	try {
		({audience: {unknown}} = await predict({like: unique, n: 1}));
	} catch (error) {
		if (error.status !== 404)
			throw error;
	}
	const strange = new Set(unknown);
	unique.unshift(unique.pop());
	return {known: unique.filter(id => !strange.has(id)),
		unknown: unique.filter(id => strange.has(id))};
}

// The same once what a spreadsheet did is undone and names are looked up.
async function recognise(ids) {
	const found = await divide(ids);
	const others = new Map(found.unknown.map(id => [id, plainId(id)])
		.filter(([id, plain]) => id !== plain));
	if (others.size > 0) {
		const again = new Set((await divide([...others.values()])).known);
		found.known.push(...again);
		found.unknown = found.unknown.filter(id => !again.has(others.get(id)));
	}
	if (found.unknown.length <= mostLookedUp)
		for (const name of [...found.unknown]) {
			const id = await idOfName(name);
			if (id === null)
				continue;
			found.known.push(id);
			found.unknown = found.unknown.filter(other => other !== name);
		}
	found.known = [...new Set(found.known)];
	return found;
}

// The customers that a text names: those of the column with most of them.  A
// first line nobody has, above others that somebody has, is a header.
export async function readList(text) {
	let best = {known: [], unknown: []};
	for (const ids of columnsOf(text).slice(0, 8)) {
		const found = await recognise(ids);
		if (found.known.length > 0 && found.unknown.includes(ids[0])
			&& ids.length > 1 && !/\d/.test(ids[0])) {
			found.header = ids[0];
			found.unknown = found.unknown.filter(id => id !== ids[0]);
		}
		if (found.known.length > best.known.length
			|| best.known.length + best.unknown.length === 0)
			best = found;
	}
	return best;
}

// A file's text, whatever of the usual encodings it has.
export async function textOf(file) {
	const bytes = new Uint8Array(await file.arrayBuffer());
	if (bytes[0] === 0xff && bytes[1] === 0xfe)
		return new TextDecoder("utf-16le").decode(bytes);
	try {
		return new TextDecoder("utf-8", {fatal: true}).decode(bytes);
	} catch {
		return new TextDecoder("windows-1252").decode(bytes);
	}
}

async function bodyOf(asked) {
	const like = await readList(asked.like ?? "");
	const not = asked.not?.trim() ? await readList(asked.not)
		: {known: [], unknown: []};
	if (like.known.length === 0)
		throw new Error(`None of the ${plural(like.unknown.length,
			"customer")} to start from is in the model with a tag that has `
			+ "weight.");
	const body = {like: like.known, n: Number(asked.n ?? 100)};
	return {body: not.known.length ? {...body, not: not.known} : body,
		like, not};
}

// --------------------------------------------------------------- answer

// "Recognised: 18 of 21 customers ...; not in the model: a, b and c."
function recognised(found, what) {
	const {known, unknown, header} = found;
	if (known.length + unknown.length === 0)
		return [];
	return prose`Recognised ${count(known.length)} of ${
		plural(known.length + unknown.length, "customer")} ${what}${
		unknown.length ? ["; not in the model: ",
			list(unknown.map(foreign))] : ""}.${
		header ? [" The first line, ", foreign(header),
			", was taken as the header."] : ""}`;
}

// As cs-contrast prints a ratio: a dash where none of the others has the tag.
const ratio = x => x === null ? "–" : fixed(x, 2);

// What sets a group apart from others as active.
export function groupTags(title, group, note) {
	if (!group)
		return null;
	if (group.over_represented.length === 0)
		return section(title, hint("Nothing beyond what customers as active "
			+ "share."));
	const rows = group.over_represented.map(tag => make("tr", "",
		make("th", "", tagLink(tag)),
		make("td", "wide", bar(tag.members / group.members, "", [],
			[tag.expected / group.members])),
		make("td", "number", `${count(tag.members)} of ${
			count(group.members)}`),
		make("td", "number", fixed(tag.expected, 1)),
		make("td", "number", ratio(tag.times)),
		make("td", "number soft", `${ratio(tag.low)} – ${ratio(tag.high)}`)));
	for (const row of rows)
		row.firstChild.scope = "row";
	const head = ["Tag", "", "Have it", "Expected", "Times", "95\u00a0%"]
		.map(words => make(words ? "th" : "td", "", words));
	return section(title, make("div", "scroll", make("table", "figures",
		make("thead", "", make("tr", "", head)), make("tbody", "", rows))),
	hint("Expected, and the line across: if they had it as others with as many "
		+ "tags have it. Strongest first. ", note));
}

export function showAudience(answer, lists) {
	const {seeds} = answer.audience;
	const found = answer.neighbours.length;
	const lead = leading("Audience", plural(found, "customer"), [
		found ? `Most like the ${seeds === 1 ? "one" : count(seeds)} to start `
			+ `from, at ${fixed(answer.neighbours[0].similarity, 3)} down to ${
				fixed(answer.neighbours.at(-1).similarity, 3)}.`
			: "Nobody is left to be like those to start from.",
		recognised(lists.like, "to start from"),
		recognised(lists.not, "to leave out")]);
	const first = {...answer, neighbours: answer.neighbours.slice(0, 200)};
	show(lead,
		groupTags(`What the ${plural(seeds, "customer")} to start from share`,
			answer.audience.seeds_share,
			"These were chosen by you; the events say what they share."),
		groupTags(`What the ${count(found)} found share`,
			answer.audience.found_share, "They were chosen by these same "
				+ "events, so such figures are high by construction."),
		found ? neighbours(first, 10, found > 200
			? "The first 200; the CSV has them all" : "Who they are") : null);
	document.title = "An audience";
	say(`${plural(found, "customer")} found.`);
}

export function showAudienceBeginning() {
	show(make("section", "begin", headed("Find more like these"),
		make("p", "", "Paste some customers, those who answered a campaign "
			+ "say, or open a file. Found are the customers most like all of "
			+ "them together: none of those, and none that you leave out."),
		hint("A column or several from a spreadsheet, ids with commas between, "
			+ "names: the column that the model knows best is taken. See the "
			+ "best here, or download as many as you ask for as CSV.")));
}

export async function audienceAnswer(asked) {
	if (!asked.like?.trim())
		return showAudienceBeginning;
	const {body, ...lists} = await bodyOf(asked);
	const answer = await predict(body);
	return () => showAudience(answer, lists);
}

export async function saveAudience(asked) {
	const {body} = await bodyOf(asked);
	await save(await post(body, "text/csv"), "audience.csv");
}
