#include "layout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "cells.h"
#include "codes.h"
#include "tile.h"

void layout_make(struct layout *layout, const uint32_t *cells, size_t n,
		 size_t count)
{
	size_t *next = alloc(count, sizeof *next);

	*layout = (struct layout){.cells = count};
	layout->starts = alloc(count + 1, sizeof *layout->starts);
	for (size_t i = 0; i < n; i++)
		if (cells[i] != CELLS_NONE)
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
		if (cells[i] != CELLS_NONE)
			layout->rows[next[cells[i]]++] = (int32_t)i;
	free(next);
}

/* unit[j * stride] = the unit vector at a place. */
static void unit_at(const struct layout *layout, const float *rows, size_t d,
		    size_t place, float *unit, size_t stride)
{
	int32_t row = layout->rows[place];
	const float *vector = rows + (size_t)(row < 0 ? 0 : row) * d;

	if (row >= 0) {
		tile_scale(unit, stride, vector, d,
			   1 / sqrt(tile_square(vector, d)));
		return;
	}
	for (size_t j = 0; j < d; j++)
		unit[j * stride] = 0;
}

void layout_codes(const struct layout *layout, const float *rows, size_t d,
		  size_t block, uint8_t *codes, float *scales, float *residuals)
{
	float *unit = alloc(d, sizeof *unit);

	for (size_t r = 0; r < TILE_ROWS; r++) {
		unit_at(layout, rows, d, block * TILE_ROWS + r, unit, 1);
		codes_put(unit, d, codes, r, &scales[r], &residuals[r]);
	}
	free(unit);
}

void layout_units(const struct layout *layout, const float *rows, size_t d,
		  size_t block, float *units)
{
	for (size_t r = 0; r < TILE_ROWS; r++)
		unit_at(layout, rows, d, block * TILE_ROWS + r, units + r,
			TILE_ROWS);
}

void layout_free(struct layout *layout)
{
	free(layout->starts);
	free(layout->rows);
	*layout = (struct layout){0};
}
