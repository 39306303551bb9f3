/* combined_kernels_neon: kernels of search/combined_kernels.h for 64-bit ARM,
 * by NEON, and by its instructions for dot products of bytes (FEAT_DotProd).
 * Included by combined_kernels.c alone. */
#include "search/neon_lanes.h"

/* Rows are compared by sixteens with the smallest threshold of all bins, and
 * those that reach it one by one with that of their bin. */
static size_t neon_scan(const struct column_set *set, int32_t *sums,
			const uint8_t *bins,
			const int32_t thresholds[INDEX_BINS], uint32_t first,
			size_t count, uint32_t *rows, int32_t *out)
{
	const int32_t low = smallest(thresholds);
	size_t found = 0;

	for (size_t i = 0; i < count; i += 16) {
		int32x4_t sum[4];
		uint32x4_t reached[4];
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
		for (size_t p = 0; p < 4; p++) {
			vst1q_s32(sixteen + 4 * p, sum[p]);
			reached[p] = vcgeq_s32(sum[p], vdupq_n_s32(low));
		}
		for (uint64_t mask = sixteen_mask(reached); mask != 0;
		     mask &= mask - 1) {
			size_t l = first_lane(mask);

			rows[found] = first + (uint32_t)(i + l);
			out[found] = sixteen[l];
			found += sixteen[l] >= thresholds[bins[i + l]];
		}
	}
	return found;
}

/* As plain_filter, but by sixteens, of which only those lanes are looked at
 * that have a sum below the limit and at least the smallest threshold. */
static size_t neon_filter(const int32_t thresholds[INDEX_BINS],
			  const uint8_t *bins, int32_t limit, uint32_t *rows,
			  int32_t *sums, size_t count)
{
	const int32_t low = smallest(thresholds);
	const uint32_t range = (uint32_t)limit - (uint32_t)low;
	const size_t whole = count - count % 16;
	size_t kept = 0;

	if (limit <= low)
		return 0;
	for (size_t i = 0; i < whole; i += 16) {
		uint32x4_t within[4];

		for (size_t p = 0; p < 4; p++) {
			int32x4_t sum = vld1q_s32(sums + i + 4 * p);
			uint32x4_t past = vreinterpretq_u32_s32(
				vsubq_s32(sum, vdupq_n_s32(low)));

			within[p] = vcltq_u32(past, vdupq_n_u32(range));
		}
		/* What is written is before or at what is read. */
		for (uint64_t mask = sixteen_mask(within); mask != 0;
		     mask &= mask - 1) {
			size_t l = i + first_lane(mask);
			uint32_t row = rows[l];
			int32_t sum = sums[l];

			rows[kept] = row;
			sums[kept] = sum;
			kept += sum >= thresholds[bins[row]];
		}
	}
	return filter_from(whole, kept, thresholds, bins, limit, rows, sums,
			   count);
}

/* Of sixteen rows those lanes are copied that have a sum of at least low. */
static size_t neon_select(int32_t low, const uint32_t *rows,
			  const int32_t *sums, size_t count, uint32_t *chosen,
			  int32_t *out)
{
	const size_t whole = count - count % 16;
	size_t found = 0;

	for (size_t i = 0; i < whole; i += 16) {
		uint32x4_t reached[4];

		for (size_t p = 0; p < 4; p++)
			reached[p] = vcgeq_s32(vld1q_s32(sums + i + 4 * p),
					       vdupq_n_s32(low));
		for (uint64_t mask = sixteen_mask(reached); mask != 0;
		     mask &= mask - 1) {
			size_t l = i + first_lane(mask);

			chosen[found] = rows[l];
			out[found++] = sums[l];
		}
	}
	return found + plain_select(low, rows + whole, sums + whole,
				    count - whole, chosen + found, out + found);
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

INLINE int16x8_t add_16(int16x8_t sum, int8x16_t query, int8x16_t codes)
{
	sum = vmlal_s8(sum, vget_low_s8(query), vget_low_s8(codes));
	return vmlal_high_s8(sum, query, codes);
}

/* Add the products of the next 64 columns, eight to each of the sums: two times
 * so many, of magnitudes up to 127 and codes up to 15, are within 16 bits. */
INLINE int16x8_t add_64(int16x8_t sum, const int8_t **query,
			const uint8_t **packed)
{
	int8x16x4_t q = vld1q_s8_x4(*query);
	uint8x16x2_t codes = vld1q_u8_x2(*packed);

	*query += 64;
	*packed += 32;
	/* The compiler shall move these addresses on as it loads. */
	__asm__("" : "+r"(*query), "+r"(*packed));
	sum = add_16(sum, q.val[0], lower_codes(codes.val[0]));
	sum = add_16(sum, q.val[1], lower_codes(codes.val[1]));
	sum = add_16(sum, q.val[2], upper_codes(codes.val[0]));
	return add_16(sum, q.val[3], upper_codes(codes.val[1]));
}

static int32_t neon_dot(const int8_t *query, const uint8_t *packed,
			size_t columns)
{
	const int16x8_t zero = vdupq_n_s16(0);
	int32x4_t sum = vdupq_n_s32(0);

	/* As many as there are unless one asks for others. */
	if (columns == 64)
		return vaddlvq_s16(add_64(zero, &query, &packed));
	for (size_t j = columns / 128; j > 0; j--) {
		int16x8_t part = add_64(zero, &query, &packed);

		sum = vpadalq_s16(sum, add_64(part, &query, &packed));
	}
	if (columns % 128 != 0)
		sum = vpadalq_s16(sum, add_64(zero, &query, &packed));
	return vaddvq_s32(sum);
}

__attribute__((target("arch=armv8.2-a+dotprod"))) static int32_t
dotprod_dot(const int8_t *query, const uint8_t *packed, size_t columns)
{
	int32x4_t sum = vdupq_n_s32(0);

	for (size_t j = columns / 64; j > 0; j--, query += 64, packed += 32) {
		int8x16x4_t q = vld1q_s8_x4(query);
		uint8x16x2_t codes = vld1q_u8_x2(packed);

		sum = vdotq_s32(sum, q.val[0], lower_codes(codes.val[0]));
		sum = vdotq_s32(sum, q.val[1], lower_codes(codes.val[1]));
		sum = vdotq_s32(sum, q.val[2], upper_codes(codes.val[0]));
		sum = vdotq_s32(sum, q.val[3], upper_codes(codes.val[1]));
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
