#include "search/ivf_verify.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bitset.h"
#include "base/errors.h"
#include "base/number.h"
#include "base/progress.h"
#include "base/thread_pool.h"
#include "search/hub_scores.h"
#include "search/int8_quantization.h"
#include "search/inverted_lists.h"
#include "search/ivf_index.h"
#include "search/kmeans.h"
#include "search/recall.h"

/* Kernels that sum in another order differ by less. */
static const double rounding = 1e-5;

static const char *damaged(const char *tensor, size_t item, double is,
			   const char *expected)
{
	return error_text("tensor %s is damaged: item %zu is %.9g, expected %s",
			  tensor, item, is, expected);
}

/* ------------------------------------------------------------------- rows */

/* The rows of a cell ascend, and padding is at its end, less than a block. */
static const char *check_cell(const struct ivf_index *index, size_t cell,
			      uint64_t *seen)
{
	size_t begin = (size_t)index->starts[cell] * TILE_ROWS;
	size_t end = (size_t)index->starts[cell + 1] * TILE_ROWS;
	int64_t last = -1;

	for (size_t at = begin; at < end; at++) {
		int64_t row = index->rows[at];

		if (row == -1 && at + TILE_ROWS > end && at > begin) {
			while (++at < end)
				if (index->rows[at] != -1)
					return damaged("index.rows", at,
						       index->rows[at],
						       "padding, -1");
			return NULL;
		}
		if (row <= last || row >= (int64_t)index->n)
			return damaged("index.rows", at, (double)row,
				       "the next row of its cell");
		if (bitset_test(seen, (size_t)row))
			return damaged("index.rows", at, (double)row,
				       "a row that has no place before");
		bitset_set(seen, (size_t)row);
		last = row;
	}
	return NULL;
}

/* Whether the rows without a place are the zero vectors. */
static const char *check_zeros(const struct ivf_index *index,
			       const uint64_t *seen)
{
	for (size_t row = 0; row < index->n; row++) {
		const float *vector = index->rows_of + row * index->d;
		bool zero = !(dot_square_norm(vector, index->d) > 0);

		if (zero == bitset_test(seen, row))
			return error_text(
				"tensor index.rows is damaged: row %zu, which "
				"%s a zero vector, %s a place",
				row, zero ? "is" : "is not",
				zero ? "has" : "has not");
	}
	return NULL;
}

static const char *check_rows(const struct ivf_index *index)
{
	uint64_t *seen = bitset_new(index->n);
	const char *error = NULL;

	for (size_t cell = 0; cell < index->cells && error == NULL; cell++)
		error = check_cell(index, cell, seen);
	if (error == NULL)
		error = check_zeros(index, seen);
	if (error == NULL && bitset_count(seen, index->n) != index->nonzero)
		error = error_text("its metadata say that index.signal is %zu, "
				   "and %zu rows have a place",
				   index->nonzero,
				   bitset_count(seen, index->n));
	free(seen);
	return error;
}

/* ----------------------------------------------------------------- blocks */

/* What is compared in a block. */
static const char *const block_tensors[] = {"index.codes", "index.scales",
					    "index.residuals", "index.units"};

struct block_check {
	const struct ivf_index *index;
	struct inverted_lists lists; /* of the index's rows */
	/* The least block * 4 + place in block_tensors that differs. */
	_Atomic size_t first;
};

static void note_difference(struct block_check *check, size_t block,
			    const bool differs[4])
{
	for (size_t i = 0; i < 4; i++) {
		size_t found = block * 4 + i, first = check->first;

		while (differs[i] && found < first &&
		       !atomic_compare_exchange_weak(&check->first, &first,
						     found))
			;
	}
}

static void check_block(void *shared, size_t block, unsigned thread)
{
	struct block_check *check = shared;
	const struct ivf_index *index = check->index;
	size_t d = index->d, size = int8_block_bytes(d);
	uint8_t *codes = alloc(size, 1);
	float *units = alloc(TILE_ROWS * d, sizeof *units);
	float scales[TILE_ROWS], residuals[TILE_ROWS];
	size_t place = block * TILE_ROWS;

	(void)thread;
	inverted_lists_codes(&check->lists, index->rows_of, d, block, codes,
			     scales, residuals);
	inverted_lists_units(&check->lists, index->rows_of, d, block, units);
	note_difference(
		check, block,
		(bool[]){memcmp(codes, index->codes + block * size, size) != 0,
			 memcmp(scales, index->scales + place, sizeof scales) !=
				 0,
			 memcmp(residuals, index->residuals + place,
				sizeof residuals) != 0,
			 memcmp(units, index->units + place * d,
				TILE_ROWS * d * sizeof *units) != 0});
	free(codes);
	free(units);
}

/* Of checked rows. */
static const char *check_blocks(const struct ivf_index *index, unsigned threads)
{
	/* inverted_lists_codes and _units read them only. */
	struct block_check check = {
		.index = index,
		.lists = {.cells = index->cells,
			  .blocks = index->blocks,
			  .rows = (int32_t *)(uintptr_t)index->rows},
		.first = SIZE_MAX};

	thread_pool_run(threads, index->blocks, check_block, &check);
	if (check.first == SIZE_MAX)
		return NULL;
	return error_text("tensor %s is damaged: block %zu is not of the rows "
			  "that have a place there",
			  block_tensors[check.first % 4], check.first / 4);
}

/* ------------------------------------------------------ centroids, recall */

static const char *check_centroids(const struct ivf_index *index)
{
	for (size_t cell = 0; cell < index->cells; cell++) {
		const float *centroid = index->centroids + cell * index->d;
		double length = sqrt(dot_square_norm(centroid, index->d));

		/* Where all rows are zero vectors, centroids are. */
		if (length == 0 && index->nonzero == 0)
			continue;
		if (!(fabs(length - 1) <= rounding))
			return error_text("tensor index.centroids is damaged: "
					  "row %zu has the length %.9g, "
					  "expected 1",
					  cell, length);
	}
	return NULL;
}

/* By row and by score, recall rises with the number of cells to 1. */
static const char *check_recall(const struct ivf_index *index)
{
	size_t count = 2 * index->cells;

	for (size_t i = 0; i < count; i++) {
		double recall = index->recall[i];

		if (!(recall >= 0 && recall <= 1))
			return damaged("index.recall", i, recall, "0 to 1");
		if (i >= 2 && recall < index->recall[i - 2])
			return damaged("index.recall", i, recall,
				       "no less than with a cell fewer");
		if (i % 2 == 1 && recall < index->recall[i - 1])
			return damaged("index.recall", i, recall,
				       "no less than by row");
		if (i >= count - 2 && recall < 1)
			return damaged("index.recall", i, recall,
				       "1 with all cells");
	}
	return NULL;
}

static const char *check_metadata(const struct ivf_index *index,
				  const struct model *model)
{
	const char *cells = safetensors_option(&model->file, "index.cells");
	int64_t number;

	if (cells == NULL || !number_integer(cells, 1, INT64_MAX, &number) ||
	    (size_t)number != index->cells)
		return error_text("its metadata say that index.cells is %s, "
				  "and there are %zu",
				  cells ? cells : "nothing", index->cells);
	return NULL;
}

const char *ivf_verify(const struct model *model, unsigned threads)
{
	struct ivf_index index;
	struct hub_scores hub;
	const char *error;

	if (!ivf_index_exists(model))
		return NULL;
	error = ivf_index_view(&index, model);
	if (error == NULL)
		error = check_metadata(&index, model);
	if (error == NULL)
		error = check_rows(&index);
	if (error == NULL)
		error = check_blocks(&index, threads);
	if (error == NULL)
		error = check_centroids(&index);
	if (error == NULL)
		error = check_recall(&index);
	if (error == NULL && hub_scores_exist(model))
		error = hub_scores_view(&hub, model);
	return error;
}

/* ----------------------------------------------------------------- results */

static const char *compare_cells(const struct ivf_index *index,
				 const uint32_t *cells)
{
	for (size_t cell = 0; cell < index->cells; cell++)
		for (size_t at = (size_t)index->starts[cell] * TILE_ROWS;
		     at < (size_t)index->starts[cell + 1] * TILE_ROWS; at++)
			if (index->rows[at] >= 0 &&
			    cells[index->rows[at]] != cell)
				return damaged("index.rows", at,
					       index->rows[at],
					       "a row whose nearest centroid "
					       "is that of the cell");
	return NULL;
}

static const char *compare_recall(const struct ivf_index *index,
				  const uint32_t *cells, uint64_t seed,
				  unsigned threads)
{
	const struct partitioned_search search = {
		index->rows_of,   index->n,     index->d,
		index->centroids, index->cells, cells};
	double *recall = alloc(index->cells, 2 * sizeof *recall);
	const char *error = recall_measure(&search, seed, threads, recall);

	for (size_t i = 0; error == NULL && i < 2 * index->cells; i++)
		if (!(fabs(recall[i] - index->recall[i]) <= rounding))
			error = damaged("index.recall", i, index->recall[i],
					"what its sample has");
	free(recall);
	return error;
}

static const char *compare_hub(const struct model *model, unsigned threads)
{
	size_t n = model->matrix.n;
	float *means = alloc(n, sizeof *means);
	struct hub_scores stored, found;
	const char *error = hub_scores_view(&stored, model);

	found = stored;
	if (error == NULL)
		error = hub_scores_find(&found, model, threads, means);
	for (size_t i = 0; error == NULL && i < n; i++)
		if (!(fabs((double)means[i] - (double)stored.means[i]) <=
		      rounding * fmax(1, fabs((double)means[i]))))
			error = damaged("index.hub", i, (double)stored.means[i],
					"the mean similarity to the nearest");
	free(means);
	return error;
}

const char *ivf_verify_cells(const struct model *model, unsigned threads)
{
	const char *seed = safetensors_option(&model->file, "index.seed");
	struct ivf_index index;
	int64_t number;
	const char *error;

	if (!ivf_index_exists(model))
		return NULL;
	error = ivf_index_view(&index, model);
	if (error != NULL)
		return error;
	uint32_t *cells = alloc(index.n, sizeof *cells);
	error = kmeans_assign(index.centroids, index.cells, index.rows_of,
			      index.n, index.d, threads, cells);
	if (error == NULL)
		error = compare_cells(&index, cells);
	if (error == NULL && seed != NULL &&
	    !number_integer(seed, 0, INT64_MAX, &number))
		error = "its metadata have an index.seed that is no number";
	if (error == NULL && seed != NULL)
		error = compare_recall(&index, cells, (uint64_t)number,
				       threads);
	free(cells);
	return error;
}

const char *ivf_verify_results(const struct model *model, unsigned threads)
{
	const char *error;

	if (!ivf_index_exists(model))
		return NULL;
	progress_begin("customers", model->matrix.n);
	error = ivf_verify_cells(model, threads);
	progress_end();
	if (error == NULL && hub_scores_exist(model))
		error = compare_hub(model, threads);
	return error;
}
