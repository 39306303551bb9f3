// Elements of the page.  What comes from the service is put there as text.

import {count, plural} from "./numbers.js";

export const $ = id => document.getElementById(id);

const isThere = c => c !== null && c !== undefined && c !== "";

// An element with a class and contents: texts, elements, lists of them.
export function make(name, className, ...contents) {
	const element = document.createElement(name);
	if (className)
		element.className = className;
	element.append(...contents.flat(Infinity).filter(isThere));
	return element;
}

// An element of SVG, with attributes.
export function draw(name, attributes = {}, ...contents) {
	const element = document.createElementNS("http://www.w3.org/2000/svg",
		name);
	for (const [key, value] of Object.entries(attributes))
		if (value !== undefined)
			element.setAttribute(key, value);
	element.append(...contents.flat(Infinity).filter(isThere));
	return element;
}

// A text with elements between: prose`${link} has 2 tags` is a list.
export const prose = (texts, ...parts) =>
	texts.flatMap((text, i) => i < parts.length ? [text, parts[i]] : [text]);

// A text from the log, whose direction stays its own.
export const foreign = text => make("bdi", "", String(text));

// The same for what takes text only: a title, an option.
export const isolated = text => `\u2068${text}\u2069`;

// What a screen reader says, where the eye sees it by itself.
export const unseen = (...contents) => make("span", "unseen", ...contents);

// ---------------------------------------------------------------- names

// Ids by name, of all customers and tags that were shown: where a name has
// several, the id stands beside it.
const idsOf = {customer: new Map(), tag: new Map()};

// Learn the names in a reply.
export function learn(reply) {
	if (reply === null || typeof reply !== "object")
		return;
	for (const kind of ["customer", "tag"])
		if (typeof reply.name === "string" && typeof reply[kind] === "string") {
			const ids = idsOf[kind].get(reply.name) ?? new Set();
			idsOf[kind].set(reply.name, ids.add(reply[kind]));
		}
	for (const part of Object.values(reply))
		learn(part);
}

const isShared = (thing, kind) =>
	(idsOf[kind].get(thing.name)?.size ?? 0) > 1;

// What people call a customer or a tag: its name, and its id where there is
// none, or where another has the same name.
function called(thing, kind) {
	const id = thing[kind];
	if (!thing.name || thing.name === id)
		return [foreign(id)];
	return isShared(thing, kind)
		? [foreign(thing.name), " ", make("bdi", "id", id)]
		: [foreign(thing.name)];
}

export const customerName = one => called(one, "customer");
export const tagName = tag => tag.tag === "" ? ["all tags, by centring"]
	: called(tag, "tag");

// A name with its id beside it, unless they are the same.
export const fullName = one => one.name && one.name !== one.customer
	&& one.customer ? [foreign(one.name), " ", make("bdi", "id", one.customer)]
	: [foreign(one.customer || one.name)];

// The same as text.
export const plainName = (thing, kind) => {
	const id = thing[kind];
	if (id === "" && kind === "tag")
		return "all tags, by centring";
	return thing.name && thing.name !== id
		? `${thing.name}${isShared(thing, kind) ? ` ${id}` : ""}` : id;
};

// a, b and c, of elements; of many, the first.
export function list(items) {
	let all = items;
	if (all.length > 12)
		all = [...all.slice(0, 10), plural(all.length - 10, "other")];
	return all.flatMap((item, i) => [i === 0 ? ""
		: i === all.length - 1 ? " and " : ", ", item]);
}

// ---------------------------------------------------------------- links

// The address of a question.  Lists and profiles stand after the #, which a
// browser tells no server: they can be long, and are nobody else's.
const behindHash = new Set(["like", "not", "kept", "profile"]);

export function address(question) {
	const search = new URLSearchParams(), lists = new URLSearchParams();
	for (const [key, value] of Object.entries(question))
		if (value !== "" && value !== undefined
			&& !(key === "n" && String(value) === "10" && question.customer))
			(behindHash.has(key) ? lists : search).set(key, value);
	return `?${search}${lists.size ? `#${lists}` : ""}`;
}

export function link(to, className, ...contents) {
	const element = make("a", className, ...contents);
	element.href = typeof to === "string" ? to : address(to);
	return element;
}

// A link that walks on to a customer, or to a tag.
export const person = (one, n, className = "person") =>
	link({customer: one.customer, n}, className, customerName(one));
export const tagLink = (tag, className = "") => tag.tag === ""
	? make("span", className, tagName(tag))
	: link({tag: tag.tag}, className, tagName(tag));

// -------------------------------------------------------------- sections

export const section = (title, ...contents) =>
	make("section", "", make("h3", "", title), ...contents);

export const hint = (...contents) => make("p", "hint", ...contents);

// The heading that names what is shown.
export function headed(...title) {
	const heading = make("h2", "", ...title);
	heading.id = "whose";
	return heading;
}

// What an answer begins with.
export const leading = (kind, title, sentences) =>
	make("div", "lead", make("p", "kind", kind), headed(title),
		sentences.filter(s => s && s.length).map(s => make("p", "", s)));

export const show = (...contents) =>
	$("answer").replaceChildren(...contents.flat().filter(isThere));

// Customers to begin with, as links.
export function offer(customers) {
	const links = make("ul", "offer", ...customers.map(one =>
		make("li", "", person(one, undefined, "chip"))));
	links.setAttribute("role", "list");
	return links;
}

// Say how it goes: aloud, and where it is not plain to see, in sight.
export function say(text, inSight = false) {
	$("status").className = inSight ? "" : "unseen";
	$("status").textContent = text;
}

export function complain(text) {
	$("trouble").textContent = text;
}

// ---------------------------------------------------------------- colour

const colours = 8;

// A colour for each of the tags that most is owed to, the same wherever the
// tag stands: a map from its id to a class.
export function colourTags(weights) {
	const most = [...weights].sort((a, b) => b[1] - a[1]
		|| (a[0] < b[0] ? -1 : 1)).slice(0, colours);
	return new Map(most.map(([tag], i) => [tag, `colour-${i + 1}`]));
}

export {count, plural};
