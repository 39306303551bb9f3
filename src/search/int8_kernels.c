#include "search/int8_kernels.h"

#include <math.h>
#include <string.h>

#include "base/cpu_features.h"

static uint64_t plain_mask_query(const struct int8_query *query,
				 const uint8_t *block, const float *scales,
				 const float *residuals, float threshold)
{
	uint64_t above = 0;

	for (size_t r = 0; r < INT8_BLOCK_ROWS; r++) {
		int32_t sum = -query->offset;

		for (size_t g = 0; g < query->quads; g++)
			for (size_t i = 0; i < 4; i++)
				sum += block[(g * INT8_BLOCK_ROWS + r) * 4 +
					     i] *
				       query->codes[g * 4 + i];
		float bound = query->scale * scales[r] * (float)sum +
			      query->norm * residuals[r] + query->error;
		above |= (uint64_t) !(bound < threshold) << r;
	}
	return above;
}

/* The threshold of a pair, divided by the query's scale and less its error. */
static inline float scaled_threshold(const struct int8_query_group *group,
				     size_t i, float threshold)
{
	return threshold * group->inv_scale[i] - group->error[i];
}

/* The integer dot product of a row and query i of a group. */
static int32_t plain_product(const struct int8_query_group *group, size_t i,
			     const uint8_t *block, size_t r)
{
	int32_t sum = -group->offset[i];

	for (size_t g = 0; g < group->quads; g++) {
		int8_t four[4];

		memcpy(four, &group->words[g * TILE_QUERIES + i], 4);
		for (size_t c = 0; c < 4; c++)
			sum += block[(g * INT8_BLOCK_ROWS + r) * 4 + c] *
			       four[c];
	}
	return sum;
}

static void plain_mask_group(const struct int8_query_group *group,
			     const uint8_t *block, const float *scales,
			     const float *residuals,
			     const float thresholds[TILE_QUERIES],
			     const float row_thresholds[TILE_ROWS],
			     uint64_t above[TILE_QUERIES])
{
	for (size_t i = 0; i < TILE_QUERIES; i++) {
		above[i] = 0;
		for (size_t r = 0; r < TILE_ROWS; r++) {
			int32_t sum = plain_product(group, i, block, r);
			float threshold = thresholds[i];

			if (row_thresholds != NULL &&
			    row_thresholds[r] < threshold)
				threshold = row_thresholds[r];
			float bound = scales[r] * (float)sum +
				      group->norm[i] * residuals[r];
			above[i] |= (uint64_t) !(bound <
						 scaled_threshold(group, i,
								  threshold))
				    << r;
		}
	}
}

static void plain_lower_bounds(const struct int8_query_group *group,
			       const uint8_t *block, const float *scales,
			       const float *residuals, uint64_t rows,
			       float *lower, size_t ld)
{
	for (size_t i = 0; i < TILE_QUERIES; i++)
		for (size_t r = 0; r < TILE_ROWS; r++)
			lower[i * ld + r] =
				rows >> r & 1
					? scales[r] * (float)plain_product(
							      group, i, block,
							      r) -
						  group->norm[i] * residuals[r]
					: -INFINITY;
}

static const struct int8_kernel plain = {"plain", plain_mask_query,
					 plain_mask_group, plain_lower_bounds};

#ifdef __x86_64__
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,fma")))
#define VNNI __attribute__((target("avx512f,avx512bw,avx512vnni")))

/* Dot products of four rows and a quad of columns, two partial sums each, from
 * 16 bytes. */
#define STEP2(i)                                                               \
	sum##i = _mm256_add_epi32(                                             \
		sum##i,                                                        \
		_mm256_madd_epi16(                                             \
			_mm256_cvtepu8_epi16(_mm_loadu_si128(                  \
				(const __m128i *)(const void *)(from +         \
								16 * (i)))),   \
			word))

/* The mask of 16 rows, from row first of the block on. */
AVX2 static inline uint64_t mask2(const struct int8_query *query,
				  const uint8_t *block, const float *scales,
				  const float *residuals, float threshold,
				  size_t first)
{
	__m256i sum0 = _mm256_setzero_si256(), sum1 = sum0, sum2 = sum0;
	__m256i sum3 = sum0, offset = _mm256_set1_epi32(query->offset);
	uint64_t above = 0;

	for (size_t g = 0; g < query->quads; g++) {
		const uint8_t *from = block + (g * INT8_BLOCK_ROWS + first) * 4;
		int32_t four;

		memcpy(&four, query->codes + g * 4, 4);
		__m256i word = _mm256_cvtepi8_epi16(_mm_set1_epi32(four));
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
			value, _mm256_mul_ps(_mm256_set1_ps(query->scale),
					     _mm256_loadu_ps(scales + first +
							     half * 8)));
		value = _mm256_fmadd_ps(
			_mm256_set1_ps(query->norm),
			_mm256_loadu_ps(residuals + first + half * 8), value);
		value = _mm256_add_ps(value, _mm256_set1_ps(query->error));
		above |= (uint64_t)(unsigned)_mm256_movemask_ps(_mm256_cmp_ps(
				 value, _mm256_set1_ps(threshold), _CMP_NLT_UQ))
			 << (first + half * 8);
	}
	return above;
}

AVX2 static uint64_t avx2_mask_query(const struct int8_query *query,
				     const uint8_t *block, const float *scales,
				     const float *residuals, float threshold)
{
	uint64_t above = 0;

	for (size_t first = 0; first < INT8_BLOCK_ROWS; first += 16)
		above |= mask2(query, block, scales, residuals, threshold,
			       first);
	return above;
}

static const struct int8_kernel avx2 = {"AVX2", avx2_mask_query,
					plain_mask_group, plain_lower_bounds};

/* The mask of 16 rows by their integer dot products. */
VNNI static inline uint64_t mask5(const struct int8_query *query, __m512i sum,
				  const float *scales, const float *residuals,
				  float threshold, size_t first)
{
	__m512 value = _mm512_cvtepi32_ps(
		_mm512_sub_epi32(sum, _mm512_set1_epi32(query->offset)));

	value = _mm512_mul_ps(value,
			      _mm512_mul_ps(_mm512_set1_ps(query->scale),
					    _mm512_loadu_ps(scales + first)));
	value = _mm512_fmadd_ps(_mm512_set1_ps(query->norm),
				_mm512_loadu_ps(residuals + first), value);
	value = _mm512_add_ps(value, _mm512_set1_ps(query->error));
	return (uint64_t)_mm512_cmp_ps_mask(value, _mm512_set1_ps(threshold),
					    _CMP_NLT_UQ)
	       << first;
}

VNNI static uint64_t vnni_mask_query(const struct int8_query *query,
				     const uint8_t *block, const float *scales,
				     const float *residuals, float threshold)
{
	__m512i sum0 = _mm512_setzero_si512(), sum1 = sum0, sum2 = sum0;
	__m512i sum3 = sum0;

	for (size_t g = 0; g < query->quads; g++) {
		const uint8_t *from = block + g * INT8_BLOCK_ROWS * 4;
		int32_t four;

		memcpy(&four, query->codes + g * 4, 4);
		__m512i word = _mm512_set1_epi32(four);
		/* The codes exceed the caches: prefetch ahead. */
		_mm_prefetch((const char *)from + 8192, _MM_HINT_T0);
		_mm_prefetch((const char *)from + 8192 + 64, _MM_HINT_T0);
		_mm_prefetch((const char *)from + 8192 + 128, _MM_HINT_T0);
		_mm_prefetch((const char *)from + 8192 + 192, _MM_HINT_T0);
		sum0 = _mm512_dpbusd_epi32(sum0, _mm512_loadu_si512(from),
					   word);
		sum1 = _mm512_dpbusd_epi32(sum1, _mm512_loadu_si512(from + 64),
					   word);
		sum2 = _mm512_dpbusd_epi32(sum2, _mm512_loadu_si512(from + 128),
					   word);
		sum3 = _mm512_dpbusd_epi32(sum3, _mm512_loadu_si512(from + 192),
					   word);
	}
	return mask5(query, sum0, scales, residuals, threshold, 0) |
	       mask5(query, sum1, scales, residuals, threshold, 16) |
	       mask5(query, sum2, scales, residuals, threshold, 32) |
	       mask5(query, sum3, scales, residuals, threshold, 48);
}

/* sum = _mm512_dpbusd_epi32(sum, rows, word) in place: from the intrinsic GCC
 * 12 copies and spills the accumulators. */
#define DOT(sum, rows, word)                                                   \
	__asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(rows), "v"(word))

/* One group of columns of 6 x 64 sums: 24 of 32 registers hold sums. */
#define STEP6(i)                                                               \
	word = _mm512_set1_epi32(words[i]);                                    \
	DOT(a##i, a, word);                                                    \
	DOT(b##i, b, word);                                                    \
	DOT(c##i, c, word);                                                    \
	DOT(e##i, e, word)

#define START6(i)                                                              \
	__m512i a##i = _mm512_set1_epi32(-group->offset[i]);                   \
	__m512i b##i = a##i, c##i = a##i, e##i = a##i

#define SUM6                                                                   \
	EACH_QUERY(START6);                                                    \
	for (size_t g = 0; g < group->quads; g++) {                            \
		const uint8_t *from = block + g * INT8_BLOCK_ROWS * 4;         \
		const int32_t *words = group->words + g * TILE_QUERIES;        \
		__m512i a = _mm512_loadu_si512(from);                          \
		__m512i b = _mm512_loadu_si512(from + 64);                     \
		__m512i c = _mm512_loadu_si512(from + 128);                    \
		__m512i e = _mm512_loadu_si512(from + 192);                    \
		__m512i word;                                                  \
                                                                               \
		EACH_QUERY(STEP6);                                             \
	}

/* The mask of 16 rows of a query: upper bound not below the threshold. */
#define MASK(part, first)                                                      \
	do {                                                                   \
		__m512 threshold = query_threshold;                            \
		__m512 bound = _mm512_mul_ps(_mm512_cvtepi32_ps(part),         \
					     _mm512_loadu_ps(scales + first)); \
		bound = _mm512_fmadd_ps(                                       \
			norm, _mm512_loadu_ps(residuals + first), bound);      \
		if (with_row_thresholds)                                       \
			threshold = _mm512_min_ps(                             \
				threshold,                                     \
				_mm512_fmsub_ps(                               \
					_mm512_loadu_ps(row_thresholds +       \
							first),                \
					inv_scale, query_error));              \
		mask |= (uint64_t)_mm512_cmp_ps_mask(bound, threshold,         \
						     _CMP_NLT_UQ)              \
			<< (first);                                            \
	} while (0)

#define MASK6(i)                                                               \
	do {                                                                   \
		__m512 query_threshold = _mm512_set1_ps(                       \
			scaled_threshold(group, i, thresholds[i]));            \
		__m512 norm = _mm512_set1_ps(group->norm[i]);                  \
		__m512 inv_scale = _mm512_set1_ps(group->inv_scale[i]);        \
		__m512 query_error = _mm512_set1_ps(group->error[i]);          \
		uint64_t mask = 0;                                             \
		MASK(a##i, 0);                                                 \
		MASK(b##i, 16);                                                \
		MASK(c##i, 32);                                                \
		MASK(e##i, 48);                                                \
		above[i] = mask;                                               \
	} while (0)

VNNI static inline __attribute__((always_inline)) void
mask_group6(const struct int8_query_group *group, const uint8_t *block,
	    const float *scales, const float *residuals,
	    const float *thresholds, const float *row_thresholds,
	    uint64_t *above, const int with_row_thresholds)
{
	SUM6;
	EACH_QUERY(MASK6);
}

VNNI static void vnni_mask_group(const struct int8_query_group *group,
				 const uint8_t *block, const float *scales,
				 const float *residuals,
				 const float thresholds[TILE_QUERIES],
				 const float row_thresholds[TILE_ROWS],
				 uint64_t above[TILE_QUERIES])
{
	if (row_thresholds == NULL)
		mask_group6(group, block, scales, residuals, thresholds, NULL,
			    above, 0);
	else
		mask_group6(group, block, scales, residuals, thresholds,
			    row_thresholds, above, 1);
}

#define LOWER(part, first)                                                     \
	_mm512_storeu_ps(                                                      \
		to + first,                                                    \
		_mm512_mask_blend_ps(                                          \
			(__mmask16)(rows >> (first)), infinite,                \
			_mm512_fnmadd_ps(                                      \
				norm, _mm512_loadu_ps(residuals + first),      \
				_mm512_mul_ps(                                 \
					_mm512_cvtepi32_ps(part),              \
					_mm512_loadu_ps(scales + first)))))

#define LOWER6(i)                                                              \
	do {                                                                   \
		__m512 norm = _mm512_set1_ps(group->norm[i]);                  \
		float *to = lower + (i)*ld;                                    \
		LOWER(a##i, 0);                                                \
		LOWER(b##i, 16);                                               \
		LOWER(c##i, 32);                                               \
		LOWER(e##i, 48);                                               \
	} while (0)

VNNI static void vnni_lower_bounds(const struct int8_query_group *group,
				   const uint8_t *block, const float *scales,
				   const float *residuals, uint64_t rows,
				   float *lower, size_t ld)
{
	const __m512 infinite = _mm512_set1_ps(-INFINITY);

	SUM6;
	EACH_QUERY(LOWER6);
}

static const struct int8_kernel vnni = {"AVX-512 VNNI", vnni_mask_query,
					vnni_mask_group, vnni_lower_bounds};
#endif

#ifdef __aarch64__
#include "search/int8_kernels_neon.h"
#endif

const struct int8_kernel *int8_kernel_get(unsigned i)
{
#ifdef __x86_64__
	if (i == 0 && cpu_has_vnni())
		return &vnni;
	if (i == 1 && cpu_has_avx2())
		return &avx2;
#endif
#ifdef __aarch64__
	if (i == 0 && cpu_has_dot_products())
		return &neon_dot;
	if (i == 1)
		return &neon;
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
	/* The plain and AVX2 kernels are slower than the exact scores they
	 * save. */
	return int8_kernel_get(0);
}
