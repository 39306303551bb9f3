// A service that gives the customers nearest to one by usearch's graph (HNSW,
// its default effort), on two processes: ids alone, of most of the nearest.
//
// usage: node usearch_service.mjs build MODEL GRAPH
//        node usearch_service.mjs PORT MODEL GRAPH
// NODE_MODULES says where usearch is.
import cluster from "node:cluster";
import http from "node:http";
import { NEIGHBOURS, graph, read } from "./usearch_model.mjs";

const [port, model, file] = process.argv.slice(2);
const PROCESSES = 2, EFFORT = 64;

if (port === "build") {
	const x = read(model), index = graph(x, EFFORT);
	index.add(BigUint64Array.from(x.names, (_, i) => BigInt(i)), x.values,
		PROCESSES);
	index.save(file);
} else if (cluster.isPrimary) {
	for (let i = 0; i < PROCESSES; i++)
		cluster.fork();
	process.on("SIGTERM", () => {
		for (const worker of Object.values(cluster.workers))
			worker.kill();
		process.exit(0);
	});
} else {
	const x = read(model), index = graph(x, EFFORT);
	index.load(file);
	const rowOf = new Map(x.names.map((name, i) => [name, i]));
	http.createServer((request, reply) => {
		const name = decodeURIComponent(request.url.split("/")[2]);
		const row = rowOf.get(name);
		const keys = row === undefined ? [] : Array.from(index.search(
			x.values.slice(row * x.k, (row + 1) * x.k), NEIGHBOURS,
			1).keys, Number);
		reply.writeHead(row === undefined ? 404 : 200,
			{ "Content-Type": "application/json" });
		reply.end(JSON.stringify({ customer: name, neighbours: keys
			.filter((key) => key !== row).slice(0, 10)
			.map((key) => x.names[key]) }));
	}).listen(Number(port), "127.0.0.1");
}
