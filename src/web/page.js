// The page of cs-serve.  The address bar holds what is asked; everything shown
// comes from the service as text, and is put there as text.

import {$, address, complain, fullName, headed, make, offer, say, show,
	tagName} from "./elements.js";
import {plural} from "./numbers.js";
import {combobox} from "./choices.js";
import {overviewAnswer} from "./overview.js";
import {json, keepToken, model, readModel, search,
	similar} from "./service.js";

let latest = 0;	// the last question: answers to others come too late

// ---------------------------------------------------------------- model

async function describeModel() {
	await readModel();
	const date = new Date(model.date).toLocaleString("en-GB", {
		day: "numeric", month: "long", year: "numeric", hour: "2-digit",
		minute: "2-digit", timeZone: "UTC", timeZoneName: "short"});
	$("model").replaceChildren(
		`${plural(model.customers, "customer")}, compared by `
		+ `${plural(model.tags, "tag")}. Model of `,
		make("time", "", date), ".");
	$("model").querySelector("time").dateTime = model.date;
}

// The model may have been replaced since: what is said of it is of the one that
// answered.
async function follow(answer) {
	if (answer.model.id !== model.id)
		await describeModel();
	return answer;
}

// ---------------------------------------------------------------- views

// Customers to begin with.
async function beginning() {
	const {customers} = await json("customers?limit=8");
	return () => show(make("section", "begin",
		headed("Begin with a customer"),
		make("p", "", "Type a part of an id or of a name above, or look at one "
			+ "of these:"), offer(customers)));
}

async function customerAnswer(asked) {
	const n = asked.n ?? "10";
	const [{showCustomer}, answer] = await Promise.all([
		import("./customer.js"), similar(asked.customer, n)]);
	await follow(answer);
	return () => showCustomer(answer, n);
}

// What a question shows, once it is answered: by its view.  Modules that the
// first screen does not take are loaded where they are.
const views = {
	overview: {form: "customer-form", asks: () => false,
		answer: overviewAnswer},
	tag: {form: "customer-form", asks: asked => asked.tag,
		answer: async asked =>
			(await import("./tag.js")).tagAnswer(asked)},
	segment: {form: "customer-form", asks: asked => asked.segment,
		answer: async asked =>
			(await import("./segments.js")).segmentAnswer(asked)},
	compare: {form: "compare-form", asks: asked => asked.a && asked.b,
		answer: async asked =>
			(await import("./compare.js")).compareAnswer(asked)},
	new: {form: "new-form", asks: asked => asked.profile,
		answer: async asked =>
			(await import("./newcomer.js")).newcomerAnswer(asked)},
	audience: {form: "audience-form", asks: asked => asked.like,
		async answer(asked) {
			if (asked.kept && !asked.like)
				throw new Error("This list was too long for an address: "
					+ "paste it again.");
			return (await import("./audience.js")).audienceAnswer(asked);
		}},
	customer: {form: "customer-form", asks: asked => asked.customer,
		answer: asked => asked.customer ? customerAnswer(asked)
			: beginning()},
};

// ---------------------------------------------------------------- state

// Lists that are too long for an address, by a number that it has instead.
const kept = new Map();
const longest = 100000;	// characters

function question() {
	const asked = Object.fromEntries([
		...new URLSearchParams(location.search),
		...new URLSearchParams(location.hash.slice(1))]);
	return {...asked, ...kept.get(asked.kept)};
}

function keep(asked) {
	const {like, not, ...rest} = asked;
	if (like.length + not.length <= longest)
		return asked;
	const number = String(kept.size + 1);
	kept.set(number, {like, not});
	return {...rest, kept: number};
}

const viewOf = asked => Object.hasOwn(views, asked.view) ? asked.view
	: ["customer", "tag", "segment"].find(view => asked[view]) ?? "overview";

function go(to) {
	if (new URL(to, location).href !== location.href)
		history.pushState(null, "", to);
	turn(true);
}

function fillForms(asked, view) {
	for (const form of new Set(Object.values(views).map(v => v.form)))
		$(form).hidden = form !== views[view].form;
	for (const link of document.querySelectorAll("nav a"))
		if (link.dataset.view === view)
			link.setAttribute("aria-current", "page");
		else
			link.removeAttribute("aria-current");
	if (view === "audience") {
		$("like").value = asked.like ?? "";
		$("not").value = asked.not ?? "";
		$("size").value = asked.n ?? "100";
	}
	$("first").value = asked.a ?? "";
	$("second").value = asked.b ?? "";
	$("profile").value = asked.profile ?? "";
	$("wanted").value = asked.n ?? "10";
	$("customer").value = asked.customer ?? "";
	$("count").value = asked.n ?? "10";
}

// The answer, in sight and with the focus.
function arrive() {
	const answer = $("answer");
	const {top} = answer.getBoundingClientRect();
	answer.focus({preventScroll: true});
	if (top < 0 || top > innerHeight / 2)
		answer.scrollIntoView();
}

// The customer whom a text means that is no id: the only one with it in the
// name, or with that name; else null, and those it may mean are offered.
async function meant(asked) {
	const {customers} = await search("customers", asked.customer, 6);
	const same = customers.filter(one => one.name?.toLowerCase()
		=== asked.customer.toLowerCase());
	const [only] = same.length === 1 ? same
		: customers.length === 1 ? customers : [];
	return {only, customers};
}

// Draw instead of an answer that there is none.
async function drawInstead(asked, error, isCurrent) {
	const found = error.status === 404 && asked.customer
		? await meant(asked).catch(() => null) : null;
	if (!isCurrent())
		return;
	if (found?.only) {
		history.replaceState(null, "", address({...asked,
			customer: found.only.customer}));
		turn(true);
		return;
	}
	show();
	say("");
	complain(error.message);
	if (found?.customers.length)
		show(make("section", "begin", headed("Is it one of these?"),
			offer(found.customers)));
	else if (found) {
		const draw = await beginning().catch(() => null);
		if (draw && isCurrent())
			draw();
	}
}

// Show what the address asks for.
async function turn(moveFocus) {
	const mine = ++latest, asked = question();
	const isCurrent = () => mine === latest;
	const view = viewOf(asked), asks = views[view].asks(asked);
	fillForms(asked, view);
	complain("");
	say(asks ? "Asking…" : "");
	$("answer").setAttribute("aria-busy", "true");
	document.title = "Customers alike";
	try {
		// The first screen takes both at once.
		const described = model === null ? describeModel() : null;
		if (view !== "overview")
			await described;
		const [draw] = await Promise.all([views[view].answer(asked),
			described]);
		if (!isCurrent())
			return;
		say("");
		draw();
		if (moveFocus && asks)
			arrive();
	} catch (error) {
		if (isCurrent())
			await drawInstead(asked, error, isCurrent);
	} finally {
		if (isCurrent())
			$("answer").removeAttribute("aria-busy");
	}
}

// ---------------------------------------------------------------- events

// A box in which customers are found as they are typed.
const customerBox = (box, choices, choose) => combobox($(box), $(choices), {
	find: async text => (await search("customers", text, 8)).customers,
	describe: one => [make("span", "", fullName(one)),
		make("span", "hint", plural(one.tags, "tag"))],
	key: one => one.customer,
	choose(one) {
		$(box).value = one.customer;
		choose(one);
	},
	none: "No customer has that in the id or the name.",
});

const customers = customerBox("customer", "choices", one =>
	go(address({customer: one.customer, n: $("count").value})));

const pair = [customerBox("first", "first-choices", () => $("second").focus()),
	customerBox("second", "second-choices", () => {})];

$("compare-form").addEventListener("submit", event => {
	event.preventDefault();
	pair.forEach(box => box.close());
	go(address({view: "compare", a: $("first").value.trim(),
		b: $("second").value.trim()}));
});

// A tag that is chosen becomes a line of the profile.
const tags = combobox($("tag"), $("tag-choices"), {
	find: async text => (await search("tags", text, 8)).tags,
	describe: tag => [make("span", "", tagName(tag)),
		make("span", "hint", plural(tag.customers, "customer"))],
	key: tag => tag.tag,
	choose(tag) {
		const lines = $("profile").value.trimEnd();
		$("profile").value = `${lines}${lines ? "\n" : ""}${tag.tag}\t1`;
		$("tag").value = "";
	},
	none: "No tag has that in the id or the name.",
});

$("new-form").addEventListener("submit", event => {
	event.preventDefault();
	tags.close();
	go(address({view: "new", profile: $("profile").value.trim(),
		n: $("wanted").value}));
});

// Blanks around what was pasted are no part of it; an id that has some can be
// chosen from the list.
$("customer-form").addEventListener("submit", event => {
	event.preventDefault();
	customers.close();
	const box = $("customer");
	const customer = box.value === question().customer ? box.value
		: box.value.trim();
	if (customer !== "")
		go(address({customer, n: $("count").value}));
});

const audienceNow = () => ({view: "audience", like: $("like").value.trim(),
	not: $("not").value.trim(), n: $("size").value});

$("audience-form").addEventListener("submit", event => {
	event.preventDefault();
	if ($("like").value.trim() !== "")
		go(address(keep(audienceNow())));
});

for (const id of ["like", "not"])
	$(`${id}-file`).addEventListener("change", async event => {
		const [file] = event.target.files;
		if (file)
			$(id).value = await (await import("./audience.js")).textOf(file);
		event.target.value = "";
	});

$("download").addEventListener("click", async () => {
	if (!$("audience-form").reportValidity())
		return;
	complain("");
	say("Asking…", true);
	$("download").disabled = true;
	try {
		await (await import("./audience.js")).saveAudience(audienceNow());
		say("Saved as audience.csv.", true);
	} catch (error) {
		say("");
		complain(error.message);
	} finally {
		$("download").disabled = false;
	}
});

$("token-form").addEventListener("submit", event => {
	event.preventDefault();
	keepToken($("token").value);
	$("token").value = "";
	$("access").open = false;
	turn(true);
});

// The part of the address after # is taken.
document.querySelector(".skip").addEventListener("click", event => {
	event.preventDefault();
	$("answer").focus();
});

// A click on a customer walks on without a new page.
document.addEventListener("click", event => {
	const link = event.target.closest("a[href^='?'], a[href='./']");
	if (!link || event.button || event.metaKey || event.ctrlKey
		|| event.shiftKey)
		return;
	event.preventDefault();
	const to = link.getAttribute("href");
	go(to === "./" ? location.pathname : to);
});

addEventListener("popstate", () => turn(false));
turn(false);
