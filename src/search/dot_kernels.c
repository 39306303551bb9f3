#include "search/dot_kernels.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/cpu_features.h"

/* Bars of rows that have none of their own. */
#define INFINITE4  INFINITY, INFINITY, INFINITY, INFINITY
#define INFINITE16 INFINITE4, INFINITE4, INFINITE4, INFINITE4
static const float no_bars[TILE_ROWS] = {INFINITE16, INFINITE16, INFINITE16,
					 INFINITE16};

double dot_error_bound(size_t d)
{
	return (3 * (double)d + 32) * 0x1p-24;
}

#define INLINE static inline __attribute__((always_inline))

INLINE double square_of(const float *row, size_t d)
{
	double sums[8] = {0};
	size_t j = 0;

	for (; j + 8 <= d; j += 8)
		for (size_t l = 0; l < 8; l++)
			sums[l] += (double)row[j + l] * (double)row[j + l];
	for (; j < d; j++)
		sums[j % 8] += (double)row[j] * (double)row[j];
	for (size_t half = 4; half > 0; half /= 2)
		for (size_t l = 0; l < half; l++)
			sums[l] += sums[l + half];
	return sums[0];
}

INLINE void scale(float *dst, const float *row, size_t d, double factor)
{
	for (size_t j = 0; j < d; j++)
		dst[j] = (float)(row[j] * factor);
}

/* Both for one kind of processor; the bits are the same. */
#define VECTORS(KIND, TARGET)                                                  \
	TARGET static double KIND##_square(const float *row, size_t d)         \
	{                                                                      \
		return square_of(row, d);                                      \
	}                                                                      \
	TARGET static void KIND##_scale(float *dst, const float *row,          \
					size_t d, double factor)               \
	{                                                                      \
		scale(dst, row, d, factor);                                    \
	}

VECTORS(plain, )

#ifdef __x86_64__
VECTORS(avx2, __attribute__((target("avx2"))))
VECTORS(avx512, __attribute__((target("avx512f,avx512vl"))))

#endif

double dot_square_norm(const float *row, size_t d)
{
#ifdef __x86_64__
	if (cpu_has_avx512())
		return avx512_square(row, d);
	if (cpu_has_avx2())
		return avx2_square(row, d);
#endif
	return plain_square(row, d);
}

void dot_scale(float *dst, const float *row, size_t d, double factor)
{
#ifdef __x86_64__
	if (cpu_has_avx512()) {
		avx512_scale(dst, row, d, factor);
		return;
	}
	if (cpu_has_avx2()) {
		avx2_scale(dst, row, d, factor);
		return;
	}
#endif
	plain_scale(dst, row, d, factor);
}

void dot_pack_rows(float *packed, const float *rows, size_t d)
{
	for (size_t j = 0; j < d; j++)
		for (size_t r = 0; r < TILE_ROWS; r++)
			packed[j * TILE_ROWS + r] = rows[r * d + j];
}

static void plain_tile(const float *queries, const float *rows, size_t d,
		       const float least[TILE_QUERIES],
		       const float rows_least[TILE_ROWS],
		       float scores[TILE_QUERIES * TILE_ROWS],
		       uint64_t above[TILE_QUERIES])
{
	if (rows_least == NULL)
		rows_least = no_bars;
	for (size_t i = 0; i < TILE_QUERIES; i++) {
		float *score = scores + i * TILE_ROWS;

		memset(score, 0, TILE_ROWS * sizeof *score);
		for (size_t j = 0; j < d; j++)
			for (size_t r = 0; r < TILE_ROWS; r++)
				score[r] =
					fmaf(queries[j * TILE_QUERIES + i],
					     rows[j * TILE_ROWS + r], score[r]);
		above[i] = 0;
		for (size_t r = 0; r < TILE_ROWS; r++)
			above[i] |= (uint64_t)(score[r] > least[i] ||
					       score[r] > rows_least[r])
				    << r;
	}
}

static void plain_glance(const float *query, const float *rows, size_t count,
			 size_t d, float *products, float *squares)
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

static float plain_chain(const float *query, const float *row, size_t d)
{
	float score = 0;

	for (size_t j = 0; j < d; j++)
		score = fmaf(query[j], row[j], score);
	return score;
}

static void plain_chains(const float *const *queries, const float *const *rows,
			 size_t count, size_t d, float *scores)
{
	for (size_t p = 0; p < count; p++)
		scores[p] = plain_chain(queries[p], rows[p], d);
}

static const struct dot_kernel plain = {
	.name = "plain",
	.tile = plain_tile,
	.glance = plain_glance,
	.guess = plain_chains,
	.chains = plain_chains,
	.chain = plain_chain,
};

#ifdef __x86_64__
#include <immintrin.h>

#define AVX2   __attribute__((target("avx2,fma")))
#define AVX512 __attribute__((target("avx512f,avx2,fma")))

/* A scalar instruction, because fmaf is a call where the language is not told
 * of FMA. */
AVX2 static inline float fma_one(float a, float b, float c)
{
	return _mm_cvtss_f32(
		_mm_fmadd_ss(_mm_set_ss(a), _mm_set_ss(b), _mm_set_ss(c)));
}

AVX2 static float fused_chain(const float *query, const float *row, size_t d)
{
	float score = 0;

	for (size_t j = 0; j < d; j++)
		score = fma_one(query[j], row[j], score);
	return score;
}

/* Chains that go along together, so that none waits for itself. */
enum { TOGETHER = 4 };

AVX2 static void fused_chains(const float *const *queries,
			      const float *const *rows, size_t count, size_t d,
			      float *scores)
{
	size_t p = 0;

	for (; p + TOGETHER <= count; p += TOGETHER) {
		float score[TOGETHER] = {0};

		for (size_t j = 0; j < d; j++)
			for (size_t i = 0; i < TOGETHER; i++)
				score[i] = fma_one(queries[p + i][j],
						   rows[p + i][j], score[i]);
		for (size_t i = 0; i < TOGETHER; i++)
			scores[p + i] = score[i];
	}
	for (; p < count; p++)
		scores[p] = fused_chain(queries[p], rows[p], d);
}

/* One column of 6 x 16 scores: twelve registers of sums, two of rows, one of
 * the query.  Named sums: GCC 12 spills an array of them. */
#define STEP2(i)                                                               \
	q = _mm256_broadcast_ss(queries + j * TILE_QUERIES + (i));             \
	low##i = _mm256_fmadd_ps(q, low, low##i);                              \
	high##i = _mm256_fmadd_ps(q, high, high##i)

#define STORE2(i)                                                              \
	do {                                                                   \
		__m256 bar = _mm256_set1_ps(least[i]);                         \
		__m256 bar_low = _mm256_min_ps(bar, rows_low);                 \
		__m256 bar_high = _mm256_min_ps(bar, rows_high);               \
		unsigned mask = (unsigned)_mm256_movemask_ps(                  \
			_mm256_cmp_ps(low##i, bar_low, _CMP_GT_OQ));           \
		mask |= (unsigned)_mm256_movemask_ps(                          \
				_mm256_cmp_ps(high##i, bar_high, _CMP_GT_OQ))  \
			<< 8;                                                  \
		above[i] |= (uint64_t)mask << first;                           \
		_mm256_storeu_ps(scores + (i)*TILE_ROWS + first, low##i);      \
		_mm256_storeu_ps(scores + (i)*TILE_ROWS + first + 8, high##i); \
	} while (0)

/* Sixteen rows from the first on. */
AVX2 static void avx2_strip(const float *queries, const float *rows, size_t d,
			    const float *least, const float *rows_least,
			    float *scores, uint64_t *above, size_t first)
{
	__m256 low0 = _mm256_setzero_ps(), high0 = low0;
	__m256 low1 = low0, high1 = low0, low2 = low0, high2 = low0;
	__m256 low3 = low0, high3 = low0, low4 = low0, high4 = low0;
	__m256 low5 = low0, high5 = low0;

	for (size_t j = 0; j < d; j++) {
		__m256 low = _mm256_load_ps(rows + j * TILE_ROWS + first);
		__m256 high = _mm256_load_ps(rows + j * TILE_ROWS + first + 8);
		__m256 q;

		STEP2(0);
		STEP2(1);
		STEP2(2);
		STEP2(3);
		STEP2(4);
		STEP2(5);
	}
	__m256 rows_low = _mm256_loadu_ps(rows_least + first);
	__m256 rows_high = _mm256_loadu_ps(rows_least + first + 8);
	STORE2(0);
	STORE2(1);
	STORE2(2);
	STORE2(3);
	STORE2(4);
	STORE2(5);
}

AVX2 static void avx2_tile(const float *queries, const float *rows, size_t d,
			   const float least[TILE_QUERIES],
			   const float rows_least[TILE_ROWS],
			   float scores[TILE_QUERIES * TILE_ROWS],
			   uint64_t above[TILE_QUERIES])
{
	if (rows_least == NULL)
		rows_least = no_bars;
	memset(above, 0, TILE_QUERIES * sizeof *above);
	for (size_t first = 0; first < TILE_ROWS; first += 16)
		avx2_strip(queries, rows, d, least, rows_least, scores, above,
			   first);
}

AVX2 static inline float avx2_sum(__m256 v)
{
	__m128 half = _mm_add_ps(_mm256_castps256_ps128(v),
				 _mm256_extractf128_ps(v, 1));

	half = _mm_add_ps(half, _mm_movehl_ps(half, half));
	half = _mm_add_ss(half, _mm_movehdup_ps(half));
	return _mm_cvtss_f32(half);
}

AVX2 static void avx2_glance(const float *query, const float *rows,
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

AVX2 static void avx2_guess(const float *const *queries,
			    const float *const *rows, size_t count, size_t d,
			    float *products)
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
	.tile = avx2_tile,
	.glance = avx2_glance,
	.guess = avx2_guess,
	.chains = fused_chains,
	.chain = fused_chain,
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
		__m512 bar = _mm512_set1_ps(least[i]);                         \
		above[i] =                                                     \
			(uint64_t)_mm512_cmp_ps_mask(                          \
				a##i, _mm512_min_ps(bar, bar_a), _CMP_GT_OQ) | \
			(uint64_t)_mm512_cmp_ps_mask(                          \
				b##i, _mm512_min_ps(bar, bar_b), _CMP_GT_OQ)   \
				<< 16 |                                        \
			(uint64_t)_mm512_cmp_ps_mask(                          \
				c##i, _mm512_min_ps(bar, bar_c), _CMP_GT_OQ)   \
				<< 32 |                                        \
			(uint64_t)_mm512_cmp_ps_mask(                          \
				e##i, _mm512_min_ps(bar, bar_e), _CMP_GT_OQ)   \
				<< 48;                                         \
		any |= above[i];                                               \
	} while (0)

#define STORE5(i)                                                              \
	do {                                                                   \
		float *to = scores + (i)*TILE_ROWS;                            \
		_mm512_storeu_ps(to, a##i);                                    \
		_mm512_storeu_ps(to + 16, b##i);                               \
		_mm512_storeu_ps(to + 32, c##i);                               \
		_mm512_storeu_ps(to + 48, e##i);                               \
	} while (0)

AVX512 static void avx512_tile(const float *queries, const float *rows,
			       size_t d, const float least[TILE_QUERIES],
			       const float rows_least[TILE_ROWS],
			       float scores[TILE_QUERIES * TILE_ROWS],
			       uint64_t above[TILE_QUERIES])
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

		STEP5(0);
		STEP5(1);
		STEP5(2);
		STEP5(3);
		STEP5(4);
		STEP5(5);
	}
	const float *bars = rows_least ? rows_least : no_bars;
	__m512 bar_a = _mm512_loadu_ps(bars);
	__m512 bar_b = _mm512_loadu_ps(bars + 16);
	__m512 bar_c = _mm512_loadu_ps(bars + 32);
	__m512 bar_e = _mm512_loadu_ps(bars + 48);
	MASK5(0);
	MASK5(1);
	MASK5(2);
	MASK5(3);
	MASK5(4);
	MASK5(5);
	if (any == 0)
		return;
	STORE5(0);
	STORE5(1);
	STORE5(2);
	STORE5(3);
	STORE5(4);
	STORE5(5);
}

AVX512 static void avx512_glance(const float *query, const float *rows,
				 size_t count, size_t d, float *products,
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

AVX512 static void avx512_guess(const float *const *queries,
				const float *const *rows, size_t count,
				size_t d, float *products)
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
	.tile = avx512_tile,
	.glance = avx512_glance,
	.guess = avx512_guess,
	.chains = fused_chains,
	.chain = fused_chain,
};
#endif

const struct dot_kernel *dot_kernel_get(unsigned i)
{
#ifdef __x86_64__
	if (i == 0 && cpu_has_avx512())
		return &avx512;
	if (i == 1 && cpu_has_avx2())
		return &avx2;
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

void dot_pack_query(float *packed, size_t i, const float *query, size_t d)
{
	for (size_t j = 0; j < d; j++)
		packed[j * TILE_QUERIES + i] = query ? query[j] : NAN;
}

void dot_score_tile(const struct dot_kernel *kernel, const float *queries,
		    const float *rows, size_t d, uint64_t wanted, float *scores,
		    size_t ld)
{
	static const float least[TILE_QUERIES] = {-INFINITY, -INFINITY,
						  -INFINITY, -INFINITY,
						  -INFINITY, -INFINITY};
	_Alignas(64) float tile[TILE_QUERIES * TILE_ROWS];
	uint64_t above[TILE_QUERIES];

	kernel->tile(queries, rows, d, least, NULL, tile, above);
	for (size_t i = 0; i < TILE_QUERIES; i++, scores += ld) {
		if ((above[i] & wanted) != 0) /* else it may not be set */
			memcpy(scores, tile + i * TILE_ROWS,
			       TILE_ROWS * sizeof *scores);
		for (uint64_t none = ~(above[i] & wanted); none != 0;
		     none &= none - 1)
			scores[__builtin_ctzll(none)] = -INFINITY;
	}
}
