/* evaluation_warnings: what must be said beside the figures of an evaluation.
 */
#ifndef EVALUATE_EVALUATION_WARNINGS_H
#define EVALUATE_EVALUATION_WARNINGS_H

#include "evaluate/evaluation_report.h"

/* Add to report->warnings, which evaluation_report_free frees: ranks that mean
 * nothing, a column that carries them, too few customers. */
void evaluation_warnings_add(struct evaluation_report *report);

#endif
