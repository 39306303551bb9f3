#include "search/inverted_lists.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "search/kmeans.h"
#include "search/int8_quantization.h"
#include "base/thread_pool.h"
#include "search/dot_kernels.h"

void inverted_lists_make(struct inverted_lists *layout, const uint32_t *cells,
			 size_t n, size_t count)
{
	size_t *next = alloc(count, sizeof *next);

	*layout = (struct inverted_lists){.cells = count};
	layout->starts = alloc(count + 1, sizeof *layout->starts);
	for (size_t i = 0; i < n; i++)
		if (cells[i] != KMEANS_NONE)
			next[cells[i]]++;
	for (size_t cell = 0; cell < count; cell++) {
		size_t size = next[cell];

		layout->signal += size;
		next[cell] = layout->blocks * TILE_ROWS;
		layout->blocks += (size + TILE_ROWS - 1) / TILE_ROWS;
		layout->starts[cell + 1] = (int64_t)layout->blocks;
	}
	layout->rows = alloc(alloc_product(layout->blocks, TILE_ROWS),
			     sizeof *layout->rows);
	memset(layout->rows, 0xff,
	       layout->blocks * TILE_ROWS * sizeof *layout->rows);
	for (size_t i = 0; i < n; i++)
		if (cells[i] != KMEANS_NONE)
			layout->rows[next[cells[i]]++] = (int32_t)i;
	free(next);
}

/* Rows that a thread goes over in one piece. */
enum { PIECE = 1 << 14 };

struct work {
	struct inverted_lists *layout;
	const float *rows;
	size_t n, d;
};

static void gather_piece(void *shared, size_t piece, unsigned thread)
{
	const struct work *work = shared;
	const struct inverted_lists *layout = work->layout;
	size_t first = layout->held * TILE_ROWS;
	size_t count = layout->blocks_held * TILE_ROWS, d = work->d;
	size_t row = piece * PIECE;
	size_t end = work->n - row < PIECE ? work->n : row + PIECE;

	(void)thread;
	for (; row < end; row++) {
		size_t place = layout->places[row];

		if (place != UINT32_MAX && place >= first &&
		    place - first < count)
			memcpy(layout->gathered + (place - first) * d,
			       work->rows + row * d, d * sizeof(float));
	}
}

static void find_places(struct inverted_lists *layout, size_t n)
{
	layout->places = alloc(n, sizeof *layout->places);
	memset(layout->places, 0xff, n * sizeof *layout->places);
	for (size_t place = 0; place < layout->blocks * TILE_ROWS; place++)
		if (layout->rows[place] >= 0)
			layout->places[layout->rows[place]] = (uint32_t)place;
}

void inverted_lists_gather(struct inverted_lists *layout, const float *rows,
			   size_t n, size_t d, size_t first, size_t count,
			   unsigned threads)
{
	struct work work = {layout, rows, n, d};

	if (layout->places == NULL) {
		find_places(layout, n);
		layout->gathered = alloc(alloc_product(count, TILE_ROWS * d),
					 sizeof *layout->gathered);
	}
	layout->held = first;
	layout->blocks_held = count;
	thread_pool_run(threads, (n + PIECE - 1) / PIECE, gather_piece, &work);
}

/* The vector of a row, which stands at that place. */
static const float *vector_at(const struct inverted_lists *layout,
			      const float *rows, size_t d, size_t place,
			      size_t row)
{
	size_t block = place / TILE_ROWS;

	if (block >= layout->held && block - layout->held < layout->blocks_held)
		return layout->gathered +
		       (place - layout->held * TILE_ROWS) * d;
	return rows + row * d;
}

/* The unit vector at a place. */
static void unit_at(const struct inverted_lists *layout, const float *rows,
		    size_t d, size_t place, float *unit)
{
	int32_t row = layout->rows[place];

	if (row >= 0) {
		const float *vector =
			vector_at(layout, rows, d, place, (size_t)row);

		dot_scale(unit, vector, d,
			  1 / sqrt(dot_square_norm(vector, d)));
		return;
	}
	memset(unit, 0, d * sizeof *unit);
}

void inverted_lists_codes(const struct inverted_lists *layout,
			  const float *rows, size_t d, size_t block,
			  uint8_t *codes, float *scales, float *residuals)
{
	float *unit = alloc(d, sizeof *unit);

	for (size_t r = 0; r < TILE_ROWS; r++) {
		unit_at(layout, rows, d, block * TILE_ROWS + r, unit);
		int8_quantize(unit, d, codes, r, &scales[r], &residuals[r]);
	}
	free(unit);
}

void inverted_lists_units(const struct inverted_lists *layout,
			  const float *rows, size_t d, size_t block,
			  float *units)
{
	float *each = alloc(alloc_product(TILE_ROWS, d), sizeof *each);

	for (size_t r = 0; r < TILE_ROWS; r++)
		unit_at(layout, rows, d, block * TILE_ROWS + r, each + r * d);
	dot_pack_rows(units, each, d);
	free(each);
}

void inverted_lists_free(struct inverted_lists *layout)
{
	free(layout->starts);
	free(layout->rows);
	free(layout->places);
	free(layout->gathered);
	*layout = (struct inverted_lists){0};
}
