/* topk: the k best of a stream of scored rows, in a total order: descending
 * score, then ascending row number.
 *
 * Because the order is total, the k best do not depend on the order in which
 * rows are pushed, nor on how the rows are split between lists that are merged
 * afterwards.  None of the functions can fail (base/alloc.h ends the process
 * where there is no memory). */
#ifndef SEARCH_TOPK_H
#define SEARCH_TOPK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What similarity is: the cosine of two embeddings, their product, the cosine
 * of two rows of the matrix, or of rows and embeddings together
 * (search/combined_score.h). */
enum metric { METRIC_EMBEDDING, METRIC_DOT, METRIC_PROFILE, METRIC_COMBINED };

struct hit {
	float score;
	uint32_t row;
};

/* True if a comes before b in the order of results. */
bool hit_before(struct hit a, struct hit b);

/* A hit packed into an integer; a larger key comes earlier in the order of
 * results.  score is the output of a kernel: -0 becomes +0, and a cosine is
 * clamped to [-1, 1].  score must not be NaN. */
uint64_t topk_key(enum metric metric, float score, uint32_t row);
uint32_t topk_key_row(uint64_t key);

/* Sort count keys in descending order. */
void topk_sort_keys(uint64_t *keys, size_t count);

/* A list with limit <= TOPK_SORTED_LIMIT is kept sorted by insertion.  A longer
 * one is an unordered buffer of 2 limit keys, which is reduced to its limit
 * best by selection each time it is full: O(1) amortized for each push. */
enum { TOPK_SORTED_LIMIT = 64 };

struct topk {
	uint64_t *keys; /* owned; descending where the list is kept sorted */
	size_t count, limit;
	size_t matching;  /* rows pushed with at least min_score */
	double min_score; /* lower scores are dropped; -INFINITY: none */
	float threshold;  /* a lower score cannot enter any more; it only
			     rises */
};

/* An empty list, which topk_finish, topk_merge or topk_free ends. */
void topk_begin(struct topk *list, size_t limit, double min_score);
void topk_free(struct topk *list);

/* Push a row with the score that a kernel gave; see topk_key. */
void topk_push(struct topk *list, enum metric metric, float score,
	       uint32_t row);

/* Push all keys of other, and free other. */
void topk_merge(struct topk *list, struct topk *other);

/* Returns the hits, best first, list->count of them; the caller frees them.
 * The list is ended; its counts stay readable. */
struct hit *topk_finish(struct topk *list);

/* Returns t such that at least k of the count values are >= t.  t is found by
 * bisection and is at most the k-th largest value; -INFINITY if fewer than k
 * values are finite.  NaN counts as smaller than everything.  count is a
 * multiple of 16, k >= 1. */
float kth_lower_bound(const float *values, size_t count, size_t k);

/* Bit i of the result is set where values[i] > threshold; never for NaN. */
uint64_t mask_above(const float values[64], float threshold);

/* The largest x such that a kernel's score > x if and only if the score counts
 * as >= score in results: the preceding float, or -INFINITY for a cosine of at
 * most -1, to which lower ones are clamped. */
float score_below(enum metric metric, float score);

#endif
