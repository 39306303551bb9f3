/* summary_tsv: the tags that a query's neighbours share, as TSV: a line for
 * each listed tag. */
#ifndef EXPLAIN_SUMMARY_TSV_H
#define EXPLAIN_SUMMARY_TSV_H

#include "base/io.h"
#include "explain/summary.h"

void summary_tsv_write_header(struct output *output);

/* Write a line for each listed tag of the summary, by falling ratio. */
void summary_tsv_write(const struct summary *summary, struct output *output);

#endif
