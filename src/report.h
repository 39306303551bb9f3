/* report: a summary for programs, as JSON and as TSV. */
#ifndef REPORT_H
#define REPORT_H

#include "stream.h"
#include "summary.h"

/* One object on one line; its keys are in cs-summarize(1). */
void report_json(const struct summary *summary, struct output *output);

/* A line for each listed tag, after a header line. */
void report_tsv_header(struct output *output);
void report_tsv(const struct summary *summary, struct output *output);

#endif
