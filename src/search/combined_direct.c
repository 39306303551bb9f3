#include "search/combined_direct.h"

#include <math.h>

#include "base/bitset.h"
#include "search/bad_row.h"

/* True if the row has weight.  An index holds what is known of its rows;
 * without one the row is checked here, and counted if counting. */
static bool check_row(struct combined_job *job, size_t row, size_t range,
		      bool counting)
{
	const struct combined_search *search = &job->search;
	struct combined_query self;
	double x_square;

	if (search->index != NULL)
		return bitset_test(search->index->weighted, row);
	if (csr_matrix_check_row(search->matrix, row) != NULL) {
		bad_row_record(&job->first_bad_row, row);
		return false;
	}
	self = combined_query_row(search->matrix, search->embedding, search->d,
				  row, ROW_NONE);
	x_square = embedding_dot(self.vector, self.vector, search->d);
	if (!isfinite(x_square)) {
		bad_row_record(&job->first_bad_row, row);
		return false;
	}
	bool weighted = row_square(self.values, self.count) > 0;
	if (counting) {
		job->zeros[range] += !weighted;
		job->eligible[range] +=
			weighted && (search->allowed == NULL ||
				     bitset_test(search->allowed, row));
	}
	return weighted;
}

void combined_direct_search(struct combined_job *job,
			    struct active_query *active,
			    struct combined_worker *worker, size_t range)
{
	const struct combined_search *search = &job->search;
	bool counting = active->query == job->queries;
	bool zero = job->results[active->query - job->queries].zero;
	size_t n = search->matrix->n;
	size_t row = n / job->ranges * range;
	size_t end = range + 1 == job->ranges ? n : row + n / job->ranges;

	for (; row < end; row++) {
		if (search->allowed != NULL && row % 64 == 0 &&
		    row + 64 <= end && search->allowed[row / 64] == 0 &&
		    search->index != NULL) {
			row += 63;
			continue;
		}
		if (check_row(job, row, range, counting) && !zero &&
		    combined_may_be_result(search, active->query, row))
			combined_score_row(search, active, worker, row);
	}
}
