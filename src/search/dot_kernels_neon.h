/* dot_kernels_neon: the kernel of search/dot_kernels.h for 64-bit ARM, by NEON,
 * which every such processor has.  Included by dot_kernels.c alone. */
#include "search/neon_lanes.h"

#define START4(i)                                                              \
	float32x4_t a##i = vdupq_n_f32(0), b##i = a##i, c##i = a##i, e##i = a##i

/* One column of 6 x 16 scores: 24 of 32 registers hold sums.  The items of
 * queries 0 to 3 are in low, those of 4 and 5 in high. */
#define STEP4(i, lane_product, items, lane)                                    \
	a##i = lane_product(a##i, a, items, lane);                             \
	b##i = lane_product(b##i, b, items, lane);                             \
	c##i = lane_product(c##i, c, items, lane);                             \
	e##i = lane_product(e##i, e, items, lane)

/* Store four scores of query i, and their bits of its mask. */
#define STORE1(part, i, first)                                                 \
	do {                                                                   \
		float32x4_t limits = vdupq_n_f32(thresholds[i]);               \
		if (row_thresholds != NULL)                                    \
			limits = vminq_f32(limits,                             \
					   vld1q_f32(row_thresholds + first)); \
		masks[i] |= (uint64_t)lane_mask(vcgtq_f32(part, limits))       \
			    << (first);                                        \
		vst1q_f32(scores + (i)*TILE_ROWS + (first), part);             \
	} while (0)

#define STORE4(i)                                                              \
	STORE1(a##i, i, strip);                                                \
	STORE1(b##i, i, strip + 4);                                            \
	STORE1(c##i, i, strip + 8);                                            \
	STORE1(e##i, i, strip + 12)

static void neon_score_tile(const float *queries, const float *rows, size_t d,
			    const float thresholds[TILE_QUERIES],
			    const float row_thresholds[TILE_ROWS],
			    float scores[TILE_QUERIES * TILE_ROWS],
			    uint64_t masks[TILE_QUERIES])
{
	memset(masks, 0, TILE_QUERIES * sizeof *masks);
	for (size_t strip = 0; strip < TILE_ROWS; strip += 16) {
		EACH_QUERY(START4);
		for (size_t j = 0; j < d; j++) {
			const float *column = rows + j * TILE_ROWS + strip;
			float32x4_t a = vld1q_f32(column);
			float32x4_t b = vld1q_f32(column + 4);
			float32x4_t c = vld1q_f32(column + 8);
			float32x4_t e = vld1q_f32(column + 12);
			float32x4_t low = vld1q_f32(queries + j * TILE_QUERIES);
			float32x2_t high =
				vld1_f32(queries + j * TILE_QUERIES + 4);

			STEP4(0, vfmaq_laneq_f32, low, 0);
			STEP4(1, vfmaq_laneq_f32, low, 1);
			STEP4(2, vfmaq_laneq_f32, low, 2);
			STEP4(3, vfmaq_laneq_f32, low, 3);
			STEP4(4, vfmaq_lane_f32, high, 0);
			STEP4(5, vfmaq_lane_f32, high, 1);
		}
		EACH_QUERY(STORE4);
	}
}

static void neon_approximate_rows(const float *query, const float *rows,
				  size_t count, size_t d, float *products,
				  float *squares)
{
	for (size_t r = 0; r < count; r++, rows += d) {
		float32x4_t product = vdupq_n_f32(0), square = product;
		size_t j = 0;

		for (; j + 4 <= d; j += 4) {
			float32x4_t x = vld1q_f32(rows + j);

			product = vfmaq_f32(product, vld1q_f32(query + j), x);
			square = vfmaq_f32(square, x, x);
		}
		products[r] = vaddvq_f32(product);
		squares[r] = vaddvq_f32(square);
		for (; j < d; j++) {
			products[r] += query[j] * rows[j];
			squares[r] += rows[j] * rows[j];
		}
	}
}

static void neon_approximate_pairs(const float *const *queries,
				   const float *const *rows, size_t count,
				   size_t d, float *products)
{
	for (size_t p = 0; p < count; p++) {
		const float *query = queries[p], *row = rows[p];
		float32x4_t sums[4] = {vdupq_n_f32(0), vdupq_n_f32(0),
				       vdupq_n_f32(0), vdupq_n_f32(0)};
		float rest = 0;
		size_t j = 0;

		for (; j + 16 <= d; j += 16) {
			float32x4x4_t a = vld1q_f32_x4(query + j);
			float32x4x4_t b = vld1q_f32_x4(row + j);

			for (size_t l = 0; l < 4; l++)
				sums[l] =
					vfmaq_f32(sums[l], a.val[l], b.val[l]);
		}
		for (; j < d; j++)
			rest += query[j] * row[j];
		products[p] =
			vaddvq_f32(vaddq_f32(vaddq_f32(sums[0], sums[1]),
					     vaddq_f32(sums[2], sums[3]))) +
			rest;
	}
}

/* Four vectors of four become those of their first items, of their second, and
 * so on. */
INLINE void transpose(float32x4_t v[4])
{
	float64x2_t even[2], odd[2];

	for (size_t i = 0; i < 2; i++) {
		even[i] = vreinterpretq_f64_f32(
			vtrn1q_f32(v[2 * i], v[2 * i + 1]));
		odd[i] = vreinterpretq_f64_f32(
			vtrn2q_f32(v[2 * i], v[2 * i + 1]));
	}
	v[0] = vreinterpretq_f32_f64(vtrn1q_f64(even[0], even[1]));
	v[1] = vreinterpretq_f32_f64(vtrn1q_f64(odd[0], odd[1]));
	v[2] = vreinterpretq_f32_f64(vtrn2q_f64(even[0], even[1]));
	v[3] = vreinterpretq_f32_f64(vtrn2q_f64(odd[0], odd[1]));
}

/* The sums of four pairs are in a vector, so that each is in its order. */
static void neon_exact_pairs(const float *const *queries,
			     const float *const *rows, size_t count, size_t d,
			     float *scores)
{
	const size_t whole = d - d % 4;
	size_t p = 0;

	for (; p + 4 <= count; p += 4) {
		float32x4_t sums = vdupq_n_f32(0);

		for (size_t j = 0; j < whole; j += 4) {
			float32x4_t a[4], b[4];

			for (size_t i = 0; i < 4; i++) {
				a[i] = vld1q_f32(queries[p + i] + j);
				b[i] = vld1q_f32(rows[p + i] + j);
			}
			transpose(a);
			transpose(b);
			for (size_t i = 0; i < 4; i++)
				sums = vfmaq_f32(sums, a[i], b[i]);
		}
		vst1q_f32(scores + p, sums);
		for (size_t j = whole; j < d; j++)
			for (size_t i = 0; i < 4; i++)
				scores[p + i] =
					fmaf(queries[p + i][j], rows[p + i][j],
					     scores[p + i]);
	}
	for (; p < count; p++)
		scores[p] = plain_exact_pair(queries[p], rows[p], d);
}

static const struct dot_kernel neon = {
	.name = "NEON",
	.score_tile = neon_score_tile,
	.approximate_rows = neon_approximate_rows,
	.approximate_pairs = neon_approximate_pairs,
	.exact_pairs = neon_exact_pairs,
	.exact_pair = plain_exact_pair,
};
