/* combined_kernels_neon: kernels of search/combined_kernels.h for 64-bit ARM,
 * by NEON, and by its instructions for dot products of bytes (FEAT_DotProd).
 * Included by combined_kernels.c alone. */
#include "search/neon_lanes.h"

/* Rows are compared by sixteens with the smallest threshold of all bins, and
 * one by one with that of their bin where any of them reaches it. */
static size_t neon_scan(const struct column_set *set, int32_t *sums,
			const uint8_t *bins,
			const int32_t thresholds[INDEX_BINS], uint32_t first,
			size_t count, uint32_t *rows, int32_t *out)
{
	const int32_t low = smallest(thresholds);
	size_t found = 0;

	for (size_t i = 0; i < count; i += 16) {
		int32x4_t sum[4];
		int32_t sixteen[16];

		for (size_t p = 0; p < 4; p++) {
			sum[p] = vld1q_s32(sums + i + 4 * p);
			vst1q_s32(sums + i + 4 * p, vdupq_n_s32(0));
		}
		for (size_t c = 0; c < set->count; c++) {
			int16x8_t a = vld1q_s16(set->columns[c] + i);
			int16x8_t b = vld1q_s16(set->columns[c] + i + 8);
			int16_t weight = (int16_t)set->weights[c];

			sum[0] = vmlal_n_s16(sum[0], vget_low_s16(a), weight);
			sum[1] = vmlal_high_n_s16(sum[1], a, weight);
			sum[2] = vmlal_n_s16(sum[2], vget_low_s16(b), weight);
			sum[3] = vmlal_high_n_s16(sum[3], b, weight);
		}
		if (vmaxvq_s32(vmaxq_s32(vmaxq_s32(sum[0], sum[1]),
					 vmaxq_s32(sum[2], sum[3]))) < low)
			continue;
		for (size_t p = 0; p < 4; p++)
			vst1q_s32(sixteen + 4 * p, sum[p]);
		for (size_t l = 0; l < 16; l++) {
			rows[found] = first + (uint32_t)(i + l);
			out[found] = sixteen[l];
			found += sixteen[l] >= thresholds[bins[i + l]];
		}
	}
	return found;
}

/* As plain_filter, but by fours, of which those are passed over that have no
 * sum below the limit and at least the smallest threshold. */
static size_t neon_filter(const int32_t thresholds[INDEX_BINS],
			  const uint8_t *bins, int32_t limit, uint32_t *rows,
			  int32_t *sums, size_t count)
{
	const int32x4_t upper = vdupq_n_s32(limit);
	const int32x4_t lower = vdupq_n_s32(smallest(thresholds));
	size_t kept = 0, i = 0;

	for (; i + 4 <= count; i += 4) {
		int32x4_t sum = vld1q_s32(sums + i);
		unsigned mask = lane_mask(vandq_u32(vcltq_s32(sum, upper),
						    vcgeq_s32(sum, lower)));
		uint32_t row4[4];
		int32_t sum4[4];

		if (mask == 0)
			continue;
		vst1q_u32(row4, vld1q_u32(rows + i));
		vst1q_s32(sum4, sum);
		for (; mask != 0; mask &= mask - 1) {
			unsigned l = (unsigned)__builtin_ctz(mask);

			rows[kept] = row4[l];
			sums[kept] = sum4[l];
			kept += sum4[l] >= thresholds[bins[row4[l]]];
		}
	}
	for (; i < count; i++) {
		uint32_t row = rows[i];
		int32_t sum = sums[i];

		rows[kept] = row;
		sums[kept] = sum;
		kept += sum < limit && sum >= thresholds[bins[row]];
	}
	return kept;
}

/* 16 bytes of a row's codes as two columns each, of the first and the second
 * half of 64. */
static inline int8x16x2_t unpack(const uint8_t *packed)
{
	uint8x16_t both = vld1q_u8(packed);

	return (int8x16x2_t){
		{vreinterpretq_s8_u8(vandq_u8(both, vdupq_n_u8(15))),
		 vreinterpretq_s8_u8(vshrq_n_u8(both, 4))}};
}

/* Sums of four products, of codes up to 15 and magnitudes up to 127, are in 16
 * bits. */
static int32_t neon_dot(const int8_t *query, const uint8_t *packed,
			size_t columns)
{
	int32x4_t sum = vdupq_n_s32(0);

	for (size_t j = 0; j < columns; j += j % 64 == 0 ? 16 : 48) {
		int8x16x2_t c = unpack(packed + j / 64 * 32 + j % 64);
		int8x16_t q = vld1q_s8(query + j);
		int8x16_t r = vld1q_s8(query + j + 32);
		int16x8_t products =
			vmull_s8(vget_low_s8(q), vget_low_s8(c.val[0]));

		products = vmlal_high_s8(products, q, c.val[0]);
		products = vmlal_s8(products, vget_low_s8(r),
				    vget_low_s8(c.val[1]));
		products = vmlal_high_s8(products, r, c.val[1]);
		sum = vpadalq_s16(sum, products);
	}
	return vaddvq_s32(sum);
}

__attribute__((target("arch=armv8.2-a+dotprod"))) static int32_t
dotprod_dot(const int8_t *query, const uint8_t *packed, size_t columns)
{
	int32x4_t sum = vdupq_n_s32(0);

	for (size_t j = 0; j < columns; j += j % 64 == 0 ? 16 : 48) {
		int8x16x2_t c = unpack(packed + j / 64 * 32 + j % 64);

		sum = vdotq_s32(sum, vld1q_s8(query + j), c.val[0]);
		sum = vdotq_s32(sum, vld1q_s8(query + j + 32), c.val[1]);
	}
	return vaddvq_s32(sum);
}

/* Counting is a loop that compilers make vectors of. */
static const struct combined_kernel neon = {
	"NEON", neon_scan, neon_filter, plain_select, plain_count, neon_dot};
static const struct combined_kernel neon_dotprod = {
	"NEON dot products", neon_scan,   neon_filter,
	plain_select,        plain_count, dotprod_dot};
