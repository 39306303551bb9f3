// The ten nearest of customers by usearch, as a side of a job: by its search of
// all vectors, or by its graph (HNSW) with the least effort that has a recall.
// Building the graph, and finding that effort, are not timed.
//
// usage: node usearch.mjs exact|hnsw MODEL ANSWER RECALL [USERS]
// NODE_MODULES says where usearch is.
import fs from "node:fs";
import readline from "node:readline";
import { NEIGHBOURS, graph, read, usearch } from "./usearch_model.mjs";

const [how, model, answer, recall, users] = process.argv.slice(2);
const THREADS = 2, BLOCK = 256;

function gather(x, rows) {
	const some = new Float32Array(rows.length * x.k);
	rows.forEach((row, i) => some.set(
		x.values.subarray(row * x.k, (row + 1) * x.k), i * x.k));
	return some;
}

// In blocks: it holds a similarity for each pair.  Of a view of an array it would
// read the beginning, hence the copies.
function exact(x) {
	return (queries) => {
		const found = [];
		for (let i = 0; i < queries.length; i += BLOCK * x.k)
			found.push(...usearch.exactSearch(x.values,
				queries.slice(i, i + BLOCK * x.k), x.k,
				NEIGHBOURS, usearch.MetricKind.IP, THREADS).keys);
		return found;
	};
}

function hnsw(x) {
	const built = graph(x, 64), file = `${answer}.graph`;
	built.add(BigUint64Array.from(x.names, (_, i) => BigInt(i)), x.values,
		THREADS);
	built.save(file);
	const step = Math.ceil(x.names.length / 500);
	const sample = gather(x, x.names.flatMap(
		(_, i) => i % step === 0 ? [i] : []));
	const wanted = exact(x)(sample);
	for (let effort = 11; ; effort = Math.ceil(effort * 1.25)) {
		const index = graph(x, effort);
		index.load(file);
		const search = (queries) =>
			index.search(queries, NEIGHBOURS, THREADS).keys;
		const found = search(sample);
		let same = 0;
		for (let i = 0; i < wanted.length; i += NEIGHBOURS)
			same += wanted.slice(i, i + NEIGHBOURS).filter((key) =>
				found.slice(i, i + NEIGHBOURS).includes(key)).length;
		if (same >= recall * wanted.length || effort > 4096) {
			console.error(`effort ${effort}: recall ` +
				(same / wanted.length).toFixed(3));
			fs.unlinkSync(file);
			return search;
		}
	}
}

const x = read(model);
let rows = x.names.map((_, i) => i);
if (users !== undefined) {
	const rowOf = new Map(x.names.map((name, i) => [name, i]));
	rows = fs.readFileSync(users, "utf8").trimEnd().split("\n").map(
		(name) => rowOf.get(name));
}
const search = (how === "exact" ? exact : hnsw)(x);
const queries = gather(x, rows);
console.log("ready");
for await (const _ of readline.createInterface({ input: process.stdin })) {
	const found = search(queries);
	console.log("done");
	fs.writeFileSync(answer, rows.flatMap((row, i) => i % 17 > 0 ? [] :
		Array.from(found.slice(i * NEIGHBOURS, (i + 1) * NEIGHBOURS),
			Number).filter((other) => other !== row).slice(0, 10)
			.map((other) => `${x.names[row]}\t${x.names[other]}\n`))
		.join(""));
	break;
}
process.exit(0);
