#include "search/dot_vectors.h"

#include <math.h>

#include "base/cpu_features.h"

double dot_error_bound(size_t d)
{
	return (3 * (double)d + 32) * 0x1p-24;
}

#define INLINE static inline __attribute__((always_inline))

INLINE double square_norm(const float *row, size_t d)
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

INLINE void scale_row(float *dst, const float *row, size_t d, double factor)
{
	for (size_t j = 0; j < d; j++)
		dst[j] = (float)(row[j] * factor);
}

/* Both for one kind of processor; the bits are the same. */
#define DEFINE_VECTOR_OPS(KIND, TARGET)                                        \
	TARGET static double KIND##_square(const float *row, size_t d)         \
	{                                                                      \
		return square_norm(row, d);                                    \
	}                                                                      \
	TARGET static void KIND##_scale(float *dst, const float *row,          \
					size_t d, double factor)               \
	{                                                                      \
		scale_row(dst, row, d, factor);                                \
	}

DEFINE_VECTOR_OPS(plain, )

#ifdef __x86_64__
DEFINE_VECTOR_OPS(avx2, __attribute__((target("avx2"))))
DEFINE_VECTOR_OPS(avx512, __attribute__((target("avx512f,avx512vl"))))

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

void dot_pack_query(float *packed, size_t i, const float *query, size_t d)
{
	for (size_t j = 0; j < d; j++)
		packed[j * TILE_QUERIES + i] = query ? query[j] : NAN;
}
