/* summary_json: a summary for programs, as JSON; the keys are in
 * cs-summarize(1). */
#ifndef EXPLAIN_SUMMARY_JSON_H
#define EXPLAIN_SUMMARY_JSON_H

#include "explain/display_names.h"
#include "explain/summary.h"
#include "text/json_writer.h"

/* Each of these writes its members into the object that is open, for the
 * caller to add others and to close it.  A query with the empty name is no
 * customer of the model: its "customer" is null. */

/* A whole summary, or one of summary_builder_alone, which has no neighbours. */
void summary_json_put(struct json_writer *writer, const struct summary *summary,
		      const struct display_names *names);

/* One of summary_builder_list, without what is shared.  Whether the customers
 * of a contribution both have its tag is not known, and not said. */
void summary_json_put_list(struct json_writer *writer,
			   const struct summary *summary,
			   const struct display_names *names);

/* The query's profile alone, with all its tags. */
void summary_json_put_profile(struct json_writer *writer,
			      const struct summary *summary,
			      const struct display_names *names);

#endif
