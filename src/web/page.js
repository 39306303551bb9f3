// The page of cs-serve.  The address bar holds what is asked; everything shown
// comes from the service as text, and is put there as text.

const $ = id => document.getElementById(id);

const kept = "customer-similarity-token";
let model = null;	// of /model
let latest = 0;		// the last question: answers to others come too late

// ------------------------------------------------------------- elements

// An element with a class and contents: texts and elements.
function make(name, className, ...contents) {
	const element = document.createElement(name);
	if (className)
		element.className = className;
	element.append(...contents.filter(c => c !== null && c !== undefined));
	return element;
}

const whole = new Intl.NumberFormat("en-US");
const tenths = x => (Math.round(x * 10 + 1e-6) / 10).toFixed(1);
const plural = (count, one, many) =>
	`${whole.format(count)} ${count === 1 ? one : many}`;

// What people call a customer or a tag: its name before its id.
function called(thing, id) {
	return thing.name ? `${thing.name} (${id})` : id;
}
const customerName = c => called(c, c.customer);
const shortName = c => c.name ?? c.customer;
const tagName = t => t.tag === "" ? "all tags, by centring" : called(t, t.tag);

// a, b and c; of many, the first
function list(words) {
	if (words.length > 12)
		words = [...words.slice(0, 10), plural(words.length - 10, "other",
			"others")];
	if (words.length < 2)
		return words.join("");
	return `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

// A bar of some length, in parts of given sizes, with lines across it.
function bar(share, className, parts = [], marks = []) {
	const fill = make("div", `fill ${className}`, ...parts.map(size => {
		const part = make("div", "part");
		part.style.flexGrow = Math.max(size, 0);
		return part;
	}));
	const track = make("div", "track", fill);
	fill.style.width = `${100 * Math.min(Math.max(share, 0), 1)}%`;
	for (const mark of marks.filter(at => at > 0 && at < 1)) {
		const line = make("div", "mark");
		line.style.left = `${100 * mark}%`;
		track.append(line);
	}
	track.setAttribute("aria-hidden", "true");
	return track;
}

// A link that walks on to a customer.
function person(one, count, className = "person") {
	const link = make("a", className, one.name ?? one.customer);
	link.href = address({customer: one.customer, n: count});
	return link;
}

// What a screen reader says, where the eye sees it by itself.
const unseen = text => make("span", "unseen", text);

// Say how it goes: aloud, and where it is not plain to see, in sight.
function say(text, inSight = false) {
	$("status").className = inSight ? "" : "unseen";
	$("status").textContent = text;
}

// -------------------------------------------------------------- service

async function ask(path, options = {}) {
	const token = sessionStorage.getItem(kept);
	const headers = new Headers(options.headers);
	if (token)
		headers.set("Authorization", `Bearer ${token}`);
	let reply;
	try {
		reply = await fetch(path, {...options, headers});
	} catch {
		throw new Error("The service does not answer.");
	}
	if (reply.ok)
		return reply;
	if (reply.status === 401) {
		$("access").open = true;
		$("token").focus();
		throw new Error(token
			? "The service does not take this token: give another below."
			: "This service asks for a token: give it below.");
	}
	const said = await reply.json().catch(() => ({}));
	const error = new Error(said.error
		? said.error[0].toUpperCase() + said.error.slice(1) + "."
		: `The service answered ${reply.status}.`);
	error.status = reply.status;
	throw error;
}

const json = async (path, options) => (await ask(path, options)).json();

const mostBody = 65536;	// bytes that the service takes

function post(asked, accept) {
	const body = new TextEncoder().encode(JSON.stringify(asked));
	if (body.length > mostBody)
		throw new Error("The lists are too long: together they may take "
			+ `${whole.format(mostBody)} bytes, and take ${
				whole.format(body.length)}.`);
	return ask("predict", {
		method: "POST",
		headers: {"Content-Type": "application/json", "Accept": accept},
		body,
	});
}

async function readModel() {
	model = await json("model");
	const date = new Date(model.date).toLocaleString("en-GB", {
		day: "numeric", month: "long", year: "numeric", hour: "2-digit",
		minute: "2-digit", timeZone: "UTC", timeZoneName: "short"});
	$("model").replaceChildren(
		`${plural(model.customers, "customer", "customers")}, compared by `
		+ `${plural(model.tags, "tag", "tags")}. Model of `,
		make("time", "", date), ".");
	$("model").querySelector("time").dateTime = model.date;
}

// The model may have been replaced since: what is said of it is of the one that
// answered.
async function follow(answer) {
	if (answer.model.id !== model.id)
		await readModel();
	return answer;
}

// The share of pairs of customers that are less similar, from the quantiles.
function shareBelow(similarity) {
	const pairs = model.pair_quantiles;
	if (similarity <= pairs[0][1])
		return 0;
	for (let i = 1; i < pairs.length; i++)
		if (similarity < pairs[i][1]) {
			const [low, from] = pairs[i - 1], [high, to] = pairs[i];
			return low + (high - low) * (similarity - from) / (to - from);
		}
	return 1;
}

// "closer than 99.9 % of pairs"
function onScale(similarity) {
	const share = 100 * shareBelow(similarity);
	if (share <= 0)
		return "no closer than other pairs";
	if (share < 1)
		return "closer than hardly any pairs";
	if (share >= 99.995)
		return "closer than nearly all pairs";
	const digits = share > 99.9 ? 2 : share > 99 ? 1 : 0;
	return `closer than ${(Math.floor(share * 10 ** digits)
		/ 10 ** digits).toFixed(digits)} % of pairs`;
}

// --------------------------------------------------------------- answer

// The reasons of a similarity: each beside the colour of its part of the bar.
function reasons(one) {
	const part = amount => one.similarity > 0.01
		? `${(100 * amount / one.similarity).toFixed(0)}\u00a0%`
		: amount.toFixed(3);
	const reason = (name, amount, both) => make("span", "reason",
		make("span", "swatch"), name, ` ${part(amount)}`,
		both === false ? " (related)" : "", unseen(", "));
	return make("p", "why", ...one.why.map(why =>
		reason(make("b", "", tagName(why)), why.contribution, why.both)),
		reason("all others", one.other));
}

function neighbour(one, count) {
	const who = make("div", "who", person(one, count),
		one.name ? make("span", "id", one.customer) : null,
		make("span", "scale", onScale(one.similarity)));
	const parts = [...one.why.map(why => why.contribution), one.other];
	const about = make("div", "about", make("div", "measure",
		bar(one.similarity, "parts", parts,
			[model.median_pair, model.top_percent_pair]),
		unseen("similarity "),
		make("span", "number", one.similarity.toFixed(3))), reasons(one));
	return make("li", "", make("span", "rank", String(one.rank)), who, about);
}

function neighbours(answer, count, title) {
	const rows = make("ol", "neighbours",
		...answer.neighbours.map(one => neighbour(one, count)));
	const related = answer.neighbours.some(one =>
		one.why.some(why => why.both === false));
	rows.setAttribute("role", "list");
	return make("section", "", make("h3", "", title), rows,
		make("p", "hint", "The bar is the similarity, in parts by the tags "
			+ "that make it up. The lines across it: two customers picked "
			+ `at random have ${model.median_pair.toFixed(2)}, one pair in `
			+ `a hundred ${model.top_percent_pair.toFixed(2)} or more.`
			+ (related ? " Related: not both have the tag, but what goes "
				+ "with it." : "")));
}

// A customer's profile in a sentence.
function whoIs(answer) {
	const {profile} = answer;
	const top = profile.top.slice(0, 3).map(tagName);
	return `${shortName(answer)} has ${plural(profile.tags, "tag", "tags")}`
		+ (profile.value === null || profile.tags === 0
			|| answer.columns.value === "value" ? ""
			: `, ${whole.format(profile.value)} ${answer.columns.value} in all`)
		+ (top.length ? `; what sets it apart: ${list(top)}.` : ".");
}

function howClose(answer) {
	const [first] = answer.neighbours;
	if (!first)
		return `${answer.note[0].toUpperCase()}${answer.note.slice(1)}.`;
	return `The most similar of ${whole.format(answer.model.customers
		- answer.model.without_signal - 1)} others is ${shortName(first)}, `
		+ `at ${first.similarity.toFixed(3)}: ${onScale(first.similarity)}.`;
}

function whatTheyShare(answer) {
	const {over_represented: shared, missing, members} = answer.group;
	if (members === 0)
		return "";
	if (members < 3)
		return "What a group shares is told of three neighbours and more.";
	if (shared.length === 0)
		return `The ${members} share nothing beyond what customers as active `
			+ "share.";
	const first = shared.slice(0, 3).map(t =>
		`${tagName(t)} (${t.members} of ${members}, ${
			tenths(t.expected)} expected)`);
	return `The ${members} share ${list(first)}`
		+ (missing.length ? `; ${shortName(answer)} may be missing ${
			list(missing.slice(0, 3).map(tagName))}.` : ".");
}

function measured(name, share, className, text) {
	return [make("span", "name", name), bar(share, className),
		make("span", "number", text)];
}

function sharedTag(tag, members) {
	return make("div", "tag", make("dt", "", tagName(tag)),
		make("dd", "times", `${tenths(tag.times)} times the expected`),
		make("dd", "bars",
		...measured("This customer", tag.has ? 1 : 0, "",
			tag.has ? "has it" : "has not"),
		...measured("The group", tag.members / members, "",
			`${tag.members} of ${members}`),
		...measured("Customers as active", tag.expected / members, "other",
			`${tenths(tag.expected)} expected`)));
}

function shared(answer) {
	const {over_represented: tags, members} = answer.group;
	if (tags.length === 0)
		return null;
	return make("section", "", make("h3", "", `What the ${members} share`),
		make("dl", "tags", ...tags.map(t => sharedTag(t, members))),
		make("p", "hint", "Expected: of as many customers with as many tags. "
			+ `The ${members} were chosen by these same events, so such `
			+ "figures are high by construction."));
}

function missing(answer, count) {
	const {missing: tags, members} = answer.group;
	if (tags.length === 0)
		return null;
	const known = new Map(answer.neighbours.map(n => [n.customer, n]));
	const holders = tag => tag.held_by.flatMap((id, i) => [i ? ", " : "",
		person(known.get(id) ?? {customer: id}, count, "")]);
	const rows = tags.map(t => make("li", "", make("b", "", tagName(t)),
		`: ${t.members} of the ${members} have it, ${
			tenths(t.expected)} expected`,
		make("span", "holders", "Held by ", ...holders(t))));
	return make("section", "",
		make("h3", "", `What ${shortName(answer)} may be missing`),
		make("ul", "missing", ...rows));
}

function show(...contents) {
	$("answer").replaceChildren(...contents.filter(c => c !== null));
}

// The heading that names what is shown.
function headed(title) {
	const heading = make("h2", "", title);
	heading.id = "whose";
	return heading;
}

// What an answer begins with.
function leading(kind, title, sentences) {
	return make("div", "lead", make("p", "kind", kind), headed(title),
		...sentences.filter(s => s).map(s => make("p", "", s)));
}

function showCustomer(answer, count) {
	const found = answer.neighbours.length;
	const lead = leading("Customer", customerName(answer),
		[whoIs(answer), howClose(answer), whatTheyShare(answer)]);
	show(lead, found ? neighbours(answer, count,
		found === 1 ? "The most similar customer"
			: `The ${whole.format(found)} most similar customers`) : null,
		shared(answer), missing(answer, count));
	document.title = `${customerName(answer)} and those alike`;
	say(found ? `${plural(found, "neighbour",
		"neighbours")} of ${customerName(answer)}.` : "No neighbours.");
}

function showAudience(answer) {
	const {seeds, unknown} = answer.audience;
	const found = answer.neighbours.length;
	const lead = leading("Audience", plural(found, "customer", "customers"), [
		found ? `Most like the ${seeds === 1 ? "one"
			: whole.format(seeds)} to start from, at ${
			answer.neighbours[0].similarity.toFixed(3)} down to ${
			answer.neighbours.at(-1).similarity.toFixed(3)}.`
			: "Nobody is left to be like those to start from.",
		unknown.length ? `Not in the model: ${list(unknown)}.` : ""]);
	const first = {...answer, neighbours: answer.neighbours.slice(0, 200)};
	show(lead, found ? neighbours(first, 10, found > 200
		? "The first 200; the CSV has them all" : "Who they are") : null);
	document.title = "An audience";
	say(`${plural(found, "customer", "customers")} found.`);
}

// Customers to begin with, as links.
function offer(customers) {
	const links = make("ul", "offer", ...customers.map(one =>
		make("li", "", person(one, undefined, "chip"))));
	links.setAttribute("role", "list");
	return links;
}

async function beginning() {
	const {customers} = await json("customers?limit=8");
	return () => show(make("section", "begin",
		headed("Begin with a customer"),
		make("p", "", "Type the beginning of an id above, or look at one of "
			+ "these:"), offer(customers),
		make("p", "hint", "You will see who is most like them and why, what "
			+ "those share beyond what customers as active share, and what "
			+ "this one may be missing. Each neighbour is a link: walk on.")));
}

function showAudienceBeginning() {
	show(make("section", "begin",
		headed("Find more like these"),
		make("p", "", "Paste some customers, those who answered a campaign "
			+ "say. Found are the customers most like all of them together: "
			+ "none of those, and none that you leave out."),
		make("p", "hint", "See the best here, or download as many as you ask "
			+ "for as CSV.")));
}

// Those that an unknown customer may be meant for.
async function showInstead(asked) {
	const {customers} = await json(
		`customers?prefix=${encodeURIComponent(asked.customer)}&limit=6`);
	if (customers.length === 0)
		return beginning();
	return () => show(make("section", "begin",
		headed("Is it one of these?"), offer(customers)));
}

// ---------------------------------------------------------------- state

// The address of a question.  An audience's lists stand after the #, which a
// browser tells no server: they can be long, and are nobody else's.
function address(question) {
	const search = new URLSearchParams(), lists = new URLSearchParams();
	for (const [key, value] of Object.entries(question))
		if (value !== "" && value !== undefined
			&& !(key === "n" && String(value) === "10" && question.customer))
			(key === "like" || key === "not" ? lists : search).set(key, value);
	return `?${search}${lists.size ? `#${lists}` : ""}`;
}

const question = () => Object.fromEntries([
	...new URLSearchParams(location.search),
	...new URLSearchParams(location.hash.slice(1))]);

function go(to) {
	if (new URL(to, location).href !== location.href)
		history.pushState(null, "", to);
	turn(true);
}

// A list, one a line; of one line, with commas between.
const ids = text => text.split(text.includes("\n") ? "\n" : ",")
	.map(s => s.trim()).filter(s => s);
const lines = text => ids(text).map(s => `${s}\n`).join("");

function audienceBody(asked) {
	const body = {like: ids(asked.like ?? ""), n: Number(asked.n ?? 100)};
	const not = ids(asked.not ?? "");
	return not.length ? {...body, not} : body;
}

// By an address, which can be cached; but one that is all dots is no name there.
async function similar(customer, count) {
	if (/^\.\.?$/.test(customer))
		return (await post({user_handle: customer, n: Number(count)},
			"application/json")).json();
	return json(`customers/${encodeURIComponent(customer)}`
		+ `/similar?n=${encodeURIComponent(count)}`);
}

async function answerOf(asked) {
	if (asked.view === "audience") {
		if (!asked.like)
			return showAudienceBeginning;
		const answer = await follow(await (await post(audienceBody(asked),
			"application/json")).json());
		return () => showAudience(answer);
	}
	if (!asked.customer)
		return beginning();
	const count = asked.n ?? "10";
	const answer = await follow(await similar(asked.customer, count));
	return () => showCustomer(answer, count);
}

function fillForms(asked) {
	const audience = asked.view === "audience";
	$("customer-form").hidden = audience;
	$("audience-form").hidden = !audience;
	for (const [id, current] of [["to-customer", !audience],
		["to-audience", audience]])
		if (current)
			$(id).setAttribute("aria-current", "page");
		else
			$(id).removeAttribute("aria-current");
	if (audience) {
		$("like").value = asked.like ?? "";
		$("not").value = asked.not ?? "";
		$("size").value = asked.n ?? "100";
	} else {
		$("customer").value = asked.customer ?? "";
		$("count").value = asked.n ?? "10";
	}
}

// The answer, in sight and with the focus.
function arrive() {
	const answer = $("answer");
	const {top} = answer.getBoundingClientRect();
	answer.focus({preventScroll: true});
	if (top < 0 || top > innerHeight / 2)
		answer.scrollIntoView();
}

// Show what the address asks for.
async function turn(moveFocus) {
	const mine = ++latest, asked = question(), current = () => mine === latest;
	const asks = asked.view === "audience" ? asked.like : asked.customer;
	fillForms(asked);
	$("trouble").textContent = "";
	say(asks ? "Asking…" : "");
	$("answer").setAttribute("aria-busy", "true");
	document.title = "Customers alike";
	try {
		if (model === null)
			await readModel();
		const draw = await answerOf(asked);
		if (!current())
			return;
		say("");
		draw();
		if (moveFocus && asks)
			arrive();
	} catch (error) {
		if (!current())
			return;
		show();
		say("");
		$("trouble").textContent = error.message;
		const draw = error.status === 404 && asked.view !== "audience"
			? await showInstead(asked).catch(() => null) : null;
		if (draw && current())
			draw();
	} finally {
		if (current())
			$("answer").removeAttribute("aria-busy");
	}
}

// ----------------------------------------------------------- completion

const box = $("customer"), choices = $("choices");
let typed = 0, chosen = -1;

function closeChoices() {
	typed++;
	choices.hidden = true;
	choices.replaceChildren();
	box.setAttribute("aria-expanded", "false");
	box.removeAttribute("aria-activedescendant");
	chosen = -1;
}

function choose(id) {
	closeChoices();
	box.value = id;
	go(address({customer: id, n: $("count").value}));
}

function choice(one, i) {
	const item = make("li", "", make("span", "", customerName(one)),
		make("span", "hint", plural(one.tags, "tag", "tags")));
	item.id = `choice-${i}`;
	item.dataset.customer = one.customer;
	item.setAttribute("role", "option");
	item.setAttribute("aria-selected", "false");
	item.addEventListener("pointerdown", event => {
		event.preventDefault();
		choose(one.customer);
	});
	return item;
}

async function complete() {
	const mine = ++typed;
	try {
		const found = await json(
			`customers?prefix=${encodeURIComponent(box.value)}&limit=8`);
		if (mine !== typed || document.activeElement !== box)
			return;
		chosen = -1;
		say(found.customers.length === 0 ? "No customer begins so."
			: plural(found.customers.length, "choice", "choices"),
			found.customers.length === 0);
		choices.replaceChildren(...found.customers.map(choice));
		choices.hidden = found.customers.length === 0;
		box.setAttribute("aria-expanded", String(!choices.hidden));
		box.removeAttribute("aria-activedescendant");
	} catch (error) {
		$("trouble").textContent = error.message;
	}
}

function select(step) {
	const items = [...choices.children];
	if (items.length === 0)
		return;
	if (chosen >= 0)
		items[chosen].setAttribute("aria-selected", "false");
	chosen = (chosen + step + items.length + (chosen < 0 && step < 0 ? 1 : 0))
		% items.length;
	items[chosen].setAttribute("aria-selected", "true");
	items[chosen].scrollIntoView({block: "nearest"});
	box.setAttribute("aria-activedescendant", items[chosen].id);
}

box.addEventListener("input", complete);
box.addEventListener("blur", closeChoices);
box.addEventListener("keydown", event => {
	if (event.key === "Escape") {
		closeChoices();
	} else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
		event.preventDefault();
		if (choices.hidden)
			complete();
		else
			select(event.key === "ArrowDown" ? 1 : -1);
	} else if (event.key === "Enter" && chosen >= 0) {
		event.preventDefault();
		choose(choices.children[chosen].dataset.customer);
	}
});

// ---------------------------------------------------------------- events

// Blanks around what was pasted are no part of it; an id that has some can be
// chosen from the list.
$("customer-form").addEventListener("submit", event => {
	event.preventDefault();
	closeChoices();
	const customer = box.value === question().customer ? box.value
		: box.value.trim();
	if (customer !== "")
		go(address({customer, n: $("count").value}));
});

const audienceNow = () => ({view: "audience",
	like: lines($("like").value), not: lines($("not").value),
	n: $("size").value});

$("audience-form").addEventListener("submit", event => {
	event.preventDefault();
	if ($("like").value.trim() !== "")
		go(address(audienceNow()));
});

$("download").addEventListener("click", async () => {
	if (!$("audience-form").reportValidity())
		return;
	$("trouble").textContent = "";
	say("Asking…", true);
	$("download").disabled = true;
	try {
		const reply = await post(audienceBody(audienceNow()), "text/csv");
		const link = make("a", "");
		link.href = URL.createObjectURL(await reply.blob());
		link.download = "audience.csv";
		link.click();
		setTimeout(() => URL.revokeObjectURL(link.href), 60000);
		say("Saved as audience.csv.", true);
	} catch (error) {
		say("");
		$("trouble").textContent = error.message;
	} finally {
		$("download").disabled = false;
	}
});

$("token-form").addEventListener("submit", event => {
	event.preventDefault();
	sessionStorage.setItem(kept, $("token").value);
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
