// A tag: who has it, and which tags go with it.

import {foreign, hint, isolated, leading, make, person, plainName, prose, say,
	section, show, tagName} from "./elements.js";
import {amount, count, inUnit, percent, plural, spoken} from "./numbers.js";
import {bar, columns} from "./charts.js";
import {groupTags} from "./audience.js";
import {unit} from "./customer.js";
import {described, model} from "./service.js";

function holders(tag, measure) {
	const [first] = tag.top;
	const title = tag.customers > tag.top.length
		? `The ${tag.top.length} with most of it` : "Who has it";
	return section(title, make("ol", "bars-list", tag.top.map(one =>
		make("li", "", person(one, undefined, "bar-name"),
			bar(one.value / first.value, ""),
			make("span", "number", amount(one.value))))),
	hint(measure ? `Their ${measure.of || measure.many}${
		measure.of && measure.many ? ` in ${measure.many}` : ""}.`
		: "Their values."));
}

// By tenth of the customers by number of tags.
function byActivity(tag, sizes) {
	const values = tag.tenths.map((have, i) => ({value: have,
		label: String(i + 1), above: count(have),
		title: `${plural(have, "customer")} of tenth ${i + 1}`}));
	return section("How active they are", columns(values,
		`Customers with the tag by tenth: ${tag.tenths.join(", ")}.`),
	hint("Customers with the tag, by tenth of all customers: from those with "
		+ "the fewest tags to those with the most."));
}

export async function tagAnswer(asked) {
	const tag = await described("tags", asked.tag);
	const measure = unit(model.columns);
	const total = measure && model.kind !== "mean" && tag.value > 0
		? [`, ${inUnit(tag.value, measure)}${
			measure.of ? ` of ${measure.of}` : ""} in all`,
		spoken(tag.value, measure) ? ` (${spoken(tag.value, measure)})` : ""]
		: "";
	return () => {
		show(leading("Tag", tag.name && tag.name !== tag.tag
			? [foreign(tag.name), " ", make("bdi", "id", tag.tag)]
			: foreign(tag.tag),
		[prose`${count(tag.customers)} of ${plural(tag.of, "customer")} have ${
			tagName(tag)} (${percent(tag.customers / tag.of)})${total}.`]),
		make("div", "panels", holders(tag, measure), byActivity(tag)),
		groupTags("Tags that go with it", tag.with));
		document.title = `${isolated(plainName(tag, "tag"))}: who has it`;
		say(`Tag ${plainName(tag, "tag")}.`);
	};
}
