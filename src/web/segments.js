// Segments of the customers, where the service has some.

import {foreign, hint, isolated, leading, link, list, make, person, prose, say,
	section, show, tagName} from "./elements.js";
import {count, plural} from "./numbers.js";
import {bar} from "./charts.js";
import {described, json} from "./service.js";

const caution = descriptive => descriptive ? "Segments were found in these same "
	+ "events: what sets them apart describes them, and tests nothing." : "";

const titleOf = one => one.name ? foreign(one.name)
	: `segment ${one.segment}`;

export const segmentLink = (segment, ...words) =>
	link({segment: String(segment)}, "", ...words);

function row(one, most) {
	const tags = one.over_represented.slice(0, 5);
	return make("li", "", segmentLink(one.segment, foreign(one.segment)),
		bar(one.customers / most, ""),
		make("span", "number", count(one.customers)),
		make("span", "soft", tags.length ? list(tags.map(tagName))
			: "nothing sets it apart"));
}

// All segments, by number, for the overview.
export async function segmentsSection() {
	const {segments, unassigned, descriptive} = await json("segments");
	const most = Math.max(...segments.map(one => one.customers), 1);
	const rows = make("ol", "segments", segments.map(one => row(one, most)));
	rows.setAttribute("role", "list");
	return section("Segments", rows, hint("Customers of each, and the tags that "
		+ "set it apart from others as active. ",
	unassigned ? `${plural(unassigned, "customer")} in none. ` : "",
	caution(descriptive)));
}

function members(page, box) {
	const more = page.more ? make("button", "quiet save", "Show more") : null;
	if (more)
		more.type = "button";
	more?.addEventListener("click", async () => {
		more.disabled = true;
		try {
			const next = await described("segments", page.segment,
				`?limit=100&cursor=${encodeURIComponent(page.next)}`);
			const added = members(next, box);
			box.append(...added);
			added[0].querySelector("a")?.focus();
			more.remove();
		} catch (error) {
			more.disabled = false;
			say(error.message, true);
		}
	});
	const items = make("ul", "offer", page.members.map(one =>
		make("li", "", person(one, undefined, ""))));
	items.setAttribute("role", "list");
	return more ? [items, more] : [items];
}

export async function segmentAnswer(asked) {
	const [{groupTags}, page] = await Promise.all([import("./audience.js"),
		described("segments", asked.segment, "?limit=100")]);
	return () => {
		const box = section("Its members");
		box.append(...members(page, box));
		show(leading(`Segment ${page.segment}`, titleOf(page), [
			prose`${plural(page.customers, "customer")}.${
				page.typical.length ? [" Typical: ", list(page.typical.map(id =>
					person({customer: id}, undefined, ""))), "."] : ""}`]),
		groupTags("What sets it apart", {members: page.customers,
			over_represented: page.over_represented.slice(0, 20)},
		caution(page.descriptive)), box);
		document.title = `Segment ${isolated(page.segment)}`;
		say(`Segment ${page.segment}.`);
	};
}
