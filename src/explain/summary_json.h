/* report: a summary for programs, as JSON and as TSV. */
#ifndef EXPLAIN_SUMMARY_JSON_H
#define EXPLAIN_SUMMARY_JSON_H

#include "explain/display_names.h"
#include "base/io.h"
#include "explain/enrichment.h"

/* One object on one line; its keys are in cs-summarize(1).  The query with the
 * empty name is nobody of the model: its customer is null. */
void report_json(const struct summary *summary, const struct labels *labels,
		 struct output *output);

/* One without what is shared: of describe_list's.  Whether the customers of a
 * reason both have its tag is not known, and not said. */
void report_list_json(const struct summary *summary,
		      const struct labels *labels, struct output *output);

/* The query's profile alone, with all its tags. */
void report_profile_json(const struct summary *summary,
			 const struct labels *labels, struct output *output);

/* A line for each listed tag, after a header line. */
void report_tsv_header(struct output *output);
void report_tsv(const struct summary *summary, struct output *output);

#endif
