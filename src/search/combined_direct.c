#include "search/combined_direct.h"

#include <math.h>

#include "base/bitset.h"
#include "search/bad_row.h"

/* Read a row, and check it unless an index has been made of it.  False if it
 * has no weight or is refused; counted if counting. */
static bool read_row(struct combined_job *job, size_t row, const float *vector,
		     size_t range, bool counting, struct scored_row *scored)
{
	const struct combined_options *search = &job->search;
	bool checked = search->index != NULL;

	if (!checked && csr_matrix_check_row(search->matrix, row) != NULL) {
		bad_row_record(&job->first_bad_row, row);
		return false;
	}
	scored->row = search_query_row(search->matrix, search->embedding,
				       search->d, row, ROW_NONE);
	scored->square = row_square(scored->row.values, scored->row.count);
	scored->embedding =
		embedding_products(vector, scored->row.vector, search->d);
	if (!checked && !isfinite(scored->embedding.square)) {
		bad_row_record(&job->first_bad_row, row);
		return false;
	}
	if (search->similarity.profile)
		scored->embedding = (struct embedding_products){0, 0};
	if (!checked && counting) {
		bool weighted = scored->square > 0;

		job->zeros[range] += !weighted;
		job->eligible[range] +=
			weighted && (search->allowed == NULL ||
				     bitset_test(search->allowed, row));
	}
	return scored->square > 0;
}

/* True if none of the 64 rows from row on may be a result, and there is nothing
 * to check or to count. */
static bool skips_word(const struct combined_options *search, size_t row,
		       size_t end)
{
	return search->index != NULL && search->allowed != NULL &&
	       row % 64 == 0 && row + 64 <= end &&
	       search->allowed[row / 64] == 0;
}

void combined_direct_search(struct combined_job *job,
			    struct active_query *active,
			    struct combined_worker *worker, size_t range)
{
	const struct combined_options *search = &job->search;
	bool counting = active->query == job->queries;
	bool zero = job->results[active->query - job->queries].zero;
	size_t n = search->matrix->n;
	size_t row = n / job->ranges * range;
	size_t end = range + 1 == job->ranges ? n : row + n / job->ranges;
	struct scored_row scored;

	for (; row < end; row++) {
		if (skips_word(search, row, end)) {
			row += 63;
			continue;
		}
		bool wanted = !zero && combined_may_be_result(
					       search, active->query, row);

		if (search->index != NULL && !wanted)
			continue;
		if (read_row(job, row, active->query->vector, range, counting,
			     &scored) &&
		    wanted)
			combined_push_score(search, active, worker, row,
					    &scored);
	}
}
