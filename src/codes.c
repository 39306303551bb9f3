#include "codes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

enum { MIDDLE = 128, MOST = 127 };

/* What rounding may take from a bound and add to a score of d columns. */
static double slack(size_t d)
{
	return ((double)d + 64) * 0x1p-23;
}

size_t codes_block(size_t d)
{
	return (d + 3) / 4 * 4 * CODES_ROWS;
}

static float rounded_up(double value)
{
	return nextafterf((float)value, INFINITY);
}

/* codes[j] = what unit[j] is in steps of the scale; the length of what they
 * miss is returned. */
static double quantize(const float *unit, size_t d, int *codes, float *scale)
{
	float largest = 0;
	double missed = 0;

	for (size_t j = 0; j < d; j++)
		largest = fmaxf(largest, fabsf(unit[j]));
	*scale = largest / MOST;
	for (size_t j = 0; j < d; j++) {
		double step = *scale > 0 ? (double)unit[j] / (double)*scale : 0;

		codes[j] = (int)lrint(fmax(-MOST, fmin(MOST, step)));
		double miss = (double)unit[j] - (double)*scale * codes[j];
		missed += miss * miss;
	}
	return sqrt(missed);
}

void codes_put(const float *unit, size_t d, uint8_t *block, size_t r,
	       float *scale, float *residual)
{
	int *codes = alloc(d, sizeof *codes);

	*residual = rounded_up(quantize(unit, d, codes, scale));
	for (size_t j = 0; j < (d + 3) / 4 * 4; j++)
		block[(j / 4 * CODES_ROWS + r) * 4 + j % 4] =
			(uint8_t)(MIDDLE + (j < d ? codes[j] : 0));
	free(codes);
}

void probe_begin(struct probe *probe, size_t d)
{
	*probe = (struct probe){.groups = (d + 3) / 4};
	probe->codes = alloc(probe->groups, 4);
}

void probe_set(struct probe *probe, const float *unit, size_t d)
{
	int *codes = alloc(d, sizeof *codes);
	double missed = quantize(unit, d, codes, &probe->scale), square = 0;

	probe->offset = 0;
	for (size_t j = 0; j < d; j++) {
		probe->codes[j] = (int8_t)codes[j];
		probe->offset += MIDDLE * codes[j];
		square += (double)unit[j] * (double)unit[j];
	}
	probe->by = rounded_up(sqrt(square) + missed);
	/* A row is of length 1 but for rounding. */
	probe->least = rounded_up(missed * 1.0001 + slack(d));
	free(codes);
}

void probe_end(struct probe *probe)
{
	free(probe->codes);
	*probe = (struct probe){0};
}

static uint64_t plain_above(const struct probe *probe, const uint8_t *block,
			    const float *scales, const float *residuals,
			    float bar)
{
	uint64_t above = 0;

	for (size_t r = 0; r < CODES_ROWS; r++) {
		int32_t sum = -probe->offset;

		for (size_t g = 0; g < probe->groups; g++)
			for (size_t i = 0; i < 4; i++)
				sum += block[(g * CODES_ROWS + r) * 4 + i] *
				       probe->codes[g * 4 + i];
		float bound = probe->scale * scales[r] * (float)sum +
			      probe->by * residuals[r] + probe->least;
		above |= (uint64_t) !(bound < bar) << r;
	}
	return above;
}

static const struct bounds plain = {"plain", plain_above};

#ifdef __x86_64__
#include <immintrin.h>

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
AVX2 static inline uint64_t strip2(const struct probe *probe,
				   const uint8_t *block, const float *scales,
				   const float *residuals, float bar,
				   size_t first)
{
	__m256i sum0 = _mm256_setzero_si256(), sum1 = sum0, sum2 = sum0;
	__m256i sum3 = sum0, offset = _mm256_set1_epi32(probe->offset);
	uint64_t above = 0;

	for (size_t g = 0; g < probe->groups; g++) {
		const uint8_t *from = block + (g * CODES_ROWS + first) * 4;
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

AVX2 static uint64_t avx2_above(const struct probe *probe, const uint8_t *block,
				const float *scales, const float *residuals,
				float bar)
{
	uint64_t above = 0;

	for (size_t first = 0; first < CODES_ROWS; first += 16)
		above |= strip2(probe, block, scales, residuals, bar, first);
	return above;
}

static const struct bounds avx2 = {"AVX2", avx2_above};

/* Sixteen rows of a sum. */
VNNI static inline uint64_t finish5(const struct probe *probe, __m512i sum,
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

VNNI static uint64_t vnni_above(const struct probe *probe, const uint8_t *block,
				const float *scales, const float *residuals,
				float bar)
{
	__m512i sum0 = _mm512_setzero_si512(), sum1 = sum0, sum2 = sum0;
	__m512i sum3 = sum0;

	for (size_t g = 0; g < probe->groups; g++) {
		const uint8_t *from = block + g * CODES_ROWS * 4;
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

static const struct bounds vnni = {"AVX-512 VNNI", vnni_above};
#endif

const struct bounds *codes_bounds(unsigned i)
{
#ifdef __x86_64__
	if (i == 0 && __builtin_cpu_supports("avx512f") &&
	    __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512vnni"))
		return &vnni;
	if (i == 1 && __builtin_cpu_supports("avx2") &&
	    __builtin_cpu_supports("fma"))
		return &avx2;
#endif
	return i == CODES_BOUNDS - 1 ? &plain : NULL;
}

const struct bounds *codes_best(void)
{
	unsigned i = 0;

	while (codes_bounds(i) == NULL)
		i++;
	return codes_bounds(i);
}
