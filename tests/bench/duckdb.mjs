// Run one statement of SQL when told to, as a side of a job does.
// usage: node duckdb.mjs SQL; NODE_MODULES says where DuckDB is.
import { createRequire } from "node:module";
import readline from "node:readline";

const require = createRequire(`${process.env.NODE_MODULES}/`);
const { DuckDBInstance } = require("@duckdb/node-api");

// Two threads and any order of rows were fastest of the settings tried.
const instance = await DuckDBInstance.create(":memory:", {
	threads: "2",
	preserve_insertion_order: "false",
});
const connection = await instance.connect();

console.log("ready");
for await (const _ of readline.createInterface({ input: process.stdin })) {
	await connection.run(process.argv[2]);
	console.log("done");
	break;
}
process.exit(0);
