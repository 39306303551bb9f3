#include "search/combined_kernels.h"

#include "base/cpu_features.h"

static size_t plain_scan(const struct column_set *set, int32_t *sums,
			 const uint8_t *bins,
			 const int32_t thresholds[INDEX_BINS], uint32_t first,
			 size_t count, uint32_t *rows, int32_t *out)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		int32_t sum = sums[i];

		for (size_t c = 0; c < set->count; c++)
			sum += set->weights[c] * set->columns[c][i];
		sums[i] = 0;
		rows[found] = first + (uint32_t)i;
		out[found] = sum;
		found += sum >= thresholds[bins[i]];
	}
	return found;
}

/* As the kernel filter, for rows i to count - 1, of those before them kept are
 * kept. */
static size_t filter_from(size_t i, size_t kept,
			  const int32_t thresholds[INDEX_BINS],
			  const uint8_t *bins, int32_t limit, uint32_t *rows,
			  int32_t *sums, size_t count)
{
	for (; i < count; i++) {
		uint32_t row = rows[i];
		int32_t sum = sums[i];

		rows[kept] = row;
		sums[kept] = sum;
		kept += sum < limit && sum >= thresholds[bins[row]];
	}
	return kept;
}

static size_t plain_filter(const int32_t thresholds[INDEX_BINS],
			   const uint8_t *bins, int32_t limit, uint32_t *rows,
			   int32_t *sums, size_t count)
{
	return filter_from(0, 0, thresholds, bins, limit, rows, sums, count);
}

static size_t plain_select(int32_t low, const uint32_t *rows,
			   const int32_t *sums, size_t count, uint32_t *chosen,
			   int32_t *out)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		chosen[found] = rows[i];
		out[found] = sums[i];
		found += sums[i] >= low;
	}
	return found;
}

static inline __attribute__((always_inline)) size_t
count_loop(const int32_t *numbers, size_t count, int32_t value)
{
	int32_t found = 0;

	for (size_t i = 0; i < count; i++)
		found += numbers[i] >= value;
	return (size_t)found;
}

static size_t plain_count(const int32_t *numbers, size_t count, int32_t value)
{
	return count_loop(numbers, count, value);
}

static int32_t plain_dot(const int8_t *query, const uint8_t *packed,
			 size_t columns)
{
	int32_t sum = 0;

	for (size_t j = 0; j < columns; j += 64, query += 64, packed += 32)
		for (size_t i = 0; i < 32; i++)
			sum += query[i] * (packed[i] & 15) +
			       query[i + 32] * (packed[i] >> 4);
	return sum;
}

static const struct combined_kernel plain = {"plain",      plain_scan,
					     plain_filter, plain_select,
					     plain_count,  plain_dot};

#if defined(__x86_64__) || defined(__aarch64__)
static int32_t smallest(const int32_t thresholds[INDEX_BINS])
{
	int32_t low = thresholds[0];

	for (size_t b = 1; b < INDEX_BINS; b++)
		low = thresholds[b] < low ? thresholds[b] : low;
	return low;
}
#endif

#ifdef __x86_64__
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,fma")))
#define AVX512                                                                 \
	__attribute__((target(                                                 \
		"avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,popcnt")))

/* Rows are compared by eights with the smallest threshold of all bins, and one
 * by one with that of their bin where any of the eight reaches it. */
AVX2 static size_t avx2_scan(const struct column_set *set, int32_t *sums,
			     const uint8_t *bins,
			     const int32_t thresholds[INDEX_BINS],
			     uint32_t first, size_t count, uint32_t *rows,
			     int32_t *out)
{
	const __m256i below = _mm256_set1_epi32(smallest(thresholds) - 1);
	size_t found = 0;

	for (size_t i = 0; i < count; i += 8) {
		__m256i sum = _mm256_loadu_si256((const void *)(sums + i));
		_Alignas(32) int32_t eight[8];

		_mm256_storeu_si256((void *)(sums + i), _mm256_setzero_si256());
		for (size_t c = 0; c < set->count; c++)
			sum = _mm256_add_epi32(
				sum,
				_mm256_mullo_epi32(
					_mm256_cvtepi16_epi32(_mm_loadu_si128(
						(const void *)(set->columns[c] +
							       i))),
					_mm256_set1_epi32(set->weights[c])));
		if (_mm256_testz_si256(_mm256_cmpgt_epi32(sum, below),
				       _mm256_set1_epi32(-1)))
			continue;
		_mm256_store_si256((void *)eight, sum);
		for (size_t l = 0; l < 8; l++) {
			rows[found] = first + (uint32_t)(i + l);
			out[found] = eight[l];
			found += eight[l] >= thresholds[bins[i + l]];
		}
	}
	return found;
}

AVX2 static size_t avx2_select(int32_t low, const uint32_t *rows,
			       const int32_t *sums, size_t count,
			       uint32_t *chosen, int32_t *out)
{
	const __m256i below = _mm256_set1_epi32(low - 1);
	size_t found = 0, i = 0;

	for (; i + 8 <= count; i += 8) {
		__m256i reached = _mm256_cmpgt_epi32(
			_mm256_loadu_si256((const void *)(sums + i)), below);

		if (_mm256_testz_si256(reached, reached))
			continue;
		found += plain_select(low, rows + i, sums + i, 8,
				      chosen + found, out + found);
	}
	return found + plain_select(low, rows + i, sums + i, count - i,
				    chosen + found, out + found);
}

AVX2 static size_t avx2_count(const int32_t *numbers, size_t count,
			      int32_t value)
{
	return count_loop(numbers, count, value);
}

/* Sums of two products, of codes up to 15 and magnitudes up to 127, are in 16
 * bits, and so are those of both halves. */
AVX2 static int32_t avx2_dot(const int8_t *query, const uint8_t *packed,
			     size_t columns)
{
	const __m256i low = _mm256_set1_epi8(15), ones = _mm256_set1_epi16(1);
	__m256i sum = _mm256_setzero_si256();
	int32_t eight[8], total = 0;

	for (size_t j = 0; j < columns; j += 64) {
		__m256i both =
			_mm256_loadu_si256((const void *)(packed + j / 2));
		__m256i first = _mm256_maddubs_epi16(
			_mm256_and_si256(both, low),
			_mm256_loadu_si256((const void *)(query + j)));
		__m256i second = _mm256_maddubs_epi16(
			_mm256_and_si256(_mm256_srli_epi16(both, 4), low),
			_mm256_loadu_si256((const void *)(query + j + 32)));

		sum = _mm256_add_epi32(
			sum, _mm256_madd_epi16(_mm256_add_epi16(first, second),
					       ones));
	}
	_mm256_storeu_si256((void *)eight, sum);
	for (size_t l = 0; l < 8; l++)
		total += eight[l];
	return total;
}

static const struct combined_kernel avx2 = {
	"avx2", avx2_scan, plain_filter, avx2_select, avx2_count, avx2_dot};

/* Compressing in a register and storing all of it is much faster than a
 * compressing store on some processors (Zen 4). */
AVX512 static inline void append(uint32_t *rows, int32_t *out, __mmask16 mask,
				 __m512i row, __m512i sum)
{
	_mm512_storeu_si512(rows, _mm512_maskz_compress_epi32(mask, row));
	_mm512_storeu_si512(out, _mm512_maskz_compress_epi32(mask, sum));
}

AVX512 static size_t avx512_scan(const struct column_set *set, int32_t *sums,
				 const uint8_t *bins,
				 const int32_t thresholds[INDEX_BINS],
				 uint32_t first, size_t count, uint32_t *rows,
				 int32_t *out)
{
	const __m512i low = _mm512_loadu_si512(thresholds);
	const __m512i high = _mm512_loadu_si512(thresholds + 16);
	const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
						10, 11, 12, 13, 14, 15);
	size_t found = 0;

	for (size_t i = 0; i < count; i += 16) {
		__m512i sum = _mm512_loadu_si512(sums + i);

		_mm512_storeu_si512(sums + i, _mm512_setzero_si512());
		/* Of each pair of int16 the upper one of the weight is 0. */
		for (size_t c = 0; c < set->count; c++)
			sum = _mm512_dpwssd_epi32(
				sum,
				_mm512_cvtepi16_epi32(_mm256_loadu_si256(
					(const void *)(set->columns[c] + i))),
				_mm512_set1_epi32(set->weights[c] & 0xffff));
		__m512i bin = _mm512_cvtepu8_epi32(
			_mm_loadu_si128((const void *)(bins + i)));
		__mmask16 mask = _mm512_cmpge_epi32_mask(
			sum, _mm512_permutex2var_epi32(low, bin, high));
		if (mask == 0)
			continue;
		append(rows + found, out + found, mask,
		       _mm512_add_epi32(lanes,
					_mm512_set1_epi32((int)(first + i))),
		       sum);
		found += (size_t)__builtin_popcount(mask);
	}
	return found;
}

/* The lanes of the next sixteen of so many that are left. */
static inline __mmask16 lanes_of(size_t left)
{
	return left < 16 ? (__mmask16)((1u << left) - 1) : (__mmask16)0xffff;
}

AVX512 static size_t avx512_filter(const int32_t thresholds[INDEX_BINS],
				   const uint8_t *bins, int32_t limit,
				   uint32_t *rows, int32_t *sums, size_t count)
{
	const __m512i upper = _mm512_set1_epi32(limit);
	const __m512i lower = _mm512_set1_epi32(smallest(thresholds));
	size_t kept = 0;

	for (size_t i = 0; i < count; i += 16) {
		__mmask16 mask = lanes_of(count - i);
		__m512i sum = _mm512_maskz_loadu_epi32(mask, sums + i);
		__m512i row = _mm512_maskz_loadu_epi32(mask, rows + i);
		int32_t sum16[16];
		uint32_t row16[16];

		mask = _mm512_mask_cmplt_epi32_mask(mask, sum, upper);
		mask = _mm512_mask_cmpge_epi32_mask(mask, sum, lower);
		if (mask == 0)
			continue;
		_mm512_storeu_si512(sum16, sum);
		_mm512_storeu_si512(row16, row);
		for (unsigned bits = mask; bits != 0; bits &= bits - 1) {
			unsigned l = (unsigned)__builtin_ctz(bits);

			rows[kept] = row16[l];
			sums[kept] = sum16[l];
			kept += sum16[l] >= thresholds[bins[row16[l]]];
		}
	}
	return kept;
}

AVX512 static size_t avx512_select(int32_t low, const uint32_t *rows,
				   const int32_t *sums, size_t count,
				   uint32_t *chosen, int32_t *out)
{
	const __m512i lower = _mm512_set1_epi32(low);
	size_t found = 0;

	for (size_t i = 0; i < count; i += 16) {
		__mmask16 mask = lanes_of(count - i);
		__m512i sum = _mm512_maskz_loadu_epi32(mask, sums + i);

		mask = _mm512_mask_cmpge_epi32_mask(mask, sum, lower);
		if (mask == 0)
			continue;
		append(chosen + found, out + found, mask,
		       _mm512_maskz_loadu_epi32(mask, rows + i), sum);
		found += (size_t)__builtin_popcount(mask);
	}
	return found;
}

AVX512 static size_t avx512_count(const int32_t *numbers, size_t count,
				  int32_t value)
{
	const __m512i low = _mm512_set1_epi32(value);
	size_t found = 0;

	for (size_t i = 0; i < count; i += 16) {
		__mmask16 mask = lanes_of(count - i);

		found +=
			(size_t)__builtin_popcount(_mm512_mask_cmpge_epi32_mask(
				mask,
				_mm512_maskz_loadu_epi32(mask, numbers + i),
				low));
	}
	return found;
}

AVX512 static int32_t avx512_dot(const int8_t *query, const uint8_t *packed,
				 size_t columns)
{
	const __m256i low = _mm256_set1_epi8(15);
	__m512i sum = _mm512_setzero_si512();

	for (size_t j = 0; j < columns; j += 64) {
		__m256i both =
			_mm256_loadu_si256((const void *)(packed + j / 2));
		__m256i upper =
			_mm256_and_si256(_mm256_srli_epi16(both, 4), low);

		sum = _mm512_dpbusd_epi32(
			sum,
			_mm512_inserti64x4(_mm512_castsi256_si512(
						   _mm256_and_si256(both, low)),
					   upper, 1),
			_mm512_loadu_si512(query + j));
	}
	return _mm512_reduce_add_epi32(sum);
}

static const struct combined_kernel avx512 = {"avx512",      avx512_scan,
					      avx512_filter, avx512_select,
					      avx512_count,  avx512_dot};

#endif

#ifdef __aarch64__
#include "search/combined_kernels_neon.h"
#endif

const struct combined_kernel *combined_kernel_get(unsigned i)
{
#ifdef __x86_64__
	if (i == 0)
		return cpu_has_vnni() ? &avx512 : NULL;
	if (i == 1)
		return cpu_has_avx2() ? &avx2 : NULL;
#endif
#ifdef __aarch64__
	if (i == 0)
		return cpu_has_dot_products() ? &neon_dotprod : NULL;
	if (i == 1)
		return &neon;
#endif
	return i == COMBINED_KERNELS - 1 ? &plain : NULL;
}

const struct combined_kernel *combined_kernel_best(void)
{
	unsigned i = 0;

	while (combined_kernel_get(i) == NULL)
		i++;
	return combined_kernel_get(i);
}
