#include "search/combined_quantiles.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "search/combined_score.h"

/* A customer of the sample. */
struct sampled {
	struct search_query row;
	struct score_side side;
};

/* The bits of a number that is one, as an integer that rises with it. */
static uint32_t rising_bits(float number)
{
	uint32_t bits;

	memcpy(&bits, &number, sizeof bits);
	return bits ^ (bits >> 31 != 0 ? UINT32_MAX : UINT32_C(1) << 31);
}

/* The number of that place, from 0, among count numbers in rising order: its
 * bits are found eight at a time from the highest, by counts of those that have
 * the same bits above. */
static float number_at(const float *numbers, size_t count, size_t place)
{
	uint32_t found = 0;
	float number;

	for (int shift = 24; shift >= 0; shift -= 8) {
		size_t counts[256] = {0}, byte = 0;

		for (size_t i = 0; i < count; i++) {
			uint32_t bits = rising_bits(numbers[i]);

			if (((uint64_t)(bits ^ found) >> (shift + 8)) == 0)
				counts[bits >> shift & 255]++;
		}
		while (place >= counts[byte])
			place -= counts[byte++];
		found |= (uint32_t)byte << shift;
	}
	found ^= found >> 31 != 0 ? UINT32_C(1) << 31 : UINT32_MAX;
	memcpy(&number, &found, sizeof number);
	return number;
}

/* The customers of the sample that have weight; free() it. */
static struct sampled *take_sample(const struct sharded_model *shards,
				   const struct similarity *similarity,
				   size_t *count)
{
	size_t n = shards->whole.matrix.n, d = shards->whole.k,
	       wanted = n < COMBINED_SAMPLE ? n : COMBINED_SAMPLE;
	struct sampled *sample = alloc(wanted, sizeof *sample);

	*count = 0;
	for (size_t i = 0; i < wanted; i++) {
		size_t row = i * n / wanted;
		struct sampled *one = &sample[*count];

		if (sharded_model_query(shards, &shards->whole, row,
					&one->row) != NULL)
			continue;
		one->side = score_side_make(
			similarity, row_square(one->row.values, one->row.count),
			embedding_dot(one->row.vector, one->row.vector, d));
		*count += one->side.square > 0;
	}
	return sample;
}

/* The similarity of the other to the one whose values dense holds. */
static float score_pair(const struct similarity *similarity,
			const struct sampled *one, const struct sampled *other,
			const double *dense, size_t d)
{
	return combined_score(
		similarity, &one->side, &other->side,
		row_dot(dense, other->row.tags, other->row.values,
			other->row.count),
		embedding_dot(one->row.vector, other->row.vector, d));
}

void combined_quantiles(const struct sharded_model *shards,
			const struct similarity *similarity,
			const double *shares, size_t count, double *values)
{
	size_t rows, pairs = 0, d = shards->whole.k;
	struct sampled *sample = take_sample(shards, similarity, &rows);
	size_t each = rows / 2 < COMBINED_PAIRS
			      ? (rows > 0 ? (rows - 1) / 2 : 0)
			      : COMBINED_PAIRS;
	double *dense = alloc(shards->whole.matrix.m, sizeof *dense);

	/* Two customers are one pair. */
	if (rows == 2)
		each = 1;
	float *scores = alloc(rows * each + 1, sizeof *scores);

	for (size_t i = 0; i < rows; i++) {
		const struct search_query *row = &sample[i].row;

		for (size_t t = 0; t < row->count; t++)
			dense[row->tags[t]] = (double)row->values[t];
		for (size_t step = 1; step <= each; step++)
			scores[pairs++] = score_pair(similarity, &sample[i],
						     &sample[(i + step) % rows],
						     dense, d);
		for (size_t t = 0; t < row->count; t++)
			dense[row->tags[t]] = 0;
	}
	for (size_t i = 0; i < count; i++)
		values[i] = pairs == 0 ? 0
				       : (double)number_at(
						 scores, pairs,
						 (size_t)(shares[i] *
							  (double)(pairs - 1)));
	free(scores);
	free(dense);
	free(sample);
}
