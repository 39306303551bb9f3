/* evaluation_report: an evaluation as a table for people, as TSV, as JSON. */
#ifndef EVALUATE_EVALUATION_REPORT_H
#define EVALUATE_EVALUATION_REPORT_H

#include "base/io.h"
#include "evaluate/column_removal.h"
#include "evaluate/evaluation.h"
#include "evaluate/held_out_tags.h"

/* An evaluation and what is reported with it; all but the warnings is the
 * caller's.  Row 0 is the subject; differences are its from each row of
 * against[0..against_count). */
struct evaluation_report {
	const struct evaluation *evaluation;
	const struct half_pair *pair;
	size_t rounds; /* of the bootstrap */
	uint64_t seed; /* of the sample and the bootstrap */
	const size_t *against;
	size_t against_count;
	size_t rows_row; /* the row that is the cosine of rows */
	const struct removal *removals;
	size_t removal_count;
	const struct held_out_tags *tags; /* NULL: not measured */
	char *warnings[8];                /* owned: evaluation_report_free */
	size_t warning_count;
};

/* Free the warnings. */
void evaluation_report_free(struct evaluation_report *report);

/* Each function below ends the process where writing fails, as base/io does. */

/* Tables and sentences, for people. */
void evaluation_write_text(struct output *output,
			   const struct evaluation_report *report);

/* similarity, against, figure, value, low, high: a line each; against is empty
 * for a figure itself; values that do not exist are empty. */
void evaluation_write_tsv(struct output *output,
			  const struct evaluation_report *report);

/* One object, with all figures, intervals, differences and warnings. */
void evaluation_write_json(struct output *output,
			   const struct evaluation_report *report);

#endif
