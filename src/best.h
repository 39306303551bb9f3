/* best: the k best of many scores, in an order that is total: falling score,
 * then ascending row. */
#ifndef BEST_H
#define BEST_H

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

/* Lists up to this long are heaps; longer ones are cut in half each time they
 * have twice their length. */
enum { BEST_HEAP = 64 };

/* The best so far: a heap, its root the last in the order of answers; where
 * limit is above BEST_HEAP, up to twice as many as wanted, in no order. */
struct list {
	struct hit *hits;
	size_t count, limit;
	size_t matching; /* of those offered that have the least */
	double least;    /* none below; -INFINITY: all */
	float bar;       /* of long lists: limit of them have this or more */
};

void list_begin(struct list *list, size_t limit, double least);

/* Consider a row with the score that a kernel gave: -0 becomes +0, and a
 * cosine is clamped to [-1, 1].  A NaN is not to be offered. */
void list_offer(struct list *list, enum metric metric, float score,
		uint32_t row);

/* Consider a hit as it is. */
void list_keep(struct list *list, struct hit hit);

/* A score below this cannot enter the list any more; -INFINITY: any can. */
float list_bar(const struct list *list);

/* What a kernel's score must be above to count as high as a bar, or higher: the
 * largest float below it; nothing where a cosine below is clamped to it. */
float score_below(enum metric metric, float bar);

/* To the order of answers, best first; at most limit are left. */
void list_sort(struct list *list);

#endif
