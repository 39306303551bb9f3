#include "search/int8_quantization.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cpu_features.h"

enum { MIDDLE = 128, MOST = 127 };

/* What rounding may take from a bound and add to a score of d columns. */
static double slack(size_t d)
{
	return ((double)d + 64) * 0x1p-23;
}

size_t int8_row_bytes(size_t d)
{
	return (d + 3) / 4 * 4;
}

size_t int8_block_bytes(size_t d)
{
	return int8_row_bytes(d) * INT8_BLOCK_ROWS;
}

static float rounded_up(double value)
{
	return nextafterf((float)value, INFINITY);
}

/* --------------------------------------------------------------- to bytes */

/* Columns that are made bytes at once; sums of squares are of LANES columns
 * each, whatever the processor, so that the same bits come out. */
enum { SOME = 256, LANES = 8 };

#define INLINE static inline __attribute__((always_inline))

INLINE float largest_of(const float *unit, size_t d)
{
	float most[16] = {0}, largest = 0;
	size_t j = 0;

	for (; j + 16 <= d; j += 16)
		for (size_t l = 0; l < 16; l++) {
			float size = fabsf(unit[j + l]);
			most[l] = size > most[l] ? size : most[l];
		}
	for (; j < d; j++)
		largest = fabsf(unit[j]) > largest ? fabsf(unit[j]) : largest;
	for (size_t l = 0; l < 16; l++)
		largest = most[l] > largest ? most[l] : largest;
	return largest;
}

/* One column: its code, and the square of what that misses. */
INLINE double code_of(float number, float scale, float over, int8_t *code)
{
	/* Rounds to an integer, ties to even. */
	const float round = 0x1.8p23F;
	float steps = (number * over + round) - round;

	steps = steps <= MOST ? steps : MOST; /* no NaN is cast */
	double missed = (double)number - (double)scale * (double)steps;

	*code = (int8_t)steps;
	return missed * missed;
}

INLINE void codes_of(const float *unit, size_t count, float scale, float over,
		     int8_t *codes, double *sums)
{
	size_t j = 0;

	for (; j + LANES <= count; j += LANES)
		for (size_t l = 0; l < LANES; l++)
			sums[l] += code_of(unit[j + l], scale, over,
					   &codes[j + l]);
	for (; j < count; j++)
		sums[j % LANES] += code_of(unit[j], scale, over, &codes[j]);
}

/* The two for one kind of processor; the bits are the same. */
struct quantizer {
	float (*largest)(const float *unit, size_t d);
	void (*codes)(const float *unit, size_t count, float scale, float over,
		      int8_t *codes, double *sums);
};

static float plain_largest(const float *unit, size_t d)
{
	return largest_of(unit, d);
}

static void plain_codes(const float *unit, size_t count, float scale,
			float over, int8_t *codes, double *sums)
{
	codes_of(unit, count, scale, over, codes, sums);
}

static const struct quantizer plain_quantizer = {plain_largest, plain_codes};

#ifdef __x86_64__
#include <immintrin.h>

#define WIDE __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq")))

WIDE static float wide_largest(const float *unit, size_t d)
{
	const __m512 sign = _mm512_set1_ps(-0.0F);
	__mmask16 tail = (__mmask16)((1U << d % 16) - 1);
	__m512 most = _mm512_andnot_ps(
		sign, _mm512_maskz_loadu_ps(tail, unit + d / 16 * 16));

	/* The second where one is a NaN. */
	for (size_t j = 0; j + 16 <= d; j += 16)
		most = _mm512_max_ps(
			_mm512_andnot_ps(sign, _mm512_loadu_ps(unit + j)),
			most);
	return _mm512_reduce_max_ps(most);
}

/* Eight columns at a time, as LANES has them. */
WIDE static void wide_codes(const float *unit, size_t count, float scale,
			    float over, int8_t *codes, double *sums)
{
	const __m256 round = _mm256_set1_ps(0x1.8p23F);
	__m512d sum = _mm512_loadu_pd(sums);
	size_t j = 0;

	for (; j + LANES <= count; j += LANES) {
		__m256 numbers = _mm256_loadu_ps(unit + j);
		__m256 steps = _mm256_mul_ps(numbers, _mm256_set1_ps(over));

		steps = _mm256_sub_ps(_mm256_add_ps(steps, round), round);
		/* The second where one is a NaN. */
		steps = _mm256_min_ps(steps, _mm256_set1_ps(MOST));
		__m512d missed = _mm512_sub_pd(
			_mm512_cvtps_pd(numbers),
			_mm512_mul_pd(_mm512_set1_pd((double)scale),
				      _mm512_cvtps_pd(steps)));
		sum = _mm512_add_pd(sum, _mm512_mul_pd(missed, missed));
		_mm_storel_epi64(
			(__m128i *)(void *)(codes + j),
			_mm256_cvtepi32_epi8(_mm256_cvttps_epi32(steps)));
	}
	_mm512_storeu_pd(sums, sum);
	for (; j < count; j++)
		sums[j % LANES] += code_of(unit[j], scale, over, &codes[j]);
}

static const struct quantizer wide_quantizer = {wide_largest, wide_codes};
#endif

static const struct quantizer *quantizer(void)
{
#ifdef __x86_64__
	if (cpu_has_avx512())
		return &wide_quantizer;
#endif
	return &plain_quantizer;
}

/* Bytes of a unit vector, some columns at a time. */
struct quantizing {
	const struct quantizer *quantizer;
	const float *unit;
	size_t d, done;
	float scale, over; /* 1 / scale; 0: all zeros */
	double sums[LANES];
	int8_t codes[SOME]; /* zeros fill up the last group of four */
};

static void quantize(struct quantizing *work, const float *unit, size_t d)
{
	work->quantizer = quantizer();
	work->unit = unit;
	work->d = d;
	work->done = 0;
	work->scale = work->quantizer->largest(unit, d) / MOST;
	work->over = work->scale > 0 ? 1 / work->scale : 0;
	/* Of a denormal scale. */
	if (!isfinite(work->over))
		work->scale = work->over = 0;
	memset(work->sums, 0, sizeof work->sums);
}

/* How many groups of four are in codes now; 0: that was all. */
static size_t quantize_some(struct quantizing *work)
{
	size_t rest = work->d - work->done;
	size_t count = rest < SOME ? rest : SOME;

	work->quantizer->codes(work->unit + work->done, count, work->scale,
			       work->over, work->codes, work->sums);
	work->done += count;
	for (; count % 4 != 0; count++)
		work->codes[count] = 0;
	return count / 4;
}

/* The length of what the bytes miss. */
static double missed_by(const struct quantizing *work)
{
	double sum = 0;

	for (size_t l = 0; l < LANES; l++)
		sum += work->sums[l];
	return sqrt(sum);
}

void int8_quantize(const float *unit, size_t d, uint8_t *block, size_t r,
		   float *scale, float *residual)
{
	struct quantizing work;
	uint8_t *to = block + r * 4;

	quantize(&work, unit, d);
	for (size_t groups; (groups = quantize_some(&work)) > 0;)
		for (size_t g = 0; g < groups; g++, to += INT8_BLOCK_ROWS * 4) {
			uint32_t four;

			memcpy(&four, work.codes + g * 4, 4);
			four ^= 0x80808080; /* 128 more, each */
			memcpy(to, &four, 4);
		}
	*scale = work.scale;
	*residual = rounded_up(missed_by(&work));
}

void int8_query_begin(struct int8_query *probe, size_t d)
{
	int8_query_place(probe, d, alloc(int8_row_bytes(d), 1));
}

void int8_query_place(struct int8_query *probe, size_t d, int8_t *codes)
{
	*probe = (struct int8_query){.codes = codes, .groups = (d + 3) / 4};
}

void int8_query_set(struct int8_query *probe, const float *unit, size_t d)
{
	struct quantizing work;
	int8_t *to = probe->codes;

	quantize(&work, unit, d);
	probe->offset = 0;
	for (size_t groups; (groups = quantize_some(&work)) > 0;)
		for (size_t j = 0; j < groups * 4; j++) {
			*to++ = work.codes[j];
			probe->offset += MIDDLE * work.codes[j];
		}
	double missed = missed_by(&work);
	probe->scale = work.scale;
	probe->by = rounded_up(sqrt(dot_square_norm(unit, d)) + missed);
	/* A row is of length 1 but for rounding. */
	probe->least = rounded_up(missed * 1.0001 + slack(d));
}

void int8_query_end(struct int8_query *probe)
{
	free(probe->codes);
	*probe = (struct int8_query){0};
}

void int8_query_group_begin(struct int8_query_group *probes, size_t d)
{
	*probes = (struct int8_query_group){.groups = (d + 3) / 4};
	probes->words = alloc(alloc_product(probes->groups, TILE_QUERIES),
			      sizeof *probes->words);
}

void int8_query_group_set(struct int8_query_group *probes, size_t i,
			  const struct int8_query *probe)
{
	float over = probe != NULL && probe->scale > 0 ? 1 / probe->scale : 1;

	for (size_t g = 0; g < probes->groups; g++) {
		int32_t *word = &probes->words[g * TILE_QUERIES + i];

		if (probe != NULL)
			memcpy(word, probe->codes + g * 4, sizeof *word);
		else
			*word = 0;
	}
	probes->offset[i] = probe ? probe->offset : 0;
	probes->over[i] = over;
	probes->by[i] = probe ? probe->by * over : 0;
	probes->least[i] = probe ? probe->least * over : 0;
}

float int8_query_group_least(const struct int8_query_group *probes, size_t i,
			     float lower)
{
	return (lower - probes->least[i]) / probes->over[i];
}

void int8_query_group_end(struct int8_query_group *probes)
{
	free(probes->words);
	*probes = (struct int8_query_group){0};
}

/* ------------------------------------------------------------------ plain */

static uint64_t plain_above(const struct int8_query *probe,
			    const uint8_t *block, const float *scales,
			    const float *residuals, float bar)
{
	uint64_t above = 0;

	for (size_t r = 0; r < INT8_BLOCK_ROWS; r++) {
		int32_t sum = -probe->offset;

		for (size_t g = 0; g < probe->groups; g++)
			for (size_t i = 0; i < 4; i++)
				sum += block[(g * INT8_BLOCK_ROWS + r) * 4 +
					     i] *
				       probe->codes[g * 4 + i];
		float bound = probe->scale * scales[r] * (float)sum +
			      probe->by * residuals[r] + probe->least;
		above |= (uint64_t) !(bound < bar) << r;
	}
	return above;
}

/* The bar of a pair, over the query's scale. */
static inline float bar_over(const struct int8_query_group *probes, size_t i,
			     float bar)
{
	return bar * probes->over[i] - probes->least[i];
}

/* The sum of a row and a query of a group. */
static int32_t plain_sum(const struct int8_query_group *probes, size_t i,
			 const uint8_t *block, size_t r)
{
	int32_t sum = -probes->offset[i];

	for (size_t g = 0; g < probes->groups; g++) {
		int8_t four[4];

		memcpy(four, &probes->words[g * TILE_QUERIES + i], 4);
		for (size_t c = 0; c < 4; c++)
			sum += block[(g * INT8_BLOCK_ROWS + r) * 4 + c] *
			       four[c];
	}
	return sum;
}

static void plain_sieve(const struct int8_query_group *probes,
			const uint8_t *block, const float *scales,
			const float *residuals, const float bars[TILE_QUERIES],
			const float rows_bars[TILE_ROWS],
			uint64_t above[TILE_QUERIES])
{
	for (size_t i = 0; i < TILE_QUERIES; i++) {
		above[i] = 0;
		for (size_t r = 0; r < TILE_ROWS; r++) {
			int32_t sum = plain_sum(probes, i, block, r);
			float bar = bars[i];

			if (rows_bars != NULL && rows_bars[r] < bar)
				bar = rows_bars[r];
			float bound = scales[r] * (float)sum +
				      probes->by[i] * residuals[r];
			above[i] |=
				(uint64_t) !(bound < bar_over(probes, i, bar))
				<< r;
		}
	}
}

static void plain_lower(const struct int8_query_group *probes,
			const uint8_t *block, const float *scales,
			const float *residuals, uint64_t rows, float *lower,
			size_t ld)
{
	for (size_t i = 0; i < TILE_QUERIES; i++)
		for (size_t r = 0; r < TILE_ROWS; r++)
			lower[i * ld + r] =
				rows >> r & 1
					? scales[r] * (float)plain_sum(probes,
								       i, block,
								       r) -
						  probes->by[i] * residuals[r]
					: -INFINITY;
}

static const struct int8_kernel plain = {"plain", plain_above, plain_sieve,
					 plain_lower};

#ifdef __x86_64__

#define AVX2 __attribute__((target("avx2,fma")))
#define VNNI __attribute__((target("avx512f,avx512bw,avx512vnni")))

/* Sums of four rows, two halves of each, from sixteen bytes. */
#define STEP2(i)                                                               \
	sum##i = _mm256_add_epi32(                                             \
		sum##i,                                                        \
		_mm256_madd_epi16(                                             \
			_mm256_cvtepu8_epi16(_mm_loadu_si128(                  \
				(const __m128i *)(const void *)(from +         \
								16 * (i)))),   \
			query))

/* Sixteen rows from the first on. */
AVX2 static inline uint64_t strip2(const struct int8_query *probe,
				   const uint8_t *block, const float *scales,
				   const float *residuals, float bar,
				   size_t first)
{
	__m256i sum0 = _mm256_setzero_si256(), sum1 = sum0, sum2 = sum0;
	__m256i sum3 = sum0, offset = _mm256_set1_epi32(probe->offset);
	uint64_t above = 0;

	for (size_t g = 0; g < probe->groups; g++) {
		const uint8_t *from = block + (g * INT8_BLOCK_ROWS + first) * 4;
		int32_t four;

		memcpy(&four, probe->codes + g * 4, 4);
		__m256i query = _mm256_cvtepi8_epi16(_mm_set1_epi32(four));
		STEP2(0);
		STEP2(1);
		STEP2(2);
		STEP2(3);
	}
	for (size_t half = 0; half < 2; half++) {
		/* hadd works within halves: rows 0 1 4 5 2 3 6 7. */
		__m256i sum = half ? _mm256_hadd_epi32(sum2, sum3)
				   : _mm256_hadd_epi32(sum0, sum1);
		sum = _mm256_permute4x64_epi64(sum, 0xd8);
		__m256 value =
			_mm256_cvtepi32_ps(_mm256_sub_epi32(sum, offset));
		value = _mm256_mul_ps(
			value, _mm256_mul_ps(_mm256_set1_ps(probe->scale),
					     _mm256_loadu_ps(scales + first +
							     half * 8)));
		value = _mm256_fmadd_ps(
			_mm256_set1_ps(probe->by),
			_mm256_loadu_ps(residuals + first + half * 8), value);
		value = _mm256_add_ps(value, _mm256_set1_ps(probe->least));
		above |= (uint64_t)(unsigned)_mm256_movemask_ps(_mm256_cmp_ps(
				 value, _mm256_set1_ps(bar), _CMP_NLT_UQ))
			 << (first + half * 8);
	}
	return above;
}

AVX2 static uint64_t avx2_above(const struct int8_query *probe,
				const uint8_t *block, const float *scales,
				const float *residuals, float bar)
{
	uint64_t above = 0;

	for (size_t first = 0; first < INT8_BLOCK_ROWS; first += 16)
		above |= strip2(probe, block, scales, residuals, bar, first);
	return above;
}

static const struct int8_kernel avx2 = {"AVX2", avx2_above, plain_sieve,
					plain_lower};

/* Sixteen rows of a sum. */
VNNI static inline uint64_t finish5(const struct int8_query *probe, __m512i sum,
				    const float *scales, const float *residuals,
				    float bar, size_t first)
{
	__m512 value = _mm512_cvtepi32_ps(
		_mm512_sub_epi32(sum, _mm512_set1_epi32(probe->offset)));

	value = _mm512_mul_ps(value,
			      _mm512_mul_ps(_mm512_set1_ps(probe->scale),
					    _mm512_loadu_ps(scales + first)));
	value = _mm512_fmadd_ps(_mm512_set1_ps(probe->by),
				_mm512_loadu_ps(residuals + first), value);
	value = _mm512_add_ps(value, _mm512_set1_ps(probe->least));
	return (uint64_t)_mm512_cmp_ps_mask(value, _mm512_set1_ps(bar),
					    _CMP_NLT_UQ)
	       << first;
}

VNNI static uint64_t vnni_above(const struct int8_query *probe,
				const uint8_t *block, const float *scales,
				const float *residuals, float bar)
{
	__m512i sum0 = _mm512_setzero_si512(), sum1 = sum0, sum2 = sum0;
	__m512i sum3 = sum0;

	for (size_t g = 0; g < probe->groups; g++) {
		const uint8_t *from = block + g * INT8_BLOCK_ROWS * 4;
		int32_t four;

		memcpy(&four, probe->codes + g * 4, 4);
		__m512i query = _mm512_set1_epi32(four);
		/* A stream longer than the caches: ask early. */
		_mm_prefetch((const char *)from + 8192, _MM_HINT_T0);
		_mm_prefetch((const char *)from + 8192 + 64, _MM_HINT_T0);
		_mm_prefetch((const char *)from + 8192 + 128, _MM_HINT_T0);
		_mm_prefetch((const char *)from + 8192 + 192, _MM_HINT_T0);
		sum0 = _mm512_dpbusd_epi32(sum0, _mm512_loadu_si512(from),
					   query);
		sum1 = _mm512_dpbusd_epi32(sum1, _mm512_loadu_si512(from + 64),
					   query);
		sum2 = _mm512_dpbusd_epi32(sum2, _mm512_loadu_si512(from + 128),
					   query);
		sum3 = _mm512_dpbusd_epi32(sum3, _mm512_loadu_si512(from + 192),
					   query);
	}
	return finish5(probe, sum0, scales, residuals, bar, 0) |
	       finish5(probe, sum1, scales, residuals, bar, 16) |
	       finish5(probe, sum2, scales, residuals, bar, 32) |
	       finish5(probe, sum3, scales, residuals, bar, 48);
}

/* sum = _mm512_dpbusd_epi32(sum, rows, query), in place: GCC 12 copies the sums
 * about and spills them if it is told so. */
#define DOT(sum, rows, query)                                                  \
	__asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(rows), "v"(query))

/* One group of columns of 6 x 64 sums: 24 of 32 registers hold sums. */
#define STEP6(i)                                                               \
	query = _mm512_set1_epi32(words[i]);                                   \
	DOT(a##i, a, query);                                                   \
	DOT(b##i, b, query);                                                   \
	DOT(c##i, c, query);                                                   \
	DOT(e##i, e, query)

#define START6(i)                                                              \
	__m512i a##i = _mm512_set1_epi32(-probes->offset[i]);                  \
	__m512i b##i = a##i, c##i = a##i, e##i = a##i

#define EACH6(DO)                                                              \
	DO(0);                                                                 \
	DO(1);                                                                 \
	DO(2);                                                                 \
	DO(3);                                                                 \
	DO(4);                                                                 \
	DO(5)

#define SUM6                                                                   \
	EACH6(START6);                                                         \
	for (size_t g = 0; g < probes->groups; g++) {                          \
		const uint8_t *from = block + g * INT8_BLOCK_ROWS * 4;         \
		const int32_t *words = probes->words + g * TILE_QUERIES;       \
		__m512i a = _mm512_loadu_si512(from);                          \
		__m512i b = _mm512_loadu_si512(from + 64);                     \
		__m512i c = _mm512_loadu_si512(from + 128);                    \
		__m512i e = _mm512_loadu_si512(from + 192);                    \
		__m512i query;                                                 \
                                                                               \
		EACH6(STEP6);                                                  \
	}

/* Which of sixteen rows of a query's sums are not below a bar. */
#define SIFT(part, first)                                                      \
	do {                                                                   \
		__m512 bar = bar_of_query;                                     \
		__m512 bound = _mm512_mul_ps(_mm512_cvtepi32_ps(part),         \
					     _mm512_loadu_ps(scales + first)); \
		bound = _mm512_fmadd_ps(                                       \
			by, _mm512_loadu_ps(residuals + first), bound);        \
		if (mutual)                                                    \
			bar = _mm512_min_ps(                                   \
				bar,                                           \
				_mm512_fmsub_ps(                               \
					_mm512_loadu_ps(rows_bars + first),    \
					over, lowered));                       \
		mask |= (uint64_t)_mm512_cmp_ps_mask(bound, bar, _CMP_NLT_UQ)  \
			<< (first);                                            \
	} while (0)

#define SIFT6(i)                                                               \
	do {                                                                   \
		__m512 bar_of_query =                                          \
			_mm512_set1_ps(bar_over(probes, i, bars[i]));          \
		__m512 by = _mm512_set1_ps(probes->by[i]);                     \
		__m512 over = _mm512_set1_ps(probes->over[i]);                 \
		__m512 lowered = _mm512_set1_ps(probes->least[i]);             \
		uint64_t mask = 0;                                             \
		SIFT(a##i, 0);                                                 \
		SIFT(b##i, 16);                                                \
		SIFT(c##i, 32);                                                \
		SIFT(e##i, 48);                                                \
		above[i] = mask;                                               \
	} while (0)

VNNI static inline __attribute__((always_inline)) void
sieve6(const struct int8_query_group *probes, const uint8_t *block,
       const float *scales, const float *residuals, const float *bars,
       const float *rows_bars, uint64_t *above, const int mutual)
{
	SUM6;
	EACH6(SIFT6);
}

VNNI static void vnni_sieve(const struct int8_query_group *probes,
			    const uint8_t *block, const float *scales,
			    const float *residuals,
			    const float bars[TILE_QUERIES],
			    const float rows_bars[TILE_ROWS],
			    uint64_t above[TILE_QUERIES])
{
	if (rows_bars == NULL)
		sieve6(probes, block, scales, residuals, bars, NULL, above, 0);
	else
		sieve6(probes, block, scales, residuals, bars, rows_bars, above,
		       1);
}

#define LOWER(part, first)                                                     \
	_mm512_storeu_ps(                                                      \
		to + first,                                                    \
		_mm512_mask_blend_ps(                                          \
			(__mmask16)(rows >> (first)), infinite,                \
			_mm512_fnmadd_ps(                                      \
				by, _mm512_loadu_ps(residuals + first),        \
				_mm512_mul_ps(                                 \
					_mm512_cvtepi32_ps(part),              \
					_mm512_loadu_ps(scales + first)))))

#define LOWER6(i)                                                              \
	do {                                                                   \
		__m512 by = _mm512_set1_ps(probes->by[i]);                     \
		float *to = lower + (i)*ld;                                    \
		LOWER(a##i, 0);                                                \
		LOWER(b##i, 16);                                               \
		LOWER(c##i, 32);                                               \
		LOWER(e##i, 48);                                               \
	} while (0)

VNNI static void vnni_lower(const struct int8_query_group *probes,
			    const uint8_t *block, const float *scales,
			    const float *residuals, uint64_t rows, float *lower,
			    size_t ld)
{
	const __m512 infinite = _mm512_set1_ps(-INFINITY);

	SUM6;
	EACH6(LOWER6);
}

static const struct int8_kernel vnni = {"AVX-512 VNNI", vnni_above, vnni_sieve,
					vnni_lower};
#endif

const struct int8_kernel *int8_kernel_get(unsigned i)
{
#ifdef __x86_64__
	if (i == 0 && cpu_has_vnni())
		return &vnni;
	if (i == 1 && cpu_has_avx2())
		return &avx2;
#endif
	return i == INT8_KERNELS - 1 ? &plain : NULL;
}

const struct int8_kernel *int8_kernel_best(void)
{
	unsigned i = 0;

	while (int8_kernel_get(i) == NULL)
		i++;
	return int8_kernel_get(i);
}

const struct int8_kernel *int8_kernel_filter(void)
{
	/* Plain C's and AVX2's take longer than the products they save. */
	return int8_kernel_get(0);
}
