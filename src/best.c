#include "best.h"

#include <math.h>

#include "alloc.h"

bool hit_before(struct hit a, struct hit b)
{
	return a.score > b.score || (a.score == b.score && a.row < b.row);
}

/* Sink what is at a place of a heap of count hits. */
static void list_sink(struct hit *hits, size_t at, size_t count)
{
	struct hit moved = hits[at];

	for (size_t child; (child = 2 * at + 1) < count; at = child) {
		if (child + 1 < count &&
		    hit_before(hits[child], hits[child + 1]))
			child++;
		if (!hit_before(moved, hits[child]))
			break;
		hits[at] = hits[child];
	}
	hits[at] = moved;
}

static bool is_long(const struct list *list)
{
	return list->limit > BEST_HEAP;
}

/* Move the wanted best of count hits to the front, in no order, by Hoare's
 * selection (CACM 4, 1961); hits are distinct. */
static void list_select(struct hit *hits, size_t count, size_t wanted)
{
	size_t low = 0, high = count - 1;

	while (low < high) {
		struct hit pivot = hits[low + (high - low) / 2];
		size_t i = low, j = high;

		for (;; i++, j--) {
			while (hit_before(hits[i], pivot))
				i++;
			while (hit_before(pivot, hits[j]))
				j--;
			if (i >= j)
				break;
			struct hit swapped = hits[i];
			hits[i] = hits[j];
			hits[j] = swapped;
		}
		/* The pivot is at i == j, or all up to j come before it. */
		if (j + 1 <= wanted)
			low = j + 1;
		else
			high = j;
	}
}

/* Leave the limit best of a long list. */
static void list_cut(struct list *list)
{
	if (list->count <= list->limit)
		return;
	list_select(list->hits, list->count, list->limit);
	list->count = list->limit;
	list->bar = list->hits[0].score;
	for (size_t i = 1; i < list->count; i++)
		if (list->hits[i].score < list->bar)
			list->bar = list->hits[i].score;
}

void list_begin(struct list *list, size_t limit, double least)
{
	*list = (struct list){
		.limit = limit,
		.least = least,
		.bar = -INFINITY,
	};
	list->hits = alloc(alloc_product(limit, is_long(list) ? 2 : 1),
			   sizeof *list->hits);
}

void list_keep(struct list *list, struct hit hit)
{
	size_t at = list->count;

	if (is_long(list)) {
		list->hits[list->count++] = hit;
		if (list->count == 2 * list->limit)
			list_cut(list);
		return;
	}
	if (at == list->limit) {
		if (!hit_before(hit, list->hits[0]))
			return;
		list->hits[0] = hit;
		list_sink(list->hits, 0, at);
		return;
	}
	list->count++;
	for (; at > 0 && hit_before(list->hits[(at - 1) / 2], hit);
	     at = (at - 1) / 2)
		list->hits[at] = list->hits[(at - 1) / 2];
	list->hits[at] = hit;
}

void list_offer(struct list *list, enum metric metric, float score,
		uint32_t row)
{
	score += 0.0f; /* -0 becomes +0 */
	if (metric == METRIC_COSINE)
		score = score > 1 ? 1 : score < -1 ? -1 : score;
	if (score < list->least)
		return;
	list->matching++;
	list_keep(list, (struct hit){score, row});
}

/* To the order of answers, best first. */
void list_sort(struct list *list)
{
	if (is_long(list)) {
		list_cut(list);
		for (size_t i = list->count / 2; i-- > 0;)
			list_sink(list->hits, i, list->count);
	}
	for (size_t left = list->count; left-- > 1;) {
		struct hit last = list->hits[0];

		list->hits[0] = list->hits[left];
		list->hits[left] = last;
		list_sink(list->hits, 0, left);
	}
}

float list_bar(const struct list *list)
{
	if (list->count < list->limit)
		return -INFINITY;
	return is_long(list) ? list->bar : list->hits[0].score;
}

float score_below(enum metric metric, float bar)
{
	if (metric == METRIC_COSINE && bar <= -1)
		return -INFINITY;
	return nextafterf(bar, -INFINITY);
}
