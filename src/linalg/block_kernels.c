#include "linalg/block_kernels.h"

#include <math.h>
#include <string.h>

#include "base/cpu_features.h"

/* How many rows are converted to double at a time. */
enum { CONVERTED_ROWS = 64 };

/* H += Y^T Y of a block in single precision.  Always inlined, so that it is
 * compiled for the instructions of its caller. */
static inline __attribute__((always_inline)) void self_inner_products_single(
	size_t rows, const void *y_, size_t y_ld, double *h,
	void (*inner_products)(size_t, const void *, size_t, const void *,
			       size_t, double *))
{
	_Alignas(64) double items[CONVERTED_ROWS * BLOCK_COLUMNS];
	const float *y = y_;

	for (size_t row = 0; row < rows; row += CONVERTED_ROWS) {
		size_t some = rows - row < CONVERTED_ROWS ? rows - row
							  : CONVERTED_ROWS;
		for (size_t i = 0; i < some; i++, y += y_ld)
			for (size_t j = 0; j < BLOCK_COLUMNS; j++)
				items[i * BLOCK_COLUMNS + j] = (double)y[j];
		inner_products(some, items, BLOCK_COLUMNS, items, BLOCK_COLUMNS,
			       h);
	}
}

/* Rounds to nearest, ties to even, as the vector versions do. */
static void accumulate_single(void *part_, int64_t *sums, size_t count,
			      double unit)
{
	float *part = part_;

	for (size_t i = 0; i < count; i++) {
		sums[i] += llrint((double)part[i] * unit);
		part[i] = 0;
	}
}

static void accumulate_double(void *part_, int64_t *sums, size_t count,
			      double unit)
{
	double *part = part_;

	for (size_t i = 0; i < count; i++) {
		sums[i] += llrint(part[i] * unit);
		part[i] = 0;
	}
}

/* What linalg/block_kernels_loops.h leaves to be defined for a kernel. */
#define SELF_INNER_PRODUCTS(KIND, ATTRIBUTE)                                   \
	ATTRIBUTE static void KIND##_single_self_inner_products(               \
		size_t rows, const void *y, size_t y_ld, double *h)            \
	{                                                                      \
		self_inner_products_single(rows, y, y_ld, h,                   \
					   KIND##_double_inner_products);      \
	}                                                                      \
	ATTRIBUTE static void KIND##_double_self_inner_products(               \
		size_t rows, const void *y, size_t y_ld, double *h)            \
	{                                                                      \
		KIND##_double_inner_products(rows, y, y_ld, y, y_ld, h);       \
	}

#define KERNEL(KIND, PRECISION, ITEM, ACCUMULATE)                              \
	{                                                                      \
		.name = #PRECISION, .item = sizeof(ITEM),                      \
		.apply = KIND##_##PRECISION##_apply, .accumulate = ACCUMULATE, \
		.inner_products = KIND##_##PRECISION##_inner_products,         \
		.self_inner_products =                                         \
			KIND##_##PRECISION##_self_inner_products,              \
		.add_product = KIND##_##PRECISION##_add_product,               \
		.from_double = KIND##_##PRECISION##_from_double,               \
		.to_double = KIND##_##PRECISION##_to_double,                   \
	}

#define SET_OF(KIND, ACCUMULATE_SINGLE, ACCUMULATE_DOUBLE)                     \
	static const struct block_kernel_set KIND##_set = {                    \
		.name = #KIND,                                                 \
		.single_precision =                                            \
			KERNEL(KIND, single, float, ACCUMULATE_SINGLE),        \
		.double_precision =                                            \
			KERNEL(KIND, double, double, ACCUMULATE_DOUBLE),       \
		.rows = {KIND##_double_row_product,                            \
			 KIND##_double_add_transposed_product},                \
	}

/* ------------------------------------------------------------------ plain */

#define REAL         float
#define VEC          float
#define LANES        1
#define COLUMNS      1
#define DEPTH        1
#define LOAD(p)      (*(p))
#define STORE(p, x)  (*(p) = (x))
#define SET(x)       ((float)(x))
#define FMA(a, b, c) ((a) * (b) + (c))
#define TARGET
#define NAME(x) plain_single_##x
#include "linalg/block_kernels_loops.h"

#define REAL         double
#define VEC          double
#define LANES        1
#define COLUMNS      1
#define DEPTH        1
#define WIDE         16
#define LOAD(p)      (*(p))
#define STORE(p, x)  (*(p) = (x))
#define SET(x)       ((double)(x))
#define FMA(a, b, c) ((a) * (b) + (c))
#define TARGET
#define NAME(x) plain_double_##x
#include "linalg/block_kernels_loops.h"

SELF_INNER_PRODUCTS(plain, )
SET_OF(plain, accumulate_single, accumulate_double);

#ifdef __x86_64__
#include <immintrin.h>

/* ------------------------------------------------------------------- AVX2 */

#define AVX2 __attribute__((target("avx2,fma")))

#define REAL         float
#define VEC          __m256
#define LANES        8
#define COLUMNS      4
#define DEPTH        4
#define LOAD(p)      _mm256_loadu_ps(p)
#define STORE(p, x)  _mm256_storeu_ps(p, x)
#define SET(x)       _mm256_set1_ps(x)
#define FMA(a, b, c) _mm256_fmadd_ps(a, b, c)
#define TARGET       AVX2
#define NAME(x)      avx2_single_##x
#include "linalg/block_kernels_loops.h"

#define REAL         double
#define VEC          __m256d
#define LANES        4
#define COLUMNS      2
#define DEPTH        2
#define WIDE         8
#define LOAD(p)      _mm256_loadu_pd(p)
#define STORE(p, x)  _mm256_storeu_pd(p, x)
#define SET(x)       _mm256_set1_pd(x)
#define FMA(a, b, c) _mm256_fmadd_pd(a, b, c)
#define TARGET       AVX2
#define NAME(x)      avx2_double_##x
#include "linalg/block_kernels_loops.h"

SELF_INNER_PRODUCTS(avx2, AVX2)
SET_OF(avx2, accumulate_single, accumulate_double);

/* ---------------------------------------------------------------- AVX-512 */

#define AVX512 __attribute__((target("avx512f,avx512dq,avx2,fma")))

#define REAL         float
#define VEC          __m512
#define LANES        16
#define COLUMNS      16
#define DEPTH        8
#define LOAD(p)      _mm512_load_ps(p)
#define STORE(p, x)  _mm512_storeu_ps(p, x)
#define SET(x)       _mm512_set1_ps(x)
#define FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
#define TARGET       AVX512
#define NAME(x)      avx512_single_##x
#include "linalg/block_kernels_loops.h"

#define REAL         double
#define VEC          __m512d
#define LANES        8
#define COLUMNS      8
#define DEPTH        8
#define WIDE         8
#define LOAD(p)      _mm512_load_pd(p)
#define STORE(p, x)  _mm512_storeu_pd(p, x)
#define SET(x)       _mm512_set1_pd(x)
#define FMA(a, b, c) _mm512_fmadd_pd(a, b, c)
#define TARGET       AVX512
#define NAME(x)      avx512_double_##x
#include "linalg/block_kernels_loops.h"

SELF_INNER_PRODUCTS(avx512, AVX512)
AVX512 static inline void accumulate_eight(__m512d part, int64_t *sums,
					   __m512d unit)
{
	__m512i units = _mm512_cvtpd_epi64(_mm512_mul_pd(part, unit));

	_mm512_storeu_si512(sums,
			    _mm512_add_epi64(_mm512_loadu_si512(sums), units));
}

AVX512 static void avx512_accumulate_single(void *part_, int64_t *sums,
					    size_t count, double unit_)
{
	__m512d unit = _mm512_set1_pd(unit_);
	float *part = part_;

	for (size_t i = 0; i < count; i += BLOCK_COLUMNS) {
		__m256 low = _mm256_loadu_ps(part + i);
		__m256 high = _mm256_loadu_ps(part + i + 8);
		accumulate_eight(_mm512_cvtps_pd(low), sums + i, unit);
		accumulate_eight(_mm512_cvtps_pd(high), sums + i + 8, unit);
		_mm512_store_ps(part + i, _mm512_setzero_ps());
	}
}

AVX512 static void avx512_accumulate_double(void *part_, int64_t *sums,
					    size_t count, double unit_)
{
	__m512d unit = _mm512_set1_pd(unit_);
	double *part = part_;

	for (size_t i = 0; i < count; i += 8) {
		accumulate_eight(_mm512_load_pd(part + i), sums + i, unit);
		_mm512_store_pd(part + i, _mm512_setzero_pd());
	}
}

SET_OF(avx512, avx512_accumulate_single, avx512_accumulate_double);

#endif

#ifdef __aarch64__
#include <arm_neon.h>

/* The address p, hidden from the compiler, which would else make an address of
 * its own for many of the accesses near p: constant distances from one address
 * let it load and store pairs, and what loads four vectors can move it on. */
#define OPAQUE(p)                                                              \
	__extension__({                                                        \
		__typeof__(p) opaque_ = (p);                                   \
		__asm__("" : "+r"(opaque_));                                   \
		opaque_;                                                       \
	})

/* ------------------------------------------------------------------- NEON */

#define REAL         float
#define VEC          float32x4_t
#define LANES        4
#define COLUMNS      4
#define DEPTH        4
#define LOAD(p)      vld1q_f32(p)
#define STORE(p, x)  vst1q_f32(p, x)
#define SET(x)       vdupq_n_f32(x)
#define FMA(a, b, c) vfmaq_f32(c, a, b)
#define BASE(p)      OPAQUE(p)
#define FOUR         float32x4x4_t
#define LOAD_FOUR(p) vld1q_f32_x4(p)
#define TARGET
#define NAME(x) neon_single_##x
#include "linalg/block_kernels_loops.h"

#define REAL         double
#define VEC          float64x2_t
#define LANES        2
#define COLUMNS      2
#define DEPTH        3
#define WIDE         16
#define LOAD(p)      vld1q_f64(p)
#define STORE(p, x)  vst1q_f64(p, x)
#define SET(x)       vdupq_n_f64(x)
#define FMA(a, b, c) vfmaq_f64(c, a, b)
#define BASE(p)      OPAQUE(p)
#define FOUR         float64x2x4_t
#define LOAD_FOUR(p) vld1q_f64_x4(p)
#define TARGET
#define NAME(x) neon_double_##x
#include "linalg/block_kernels_loops.h"

SELF_INNER_PRODUCTS(neon, )

/* sums += round(part * unit) for eight numbers; the sums are loaded and stored
 * in pairs of vectors. */
static inline __attribute__((always_inline)) void
accumulate_eight(const float64x2_t part[4], int64_t *sums, double unit)
{
	int64x2_t out[4];

	for (int p = 0; p < 4; p++)
		out[p] = vaddq_s64(vld1q_s64(sums + 2 * p),
				   vcvtnq_s64_f64(vmulq_n_f64(part[p], unit)));
	for (int p = 0; p < 4; p++)
		vst1q_s64(sums + 2 * p, out[p]);
}

static void neon_accumulate_single(void *part_, int64_t *sums, size_t count,
				   double unit)
{
	float *part = part_;

	for (size_t i = 0; i < count; i += 8) {
		float32x4_t a = vld1q_f32(part + i);
		float32x4_t b = vld1q_f32(part + i + 4);
		const float64x2_t eight[4] = {
			vcvt_f64_f32(vget_low_f32(a)),
			vcvt_high_f64_f32(a),
			vcvt_f64_f32(vget_low_f32(b)),
			vcvt_high_f64_f32(b),
		};

		accumulate_eight(eight, sums + i, unit);
		vst1q_f32(part + i, vdupq_n_f32(0));
		vst1q_f32(part + i + 4, vdupq_n_f32(0));
	}
}

static void neon_accumulate_double(void *part_, int64_t *sums, size_t count,
				   double unit)
{
	double *part = part_;

	for (size_t i = 0; i < count; i += 8) {
		float64x2_t eight[4];

		for (int p = 0; p < 4; p++) {
			eight[p] = vld1q_f64(part + i + 2 * p);
			vst1q_f64(part + i + 2 * p, vdupq_n_f64(0));
		}
		accumulate_eight(eight, sums + i, unit);
	}
}

SET_OF(neon, neon_accumulate_single, neon_accumulate_double);

#endif

const struct block_kernel_set *block_kernels_get(unsigned i)
{
#ifdef __x86_64__
	if (i == 0)
		return cpu_has_avx512() ? &avx512_set : NULL;
	if (i == 1)
		return cpu_has_avx2() ? &avx2_set : NULL;
#endif
#ifdef __aarch64__
	if (i == 1)
		return &neon_set;
#endif
	return i == 2 ? &plain_set : NULL;
}

const struct block_kernel_set *block_kernels_best(void)
{
	for (unsigned i = 0; i < BLOCK_KERNEL_SETS; i++)
		if (block_kernels_get(i) != NULL)
			return block_kernels_get(i);
	return &plain_set;
}
