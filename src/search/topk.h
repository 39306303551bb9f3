/* topk: the k best of many scores, in an order that is total: falling score,
 * then ascending row. */
#ifndef SEARCH_TOPK_H
#define SEARCH_TOPK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum metric { METRIC_COSINE, METRIC_DOT };

struct hit {
	float score;
	uint32_t row;
};

/* a before b in the order of answers. */
bool hit_before(struct hit a, struct hit b);

/* A hit as an integer that is the larger the earlier it comes among answers,
 * with the score that a kernel gave: -0 becomes +0, and a cosine is clamped to
 * [-1, 1].  A NaN has none. */
uint64_t topk_key(enum metric metric, float score, uint32_t row);
uint32_t topk_key_row(uint64_t key);

/* Put keys in falling order. */
void topk_sort_keys(uint64_t *keys, size_t count);

/* Lists up to this long are kept in order; longer ones are cut in half each
 * time they have twice their length. */
enum { TOPK_SORTED_LIMIT = 64 };

/* The best so far. */
struct topk {
	uint64_t *
		keys; /* limit, falling; where limit is above TOPK_SORTED_LIMIT,
			 up to twice as many as wanted, in no order */
	size_t count, limit;
	size_t matching; /* of those offered that have the least */
	double least;    /* none below; -INFINITY: all */
	float bar;       /* a score below it cannot enter any more */
};

/* End it with topk_finish, topk_merge or topk_free. */
void topk_begin(struct topk *list, size_t limit, double least);
void topk_free(struct topk *list);

/* Consider a row with the score that a kernel gave, as topk_key has it. */
void topk_push(struct topk *list, enum metric metric, float score,
	       uint32_t row);

/* Consider what another list has, and free that. */
void topk_merge(struct topk *list, struct topk *other);

/* The list's hits, best first, count of them; the caller frees them, and the
 * list is no more. */
struct hit *topk_finish(struct topk *list);

/* A number that at least wanted of count numbers reach, as large as some
 * halvings find: mostly the last of the wanted largest, or one not far below;
 * -INFINITY where fewer than wanted are above that.  A NaN reaches nothing.
 * count is a multiple of 16. */
float kth_lower_bound(const float *numbers, size_t count, size_t wanted);

/* Bit i is set where number i of 64 is above the least. */
uint64_t mask_above(const float numbers[64], float least);

/* What a kernel's score must be above to count as high as a bar, or higher: the
 * largest float below it; nothing where a cosine below is clamped to it. */
float score_below(enum metric metric, float bar);

#endif
