#include "evaluate/evaluation_warnings.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"

/* Fewer customers than this tell little. */
enum { FEW_CUSTOMERS = 200 };

static void add_warning(struct evaluation_report *report, const char *text)
{
	size_t room = sizeof report->warnings / sizeof *report->warnings;

	if (report->warning_count < room)
		report->warnings[report->warning_count++] =
			alloc_text(text, strlen(text));
}

static void warn_removals(struct evaluation_report *report)
{
	const struct evaluation *evaluation = report->evaluation;
	const struct interval *mrr =
		&evaluation->rows[report->rows_row].figures[FIGURE_MRR];
	double chance = evaluation_chance(evaluation->population, FIGURE_MRR);
	const struct removal *worst = NULL;

	if (!evaluation->ranked || mrr->low <= chance)
		return;
	for (size_t i = 0; i < report->removal_count; i++)
		if (worst == NULL || report->removals[i].mrr < worst->mrr)
			worst = &report->removals[i];
	if (worst == NULL || worst->mrr >= mrr->value / 2)
		return;
	char name[sizeof worst->name + 40];
	if (worst->numbers)
		snprintf(name, sizeof name, "the tags that are whole numbers");
	else
		snprintf(name, sizeof name, "%s \"%s\"",
			 worst->family ? "the tags that begin with" : "the tag",
			 worst->name);
	add_warning(report,
		    error_text("%s alone %s the ranks: without %s the MRR of "
			       "rows is %.4f, not %.4f; such a column "
			       "identifies customers, it does not say who is "
			       "alike",
			       name, worst->family ? "carry" : "carries",
			       worst->family ? "them" : "it", worst->mrr,
			       mrr->value));
}

/* The share of half B's pairs that have more than one event, or 0 where values
 * do not tell. */
static double share_within(const struct half_pair *pair)
{
	const struct csr_matrix *b = &pair->held.matrix;
	const char *value =
		safetensors_option(&pair->held.file, "matrix.value");
	size_t several = 0;

	if (value == NULL || strcmp(value, "events") != 0 || b->nnz == 0)
		return 0;
	for (size_t i = 0; i < b->nnz; i++)
		several += b->raw[i] > 1;
	return (double)several / (double)b->nnz;
}

/* Why ranks mean nothing, and what helps. */
static void warn_void(struct evaluation_report *report)
{
	const struct half_pair *pair = report->pair;
	double repeated = 100 * report->evaluation->population->repeated;
	double within = share_within(pair);

	if (within >= evaluation_repeated_least)
		add_warning(
			report,
			error_text("finding customers again says nothing here: "
				   "%.1f %% of the pairs of customer and tag "
				   "in half B are in half A, too, though "
				   "%.1f %% have several events in half B: "
				   "rows that are equal in all columns are of "
				   "one half; a column that tells them apart, "
				   "such as a time or a number, lets them be "
				   "cut",
				   repeated, 100 * within));
	else
		add_warning(
			report,
			error_text("finding customers again says nothing here: "
				   "%.1f %% of the pairs of customer and tag "
				   "in half B are in half A, too; read the "
				   "agreement, best of halves by tag "
				   "(cs-aggregate --half-by \"%.200s\"; make "
				   "eval HALF_BY=\"%.200s\")",
				   repeated, pair->model.matrix.tag,
				   pair->model.matrix.tag));
}

void evaluation_warnings_add(struct evaluation_report *report)
{
	const struct evaluation *evaluation = report->evaluation;
	const struct population *population = evaluation->population;

	if (!report->pair->same_columns)
		add_warning(report,
			    "the halves have columns of their own: nobody can "
			    "be found again, and only the agreement is told");
	else if (!evaluation->ranked)
		warn_void(report);
	if (!evaluation->close)
		add_warning(report,
			    "agreement says nothing here: on half B customers "
			    "are not alike on average, for want of tags in "
			    "common or by values below zero");
	warn_removals(report);
	if (population->query_count < FEW_CUSTOMERS)
		add_warning(report,
			    error_text("%zu customers%s are too few to tell "
				       "most similarities apart",
				       population->query_count,
				       population->query_count < population->n
					       ? " asked about"
					       : ""));
}
