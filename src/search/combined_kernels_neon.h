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
	return filter_from(i, kept, thresholds, bins, limit, rows, sums, count);
}

/* Rows are passed over by eights that have no sum of at least low. */
static size_t neon_select(int32_t low, const uint32_t *rows,
			  const int32_t *sums, size_t count, uint32_t *chosen,
			  int32_t *out)
{
	size_t found = 0, i = 0;

	for (; i + 8 <= count; i += 8)
		if (vmaxvq_s32(vmaxq_s32(vld1q_s32(sums + i),
					 vld1q_s32(sums + i + 4))) >= low)
			found += plain_select(low, rows + i, sums + i, 8,
					      chosen + found, out + found);
	return found + plain_select(low, rows + i, sums + i, count - i,
				    chosen + found, out + found);
}

/* The codes, 0 to 15, of 16 columns, and of those 32 columns later. */
INLINE int8x16_t lower_codes(uint8x16_t packed)
{
	return vreinterpretq_s8_u8(vandq_u8(packed, vdupq_n_u8(15)));
}

INLINE int8x16_t upper_codes(uint8x16_t packed)
{
	return vreinterpretq_s8_u8(vshrq_n_u8(packed, 4));
}

/* Add products of bytes; eight of magnitudes up to 127 fit in 16 bits. */
INLINE int16x8_t add_16(int16x8_t sum, int8x16_t query, int8x16_t codes)
{
	sum = vmlal_s8(sum, vget_low_s8(query), vget_low_s8(codes));
	return vmlal_high_s8(sum, query, codes);
}

static int32_t neon_dot(const int8_t *query, const uint8_t *packed,
			size_t columns)
{
	int32x4_t sum = vdupq_n_s32(0);

	for (size_t j = 0; j < columns; j += 64, query += 64, packed += 32) {
		uint8x16_t a = vld1q_u8(packed), b = vld1q_u8(packed + 16);
		int16x8_t part = vdupq_n_s16(0);

		part = add_16(part, vld1q_s8(query), lower_codes(a));
		part = add_16(part, vld1q_s8(query + 16), lower_codes(b));
		part = add_16(part, vld1q_s8(query + 32), upper_codes(a));
		part = add_16(part, vld1q_s8(query + 48), upper_codes(b));
		sum = vpadalq_s16(sum, part);
	}
	return vaddvq_s32(sum);
}

__attribute__((target("arch=armv8.2-a+dotprod"))) static int32_t
dotprod_dot(const int8_t *query, const uint8_t *packed, size_t columns)
{
	int32x4_t sum = vdupq_n_s32(0);

	for (size_t j = 0; j < columns; j += 64, query += 64, packed += 32) {
		uint8x16_t a = vld1q_u8(packed), b = vld1q_u8(packed + 16);

		sum = vdotq_s32(sum, vld1q_s8(query), lower_codes(a));
		sum = vdotq_s32(sum, vld1q_s8(query + 16), lower_codes(b));
		sum = vdotq_s32(sum, vld1q_s8(query + 32), upper_codes(a));
		sum = vdotq_s32(sum, vld1q_s8(query + 48), upper_codes(b));
	}
	return vaddvq_s32(sum);
}

/* Counting is a loop that compilers make vectors of. */
static const struct combined_kernel neon = {
	.name = "NEON",
	.scan = neon_scan,
	.filter = neon_filter,
	.select = neon_select,
	.count_at_least = plain_count,
	.code_dot = neon_dot,
};
static const struct combined_kernel neon_dotprod = {
	.name = "NEON dot products",
	.scan = neon_scan,
	.filter = neon_filter,
	.select = neon_select,
	.count_at_least = plain_count,
	.code_dot = dotprod_dot,
};
