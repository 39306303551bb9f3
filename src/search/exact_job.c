#include "search/exact_job.h"

#include <stdatomic.h>

#include "search/dot_vectors.h"
#include "search/bad_row.h"

/* Above this squared length sums of products of "dot" may overflow. */
static const double max_square_norm = 1e36;

bool exact_job_is_usable(const struct search_options *search, double square)
{
	return isfinite(square) && (search->metric == METRIC_EMBEDDING ||
				    square <= max_square_norm);
}

double exact_job_factor(const struct search_options *search, double square)
{
	if (square == 0)
		return 0;
	return search->metric == METRIC_DOT ? 1 : 1 / sqrt(square);
}

size_t exact_job_skipped(const struct search_options *search, size_t self)
{
	return search->with_self && search->metric == METRIC_DOT ? ROW_NONE
								 : self;
}

double exact_job_row_factor(struct exact_job *job, size_t row,
			    struct row_counts *counts)
{
	const struct search_options *search = job->search;
	double square =
		dot_square_norm(search->rows + row * search->d, search->d);

	if (!exact_job_is_usable(search, square)) {
		bad_row_record(&job->bad_row, row);
		return 0;
	}
	if (square == 0) {
		counts->zeros++;
		return 0;
	}
	if (!search_allows(search, row))
		return 0;
	counts->eligible++;
	return exact_job_factor(search, square);
}
