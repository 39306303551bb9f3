/* summary_json: a summary for programs, as JSON and as TSV. */
#ifndef EXPLAIN_SUMMARY_JSON_H
#define EXPLAIN_SUMMARY_JSON_H

#include "explain/display_names.h"
#include "base/io.h"
#include "explain/enrichment.h"

/* One object on one line; its keys are in cs-summarize(1).  The query with the
 * empty name is nobody of the model: its customer is null. */
void summary_json_write(const struct summary *summary,
			const struct display_names *labels,
			struct output *output);

/* One without what is shared: of summary_builder_list's.  Whether the customers
 * of a reason both have its tag is not known, and not said. */
void summary_json_write_list(const struct summary *summary,
			     const struct display_names *labels,
			     struct output *output);

/* The query's profile alone, with all its tags. */
void summary_json_write_profile(const struct summary *summary,
				const struct display_names *labels,
				struct output *output);

/* A line for each listed tag, after a header line. */
void summary_tsv_write_header(struct output *output);
void summary_tsv_write(const struct summary *summary, struct output *output);

#endif
