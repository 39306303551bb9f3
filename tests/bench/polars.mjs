// Group a log by customer and tag with polars when told to, as a side of a job
// does.
// usage: node polars.mjs LOG TSV; NODE_MODULES says where polars is.
import { createRequire } from "node:module";
import readline from "node:readline";

const require = createRequire(`${process.env.NODE_MODULES}/`);
const polars = require("nodejs-polars");
const [log, answer] = process.argv.slice(2);

console.log("ready");
for await (const _ of readline.createInterface({ input: process.stdin })) {
	const seconds = polars.col("view_time_seconds");
	const groups = await polars
		.scanCSV(log)
		.groupBy(["user_handle", "course_tag"], false)
		.agg(seconds.count().alias("events"),
			seconds.sum().alias("view_time_seconds"))
		.collect();
	groups.writeCSV(answer, { separator: "\t" });
	console.log("done");
	break;
}
process.exit(0);
