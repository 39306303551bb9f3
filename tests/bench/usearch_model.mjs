// A model's customers, and usearch's graph of them.
// NODE_MODULES says where usearch is.
import { createRequire } from "node:module";
import fs from "node:fs";

const require = createRequire(`${process.env.NODE_MODULES}/`);
export const usearch = require("usearch");
export const NEIGHBOURS = 11; // ten, and the customer

// Names and unit vectors.
export function read(path) {
	const data = fs.readFileSync(path);
	const begin = 8 + Number(data.readBigUInt64LE(0));
	const header = JSON.parse(data.subarray(8, begin));
	const tensor = (name) => {
		const [a, b] = header[name].data_offsets;
		return data.subarray(begin + a, begin + b);
	};
	const bytes = tensor("users.bytes"), offsets = tensor("users.offsets");
	const count = offsets.length / 8 - 1;
	const at = (i) => Number(offsets.readBigInt64LE(8 * i));
	const names = Array.from({ length: count }, (_, i) =>
		bytes.toString("utf8", at(i), at(i + 1)));
	const values = new Float32Array(
		Uint8Array.from(tensor("embedding")).buffer);
	const k = values.length / count;
	for (let i = 0; i < count; i++) {
		const row = values.subarray(i * k, (i + 1) * k);
		const length = Math.sqrt(row.reduce((sum, v) => sum + v * v, 0));
		if (length > 0)
			row.forEach((v, j) => { row[j] = v / length; });
	}
	return { names, values, k };
}

export function graph(x, effort) {
	return new usearch.Index({
		dimensions: x.k, metric: usearch.MetricKind.IP,
		quantization: usearch.ScalarKind.F32, connectivity: 16,
		expansion_add: 100, expansion_search: effort,
	});
}
