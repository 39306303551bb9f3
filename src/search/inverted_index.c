#include "search/inverted_index.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/thread_pool.h"
#include "search/bad_row.h"
#include "search/combined_score.h"

enum { MAX_COLUMNS = 1 << 16, PIECE_ROWS = 4096, SAMPLE = 1 << 16 };

/* The columns that codes have. */
static size_t code_columns(size_t d)
{
	return d > MAX_COLUMNS ? 0 : (d + 63) / 64 * 64;
}

/* The largest magnitude of finite floats, whose bits without the sign are in
 * their order. */
static float largest_of(const float *vector, size_t d)
{
	uint32_t most = 0;
	float largest;

	for (size_t j = 0; j < d; j++) {
		uint32_t bits;

		memcpy(&bits, &vector[j], sizeof bits);
		bits &= UINT32_MAX >> 1;
		most = bits > most ? bits : most;
	}
	memcpy(&largest, &most, sizeof largest);
	return largest;
}

/* Set the codes to vector * inverse, rounded; returns the squared length of the
 * difference of vector * unit and scale times them. */
static double round_codes(const float *vector, size_t d, double inverse,
			  double unit, double scale, int8_t *codes)
{
	/* Adding it rounds to an integer. */
	const double rounds = 0x1.8p52;
	/* Of columns j mod 8, so that additions overlap. */
	double sums[8] = {0}, sum = 0;

	for (size_t j = 0; j < d; j++) {
		double x = (double)vector[j];
		double code = x * inverse + rounds - rounds;
		double difference = x * unit - scale * code;

		codes[j] = (int8_t)(int)code;
		sums[j % 8] += difference * difference;
	}
	for (size_t l = 0; l < 8; l++)
		sum += sums[l];
	return sum;
}

float index_quantize(const float *vector, double length, size_t d, int most,
		     int8_t *codes, float *residual)
{
	double largest = (double)largest_of(vector, d);

	if (!(length > 0) || !(largest > 0)) {
		memset(codes, 0, d);
		*residual = 0;
		return 0;
	}
	float scale = (float)(largest / length / most);
	double sum = round_codes(vector, d, most / largest, 1 / length,
				 (double)scale, codes);

	*residual = (float)(sqrt(sum) * (1 + 1e-6) + 1e-7);
	return scale;
}

void index_pack(uint8_t *packed, const int8_t *codes, size_t columns)
{
	for (size_t j = 0; j < columns; j += 64, packed += 32, codes += 64)
		for (size_t i = 0; i < 32; i++)
			packed[i] = (uint8_t)((codes[i] + INDEX_CODE_ZERO) |
					      (codes[i + 32] + INDEX_CODE_ZERO)
						      << 4);
}

/* An index that is being built. */
struct build {
	struct inverted_index *index;
	double *lengths;              /* n: |a| */
	double *g;                    /* n */
	_Atomic size_t first_bad_row; /* SIZE_MAX: none */
};

/* Check row and set what the index holds of it alone: codes, norms.  codes has
 * room for code_columns, zeros past d. */
static void add_row(struct build *build, size_t row, int8_t *codes)
{
	static const struct similarity any = {.alpha = 1};
	struct inverted_index *index = build->index;
	const struct csr_matrix *matrix = index->matrix;
	const float *x = index->embedding + row * index->d;
	double x_square = embedding_dot(x, x, index->d);
	float residual = 1, scale = 0;

	if (csr_matrix_check_row(matrix, row) != NULL || !isfinite(x_square)) {
		bad_row_record(&build->first_bad_row, row);
		return;
	}
	size_t begin = (size_t)matrix->indptr[row];
	double square = row_square(matrix->values + begin,
				   (size_t)matrix->indptr[row + 1] - begin);
	double g = score_side_make(&any, square, x_square).g;

	if (index->code_columns > 0) {
		scale = index_quantize(x, sqrt(x_square), index->d,
				       INDEX_CODE_MOST, codes, &residual);
		index_pack(index->codes + row * index->code_columns / 2, codes,
			   index->code_columns);
	}
	build->lengths[row] = sqrt(square);
	build->g[row] = g;
	index->rows[row] = (struct index_row){scale, residual, (float)sqrt(g),
					      (float)(1 - g * g)};
}

static void add_rows(void *shared, size_t piece, unsigned thread)
{
	struct build *build = shared;
	size_t n = build->index->matrix->n, row = piece * PIECE_ROWS;
	size_t end = n - row < PIECE_ROWS ? n : row + PIECE_ROWS;

	int8_t *codes = alloc(build->index->code_columns, 1);

	(void)thread;
	for (; row < end; row++)
		add_row(build, row, codes);
	free(codes);
}

static void set_weighted(struct build *build)
{
	struct inverted_index *index = build->index;
	size_t n = index->matrix->n;

	index->weighted = alloc(n / 64 + 1, sizeof *index->weighted);
	for (size_t row = 0; row < n; row++)
		if (build->lengths[row] > 0)
			index->weighted[row / 64] |= UINT64_C(1) << row % 64;
		else
			index->zeros++;
}

/* -------------------------------------------------------------------- bins */

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The last bin whose bound is not above g. */
static uint8_t bin_of(const double bounds[INDEX_BINS], double g)
{
	size_t low = 0, high = INDEX_BINS - 1;

	while (low < high) {
		size_t middle = (low + high + 1) / 2;

		if (bounds[middle] <= g)
			low = middle;
		else
			high = middle - 1;
	}
	return (uint8_t)low;
}

/* Bound the bins by quantiles of g over a sample of the rows, place every row,
 * and set the range of each bin to that of its rows. */
static void make_bins(struct build *build)
{
	struct inverted_index *index = build->index;
	size_t n = index->matrix->n, count = n < SAMPLE ? n : SAMPLE;
	double *sample = alloc(count, sizeof *sample), bounds[INDEX_BINS];

	for (size_t i = 0; i < count; i++)
		sample[i] = build->g[(size_t)((double)i / (double)count *
					      (double)n)];
	qsort(sample, count, sizeof *sample, compare_doubles);
	for (size_t b = 0; b < INDEX_BINS; b++) {
		bounds[b] = count > 0 ? sample[count * b / INDEX_BINS] : 0;
		index->bins[b] = (struct index_bin){1, 0};
	}
	free(sample);
	index->bin = alloc(n + INDEX_PAD, 1);
	for (size_t row = 0; row < n; row++) {
		double g = build->g[row];
		struct index_bin *bin =
			&index->bins[index->bin[row] = bin_of(bounds, g)];

		if (bin->low > bin->high)
			*bin = (struct index_bin){g, g};
		bin->low = fmin(bin->low, g);
		bin->high = fmax(bin->high, g);
	}
}

/* ---------------------------------------------------------------- postings */

/* Sort the values by tag and block, by counting. */
static void make_postings(struct build *build)
{
	struct inverted_index *index = build->index;
	const struct csr_matrix *matrix = index->matrix;
	size_t lists = alloc_product(matrix->m, index->blocks), n = matrix->n;
	uint32_t *next = alloc(lists + 2, sizeof *next), sum = 0;

	index->starts = next;
	index->postings = alloc(matrix->nnz + 1, sizeof *index->postings);
	/* Counted two places on, so that a list's place moves to its end. */
	next += 1;
	for (size_t i = 0; i < n; i++)
		for (int64_t j = matrix->indptr[i]; j < matrix->indptr[i + 1];
		     j++)
			next[(size_t)matrix->indices[j] * index->blocks +
			     i / INDEX_BLOCK_ROWS]++;
	for (size_t l = 0; l <= lists; l++) {
		uint32_t count = next[l];

		next[l] = sum;
		sum += count;
	}
	for (size_t i = 0; i < n; i++) {
		double unit = build->lengths[i] > 0 ? 1 / build->lengths[i] : 0;

		for (int64_t j = matrix->indptr[i]; j < matrix->indptr[i + 1];
		     j++)
			index->postings[next[(size_t)matrix->indices[j] *
						     index->blocks +
					     i / INDEX_BLOCK_ROWS]++] =
				(struct posting){
					(uint16_t)(i % INDEX_BLOCK_ROWS),
					(int16_t)lrint(matrix->values[j] *
						       unit *
						       INDEX_WEIGHT_ONE)};
	}
}

static void make_column(struct inverted_index *index, size_t tag)
{
	size_t places = index->blocks * INDEX_BLOCK_ROWS;
	size_t n = index->matrix->n;
	int16_t *column;

	if (places > n + INDEX_PAD)
		places = n + INDEX_PAD;
	column = alloc_aligned(places + INDEX_PAD, sizeof *column);
	memset(column, 0, (places + INDEX_PAD) * sizeof *column);
	for (size_t b = 0; b < index->blocks; b++) {
		const uint32_t *start = &index->starts[tag * index->blocks + b];

		for (uint32_t i = start[0]; i < start[1]; i++)
			column[b * INDEX_BLOCK_ROWS + index->postings[i].row] =
				index->postings[i].weight;
	}
	index->columns[tag] = column;
}

/* Make the columns of head tags. */
static void make_columns(struct inverted_index *index)
{
	size_t m = index->matrix->m, made = 0;

	index->columns = alloc(m, sizeof *index->columns);
	index->column_count = m;
	for (size_t tag = 0; tag < m && made < INDEX_COLUMNS; tag++) {
		const uint32_t *start = &index->starts[tag * index->blocks];

		if (start[index->blocks] - start[0] <=
		    index->matrix->n / INDEX_COLUMN_SHARE)
			continue;
		make_column(index, tag);
		made++;
	}
}

const char *inverted_index_build(struct inverted_index *index,
				 const struct csr_matrix *matrix,
				 const float *embedding, size_t d,
				 unsigned threads)
{
	size_t n = matrix->n;
	const char *error = NULL;
	struct build build = {.index = index, .first_bad_row = SIZE_MAX};

	*index = (struct inverted_index){
		.matrix = matrix,
		.embedding = embedding,
		.d = d,
		.blocks = n / INDEX_BLOCK_ROWS + (n % INDEX_BLOCK_ROWS != 0),
		.code_columns = code_columns(d),
	};
	if (n > UINT32_MAX || matrix->nnz >= UINT32_MAX)
		return "4,294,967,295 values or more: more than an index of "
		       "one file holds; split its customers over several";
	index->codes =
		alloc_aligned(alloc_product(n, index->code_columns / 2), 1);
	index->rows = alloc(n, sizeof *index->rows);
	build.lengths = alloc(n, sizeof *build.lengths);
	build.g = alloc(n, sizeof *build.g);
	thread_pool_run(threads, n / PIECE_ROWS + (n % PIECE_ROWS != 0),
			add_rows, &build);
	if (build.first_bad_row != SIZE_MAX) {
		error = bad_row_error(matrix, build.first_bad_row);
		inverted_index_free(index);
	} else {
		set_weighted(&build);
		make_bins(&build);
		make_postings(&build);
		make_columns(index);
	}
	free(build.lengths);
	free(build.g);
	return error;
}

void inverted_index_free(struct inverted_index *index)
{
	for (size_t tag = 0; tag < index->column_count; tag++)
		free(index->columns[tag]);
	free(index->columns);
	free(index->starts);
	free(index->postings);
	free(index->codes);
	free(index->rows);
	free(index->bin);
	free(index->weighted);
	*index = (struct inverted_index){0};
}
