// Two customers side by side.

import {customerName, headed, hint, isolated, leading, make, person,
	plainName, prose, say, section, show, tagLink} from "./elements.js";
import {amount, count, fixed, plural} from "./numbers.js";
import {bar} from "./charts.js";
import {coloursOf, reasons} from "./customer.js";
import {onScale} from "./scale.js";
import {described, model, predict} from "./service.js";

// The tags of both, those first that both have, by the smaller share.
function tagsOf(a, b) {
	const tags = new Map();
	const most = [a, b].map(one =>
		Math.max(...one.tags.map(tag => tag.value), 0));
	[a, b].forEach((one, side) => {
		for (const tag of one.tags.filter(t => t.value > 0)) {
			const entry = tags.get(tag.tag) ?? {...tag, values: [0, 0]};
			entry.values[side] = tag.value;
			tags.set(tag.tag, entry);
		}
	});
	const shares = tag => tag.values.map((x, i) => most[i] ? x / most[i] : 0);
	const rows = [...tags.values()].map(tag => ({...tag, shares: shares(tag)}));
	return rows.sort((x, y) => Math.min(...y.shares) - Math.min(...x.shares)
		|| Math.max(...y.shares) - Math.max(...x.shares));
}

function row(tag) {
	const value = x => x > 0 ? amount(x) : "–";
	const [left, right] = tag.shares.map(share => bar(share, ""));
	left.classList.add("leftward");
	const name = make("th", "middle", tagLink(tag));
	name.scope = "row";
	return make("tr", "", make("td", "number", value(tag.values[0])),
		make("td", "wide", left), name, make("td", "wide", right),
		make("td", "number left", value(tag.values[1])));
}

function table(a, b, rows) {
	const head = make("tr", "", ...[a, b].map((one, side) => {
		const name = make("th", side ? "" : "right",
			person(one, undefined, ""));
		name.colSpan = 2;
		name.scope = "col";
		return name;
	}));
	head.insertBefore(make("td", ""), head.lastChild);
	return make("div", "scroll", make("table", "figures pairs",
		make("thead", "", head), make("tbody", "", rows.map(row))));
}

// How alike the two are.
function alike(a, b, one) {
	if (one)
		return prose`Their similarity is ${fixed(one.similarity, 3)}: ${
			onScale(one.similarity)}.`;
	return a.customer === b.customer ? ["Both are the same customer."]
		: ["One of them has no tag with weight, so nothing can be said of how "
			+ "alike they are."];
}

const beginning = () => show(make("section", "begin",
	headed("Two customers side by side"),
	make("p", "", "Choose two customers: how alike they are and why, and the "
		+ "tags of both beside each other.")));

export async function compareAnswer(asked) {
	if (!asked.a || !asked.b)
		return beginning;
	const [a, b] = await Promise.all([asked.a, asked.b].map(id =>
		described("customers", id)));
	// However little they share.
	const answer = await predict({user_handle: asked.a, among: [asked.b],
		n: 1, min_similarity: -1});
	const rows = tagsOf(a, b);
	const both = rows.filter(tag => Math.min(...tag.values) > 0).length;
	const [one] = answer.neighbours;
	return () => {
		show(leading("Side by side", prose`${customerName(a)} and ${
			customerName(b)}`, [alike(a, b, one),
			prose`${plural(both, "tag")} of both, ${
				count(a.profile.tags - both)} of ${customerName(a)} alone, ${
				count(b.profile.tags - both)} of ${customerName(b)} alone.`]),
		one ? section("Why", bar(one.similarity, "", [
			...one.why.map(why => ({size: why.contribution,
				className: coloursOf([one]).get(why.tag) ?? "colour-none"})),
			{size: one.other, className: "colour-rest"}],
		[model.median_pair, model.top_percent_pair]),
		reasons(one, coloursOf([one]))) : null,
		section("Their tags", table(a, b, rows), hint("Bars are values as "
			+ "shares of the largest value of each.")));
		document.title = `${isolated(plainName(a, "customer"))} and ${
			isolated(plainName(b, "customer"))}`;
		say("Two customers side by side.");
	};
}
