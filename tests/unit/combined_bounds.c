/* search/combined_bounds.h: no score of a pair is beyond a bound of it. */
#include <math.h>

#include "search/combined_bounds.h"
#include "combined_case.h"

enum { CASES = 1000 };

/* Sum of products of quantized weights, as the lists give it. */
static int32_t quantized(const struct data *data, size_t a, size_t b)
{
	double la = sqrt(product(data, a, a)), lb = sqrt(product(data, b, b));
	int32_t sum = 0;

	for (int64_t i = data->indptr[a]; i < data->indptr[a + 1]; i++)
		for (int64_t j = data->indptr[b]; j < data->indptr[b + 1]; j++)
			if (data->indices[i] == data->indices[j])
				sum += (int32_t)lrint(data->values[i] *
						      (32767 / la)) *
				       (int32_t)lrint(data->values[j] *
						      (1 / lb) * 32767);
	return sum;
}

/* Every bound holds for every pair: of its bin, and with codes and without. */
static int check_bounds(const struct data *data,
			const struct combined_options *search,
			const struct inverted_index *index, size_t self)
{
	struct combined_bounds bounds;
	struct search_query query = search_query_row(
		&data->matrix, data->embedding, data->d, self, ROW_NONE);
	struct score_side side = score_side_make(
		&search->similarity, row_square(query.values, query.count),
		embedding_dot(query.vector, query.vector, data->d));
	struct search_result found;
	struct search_batch batch = {&query, 1, &found, 0};
	struct combined_options all = *search;
	int failed = 0;

	if (!(side.square > 0))
		return 0;
	all.limit = data->matrix.n;
	all.min_score = -INFINITY;
	all.allowed = NULL;
	all.index = NULL;
	combined_search_run(&all, &batch);
	combined_bounds_begin(&bounds, index, combined_kernel_best(),
			      &search->similarity);
	combined_bounds_set(&bounds, &search->similarity, &side, query.vector,
			    query.count);
	for (size_t i = 0; i < found.count; i++) {
		uint32_t row = found.hits[i].row;
		float score = found.hits[i].score;
		int32_t sum = quantized(data, self, row),
			thresholds[INDEX_BINS];
		uint32_t unpruned =
			combined_bounds_thresholds(&bounds, score, thresholds);
		struct score_range by_norms =
			combined_bounds_by_norms(&bounds, row, sum);
		struct score_range by_codes =
			combined_bounds_by_codes(&bounds, row, sum);

		if (sum < thresholds[index->bin[row]] &&
		    !(sum < 1 && unpruned >> index->bin[row] & 1))
			failed |= fail_query("the bound of a bin", self);
		struct bounds_tile tile;

		combined_bounds_tile(index, &search->similarity,
				     row / BOUNDS_TILE * BOUNDS_TILE, &tile);
		if (sum < 1 && !search->similarity.profile &&
		    (combined_bounds_tile_mask(&bounds, &tile, score) >>
			     row % BOUNDS_TILE &
		     1) == 0)
			failed |= fail_query("the bound of a tile", self);
		if (by_norms.high < score || by_codes.high < score)
			failed |= fail_query("an upper bound", self);
		if (by_norms.low > score || by_codes.low > score)
			failed |= fail_query("a lower bound", self);
	}
	combined_bounds_end(&bounds);
	search_results_free(&found, 1);
	return failed;
}

static int run_case(void)
{
	struct combined_case made;

	make_case(&made);
	int failed = check_bounds(&made.data, &made.search, &made.index,
				  chance(made.data.matrix.n));
	free_case(&made);
	return failed;
}

int main(int argc, char **argv)
{
	return run_cases(argc, argv, CASES, run_case);
}
