/* int8_kernels_neon: kernels of search/int8_kernels.h for 64-bit ARM, by NEON,
 * and by its instructions for dot products of bytes (FEAT_DotProd).  Included
 * by int8_kernels.c alone. */
#include "search/neon_lanes.h"

/* Codes less 128 are signed bytes, so that no offset remains to be taken off:
 * sum (code - 128) q. */
INLINE int8x16_t load_signed(const uint8_t *codes)
{
	return vreinterpretq_s8_u8(veorq_u8(vld1q_u8(codes), vdupq_n_u8(0x80)));
}

/* Add the dot products of four rows and a quad of columns.  Two products of
 * bytes, each at most 128 x 127, fit in 16 bits. */
INLINE int32x4_t add_products(int32x4_t sum, int8x16_t rows, int8x8_t quad)
{
	int16x8_t low = vmull_s8(vget_low_s8(rows), quad);
	int16x8_t high = vmull_s8(vget_high_s8(rows), quad);

	return vpadalq_s16(sum, vpaddq_s16(low, high));
}

#define DOT __attribute__((target("arch=armv8.2-a+dotprod")))

/* The same in one instruction. */
DOT INLINE int32x4_t dot_products(int32x4_t sum, int8x16_t rows, int8x8_t quad)
{
	return vdotq_s32(sum, rows, vcombine_s8(quad, quad));
}

INLINE int8x8_t load_quad(const void *codes)
{
	int32_t four;

	memcpy(&four, codes, sizeof four);
	return vreinterpret_s8_s32(vdup_n_s32(four));
}

/* The mask of four rows of a query. */
INLINE uint64_t mask_four(const struct int8_query *query, int32x4_t sum,
			  const float *scales, const float *residuals,
			  float threshold)
{
	float32x4_t bound =
		vmulq_f32(vcvtq_f32_s32(sum),
			  vmulq_n_f32(vld1q_f32(scales), query->scale));

	bound = vfmaq_n_f32(bound, vld1q_f32(residuals), query->norm);
	bound = vaddq_f32(bound, vdupq_n_f32(query->error));
	/* Not below, which NaN is not either. */
	return ~lane_mask(vcltq_f32(bound, vdupq_n_f32(threshold))) & 15;
}

/* A kernel of one query, of 16 rows at a time. */
#define MASK_QUERY(attributes, name, add)                                      \
	attributes static uint64_t name(                                       \
		const struct int8_query *query, const uint8_t *block,          \
		const float *scales, const float *residuals, float threshold)  \
	{                                                                      \
		uint64_t above = 0;                                            \
                                                                               \
		for (size_t r = 0; r < INT8_BLOCK_ROWS; r += 16) {             \
			int32x4_t sum[4] = {vdupq_n_s32(0), vdupq_n_s32(0),    \
					    vdupq_n_s32(0), vdupq_n_s32(0)};   \
                                                                               \
			for (size_t g = 0; g < query->quads; g++) {            \
				const uint8_t *from =                          \
					block + (g * INT8_BLOCK_ROWS + r) * 4; \
				int8x8_t quad =                                \
					load_quad(query->codes + g * 4);       \
                                                                               \
				for (size_t i = 0; i < 4; i++)                 \
					sum[i] = add(                          \
						sum[i],                        \
						load_signed(from + 16 * i),    \
						quad);                         \
			}                                                      \
			for (size_t i = 0; i < 4; i++)                         \
				above |= mask_four(query, sum[i],              \
						   scales + r + 4 * i,         \
						   residuals + r + 4 * i,      \
						   threshold)                  \
					 << (r + 4 * i);                       \
		}                                                              \
		return above;                                                  \
	}

MASK_QUERY(, neon_mask_query, add_products)
MASK_QUERY(DOT, dot_mask_query, dot_products)

/* Of each query of a group with 16 rows, four in a vector. */
typedef int32x4_t group_sums[TILE_QUERIES][4];

/* Set sums, group_sums, to the dot products of a group and 16 rows. */
#define SUM_GROUP(add)                                                         \
	do {                                                                   \
		for (size_t i = 0; i < TILE_QUERIES; i++)                      \
			for (size_t part = 0; part < 4; part++)                \
				sums[i][part] = vdupq_n_s32(0);                \
		for (size_t g = 0; g < group->quads; g++) {                    \
			const uint8_t *from = block + g * INT8_BLOCK_ROWS * 4; \
			int8x16_t rows[4] = {load_signed(from),                \
					     load_signed(from + 16),           \
					     load_signed(from + 32),           \
					     load_signed(from + 48)};          \
                                                                               \
			for (size_t i = 0; i < TILE_QUERIES; i++) {            \
				int8x8_t quad = load_quad(                     \
					&group->words[g * TILE_QUERIES + i]);  \
                                                                               \
				for (size_t part = 0; part < 4; part++)        \
					sums[i][part] = add(sums[i][part],     \
							    rows[part], quad); \
			}                                                      \
		}                                                              \
	} while (0)

INLINE void sum_group(const struct int8_query_group *group,
		      const uint8_t *block, group_sums sums)
{
	SUM_GROUP(add_products);
}

DOT INLINE void dot_group(const struct int8_query_group *group,
			  const uint8_t *block, group_sums sums)
{
	SUM_GROUP(dot_products);
}

/* The mask of four rows of query i, as mask_four. */
INLINE uint64_t mask_of_group(const struct int8_query_group *group, size_t i,
			      int32x4_t sum, const float *scales,
			      const float *residuals, float threshold,
			      const float *row_thresholds)
{
	float32x4_t limits = vdupq_n_f32(threshold);
	float32x4_t bound = vmulq_f32(vcvtq_f32_s32(sum), vld1q_f32(scales));

	bound = vfmaq_n_f32(bound, vld1q_f32(residuals), group->norm[i]);
	if (row_thresholds != NULL)
		limits = vminq_f32(limits, vld1q_f32(row_thresholds));
	limits = vsubq_f32(vmulq_n_f32(limits, group->inv_scale[i]),
			   vdupq_n_f32(group->error[i]));
	return ~lane_mask(vcltq_f32(bound, limits)) & 15;
}

#define MASK_GROUP(attributes, name, sum)                                      \
	attributes static void name(const struct int8_query_group *group,      \
				    const uint8_t *block, const float *scales, \
				    const float *residuals,                    \
				    const float thresholds[TILE_QUERIES],      \
				    const float row_thresholds[TILE_ROWS],     \
				    uint64_t masks[TILE_QUERIES])              \
	{                                                                      \
		memset(masks, 0, TILE_QUERIES * sizeof *masks);                \
		for (size_t r = 0; r < TILE_ROWS; r += 16) {                   \
			group_sums sums;                                       \
                                                                               \
			sum(group, block + r * 4, sums);                       \
			for (size_t i = 0; i < TILE_QUERIES * 4; i++) {        \
				size_t row = r + i % 4 * 4;                    \
                                                                               \
				masks[i / 4] |=                                \
					mask_of_group(                         \
						group, i / 4,                  \
						sums[i / 4][i % 4],            \
						scales + row, residuals + row, \
						thresholds[i / 4],             \
						row_thresholds                 \
							? row_thresholds + row \
							: NULL)                \
					<< row;                                \
			}                                                      \
		}                                                              \
	}

MASK_GROUP(, neon_mask_group, sum_group)
MASK_GROUP(DOT, dot_mask_group, dot_group)

#define LOWER_BOUNDS(attributes, name, sum)                                    \
	attributes static void name(const struct int8_query_group *group,      \
				    const uint8_t *block, const float *scales, \
				    const float *residuals, uint64_t rows,     \
				    float *lower, size_t ld)                   \
	{                                                                      \
		for (size_t r = 0; r < TILE_ROWS; r += 16) {                   \
			group_sums sums;                                       \
                                                                               \
			sum(group, block + r * 4, sums);                       \
			for (size_t i = 0; i < TILE_QUERIES * 4; i++) {        \
				size_t row = r + i % 4 * 4;                    \
				float32x4_t bound = vmulq_f32(                 \
					vcvtq_f32_s32(sums[i / 4][i % 4]),     \
					vld1q_f32(scales + row));              \
                                                                               \
				bound = vfmsq_n_f32(                           \
					bound, vld1q_f32(residuals + row),     \
					group->norm[i / 4]);                   \
				vst1q_f32(lower + i / 4 * ld + row, bound);    \
			}                                                      \
		}                                                              \
		for (uint64_t left = ~rows; left != 0; left &= left - 1)       \
			for (size_t i = 0; i < TILE_QUERIES; i++)              \
				lower[i * ld + (size_t)__builtin_ctzll(        \
						       left)] = -INFINITY;     \
	}

LOWER_BOUNDS(, neon_lower_bounds, sum_group)
LOWER_BOUNDS(DOT, dot_lower_bounds, dot_group)

static const struct int8_kernel neon = {"NEON", neon_mask_query,
					neon_mask_group, neon_lower_bounds};
static const struct int8_kernel neon_dot = {"NEON dot products", dot_mask_query,
					    dot_mask_group, dot_lower_bounds};
