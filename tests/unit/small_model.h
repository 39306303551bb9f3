/* small_model: a model of five customers and three tags in memory, for tests
 * of what needs one.  Its embedding is that of its components, D being I; the
 * last customer has no tag, and so the zero vector. */
#ifndef UNIT_SMALL_MODEL_H
#define UNIT_SMALL_MODEL_H

#include "model/model.h"

enum { SMALL_CUSTOMERS = 5, SMALL_TAGS = 3, SMALL_K = 2 };

static struct model small_model(void)
{
	static const int64_t indptr[] = {0, 2, 3, 5, 6, 6};
	static const int32_t indices[] = {0, 1, 1, 0, 2, 2};
	static const float values[] = {1, 0.5f, 2, -1, 4, 0.25f};
	static const float raw[] = {10, 5, 20, -10, 40, 2.5f};
	static const int64_t names[] = {0, 3, 6, 9, 12, 15};
	static const int64_t tags[] = {0, 1, 2, 3};
	static const unsigned char tenth[] = {1, 0, 1, 0, 0};
	static const double weight[] = {0.1, 0.1, 0.1};
	static const int64_t tenths[SMALL_TAGS * TENTHS] = {
		[0 * TENTHS + 1] = 1, [1 * TENTHS + 0] = 1,
		[1 * TENTHS + 1] = 1, [2 * TENTHS + 0] = 1,
		[2 * TENTHS + 1] = 1,
	};
	static const int64_t tenth_size[TENTHS] = {3, 2};
	static const double components[] = {1, 2, -1, 0.5, 0, 3};
	static const double sigma[] = {2, 1};
	static float embedding[SMALL_CUSTOMERS * SMALL_K];

	for (size_t i = 0; i < SMALL_CUSTOMERS; i++)
		for (size_t j = 0; j < SMALL_K; j++) {
			double sum = 0;

			for (int64_t at = indptr[i]; at < indptr[i + 1]; at++)
				sum += (double)values[at] *
				       components[(size_t)indices[at] *
							  SMALL_K +
						  j];
			embedding[i * SMALL_K + j] = (float)sum;
		}
	return (struct model){
		.input = {.name = "small.bin"},
		.matrix = {.n = SMALL_CUSTOMERS,
			   .m = SMALL_TAGS,
			   .nnz = 6,
			   .indptr = indptr,
			   .indices = indices,
			   .values = values,
			   .raw = raw,
			   .users = {names,
				     (const unsigned char *)"annbobcyddeeeve",
				     SMALL_CUSTOMERS},
			   .tags = {tags, (const unsigned char *)"abc",
				    SMALL_TAGS},
			   .tenth = tenth,
			   .weight = weight,
			   .tenths = tenths,
			   .tenth_size = tenth_size,
			   .customer = "customer",
			   .tag = "tag",
			   .value = "price"},
		.k = SMALL_K,
		.embedding = embedding,
		.components = components,
		.sigma = sigma,
		.scale = SCALE_US,
		.shift = 1,
	};
}

#endif
