#include "search/dot_kernels.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/cpu_features.h"

/* The row thresholds used where the caller gives none. */
#define INFINITE4  INFINITY, INFINITY, INFINITY, INFINITY
#define INFINITE16 INFINITE4, INFINITE4, INFINITE4, INFINITE4
static const float no_row_thresholds[TILE_ROWS] = {INFINITE16, INFINITE16,
						   INFINITE16, INFINITE16};

static void plain_score_tile(const float *queries, const float *rows, size_t d,
			     const float thresholds[TILE_QUERIES],
			     const float row_thresholds[TILE_ROWS],
			     float scores[TILE_QUERIES * TILE_ROWS],
			     uint64_t masks[TILE_QUERIES])
{
	if (row_thresholds == NULL)
		row_thresholds = no_row_thresholds;
	for (size_t i = 0; i < TILE_QUERIES; i++) {
		float *score = scores + i * TILE_ROWS;

		memset(score, 0, TILE_ROWS * sizeof *score);
		for (size_t j = 0; j < d; j++)
			for (size_t r = 0; r < TILE_ROWS; r++)
				score[r] =
					fmaf(queries[j * TILE_QUERIES + i],
					     rows[j * TILE_ROWS + r], score[r]);
		masks[i] = 0;
		for (size_t r = 0; r < TILE_ROWS; r++)
			masks[i] |= (uint64_t)(score[r] > thresholds[i] ||
					       score[r] > row_thresholds[r])
				    << r;
	}
}

static void plain_approximate_rows(const float *query, const float *rows,
				   size_t count, size_t d, float *products,
				   float *squares)
{
	for (size_t r = 0; r < count; r++, rows += d) {
		float product = 0, square = 0;

		for (size_t j = 0; j < d; j++) {
			product += query[j] * rows[j];
			square += rows[j] * rows[j];
		}
		products[r] = product;
		squares[r] = square;
	}
}

static float plain_exact_pair(const float *query, const float *row, size_t d)
{
	float score = 0;

	for (size_t j = 0; j < d; j++)
		score = fmaf(query[j], row[j], score);
	return score;
}

static void plain_exact_pairs(const float *const *queries,
			      const float *const *rows, size_t count, size_t d,
			      float *scores)
{
	for (size_t p = 0; p < count; p++)
		scores[p] = plain_exact_pair(queries[p], rows[p], d);
}

static const struct dot_kernel plain = {
	.name = "plain",
	.score_tile = plain_score_tile,
	.approximate_rows = plain_approximate_rows,
	.approximate_pairs = plain_exact_pairs,
	.exact_pairs = plain_exact_pairs,
	.exact_pair = plain_exact_pair,
};

#ifdef __x86_64__
#include <immintrin.h>

#define AVX2   __attribute__((target("avx2,fma")))
#define AVX512 __attribute__((target("avx512f,avx2,fma")))

/* A scalar FMA instruction: without -mfma the compiler makes fmaf a call. */
AVX2 static inline float fma_one(float a, float b, float c)
{
	return _mm_cvtss_f32(
		_mm_fmadd_ss(_mm_set_ss(a), _mm_set_ss(b), _mm_set_ss(c)));
}

AVX2 static float fma_exact_pair(const float *query, const float *row, size_t d)
{
	float score = 0;

	for (size_t j = 0; j < d; j++)
		score = fma_one(query[j], row[j], score);
	return score;
}

/* Sums computed side by side to hide the latency of FMA. */
enum { INTERLEAVED = 4 };

AVX2 static void fma_exact_pairs(const float *const *queries,
				 const float *const *rows, size_t count,
				 size_t d, float *scores)
{
	size_t p = 0;

	for (; p + INTERLEAVED <= count; p += INTERLEAVED) {
		float score[INTERLEAVED] = {0};

		for (size_t j = 0; j < d; j++)
			for (size_t i = 0; i < INTERLEAVED; i++)
				score[i] = fma_one(queries[p + i][j],
						   rows[p + i][j], score[i]);
		for (size_t i = 0; i < INTERLEAVED; i++)
			scores[p + i] = score[i];
	}
	for (; p < count; p++)
		scores[p] = fma_exact_pair(queries[p], rows[p], d);
}

/* One column of 6 x 16 scores: twelve registers of sums, two of rows, one of
 * the query.  Named sums: GCC 12 spills an array of them. */
#define STEP2(i)                                                               \
	q = _mm256_broadcast_ss(queries + j * TILE_QUERIES + (i));             \
	low##i = _mm256_fmadd_ps(q, low, low##i);                              \
	high##i = _mm256_fmadd_ps(q, high, high##i)

#define STORE2(i)                                                              \
	do {                                                                   \
		__m256 threshold = _mm256_set1_ps(thresholds[i]);              \
		__m256 threshold_low = _mm256_min_ps(threshold, rows_low);     \
		__m256 threshold_high = _mm256_min_ps(threshold, rows_high);   \
		unsigned mask = (unsigned)_mm256_movemask_ps(                  \
			_mm256_cmp_ps(low##i, threshold_low, _CMP_GT_OQ));     \
		mask |= (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(            \
				high##i, threshold_high, _CMP_GT_OQ))          \
			<< 8;                                                  \
		masks[i] |= (uint64_t)mask << first;                           \
		_mm256_storeu_ps(scores + (i)*TILE_ROWS + first, low##i);      \
		_mm256_storeu_ps(scores + (i)*TILE_ROWS + first + 8, high##i); \
	} while (0)

/* Score 16 rows, from row first of the tile on. */
AVX2 static void avx2_strip(const float *queries, const float *rows, size_t d,
			    const float *thresholds,
			    const float *row_thresholds, float *scores,
			    uint64_t *masks, size_t first)
{
	__m256 low0 = _mm256_setzero_ps(), high0 = low0;
	__m256 low1 = low0, high1 = low0, low2 = low0, high2 = low0;
	__m256 low3 = low0, high3 = low0, low4 = low0, high4 = low0;
	__m256 low5 = low0, high5 = low0;

	for (size_t j = 0; j < d; j++) {
		__m256 low = _mm256_load_ps(rows + j * TILE_ROWS + first);
		__m256 high = _mm256_load_ps(rows + j * TILE_ROWS + first + 8);
		__m256 q;

		EACH_QUERY(STEP2);
	}
	__m256 rows_low = _mm256_loadu_ps(row_thresholds + first);
	__m256 rows_high = _mm256_loadu_ps(row_thresholds + first + 8);
	EACH_QUERY(STORE2);
}

AVX2 static void avx2_score_tile(const float *queries, const float *rows,
				 size_t d, const float thresholds[TILE_QUERIES],
				 const float row_thresholds[TILE_ROWS],
				 float scores[TILE_QUERIES * TILE_ROWS],
				 uint64_t masks[TILE_QUERIES])
{
	if (row_thresholds == NULL)
		row_thresholds = no_row_thresholds;
	memset(masks, 0, TILE_QUERIES * sizeof *masks);
	for (size_t first = 0; first < TILE_ROWS; first += 16)
		avx2_strip(queries, rows, d, thresholds, row_thresholds, scores,
			   masks, first);
}

AVX2 static inline float avx2_sum(__m256 v)
{
	__m128 half = _mm_add_ps(_mm256_castps256_ps128(v),
				 _mm256_extractf128_ps(v, 1));

	half = _mm_add_ps(half, _mm_movehl_ps(half, half));
	half = _mm_add_ss(half, _mm_movehdup_ps(half));
	return _mm_cvtss_f32(half);
}

AVX2 static void avx2_approximate_rows(const float *query, const float *rows,
				       size_t count, size_t d, float *products,
				       float *squares)
{
	for (size_t r = 0; r < count; r++, rows += d) {
		__m256 product = _mm256_setzero_ps(), square = product;
		size_t j = 0;

		for (; j + 8 <= d; j += 8) {
			__m256 x = _mm256_loadu_ps(rows + j);
			__m256 q = _mm256_loadu_ps(query + j);

			product = _mm256_fmadd_ps(q, x, product);
			square = _mm256_fmadd_ps(x, x, square);
		}
		products[r] = avx2_sum(product);
		squares[r] = avx2_sum(square);
		for (; j < d; j++) {
			products[r] += query[j] * rows[j];
			squares[r] += rows[j] * rows[j];
		}
	}
}

AVX2 static void avx2_approximate_pairs(const float *const *queries,
					const float *const *rows, size_t count,
					size_t d, float *products)
{
	for (size_t p = 0; p < count; p++) {
		__m256 product = _mm256_setzero_ps();
		float rest = 0;
		size_t j = 0;

		for (; j + 8 <= d; j += 8)
			product = _mm256_fmadd_ps(
				_mm256_loadu_ps(queries[p] + j),
				_mm256_loadu_ps(rows[p] + j), product);
		for (; j < d; j++)
			rest += queries[p][j] * rows[p][j];
		products[p] = avx2_sum(product) + rest;
	}
}

static const struct dot_kernel avx2 = {
	.name = "AVX2",
	.score_tile = avx2_score_tile,
	.approximate_rows = avx2_approximate_rows,
	.approximate_pairs = avx2_approximate_pairs,
	.exact_pairs = fma_exact_pairs,
	.exact_pair = fma_exact_pair,
};

/* One column of 6 x 64 scores: 24 of 32 registers hold sums. */
#define STEP5(i)                                                               \
	q = _mm512_set1_ps(queries[j * TILE_QUERIES + (i)]);                   \
	a##i = _mm512_fmadd_ps(q, a, a##i);                                    \
	b##i = _mm512_fmadd_ps(q, b, b##i);                                    \
	c##i = _mm512_fmadd_ps(q, c, c##i);                                    \
	e##i = _mm512_fmadd_ps(q, e, e##i)

#define MASK5(i)                                                               \
	do {                                                                   \
		__m512 threshold = _mm512_set1_ps(thresholds[i]);              \
		masks[i] =                                                     \
			(uint64_t)_mm512_cmp_ps_mask(                          \
				a##i, _mm512_min_ps(threshold, threshold_a),   \
				_CMP_GT_OQ) |                                  \
			(uint64_t)_mm512_cmp_ps_mask(                          \
				b##i, _mm512_min_ps(threshold, threshold_b),   \
				_CMP_GT_OQ)                                    \
				<< 16 |                                        \
			(uint64_t)_mm512_cmp_ps_mask(                          \
				c##i, _mm512_min_ps(threshold, threshold_c),   \
				_CMP_GT_OQ)                                    \
				<< 32 |                                        \
			(uint64_t)_mm512_cmp_ps_mask(                          \
				e##i, _mm512_min_ps(threshold, threshold_e),   \
				_CMP_GT_OQ)                                    \
				<< 48;                                         \
		any |= masks[i];                                               \
	} while (0)

#define STORE5(i)                                                              \
	do {                                                                   \
		float *to = scores + (i)*TILE_ROWS;                            \
		_mm512_storeu_ps(to, a##i);                                    \
		_mm512_storeu_ps(to + 16, b##i);                               \
		_mm512_storeu_ps(to + 32, c##i);                               \
		_mm512_storeu_ps(to + 48, e##i);                               \
	} while (0)

AVX512 static void avx512_score_tile(const float *queries, const float *rows,
				     size_t d,
				     const float thresholds[TILE_QUERIES],
				     const float row_thresholds[TILE_ROWS],
				     float scores[TILE_QUERIES * TILE_ROWS],
				     uint64_t masks[TILE_QUERIES])
{
	__m512 a0 = _mm512_setzero_ps(), b0 = a0, c0 = a0, e0 = a0;
	__m512 a1 = a0, b1 = a0, c1 = a0, e1 = a0;
	__m512 a2 = a0, b2 = a0, c2 = a0, e2 = a0;
	__m512 a3 = a0, b3 = a0, c3 = a0, e3 = a0;
	__m512 a4 = a0, b4 = a0, c4 = a0, e4 = a0;
	__m512 a5 = a0, b5 = a0, c5 = a0, e5 = a0;
	uint64_t any = 0;

	for (size_t j = 0; j < d; j++) {
		const float *column = rows + j * TILE_ROWS;
		__m512 a = _mm512_load_ps(column);
		__m512 b = _mm512_load_ps(column + 16);
		__m512 c = _mm512_load_ps(column + 32);
		__m512 e = _mm512_load_ps(column + 48);
		__m512 q;

		EACH_QUERY(STEP5);
	}
	const float *row_bounds =
		row_thresholds ? row_thresholds : no_row_thresholds;
	__m512 threshold_a = _mm512_loadu_ps(row_bounds);
	__m512 threshold_b = _mm512_loadu_ps(row_bounds + 16);
	__m512 threshold_c = _mm512_loadu_ps(row_bounds + 32);
	__m512 threshold_e = _mm512_loadu_ps(row_bounds + 48);
	EACH_QUERY(MASK5);
	if (any == 0)
		return;
	EACH_QUERY(STORE5);
}

AVX512 static void avx512_approximate_rows(const float *query,
					   const float *rows, size_t count,
					   size_t d, float *products,
					   float *squares)
{
	__mmask16 tail = (__mmask16)((1U << d % 16) - 1);

	for (size_t r = 0; r < count; r++, rows += d) {
		__m512 x = _mm512_maskz_loadu_ps(tail, rows + d / 16 * 16);
		__m512 q = _mm512_maskz_loadu_ps(tail, query + d / 16 * 16);
		__m512 product = _mm512_mul_ps(q, x);
		__m512 square = _mm512_mul_ps(x, x);

		for (size_t j = 0; j + 16 <= d; j += 16) {
			x = _mm512_loadu_ps(rows + j);
			q = _mm512_loadu_ps(query + j);
			product = _mm512_fmadd_ps(q, x, product);
			square = _mm512_fmadd_ps(x, x, square);
		}
		products[r] = _mm512_reduce_add_ps(product);
		squares[r] = _mm512_reduce_add_ps(square);
	}
}

AVX512 static void avx512_approximate_pairs(const float *const *queries,
					    const float *const *rows,
					    size_t count, size_t d,
					    float *products)
{
	__mmask16 tail = (__mmask16)((1U << d % 16) - 1);
	size_t whole = d / 16 * 16;

	for (size_t p = 0; p < count; p++) {
		const float *query = queries[p], *row = rows[p];
		__m512 product = _mm512_setzero_ps();

		for (size_t j = 0; j < whole; j += 16)
			product = _mm512_fmadd_ps(_mm512_loadu_ps(query + j),
						  _mm512_loadu_ps(row + j),
						  product);
		if (tail != 0)
			product = _mm512_fmadd_ps(
				_mm512_maskz_loadu_ps(tail, query + whole),
				_mm512_maskz_loadu_ps(tail, row + whole),
				product);
		products[p] = _mm512_reduce_add_ps(product);
	}
}

static const struct dot_kernel avx512 = {
	.name = "AVX-512",
	.score_tile = avx512_score_tile,
	.approximate_rows = avx512_approximate_rows,
	.approximate_pairs = avx512_approximate_pairs,
	.exact_pairs = fma_exact_pairs,
	.exact_pair = fma_exact_pair,
};
#endif

#ifdef __aarch64__
#include "search/dot_kernels_neon.h"
#endif

const struct dot_kernel *dot_kernel_get(unsigned i)
{
#ifdef __x86_64__
	if (i == 0 && cpu_has_avx512())
		return &avx512;
	if (i == 1 && cpu_has_avx2())
		return &avx2;
#endif
#ifdef __aarch64__
	if (i == 1)
		return &neon;
#endif
	return i == DOT_KERNELS - 1 ? &plain : NULL;
}

const struct dot_kernel *dot_kernel_best(void)
{
	unsigned i = 0;

	while (dot_kernel_get(i) == NULL)
		i++;
	return dot_kernel_get(i);
}

void dot_score_tile(const struct dot_kernel *kernel, const float *queries,
		    const float *rows, size_t d, uint64_t rows_mask,
		    float *scores, size_t ld)
{
	static const float thresholds[TILE_QUERIES] = {-INFINITY, -INFINITY,
						       -INFINITY, -INFINITY,
						       -INFINITY, -INFINITY};
	_Alignas(64) float tile[TILE_QUERIES * TILE_ROWS];
	uint64_t masks[TILE_QUERIES];

	kernel->score_tile(queries, rows, d, thresholds, NULL, tile, masks);
	for (size_t i = 0; i < TILE_QUERIES; i++, scores += ld) {
		if ((masks[i] & rows_mask) != 0) /* else unwritten */
			memcpy(scores, tile + i * TILE_ROWS,
			       TILE_ROWS * sizeof *scores);
		for (uint64_t excluded = ~(masks[i] & rows_mask); excluded != 0;
		     excluded &= excluded - 1)
			scores[__builtin_ctzll(excluded)] = -INFINITY;
	}
}
