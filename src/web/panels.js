// Charts of a customer: the profile beside customers as active, where the
// neighbours lie, and which tags they have.

import {customerName, hint, make, person, plainName, prose, section,
	tagLink, unseen} from "./elements.js";
import {amount, count, fixed, plural, unitOf} from "./numbers.js";
import {bar, cell} from "./charts.js";
import {atRandom, pairsChart} from "./scale.js";
import {model, profileOf, readOverview} from "./service.js";

const mostTags = 15;	// of a profile at first
const mostRows = 12, mostColumns = 16;	// of the heat map

// ---------------------------------------------------------------- scale

// The neighbours on the distribution of the similarity of pairs.
async function onDistribution(answer) {
	const overview = await readOverview();
	const points = answer.neighbours.map(one => ({at: one.similarity,
		label: `${plainName(one, "customer")}: ${fixed(one.similarity, 3)}`}));
	const all = plural(points.length, "neighbour");
	return section("Where they lie among all pairs",
		pairsChart(overview, {points, label: `${all} between ${
			fixed(answer.neighbours.at(-1).similarity, 3)} and ${
			fixed(answer.neighbours[0].similarity, 3)}. ${atRandom()}`}),
		hint("Each dot is a neighbour; the columns are pairs of customers, "
			+ "their heights square roots."));
}

// -------------------------------------------------------------- profile

function profileRow(tag, most, active, size) {
	const mean = active?.mean ?? 0;
	const row = make("tr", "", make("th", "", tagLink(tag)),
		make("td", "wide", bar(tag.value / most, "", [], [mean / most])),
		make("td", "number", amount(tag.value)),
		make("td", "number soft", amount(mean)),
		make("td", "number soft", `${count(active?.customers ?? 0)} of ${
			count(size)}`));
	row.firstChild.scope = "row";
	return row;
}

// The customer's own tags as bars, with the mean of customers as active.
export function profileTable(profile) {
	const {tags, as_active: active} = profile;
	const means = new Map(active.tags.map(tag => [tag.tag, tag]));
	const held = tags.filter(tag => tag.value > 0);
	const most = Math.max(...held.map(tag => tag.value),
		...held.map(tag => means.get(tag.tag)?.mean ?? 0));
	const rows = held.map(tag => profileRow(tag, most, means.get(tag.tag),
		active.customers));
	const body = make("tbody", "", rows.slice(0, mostTags));
	const more = rows.length > mostTags
		? make("button", "quiet save", `Show all ${count(rows.length)}`) : null;
	more?.addEventListener("click", () => {
		body.replaceChildren(...rows);
		more.remove();
	});
	const head = [["th", "Tag"], ["td", ""], ["th", "Value"],
		["th", "Mean as active"], ["th", "Have it"]].map(([name, words]) =>
		make(name, "", words));
	return [make("div", "scroll", make("table", "figures",
		make("thead", "", make("tr", "", head)), body)), more];
}

// " Values are view time in seconds."
function valuesIn(profile) {
	const unit = unitOf(profile.columns.value, model.kind);
	return unit ? ` Values are ${unit.of || unit.many}${
		unit.of && unit.many ? ` in ${unit.many}` : ""}.` : "";
}

function profileSection(profile) {
	if (!profile.tags.some(tag => tag.value > 0))
		return null;
	return section(prose`What ${customerName(profile)} does`,
		profileTable(profile),
		hint(`The line across, and the two columns on the right: the ${
			count(profile.as_active.customers)} customers of the same tenth by `
			+ "number of tags.", valuesIn(profile)));
}

// ------------------------------------------------------------- heat map

// The tags that most of the customers have, as columns.
function columnsOf(profiles) {
	const holders = new Map();
	for (const {tags} of profiles)
		for (const tag of tags.filter(one => one.value > 0)) {
			const one = holders.get(tag.tag) ?? {...tag, count: 0, most: 0};
			one.count++;
			one.most = Math.max(one.most, tag.value);
			holders.set(tag.tag, one);
		}
	return [...holders.values()].sort((a, b) => b.count - a.count
		|| a.customers - b.customers).slice(0, mostColumns);
}

function heatRow(profile, columns, n) {
	const values = new Map(profile.tags.map(tag => [tag.tag, tag.value]));
	const name = make("th", "", person(profile, n, ""));
	name.scope = "row";
	return make("tr", "", name, columns.map(tag => {
		const value = values.get(tag.tag) ?? 0;
		const box = make("td", "", cell(value / tag.most),
			unseen(value > 0 ? amount(value) : "–"));
		box.title = `${plainName(tag, "tag")}: ${amount(value)}`;
		return box;
	}));
}

// The customer and the nearest neighbours by the tags that most of them have.
function heatMap(profiles, n) {
	const columns = columnsOf(profiles);
	if (columns.length === 0)
		return null;
	const head = make("tr", "", make("td", ""), columns.map(tag => {
		const name = make("th", "upright", make("div", "", tagLink(tag)));
		name.scope = "col";
		return name;
	}));
	const box = make("div", "scroll", make("table", "heat-map",
		make("thead", "", head), make("tbody", "",
			profiles.map(profile => heatRow(profile, columns, n)))));
	box.tabIndex = 0;
	box.setAttribute("role", "region");
	box.setAttribute("aria-label", "Who has which tags");
	return section("Who has which tags", box,
		hint("The first row is the customer; then the nearest. The stronger a "
			+ "square, the larger the value among those of its column."));
}

// ----------------------------------------------------------------- all

// Fill the box, as far as it is still shown, with the charts of an answer.
export async function fillPanels(box, answer, n) {
	const nearest = answer.neighbours.slice(0, mostRows);
	const asked = [answer.customer, ...nearest.map(one => one.customer)]
		.map(id => id ? profileOf(id) : null);
	const lie = nearest.length ? await onDistribution(answer) : null;
	const [own, ...others] = await Promise.all(asked);
	const profiles = [own, ...others].filter(profile => profile);
	if (!box.isConnected)
		return;
	box.append(...[own ? profileSection(own) : null, lie].filter(s => s));
	if (nearest.length && profiles.length > 1) {
		const map = heatMap(profiles, n);
		if (map)
			box.after(map);
	}
}
