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
const tagName = t => t.tag === "" ? "all tags, by centring" : called(t, t.tag);

// a, b and c
function list(words) {
	if (words.length < 2)
		return words.join("");
	return `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

function bar(share, className, mark) {
	const fill = make("div", `fill ${className}`);
	const track = make("div", "track", fill);
	fill.style.width = `${100 * Math.min(Math.max(share, 0), 1)}%`;
	if (mark > 0 && mark < 1) {
		const line = make("div", "mark");
		line.style.left = `${100 * mark}%`;
		track.append(line);
	}
	track.setAttribute("aria-hidden", "true");
	return track;
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
		throw new Error("This service asks for a token: give it below.");
	}
	const said = await reply.json().catch(() => ({}));
	throw new Error(said.error
		? said.error[0].toUpperCase() + said.error.slice(1) + "."
		: `The service answered ${reply.status}.`);
}

const json = async (path, options) => (await ask(path, options)).json();

function post(body, accept) {
	return ask("predict", {
		method: "POST",
		headers: {"Content-Type": "application/json", "Accept": accept},
		body: JSON.stringify(body),
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
	if (share >= 99.995)
		return "closer than nearly all pairs";
	const digits = share > 99.9 ? 2 : share > 99 ? 1 : 0;
	return `closer than ${(Math.floor(share * 10 ** digits)
		/ 10 ** digits).toFixed(digits)} % of pairs`;
}

// --------------------------------------------------------------- answer

function neighbour(one, count) {
	const link = make("a", "person", one.name ?? one.customer);
	link.href = address({customer: one.customer, n: count});
	const who = make("div", "", link,
		one.name ? make("span", "id", one.customer) : null);
	const part = amount => one.similarity > 0.01
		? `${(100 * amount / one.similarity).toFixed(0)} %`
		: amount.toFixed(3);
	const reasons = one.why.flatMap(why =>
		[make("b", "", tagName(why)), ` ${part(why.contribution)}, `]);
	const about = make("div", "about",
		make("div", "measure",
			bar(one.similarity, "", model.median_pair),
			make("span", "number", one.similarity.toFixed(3))),
		make("p", "why", `${onScale(one.similarity)}; `, ...reasons,
			`all others ${part(one.other)}`));
	return make("li", "", make("span", "rank", String(one.rank)), who, about);
}

function neighbours(answer, count, title) {
	const rows = make("ol", "neighbours",
		...answer.neighbours.map(one => neighbour(one, count)));
	return make("section", "", make("h3", "", title), rows,
		make("p", "hint", "The bar is the similarity; the line in it, what "
			+ `two customers picked at random have (${
				model.median_pair.toFixed(2)}). The tags' shares of a `
			+ "similarity add up to it."));
}

// A customer's profile in a sentence.
function whoIs(answer) {
	const {profile} = answer;
	const top = profile.top.slice(0, 3).map(tagName);
	return `${customerName(answer)} has ${plural(profile.tags, "tag", "tags")}`
		+ (profile.value === null || answer.columns.value === "value" ? ""
			: `, ${whole.format(profile.value)} ${answer.columns.value} in all`)
		+ (top.length ? `; what sets it apart: ${list(top)}.` : ".");
}

function howClose(answer) {
	const [first] = answer.neighbours;
	if (!first)
		return `${answer.note[0].toUpperCase()}${answer.note.slice(1)}.`;
	return `The most similar of ${whole.format(answer.model.customers
		- answer.model.without_signal - 1)} others is ${customerName(first)}, `
		+ `at ${first.similarity.toFixed(3)}: ${onScale(first.similarity)}.`;
}

function whatTheyShare(answer) {
	const {over_represented: shared, missing, members} = answer.group;
	if (members === 0)
		return "";
	if (shared.length === 0)
		return `The ${members} share nothing beyond what customers as active `
			+ "share.";
	const first = shared.slice(0, 3).map(t =>
		`${tagName(t)} (${t.members} of ${members}, ${
			tenths(t.expected)} expected)`);
	return `The ${members} share ${list(first)}`
		+ (missing.length ? `; ${customerName(answer)} may be missing ${
			list(missing.slice(0, 3).map(tagName))}.` : ".");
}

function measured(name, share, className, text) {
	return [make("span", "name", name), bar(share, className),
		make("span", "number", text)];
}

function sharedTag(tag, members) {
	return make("div", "tag", make("dt", "", tagName(tag)), make("dd", "",
		...measured("This customer", tag.has ? 1 : 0, "",
			tag.has ? "has it" : "has not"),
		...measured("The group", tag.members / members, "",
			`${tag.members} of ${members}`),
		...measured("As active", tag.expected / members, "other",
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

function missing(answer) {
	const {missing: tags, members} = answer.group;
	if (tags.length === 0)
		return null;
	const rows = tags.map(t => make("li", "", make("b", "", tagName(t)),
		`: ${t.members} of the ${members} have it, ${
			tenths(t.expected)} expected`));
	return make("section", "",
		make("h3", "", `What ${customerName(answer)} may be missing`),
		make("ul", "missing", ...rows));
}

function show(...contents) {
	$("answer").replaceChildren(...contents.filter(c => c !== null));
}

function showCustomer(answer, count) {
	const lead = make("div", "lead",
		make("h2", "", customerName(answer)),
		...[whoIs(answer), howClose(answer), whatTheyShare(answer)]
			.filter(s => s).map(s => make("p", "", s)));
	const found = answer.neighbours.length;
	show(lead, found ? neighbours(answer, count,
		`The ${plural(found, "most similar customer",
			"most similar customers")}`) : null,
		shared(answer), missing(answer));
	document.title = `${customerName(answer)} and those alike`;
	$("status").textContent = found ? `${plural(found, "neighbour",
		"neighbours")} of ${customerName(answer)}.` : "No neighbours.";
}

function showAudience(answer) {
	const {seeds, unknown} = answer.audience;
	const found = answer.neighbours.length;
	const lead = make("div", "lead",
		make("h2", "", "An audience"),
		make("p", "", `${plural(found, "customer", "customers")} most like the `
			+ `${plural(seeds, "one", "ones")} given`
			+ (found ? `, from ${answer.neighbours[0].similarity.toFixed(3)} `
				+ `down to ${answer.neighbours.at(-1).similarity.toFixed(3)}.`
				: ".")),
		unknown.length ? make("p", "", `Not in the model: ${list(unknown)}.`)
			: null);
	const first = {...answer, neighbours: answer.neighbours.slice(0, 200)};
	show(lead, found ? neighbours(first, 10, found > 200
		? "The first 200; the CSV has them all" : "Who they are") : null);
	document.title = "An audience";
	$("status").textContent = `${plural(found, "customer", "customers")} found.`;
}

// ---------------------------------------------------------------- state

// The address of a question.
function address(question) {
	const search = new URLSearchParams();
	for (const [key, value] of Object.entries(question))
		if (value !== "" && value !== undefined
			&& !(key === "n" && String(value) === "10" && question.customer))
			search.set(key, value);
	return `?${search}`;
}

const question = () => Object.fromEntries(new URLSearchParams(location.search));

function go(to) {
	if (to !== location.search)
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

async function answerOf(asked) {
	if (asked.view === "audience") {
		if (!asked.like)
			return () => show();
		const answer = await (await post(audienceBody(asked),
			"application/json")).json();
		return () => showAudience(answer);
	}
	if (!asked.customer)
		return () => show();
	const count = asked.n ?? "10";
	const answer = await json(`customers/${encodeURIComponent(asked.customer)}`
		+ `/similar?n=${encodeURIComponent(count)}`);
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

// Show what the address asks for.
async function turn(moveFocus) {
	const mine = ++latest, asked = question();
	fillForms(asked);
	$("trouble").textContent = "";
	$("status").textContent = asked.customer || asked.like ? "Asking…" : "";
	document.title = "Customers alike";
	try {
		if (model === null)
			await readModel();
		const draw = await answerOf(asked);
		if (mine !== latest)
			return;
		$("status").textContent = "";
		draw();
		if (moveFocus && (asked.customer || asked.like))
			$("answer").focus();
	} catch (error) {
		if (mine !== latest)
			return;
		show();
		$("status").textContent = "";
		$("trouble").textContent = error.message;
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

$("customer-form").addEventListener("submit", event => {
	event.preventDefault();
	closeChoices();
	if (box.value !== "")
		go(address({customer: box.value, n: $("count").value}));
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
	$("trouble").textContent = "";
	try {
		const reply = await post(audienceBody(audienceNow()), "text/csv");
		const link = make("a", "");
		link.href = URL.createObjectURL(await reply.blob());
		link.download = "audience.csv";
		link.click();
		URL.revokeObjectURL(link.href);
		$("status").textContent = "Saved as audience.csv.";
	} catch (error) {
		$("trouble").textContent = error.message;
	}
});

$("token-form").addEventListener("submit", event => {
	event.preventDefault();
	sessionStorage.setItem(kept, $("token").value);
	$("token").value = "";
	$("access").open = false;
	turn(true);
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
