/* best: the k best of many scores, in an order that is total: falling score,
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
uint64_t best_key(enum metric metric, float score, uint32_t row);
uint32_t best_row(uint64_t key);

/* Put keys in falling order. */
void best_sort(uint64_t *keys, size_t count);

/* Lists up to this long are kept in order; longer ones are cut in half each
 * time they have twice their length. */
enum { BEST_SORTED = 64 };

/* The best so far. */
struct list {
	uint64_t *keys; /* limit, falling; where limit is above BEST_SORTED,
			   up to twice as many as wanted, in no order */
	size_t count, limit;
	size_t matching; /* of those offered that have the least */
	double least;    /* none below; -INFINITY: all */
	float bar;       /* a score below it cannot enter any more */
};

/* End it with list_hits, list_absorb or list_free. */
void list_begin(struct list *list, size_t limit, double least);
void list_free(struct list *list);

/* Consider a row with the score that a kernel gave, as best_key has it. */
void list_offer(struct list *list, enum metric metric, float score,
		uint32_t row);

/* Consider what another list has, and free that. */
void list_absorb(struct list *list, struct list *other);

/* The list's hits, best first, count of them; the caller frees them, and the
 * list is no more. */
struct hit *list_hits(struct list *list);

/* A number that at least wanted of count numbers reach, as large as some
 * halvings find: mostly the last of the wanted largest, or one not far below;
 * -INFINITY where fewer than wanted are above that.  A NaN reaches nothing.
 * count is a multiple of 16. */
float best_reached(const float *numbers, size_t count, size_t wanted);

/* Bit i is set where number i of 64 is above the least. */
uint64_t best_above(const float numbers[64], float least);

/* What a kernel's score must be above to count as high as a bar, or higher: the
 * largest float below it; nothing where a cosine below is clamped to it. */
float score_below(enum metric metric, float bar);

#endif
