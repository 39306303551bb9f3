#include "search/exact_scan.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"

/* Squared norms between which sums of float neither overflow nor lose digits to
 * underflow. */
static const float safe_low = 1e-30f, safe_high = 1e30f;

/* A query: its list in this range, and what the approximate score is compared
 * by. */
struct scan_query {
	struct topk *list;
	const float *unit;
	double length;
	size_t skip;
	bool zero;
};

/* True if a row with that approximate product and squared norm may enter the
 * list. */
static bool is_promising(const struct exact_job *job,
			 const struct scan_query *scan_query, float product,
			 float square)
{
	double threshold = exact_job_threshold(job, scan_query->list);
	double margin = dot_error_bound(job->search->d);

	if (!(square > safe_low && square < safe_high))
		return true;
	double length = sqrt((double)square);
	if (job->search->metric == METRIC_EMBEDDING)
		threshold = (threshold - margin) * length;
	else
		threshold -= margin * scan_query->length * length + 1e-37;
	return !(product < threshold);
}

/* Scan up to TILE_ROWS rows for one query, and count them in counts. */
static void scan_rows(struct exact_job *job,
		      const struct scan_query *scan_query, size_t first,
		      size_t rows, float *scratch, struct row_counts *counts)
{
	const struct search_options *search = job->search;
	float products[TILE_ROWS], squares[TILE_ROWS];

	job->filter.kernel->approximate_rows(
		scan_query->unit, search->rows + first * search->d, rows,
		search->d, products, squares);
	for (size_t r = 0; r < rows; r++) {
		size_t row = first + r;
		bool safe = squares[r] > safe_low && squares[r] < safe_high;
		struct row_counts seen = {0, search_allows(search, row)};
		double factor = 0;

		bool wanted =
			!scan_query->zero && row != scan_query->skip &&
			seen.eligible != 0 &&
			is_promising(job, scan_query, products[r], squares[r]);
		if (wanted || !safe) {
			seen.eligible = 0;
			factor = exact_job_row_factor(job, row, &seen);
		}
		counts->zeros += seen.zeros;
		counts->eligible += seen.eligible;
		if (!wanted || factor == 0)
			continue;
		dot_scale(scratch, search->rows + row * search->d, search->d,
			  factor);
		topk_push(scan_query->list, search->metric,
			  job->filter.kernel->exact_pair(scan_query->unit,
							 scratch, search->d),
			  (uint32_t)row);
	}
}

static struct scan_query scan_query_make(struct exact_job *job, size_t q,
					 size_t range, float *unit)
{
	const struct search_options *search = job->search;
	const struct search_query *query = &job->queries[q];

	dot_scale(unit, query->vector, search->d, job->factors[q]);
	return (struct scan_query){
		.list = &job->lists[range * job->count + q],
		.unit = unit,
		.length = sqrt(dot_square_norm(unit, search->d)),
		.skip = exact_job_skipped(search, query->self),
		.zero = job->factors[q] == 0,
	};
}

void exact_scan_range(struct exact_job *job, size_t range, size_t begin,
		      size_t end)
{
	size_t d = job->search->d;
	float *units = alloc_aligned(alloc_product(EXACT_SCAN_QUERIES + 1, d),
				     sizeof *units);
	float *scratch = units + EXACT_SCAN_QUERIES * d;
	struct scan_query scan_queries[EXACT_SCAN_QUERIES];
	struct row_counts rest = {0, 0};

	for (size_t q = 0; q < job->count; q++)
		scan_queries[q] = scan_query_make(job, q, range, units + q * d);
	for (size_t row = begin; row < end; row += TILE_ROWS) {
		size_t rows = end - row < TILE_ROWS ? end - row : TILE_ROWS;

		for (size_t q = 0; q < job->count; q++)
			scan_rows(job, &scan_queries[q], row, rows, scratch,
				  q == 0 ? &job->piece_counts[range] : &rest);
	}
	free(units);
}
