// The scale on which a similarity is read: that of pairs of customers.

import {distribution} from "./charts.js";
import {fixed} from "./numbers.js";
import {model, shareBelow} from "./service.js";

// "closer than 99.9 % of pairs"
export function onScale(similarity) {
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

export const atRandom = () => "Two customers picked at random have "
	+ `${fixed(model.median_pair, 2)}; one pair in a hundred `
	+ `${fixed(model.top_percent_pair, 2)} or more.`;

export const pairsChart = (overview, more = {}) =>
	distribution(overview.similarity, {
		lines: [{at: model.median_pair, label: "median pair"},
			{at: model.top_percent_pair, label: "1 pair in 100"}],
		label: `Distribution of the similarity of pairs. ${atRandom()}`,
		...more});
