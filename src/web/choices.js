// A box to type in with a list of choices beneath, after the pattern of a
// combobox (WAI-ARIA).

import {complain, make, say} from "./elements.js";
import {plural} from "./numbers.js";

// find(text) gives the choices, describe(choice) the contents of a line,
// key(choice) its value, choose(choice) is called for what was chosen.
export function combobox(box, choices, {find, describe, key, choose, none}) {
	let typed = 0, chosen = -1, found = [];

	function close() {
		typed++;
		choices.hidden = true;
		choices.replaceChildren();
		box.setAttribute("aria-expanded", "false");
		box.removeAttribute("aria-activedescendant");
		chosen = -1;
	}

	function take(i) {
		const one = found[i];
		close();
		choose(one);
	}

	function line(one, i) {
		const item = make("li", "", describe(one));
		item.id = `${choices.id}-${i}`;
		item.dataset.key = key(one);
		item.setAttribute("role", "option");
		item.setAttribute("aria-selected", "false");
		item.addEventListener("pointerdown", event => {
			event.preventDefault();
			take(i);
		});
		return item;
	}

	async function complete() {
		const mine = ++typed;
		try {
			const now = await find(box.value);
			if (mine !== typed || document.activeElement !== box)
				return;
			found = now;
			chosen = -1;
			say(found.length === 0 ? none : plural(found.length, "choice"),
				found.length === 0);
			choices.replaceChildren(...found.map(line));
			choices.hidden = found.length === 0;
			box.setAttribute("aria-expanded", String(!choices.hidden));
			box.removeAttribute("aria-activedescendant");
		} catch (error) {
			complain(error.message);
		}
	}

	function select(step) {
		const items = [...choices.children];
		if (items.length === 0)
			return;
		if (chosen >= 0)
			items[chosen].setAttribute("aria-selected", "false");
		chosen = (chosen + step + items.length
			+ (chosen < 0 && step < 0 ? 1 : 0)) % items.length;
		items[chosen].setAttribute("aria-selected", "true");
		items[chosen].scrollIntoView({block: "nearest"});
		box.setAttribute("aria-activedescendant", items[chosen].id);
	}

	box.addEventListener("input", complete);
	box.addEventListener("blur", close);
	box.addEventListener("keydown", event => {
		if (event.key === "Escape") {
			close();
		} else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
			event.preventDefault();
			if (choices.hidden)
				complete();
			else
				select(event.key === "ArrowDown" ? 1 : -1);
		} else if (event.key === "Enter" && chosen >= 0) {
			event.preventDefault();
			take(chosen);
		}
	});
	return {close};
}
