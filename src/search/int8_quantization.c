#include "search/int8_quantization.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cpu_features.h"

enum { ZERO_POINT = 128, MAX_CODE = 127 };

/* An upper bound of all rounding errors in the bound and in a score of d
 * columns. */
static double rounding_error(size_t d)
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

/* ---------------------------------------------------------- quantization */

/* Columns quantized at once. Sums of squares have LANES partial sums on every
 * processor, so that the bits agree. */
enum { CHUNK = 256, LANES = 8 };

#define INLINE static inline __attribute__((always_inline))

INLINE float max_abs(const float *unit, size_t d)
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

/* Quantize a column; returns the square of its error. */
INLINE double quantize_column(float number, float scale, float inv_scale,
			      int8_t *code)
{
	/* Adding and subtracting this rounds to an integer, ties to even. */
	const float round = 0x1.8p23F;
	float steps = (number * inv_scale + round) - round;

	steps = steps <= MAX_CODE ? steps : MAX_CODE; /* never cast NaN */
	double error = (double)number - (double)scale * (double)steps;

	*code = (int8_t)steps;
	return error * error;
}

INLINE void quantize_columns(const float *unit, size_t count, float scale,
			     float inv_scale, int8_t *codes, double *sums)
{
	size_t j = 0;

	for (; j + LANES <= count; j += LANES)
		for (size_t l = 0; l < LANES; l++)
			sums[l] += quantize_column(unit[j + l], scale,
						   inv_scale, &codes[j + l]);
	for (; j < count; j++)
		sums[j % LANES] +=
			quantize_column(unit[j], scale, inv_scale, &codes[j]);
}

/* The loops for one instruction set; all give the same bits. */
struct quantizer {
	float (*largest)(const float *unit, size_t d);
	void (*codes)(const float *unit, size_t count, float scale,
		      float inv_scale, int8_t *codes, double *sums);
};

static float plain_largest(const float *unit, size_t d)
{
	return max_abs(unit, d);
}

static void plain_codes(const float *unit, size_t count, float scale,
			float inv_scale, int8_t *codes, double *sums)
{
	quantize_columns(unit, count, scale, inv_scale, codes, sums);
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

	/* max and min return the second operand if either is NaN. */
	for (size_t j = 0; j + 16 <= d; j += 16)
		most = _mm512_max_ps(
			_mm512_andnot_ps(sign, _mm512_loadu_ps(unit + j)),
			most);
	return _mm512_reduce_max_ps(most);
}

/* LANES columns at a time. */
WIDE static void wide_codes(const float *unit, size_t count, float scale,
			    float inv_scale, int8_t *codes, double *sums)
{
	const __m256 round = _mm256_set1_ps(0x1.8p23F);
	__m512d sum = _mm512_loadu_pd(sums);
	size_t j = 0;

	for (; j + LANES <= count; j += LANES) {
		__m256 numbers = _mm256_loadu_ps(unit + j);
		__m256 steps =
			_mm256_mul_ps(numbers, _mm256_set1_ps(inv_scale));

		steps = _mm256_sub_ps(_mm256_add_ps(steps, round), round);
		/* max and min return the second operand if either is NaN. */
		steps = _mm256_min_ps(steps, _mm256_set1_ps(MAX_CODE));
		__m512d error = _mm512_sub_pd(
			_mm512_cvtps_pd(numbers),
			_mm512_mul_pd(_mm512_set1_pd((double)scale),
				      _mm512_cvtps_pd(steps)));
		sum = _mm512_add_pd(sum, _mm512_mul_pd(error, error));
		_mm_storel_epi64(
			(__m128i *)(void *)(codes + j),
			_mm256_cvtepi32_epi8(_mm256_cvttps_epi32(steps)));
	}
	_mm512_storeu_pd(sums, sum);
	for (; j < count; j++)
		sums[j % LANES] +=
			quantize_column(unit[j], scale, inv_scale, &codes[j]);
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

/* The quantization of a unit vector, CHUNK columns at a time. */
struct quantization {
	const struct quantizer *quantizer;
	const float *unit;
	size_t d, done;
	float scale, inv_scale; /* 1 / scale, or 0 for a zero vector */
	double sums[LANES];
	int8_t codes[CHUNK]; /* padded with zeros to whole quads */
};

static void quantize_begin(struct quantization *chunk, const float *unit,
			   size_t d)
{
	chunk->quantizer = quantizer();
	chunk->unit = unit;
	chunk->d = d;
	chunk->done = 0;
	chunk->scale = chunk->quantizer->largest(unit, d) / MAX_CODE;
	chunk->inv_scale = chunk->scale > 0 ? 1 / chunk->scale : 0;
	/* The scale is subnormal. */
	if (!isfinite(chunk->inv_scale))
		chunk->scale = chunk->inv_scale = 0;
	memset(chunk->sums, 0, sizeof chunk->sums);
}

/* Quantize the next columns; returns the number of quads, 0 at the end. */
static size_t quantize_next(struct quantization *chunk)
{
	size_t rest = chunk->d - chunk->done;
	size_t count = rest < CHUNK ? rest : CHUNK;

	chunk->quantizer->codes(chunk->unit + chunk->done, count, chunk->scale,
				chunk->inv_scale, chunk->codes, chunk->sums);
	chunk->done += count;
	for (; count % 4 != 0; count++)
		chunk->codes[count] = 0;
	return count / 4;
}

/* The norm of the residual. */
static double residual_norm(const struct quantization *chunk)
{
	double sum = 0;

	for (size_t l = 0; l < LANES; l++)
		sum += chunk->sums[l];
	return sqrt(sum);
}

void int8_quantize(const float *unit, size_t d, uint8_t *block, size_t r,
		   float *scale, float *residual)
{
	struct quantization chunk;
	uint8_t *to = block + r * 4;

	quantize_begin(&chunk, unit, d);
	for (size_t quads; (quads = quantize_next(&chunk)) > 0;)
		for (size_t g = 0; g < quads; g++, to += INT8_BLOCK_ROWS * 4) {
			uint32_t four;

			memcpy(&four, chunk.codes + g * 4, 4);
			four ^= 0x80808080; /* add 128 to each */
			memcpy(to, &four, 4);
		}
	*scale = chunk.scale;
	*residual = rounded_up(residual_norm(&chunk));
}

void int8_query_begin(struct int8_query *query, size_t d)
{
	int8_query_place(query, d, alloc(int8_row_bytes(d), 1));
}

void int8_query_place(struct int8_query *query, size_t d, int8_t *codes)
{
	*query = (struct int8_query){.codes = codes, .quads = (d + 3) / 4};
}

void int8_query_set(struct int8_query *query, const float *unit, size_t d)
{
	struct quantization chunk;
	int8_t *to = query->codes;

	quantize_begin(&chunk, unit, d);
	query->offset = 0;
	for (size_t quads; (quads = quantize_next(&chunk)) > 0;)
		for (size_t j = 0; j < quads * 4; j++) {
			*to++ = chunk.codes[j];
			query->offset += ZERO_POINT * chunk.codes[j];
		}
	double error = residual_norm(&chunk);
	query->scale = chunk.scale;
	query->norm = rounded_up(sqrt(dot_square_norm(unit, d)) + error);
	/* Rows have norm 1 but for rounding. */
	query->error = rounded_up(error * 1.0001 + rounding_error(d));
}

void int8_query_end(struct int8_query *query)
{
	free(query->codes);
	*query = (struct int8_query){0};
}

void int8_query_group_begin(struct int8_query_group *group, size_t d)
{
	*group = (struct int8_query_group){.quads = (d + 3) / 4};
	group->words = alloc(alloc_product(group->quads, TILE_QUERIES),
			     sizeof *group->words);
}

void int8_query_group_set(struct int8_query_group *group, size_t i,
			  const struct int8_query *query)
{
	float inv_scale =
		query != NULL && query->scale > 0 ? 1 / query->scale : 1;

	for (size_t g = 0; g < group->quads; g++) {
		int32_t *to = &group->words[g * TILE_QUERIES + i];

		if (query != NULL)
			memcpy(to, query->codes + g * 4, sizeof *to);
		else
			*to = 0;
	}
	group->offset[i] = query ? query->offset : 0;
	group->inv_scale[i] = inv_scale;
	group->norm[i] = query ? query->norm * inv_scale : 0;
	group->error[i] = query ? query->error * inv_scale : 0;
}

float int8_query_group_unscale(const struct int8_query_group *group, size_t i,
			       float lower)
{
	return (lower - group->error[i]) / group->inv_scale[i];
}

void int8_query_group_end(struct int8_query_group *group)
{
	free(group->words);
	*group = (struct int8_query_group){0};
}
