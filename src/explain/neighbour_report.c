#include "explain/neighbour_report.h"

#include "base/errors.h"
#include "base/number.h"
#include "search/combined_score.h"

/* The customers that were compared with the least similarity. */
static const char *compared(const struct neighbour_report *report,
			    const struct search_result *result)
{
	char count[NUMBER_TEXT];

	if (report->by_index)
		return "the customers looked at";
	return error_text("%s", number_commas(count, result->candidates));
}

/* Has the query a row other than of zeros, in a model of one file? */
static bool has_weight(const struct neighbour_report *report, size_t query)
{
	const struct csr_matrix *matrix = &report->query_model->matrix;

	return report->query_model->embedding != NULL &&
	       csr_matrix_check_row(matrix, query) == NULL &&
	       row_square(matrix->values + matrix->indptr[query],
			  (size_t)(matrix->indptr[query + 1] -
				   matrix->indptr[query])) > 0;
}

static void warn_none(const struct neighbour_report *report, size_t query,
		      const char *name, size_t length,
		      const struct search_result *result)
{
	const char *file = report->model->input.name;
	char low[NUMBER_TEXT];

	number_write(low, report->min_similarity, 9);
	if (result->zero && has_weight(report, query))
		warn("%s: the %zu dimensions hold nothing of customer %.*s, so "
		     "no one is similar by them: take --metric combined or "
		     "profile",
		     file, report->model->k, (int)length, name);
	else if (result->zero)
		warn("%s: customer %.*s has no tag with weight, so no one is "
		     "similar",
		     file, (int)length, name);
	else if (result->candidates == 0)
		warn("%s: customer %.*s: no one is left to be similar", file,
		     (int)length, name);
	else if (!report->has_min_similarity)
		warn("%s: customer %.*s shares nothing with anyone: "
		     "--min-similarity 0 lists others all the same",
		     file, (int)length, name);
	else
		warn("%s: customer %.*s: none of %s has a similarity of %s or "
		     "more",
		     file, (int)length, name, compared(report, result), low);
}

static void warn_few(const struct neighbour_report *report, const char *name,
		     size_t length, const struct search_result *result)
{
	const char *file = report->model->input.name;
	char matching[NUMBER_TEXT], low[NUMBER_TEXT];

	number_commas(matching, result->count);
	number_write(low, report->min_similarity, 9);
	if (report->has_min_similarity)
		warn("%s: customer %.*s: %s of %s have a similarity of %s or "
		     "more",
		     file, (int)length, name, matching,
		     compared(report, result), low);
	else if (result->candidates > result->count)
		warn("%s: customer %.*s: %s share something with it, of %zu "
		     "asked for: --min-similarity 0 lists others, too",
		     file, (int)length, name, matching, report->count);
	else
		warn("%s: customer %.*s: %s may be answers, of %zu asked for",
		     file, (int)length, name, matching, report->count);
}

/* How many of those that are as similar as the last one are listed. */
static void warn_tied(const struct neighbour_report *report, const char *name,
		      size_t length, const struct search_result *result)
{
	size_t listed = search_result_listed_tied(result);
	char all[NUMBER_TEXT], part[NUMBER_TEXT];

	warn("%s: customer %.*s: the list ends with %s of %s equally similar, "
	     "the first by name",
	     report->model->input.name, (int)length, name,
	     number_commas(part, listed), number_commas(all, result->tied));
}

void neighbour_report_add(struct neighbour_report *report, size_t query,
			  const struct search_result *result)
{
	size_t length;
	const char *name = text_array_at(&report->query_model->matrix.users,
					 query, &length);

	if (result->tied > 0 && !report->quiet)
		warn_tied(report, name, length, result);
	if (result->count >= report->count)
		return;
	if (report->in_total) {
		bool zero = result->count == 0 && result->zero;

		report->zero += zero;
		report->few += !zero;
		report->alone = report->alone ||
				(!zero && result->candidates > result->count);
	} else if (result->count == 0) {
		report->missed = true;
		warn_none(report, query, name, length, result);
	} else if (!report->quiet) {
		warn_few(report, name, length, result);
	}
}

void neighbour_report_end(const struct neighbour_report *report)
{
	const char *file = report->query_model->input.name;
	char count[NUMBER_TEXT];

	if (report->quiet)
		return;
	if (report->zero > 0)
		warn("%s: %s %s no tag with weight, so no one is similar", file,
		     number_commas(count, report->zero),
		     report->zero == 1 ? "customer has" : "customers have");
	if (report->few > 0 && (report->filtered || report->alone))
		warn("%s: %s %s fewer than the %zu neighbours asked for", file,
		     number_commas(count, report->few),
		     report->few == 1 ? "customer has" : "customers have",
		     report->count);
}
