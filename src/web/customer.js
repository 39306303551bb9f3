// A customer: who is most alike and why, what those share, what is missing.

import {colourTags, customerName, foreign, fullName, hint, isolated, leading,
	link, list, make, person, plainName, prose, say, section, show, tagLink,
	tagName, unseen} from "./elements.js";
import {amount, count, fixed, inUnit, plural, spoken,
	unitOf} from "./numbers.js";
import {bar} from "./charts.js";
import {fillPanels} from "./panels.js";
import {atRandom, onScale} from "./scale.js";
import {model, save, post} from "./service.js";

export const unit = columns => unitOf(columns.value, model.kind);

// ----------------------------------------------------------- neighbours

// A share of a similarity beyond this many times it says nothing.
const largestShare = 10;

function partText(one, amount) {
	const share = one.similarity > 0 ? amount / one.similarity : largestShare;
	return Math.abs(share) < largestShare ? `${fixed(100 * share, 0)}\u00a0%`
		: fixed(amount, 6);
}

// The reasons of a similarity, each beside the colour of its tag.
export function reasons(one, colours) {
	const reason = (name, amount, className, both) =>
		make("span", "reason", make("span", `swatch ${className}`), name, " ",
			make("span", "part-share", partText(one, amount)),
			both === false ? " (related)" : "", unseen(", "));
	return make("p", "why", ...one.why.map(why =>
		reason(tagLink(why), why.contribution,
			colours.get(why.tag) ?? "colour-none", why.both)),
	reason("all others", one.other, "colour-rest"));
}

function neighbour(one, n, colours, query) {
	const who = make("div", "who", person(one, n),
		one.name && one.name !== one.customer
			? make("bdi", "id", one.customer) : null,
		make("span", "scale", onScale(one.similarity), query
			? [" ", link({view: "compare", a: query, b: one.customer},
				"", "compare", unseen(" with ", customerName(one)))] : null));
	const parts = [...one.why.map(why => ({size: why.contribution,
		className: colours.get(why.tag) ?? "colour-none"})),
	{size: one.other, className: "colour-rest"}];
	const about = make("div", "about", make("div", "measure",
		bar(one.similarity, "", parts,
			[model.median_pair, model.top_percent_pair]),
		unseen("similarity "),
		make("span", "number", fixed(one.similarity, 3))),
	reasons(one, colours));
	return make("li", "", make("span", "rank", String(one.rank)), who, about);
}

// Colours of the tags that most of all similarities is owed to.
export function coloursOf(found) {
	const weights = new Map();
	for (const one of found)
		for (const why of one.why)
			weights.set(why.tag, (weights.get(why.tag) ?? 0)
				+ Math.abs(why.contribution));
	return colourTags(weights);
}

export function neighbours(answer, n, title, extra = null) {
	const colours = coloursOf(answer.neighbours);
	const rows = make("ol", "neighbours",
		...answer.neighbours.map(one => neighbour(one, n, colours,
			answer.customer)));
	const isRelated = answer.neighbours.some(one =>
		one.why.some(why => why.both === false));
	rows.setAttribute("role", "list");
	return section(title, rows, extra,
		hint("The bar is the similarity, in parts by the tags that make it "
			+ "up; a tag has one colour in all rows. The lines across: ",
		atRandom(), isRelated
			? " Related: not both have the tag, but what goes with it."
			: "", answer.tied ? ` The list ends with ${
			count(answer.tied.listed)} of ${count(answer.tied.of)
		} equally similar, the first by name.` : ""));
}

// ------------------------------------------------------------ sentences

// A customer's profile in a sentence.
export function whoIs(answer) {
	const {profile, columns} = answer;
	const measure = unit(columns);
	const top = profile.top.slice(0, 3).map(tag => [tagName(tag),
		measure ? ` ${amount(tag.value)}` : ""]);
	const isSaid = measure && profile.value !== null && profile.tags > 0;
	const said = isSaid ? spoken(profile.value, measure) : "";
	return prose`${customerName(answer)} has ${plural(profile.tags, "tag")}${
		isSaid ? `, ${inUnit(profile.value, measure)}${
			measure.of ? ` of ${measure.of}` : ""} in all` : ""}${
		said ? ` (${said})` : ""}${
		top.length ? ["; what sets it apart: ", list(top), "."] : "."}`;
}

function howClose(answer) {
	const [first] = answer.neighbours;
	if (!first)
		return [`${answer.note[0].toUpperCase()}${answer.note.slice(1)}.`];
	const others = answer.model.customers - answer.model.without_signal
		- (answer.customer ? 1 : 0);
	return prose`The most similar of ${count(others)} ${
		answer.customer ? "others" : "customers"} is ${
		customerName(first)}, at ${fixed(first.similarity, 3)}: ${
		onScale(first.similarity)}.`;
}

export const timesOf = (tag) => tag.members / tag.expected;

function whatTheyShare(answer) {
	const {over_represented: shared, missing, members} = answer.group;
	if (members === 0)
		return [];
	if (members < 3)
		return ["What a group shares is told of three neighbours and more."];
	if (shared.length === 0)
		return [`The ${members} share nothing beyond what customers as active `
			+ "share."];
	const first = shared.slice(0, 3).map(tag => [tagName(tag), ` (${
		tag.members} of ${members}, ${fixed(tag.expected, 1)} expected)`]);
	return prose`The ${members} share ${list(first)}${missing.length
		? ["; ", customerName(answer), " may be missing ",
			list(missing.slice(0, 3).map(tagName)), "."] : "."}`;
}

// ------------------------------------------------------- what they share

const measured = (name, share, className, text) =>
	[make("span", "name", name), bar(share, className),
		make("span", "number", text)];

function sharedTag(tag, members) {
	return make("div", "tag", make("dt", "", tagLink(tag)),
		make("dd", "times", `${fixed(timesOf(tag), 1)} times the expected`),
		make("dd", "bars",
			...measured("This customer", tag.has ? 1 : 0, "",
				tag.has ? "has it" : "has not"),
			...measured("The group", tag.members / members, "",
				`${tag.members} of ${members}`),
			...measured("Customers as active", tag.expected / members,
				"other", `${fixed(tag.expected, 1)} expected`)));
}

// The tags of each level under its name; without levels all tags.
function byLevel(tags, members) {
	const levels = [...new Set(tags.map(tag => tag.level))];
	return levels.map(level => [
		level === undefined ? null
			: make("h4", "", level === null ? "Other tags" : foreign(level)),
		make("dl", "tags", ...tags.filter(tag => tag.level === level)
			.map(tag => sharedTag(tag, members)))]);
}

export function shared(answer) {
	const {over_represented: tags, members} = answer.group;
	if (tags.length === 0)
		return null;
	return section(`What the ${members} share`,
		...byLevel(tags, members),
		hint("Expected: of as many customers with as many tags. "
			+ `The ${members} were chosen by these same events, so such `
			+ "figures are high by construction."));
}

export function missing(answer, n, who) {
	const {missing: tags, members} = answer.group;
	if (tags.length === 0)
		return null;
	const known = new Map(answer.neighbours.map(one => [one.customer, one]));
	const holders = tag => list(tag.held_by.map(id =>
		person(known.get(id) ?? {customer: id}, n, "")));
	const rows = tags.map(tag => make("li", "", make("b", "", tagLink(tag)),
		`: ${tag.members} of the ${members} have it, ${
			fixed(tag.expected, 1)} expected`,
		make("span", "holders", "Held by ", holders(tag))));
	return section(prose`What ${who} may be missing`,
		make("ul", "missing", ...rows));
}

// ---------------------------------------------------------------- views

// A button that saves what the request finds.
function download(request) {
	const button = make("button", "quiet save", "Download CSV");
	button.type = "button";
	button.addEventListener("click", async () => {
		try {
			await save(await post(request, "text/csv"), "neighbours.csv");
			say("Saved as neighbours.csv.", true);
		} catch (error) {
			say(error.message, true);
		}
	});
	return button;
}

// An answer about one customer; request is what asked for it, note is said of
// it beside the rest.
export function showCustomer(answer, n, {request = {
	user_handle: answer.customer, n: Number(n)}, note = ""} = {}) {
	const found = answer.neighbours.length;
	const panels = make("div", "panels");
	const segment = answer.segment === undefined || answer.segment === null ? ""
		: ["In ", link({segment: String(answer.segment)}, "", "segment ",
			foreign(String(answer.segment))), "."];
	show(leading("Customer", fullName(answer), [whoIs(answer), howClose(answer),
		whatTheyShare(answer), note, segment]),
	found ? neighbours(answer, n, found === 1 ? "The most similar customer"
		: `The ${count(found)} most similar customers`,
	download(request)) : null,
	panels, shared(answer), missing(answer, n, customerName(answer)));
	document.title = `${isolated(plainName(answer, "customer"))} and those `
		+ "alike";
	say(found ? `${plural(found, "neighbour")} of ${
		plainName(answer, "customer")}.` : "No neighbours.");
	fillPanels(panels, answer, n).catch(error => say(error.message, true));
}
