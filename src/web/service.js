// The service: requests, the token, the model that answers.

import {$, learn} from "./elements.js";
import {count} from "./numbers.js";

const kept = "customer-similarity-token";
const mostBody = 16777216;	// bytes that the service takes

export let model = null;	// of /model
let overview = null;	// of /overview, of that model

export function keepToken(token) {
	sessionStorage.setItem(kept, token.trim());
}

function askForToken(why) {
	$("access").open = true;
	$("token").focus();
	throw new Error(why);
}

export async function ask(path, options = {}) {
	const token = sessionStorage.getItem(kept);
	const headers = new Headers(options.headers);
	try {
		if (token)
			headers.set("Authorization", `Bearer ${token}`);
	} catch {
		askForToken("This is no token: it has characters that no header field "
			+ "takes. Give another below.");
	}
	let reply;
	try {
		reply = await fetch(path, {...options, headers});
	} catch {
		throw new Error("The service does not answer.");
	}
	if (reply.ok)
		return reply;
	if (reply.status === 401)
		askForToken(token
			? "The service does not take this token: give another below."
			: "This service asks for a token: give it below.");
	const said = await reply.json().catch(() => ({}));
	const error = new Error(said.error
		? said.error[0].toUpperCase() + said.error.slice(1) + "."
		: `The service answered ${reply.status}.`);
	error.status = reply.status;
	throw error;
}

// A reply of JSON, whose names are learnt.
export async function json(path, options) {
	const reply = await (await ask(path, options)).json();
	learn(reply);
	return reply;
}

export function post(asked, accept = "application/json") {
	const body = new TextEncoder().encode(JSON.stringify(asked));
	if (body.length > mostBody)
		throw new Error("The lists are too long: together they may take "
			+ `${count(mostBody)} bytes, and take ${count(body.length)}.`);
	return ask("predict", {
		method: "POST",
		headers: {"Content-Type": "application/json", "Accept": accept},
		body,
	});
}

export async function predict(asked) {
	const reply = await (await post(asked)).json();
	learn(reply);
	return reply;
}

// A path with an id in it; null for one that is all dots, which is no name
// there.
const pathOf = (folder, id, rest = "") => /^\.\.?$/.test(id) ? null
	: `${folder}/${encodeURIComponent(id)}${rest}`;

// By an address, which can be cached, where there is one.
export function similar(customer, n) {
	const path = pathOf("customers", customer,
		`/similar?n=${encodeURIComponent(n)}`);
	return path ? json(path)
		: predict({user_handle: customer, n: Number(n)});
}

export function profileOf(customer) {
	const path = pathOf("customers", customer);
	return path ? json(path) : null;
}

// The reply for a tag or a segment.
export function described(folder, id, rest = "") {
	const path = pathOf(folder, id, rest);
	if (!path)
		throw new Error(`No address can name ${id}.`);
	return json(path);
}

export const search = (folder, text, limit) =>
	json(`${folder}?search=${encodeURIComponent(text)}&limit=${limit}`);

export async function readModel() {
	model = await json("model");
	overview = null;
	return model;
}

export async function readOverview() {
	overview ??= await json("overview");
	return overview;
}

// Keep what a reply holds as a file.
export async function save(reply, name) {
	const file = document.createElement("a");
	file.href = URL.createObjectURL(await reply.blob());
	file.download = name;
	file.click();
	setTimeout(() => URL.revokeObjectURL(file.href), 60000);
}

// The share of pairs of customers that are less similar, from the quantiles.
export function shareBelow(similarity) {
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
