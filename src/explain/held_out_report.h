/* held_out_report: what the report of an evaluation (cs-eval --report, JSON)
 * says of the tags that summaries list. */
#ifndef EXPLAIN_HELD_OUT_REPORT_H
#define EXPLAIN_HELD_OUT_REPORT_H

#include "explain/summary.h"

/* Set *ratio to the report's listed_tags; its value stays 0 where that is null:
 * nothing was measured.  A file that cannot be opened ends the process. Returns
 * NULL, or an error text that names the file: it is no such report. */
const char *held_out_report_read(const char *path,
				 struct held_out_ratio *ratio);

#endif
