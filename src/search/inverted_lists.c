#include "search/inverted_lists.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "search/kmeans.h"
#include "search/int8_quantization.h"
#include "base/thread_pool.h"
#include "search/dot_kernels.h"

void inverted_lists_make(struct inverted_lists *lists, const uint32_t *cells,
			 size_t n, size_t count)
{
	size_t *next = alloc(count, sizeof *next);

	*lists = (struct inverted_lists){.cells = count};
	lists->starts = alloc(count + 1, sizeof *lists->starts);
	for (size_t i = 0; i < n; i++)
		if (cells[i] != KMEANS_NONE)
			next[cells[i]]++;
	for (size_t cell = 0; cell < count; cell++) {
		size_t size = next[cell];

		lists->nonzero += size;
		next[cell] = lists->blocks * TILE_ROWS;
		lists->blocks += (size + TILE_ROWS - 1) / TILE_ROWS;
		lists->starts[cell + 1] = (int64_t)lists->blocks;
	}
	lists->rows = alloc(alloc_product(lists->blocks, TILE_ROWS),
			    sizeof *lists->rows);
	memset(lists->rows, 0xff,
	       lists->blocks * TILE_ROWS * sizeof *lists->rows);
	for (size_t i = 0; i < n; i++)
		if (cells[i] != KMEANS_NONE)
			lists->rows[next[cells[i]]++] = (int32_t)i;
	free(next);
}

/* Rows in a piece of work. */
enum { PIECE_ROWS = 1 << 14 };

struct work {
	struct inverted_lists *lists;
	const float *rows;
	size_t n, d;
};

static void gather_piece(void *shared, size_t piece, unsigned thread)
{
	const struct work *work = shared;
	const struct inverted_lists *lists = work->lists;
	size_t first = lists->gathered_first * TILE_ROWS;
	size_t count = lists->gathered_blocks * TILE_ROWS, d = work->d;
	size_t row = piece * PIECE_ROWS;
	size_t end = work->n - row < PIECE_ROWS ? work->n : row + PIECE_ROWS;

	(void)thread;
	for (; row < end; row++) {
		size_t place = lists->places[row];

		if (place != UINT32_MAX && place >= first &&
		    place - first < count)
			memcpy(lists->gathered + (place - first) * d,
			       work->rows + row * d, d * sizeof(float));
	}
}

static void invert_rows(struct inverted_lists *lists, size_t n)
{
	lists->places = alloc(n, sizeof *lists->places);
	memset(lists->places, 0xff, n * sizeof *lists->places);
	for (size_t place = 0; place < lists->blocks * TILE_ROWS; place++)
		if (lists->rows[place] >= 0)
			lists->places[lists->rows[place]] = (uint32_t)place;
}

void inverted_lists_gather(struct inverted_lists *lists, const float *rows,
			   size_t n, size_t d, size_t first, size_t count,
			   unsigned threads)
{
	struct work work = {lists, rows, n, d};

	if (lists->places == NULL) {
		invert_rows(lists, n);
		lists->gathered = alloc(alloc_product(count, TILE_ROWS * d),
					sizeof *lists->gathered);
	}
	lists->gathered_first = first;
	lists->gathered_blocks = count;
	thread_pool_run(threads, (n + PIECE_ROWS - 1) / PIECE_ROWS,
			gather_piece, &work);
}

/* The vector of a row, whose place is given: gathered, or where rows has it. */
static const float *vector_at(const struct inverted_lists *lists,
			      const float *rows, size_t d, size_t place,
			      size_t row)
{
	size_t block = place / TILE_ROWS;

	if (block >= lists->gathered_first &&
	    block - lists->gathered_first < lists->gathered_blocks)
		return lists->gathered +
		       (place - lists->gathered_first * TILE_ROWS) * d;
	return rows + row * d;
}

/* The unit vector at a place; zero for padding. */
static void unit_at(const struct inverted_lists *lists, const float *rows,
		    size_t d, size_t place, float *unit)
{
	int32_t row = lists->rows[place];

	if (row >= 0) {
		const float *vector =
			vector_at(lists, rows, d, place, (size_t)row);

		dot_scale(unit, vector, d,
			  1 / sqrt(dot_square_norm(vector, d)));
		return;
	}
	memset(unit, 0, d * sizeof *unit);
}

void inverted_lists_codes(const struct inverted_lists *lists, const float *rows,
			  size_t d, size_t block, uint8_t *codes, float *scales,
			  float *residuals)
{
	float *unit = alloc(d, sizeof *unit);

	for (size_t r = 0; r < TILE_ROWS; r++) {
		unit_at(lists, rows, d, block * TILE_ROWS + r, unit);
		int8_quantize(unit, d, codes, r, &scales[r], &residuals[r]);
	}
	free(unit);
}

void inverted_lists_units(const struct inverted_lists *lists, const float *rows,
			  size_t d, size_t block, float *units)
{
	float *each = alloc(alloc_product(TILE_ROWS, d), sizeof *each);

	for (size_t r = 0; r < TILE_ROWS; r++)
		unit_at(lists, rows, d, block * TILE_ROWS + r, each + r * d);
	dot_pack_rows(units, each, d);
	free(each);
}

void inverted_lists_free(struct inverted_lists *lists)
{
	free(lists->starts);
	free(lists->rows);
	free(lists->places);
	free(lists->gathered);
	*lists = (struct inverted_lists){0};
}
