// The first screen: what the model is as a whole.

import {headed, hint, make, offer, section, show, tagLink} from "./elements.js";
import {amount, count, plural} from "./numbers.js";
import {bar, columns} from "./charts.js";
import {atRandom, pairsChart} from "./scale.js";
import {json, readOverview} from "./service.js";

function figures(overview) {
	const facts = [["Customers", count(overview.customers)],
		["Tags", count(overview.tags)],
		["Pairs", count(overview.pairs)],
		["Dimensions", count(overview.dimensions)],
		["Similarity", overview.similarity.metric]];
	if (overview.without_signal > 0)
		facts.splice(1, 0, ["Without signal",
			count(overview.without_signal)]);
	const {events} = overview;
	if (events !== undefined)
		facts.push(["Events", count(events.rows)]);
	if (events?.first && events.last)
		facts.push(["Dates", [events.first, events.last].map(date =>
			date.slice(0, 10)).join(" to ")]);
	return make("dl", "facts", facts.map(([name, text]) =>
		make("div", "", make("dt", "", name), make("dd", "", text))));
}

function similarities(overview) {
	return section("How similar two customers are", pairsChart(overview),
		hint(atRandom(), " Heights are square roots, so that few pairs are "
			+ "seen beside many."));
}

function topTags(overview) {
	const [first] = overview.top_tags;
	return section("The tags that most customers have",
		make("ol", "bars-list", overview.top_tags.map(tag => make("li", "",
			tagLink(tag, "bar-name"),
			bar(tag.customers / first.customers, ""),
			make("span", "number", count(tag.customers))))),
		hint(`Customers with the tag, of ${count(overview.customers)}.`));
}

const rangeText = ({from, to}) => from === to ? count(from)
	: `${count(from)}–${count(to)}`;

function activity(overview) {
	const most = Math.max(...overview.activity.map(one => one.customers));
	const values = overview.activity.map(one => ({value: one.customers,
		label: rangeText(one), above: count(one.customers),
		title: `${plural(one.customers, "customer")} with ${
			rangeText(one)} tags`}));
	const {title} = values.find(one => one.value === most);
	return section("How active customers are",
		columns(values, `Customers by their number of tags; most: ${title}.`),
		hint("Customers by how many tags they have."));
}

function spectrum(overview) {
	const values = overview.spectrum.map((sigma, i) => ({value: sigma,
		label: String(i + 1), title: `dimension ${i + 1}: ${amount(sigma)}`}));
	if (values.length === 0)
		return null;
	return section("Spectrum", columns(values, `Singular values of ${
		plural(values.length, "dimension")}, from ${
		amount(overview.spectrum[0])} down to ${
		amount(overview.spectrum.at(-1))}.`),
	hint(`Singular values, from ${amount(overview.spectrum[0])} down to ${
		amount(overview.spectrum.at(-1))}: how much of what customers do each `
		+ "dimension holds."));
}

const beginning = customers => section("Begin with a customer",
	make("p", "", "Type a part of an id or of a name above, or look at one of "
		+ "these:"), offer(customers),
	hint("You will see who is most like them and why, what those share beyond "
		+ "what customers as active share, and what this one may be missing. "
		+ "Each neighbour and each tag is a link: walk on."));

export async function overviewAnswer() {
	const [overview, {customers}] = await Promise.all([readOverview(),
		json("customers?limit=8")]);
	const segments = overview.segments > 0
		? await (await import("./segments.js")).segmentsSection() : null;
	return () => show(make("div", "lead", headed("Overview"),
		figures(overview)), beginning(customers), segments,
	make("div", "panels", similarities(overview), activity(overview),
		topTags(overview), spectrum(overview)));
}
