// A customer who is not in the model: tags with values, typed or pasted.

import {foreign, headed, hint, list, make, show} from "./elements.js";
import {showCustomer} from "./customer.js";
import {predict} from "./service.js";

// The profile in a text: a tag a line, its value behind a tab, a comma, a
// semicolon, an equals sign or a blank; 1 where there is none.  Values of a tag
// that stands there twice add up.
export function profileIn(text) {
	const profile = Object.create(null);	// any text may be a tag
	for (const line of text.split(/\r\n|\n|\r/).map(part => part.trim())) {
		const found = /^(.*?)\s*[\t,;=: ]\s*"?(-?\d+(?:\.\d+)?)"?$/.exec(line);
		const tag = (found ? found[1] : line).replace(/^"(.*)"$/, "$1");
		if (tag)
			profile[tag] = (profile[tag] ?? 0)
				+ (found ? Number(found[2]) : 1);
	}
	return profile;
}

const beginning = () => show(make("section", "begin",
	headed("A customer who is not in the model"),
	make("p", "", "Type or paste what the customer did: a tag a line, with its "
		+ "value."), hint("The customers who are most like that are found, and "
		+ "why, as for a customer of the model. Nothing is kept.")));

export async function newcomerAnswer(asked) {
	const profile = profileIn(asked.profile ?? "");
	if (Object.keys(profile).length === 0)
		return beginning;
	const n = Number(asked.n ?? 10);
	const answer = await predict({profile, n});
	const unknown = answer.unknown_tags ?? [];
	return () => showCustomer({...answer, customer: "",
		name: "The new customer"}, n, {request: {profile, n},
		note: unknown.length ? ["Tags that the model lacks: ",
			list(unknown.map(foreign)), "."] : ""});
}
