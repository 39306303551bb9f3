#include "search/topk.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cpu_features.h"

_Static_assert(sizeof(struct hit) == sizeof(uint64_t),
	       "hits take the place of keys");

bool hit_before(struct hit a, struct hit b)
{
	return a.score > b.score || (a.score == b.score && a.row < b.row);
}

/* -------------------------------------------------------------------- keys */

static const uint32_t sign = UINT32_C(1) << 31;

/* The bits of floats, as integers, are in their order, but reversed for
 * negative ones. */
static uint64_t key_of(float score, uint32_t row)
{
	uint32_t bits;

	memcpy(&bits, &score, sizeof bits);
	bits = bits & sign ? ~bits : bits | sign;
	return (uint64_t)bits << 32 | (uint32_t)~row;
}

static struct hit hit_of(uint64_t key)
{
	uint32_t bits = (uint32_t)(key >> 32);
	struct hit hit = {.row = ~(uint32_t)key};

	bits = bits & sign ? bits & ~sign : ~bits;
	memcpy(&hit.score, &bits, sizeof bits);
	return hit;
}

/* A score as results have it. */
static float canonical_score(enum metric metric, float score)
{
	score += 0.0f; /* -0 becomes +0 */
	if (metric == METRIC_EMBEDDING)
		score = score > 1 ? 1 : score < -1 ? -1 : score;
	return score;
}

uint64_t topk_key(enum metric metric, float score, uint32_t row)
{
	return key_of(canonical_score(metric, score), row);
}

uint32_t topk_key_row(uint64_t key)
{
	return hit_of(key).row;
}

/* Move the k largest of count keys to the front, in no order, by Hoare's
 * selection (CACM 4, 1961). */
static void select_keys(uint64_t *keys, size_t count, size_t k)
{
	size_t low = 0, high = count - 1;

	while (low < high) {
		uint64_t pivot = keys[low + (high - low) / 2];
		size_t i = low, j = high;

		for (;; i++, j--) {
			while (keys[i] > pivot)
				i++;
			while (keys[j] < pivot)
				j--;
			if (i >= j)
				break;
			uint64_t swapped = keys[i];
			keys[i] = keys[j];
			keys[j] = swapped;
		}
		/* Either i == j is the pivot, or all up to j come before it. */
		if (j + 1 <= k)
			low = j + 1;
		else
			high = j;
	}
}

static int compare_keys(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x < y) - (x > y);
}

void topk_sort_keys(uint64_t *keys, size_t count)
{
	if (count > TOPK_SORTED_LIMIT) {
		qsort(keys, count, sizeof *keys, compare_keys);
		return;
	}
	for (size_t i = 1; i < count; i++) {
		uint64_t key = keys[i];
		size_t at = i;

		for (; at > 0 && keys[at - 1] < key; at--)
			keys[at] = keys[at - 1];
		keys[at] = key;
	}
}

/* ------------------------------------------------------------------- lists */

static bool is_long(const struct topk *list)
{
	return list->limit > TOPK_SORTED_LIMIT;
}

void topk_begin(struct topk *list, size_t limit, double min_score)
{
	*list = (struct topk){
		.limit = limit,
		.min_score = min_score,
		.threshold = -INFINITY,
	};
	list->keys = alloc(alloc_product(limit, is_long(list) ? 2 : 1),
			   sizeof *list->keys);
}

void topk_free(struct topk *list)
{
	free(list->keys);
	list->keys = NULL;
}

/* Reduce a long list to its limit best. */
static void truncate_list(struct topk *list)
{
	uint64_t last = UINT64_MAX;

	if (list->count <= list->limit)
		return;
	select_keys(list->keys, list->count, list->limit);
	list->count = list->limit;
	for (size_t i = 0; i < list->count; i++)
		if (list->keys[i] < last)
			last = list->keys[i];
	list->threshold = hit_of(last).score;
}

static void insert_sorted(struct topk *list, uint64_t key)
{
	uint64_t *keys = list->keys;
	size_t i = list->limit - 1;

	if (list->count < list->limit)
		i = list->count++;
	else if (key < keys[i])
		return;
	for (; i > 0 && keys[i - 1] < key; i--)
		keys[i] = keys[i - 1];
	keys[i] = key;
	if (list->count == list->limit)
		list->threshold = hit_of(keys[list->limit - 1]).score;
}

static void insert(struct topk *list, uint64_t key)
{
	if (!is_long(list)) {
		insert_sorted(list, key);
		return;
	}
	list->keys[list->count++] = key;
	if (list->count == 2 * list->limit)
		truncate_list(list);
}

void topk_push(struct topk *list, enum metric metric, float score, uint32_t row)
{
	score = canonical_score(metric, score);
	if (score < list->min_score)
		return;
	list->matching++;
	insert(list, key_of(score, row));
}

void topk_merge(struct topk *list, struct topk *other)
{
	for (size_t i = 0; i < other->count; i++)
		insert(list, other->keys[i]);
	list->matching += other->matching;
	topk_free(other);
}

struct hit *topk_finish(struct topk *list)
{
	void *memory = list->keys;

	if (is_long(list)) {
		truncate_list(list);
		topk_sort_keys(list->keys, list->count);
	}
	for (size_t i = 0; i < list->count; i++) {
		struct hit hit = hit_of(list->keys[i]);

		memcpy((char *)memory + i * sizeof hit, &hit, sizeof hit);
	}
	list->keys = NULL;
	return memory;
}

/* ------------------------------------------------------------- selection */

enum { LANES = 16, BISECTIONS = 10 };

#define INLINE static inline __attribute__((always_inline))

static inline size_t count_at_least(const float *values, size_t count,
				    float threshold)
{
	int sums[LANES] = {0}, sum = 0;

	for (size_t j = 0; j < count; j += LANES)
		for (size_t l = 0; l < LANES; l++)
			sums[l] += values[j + l] >= threshold;
	for (size_t l = 0; l < LANES; l++)
		sum += sums[l];
	return (size_t)sum;
}

/* The largest value of each lane: LANES values are at least the smallest of
 * them. */
static inline void lane_maxima(const float *values, size_t count,
			       float *largest)
{
	for (size_t l = 0; l < LANES; l++)
		largest[l] = -INFINITY;
	for (size_t j = 0; j < count; j += LANES)
		for (size_t l = 0; l < LANES; l++)
			largest[l] = values[j + l] > largest[l] ? values[j + l]
								: largest[l];
}

INLINE float kth_bound(const float *values, size_t count, size_t k,
		       size_t (*count_fn)(const float *, size_t, float),
		       void (*largest_fn)(const float *, size_t, float *))
{
	float largest[LANES], low = INFINITY, high = -INFINITY;

	largest_fn(values, count, largest);
	for (size_t l = 0; l < LANES; l++) {
		low = largest[l] < low ? largest[l] : low;
		high = largest[l] > high ? largest[l] : high;
	}
	if (k == 1)
		return high;
	/* If k > LANES, or a lane has no finite value, start from the smallest
	 * value. */
	if (k > LANES || low == -INFINITY) {
		low = high;
		for (size_t j = 0; j < count; j++)
			if (values[j] < low && values[j] > -INFINITY)
				low = values[j];
	}
	if (!(low > -INFINITY && high < INFINITY) ||
	    count_fn(values, count, low) < k)
		return -INFINITY;
	for (int i = 0; i < BISECTIONS; i++) {
		float middle = low + (high - low) / 2;
		size_t at_least = count_fn(values, count, middle);

		if (at_least >= k)
			low = middle;
		else
			high = middle;
		if (at_least >= k && at_least <= k + k / 4 + 2)
			break;
	}
	return low;
}

static float plain_kth_bound(const float *values, size_t count, size_t k)
{
	return kth_bound(values, count, k, count_at_least, lane_maxima);
}

static uint64_t plain_mask(const float *values, float threshold)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < 64; i++)
		mask |= (uint64_t)(values[i] > threshold) << i;
	return mask;
}

#ifdef __x86_64__
#include <immintrin.h>

#define AVX2   __attribute__((target("avx2")))
#define AVX512 __attribute__((target("avx512f,avx512vl,popcnt")))

AVX2 static float avx2_kth_bound(const float *values, size_t count, size_t k)
{
	return kth_bound(values, count, k, count_at_least, lane_maxima);
}

AVX2 static uint64_t avx2_mask(const float *values, float threshold)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < 64; i += 8) {
		__m256 higher =
			_mm256_cmp_ps(_mm256_loadu_ps(values + i),
				      _mm256_set1_ps(threshold), _CMP_GT_OQ);
		mask |= (uint64_t)(unsigned)_mm256_movemask_ps(higher) << i;
	}
	return mask;
}

/* GCC vectorizes neither of the two loops for AVX-512. */
AVX512 static inline size_t avx512_count(const float *values, size_t count,
					 float threshold)
{
	__m512 lowest = _mm512_set1_ps(threshold);
	size_t sum = 0;

	for (size_t j = 0; j < count; j += LANES)
		sum += (size_t)__builtin_popcount(_mm512_cmp_ps_mask(
			_mm512_loadu_ps(values + j), lowest, _CMP_GE_OQ));
	return sum;
}

AVX512 static inline void avx512_lane_maxima(const float *values, size_t count,
					     float *largest)
{
	__m512 most = _mm512_set1_ps(-INFINITY);

	/* max returns the second operand if either is NaN. */
	for (size_t j = 0; j < count; j += LANES)
		most = _mm512_max_ps(_mm512_loadu_ps(values + j), most);
	_mm512_storeu_ps(largest, most);
}

AVX512 static float avx512_kth_bound(const float *values, size_t count,
				     size_t k)
{
	return kth_bound(values, count, k, avx512_count, avx512_lane_maxima);
}

AVX512 static uint64_t avx512_mask(const float *values, float threshold)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < 64; i += 16)
		mask |= (uint64_t)_mm512_cmp_ps_mask(
				_mm512_loadu_ps(values + i),
				_mm512_set1_ps(threshold), _CMP_GT_OQ)
			<< i;
	return mask;
}

#endif

float kth_lower_bound(const float *values, size_t count, size_t k)
{
#ifdef __x86_64__
	if (cpu_has_avx512())
		return avx512_kth_bound(values, count, k);
	if (cpu_has_avx2())
		return avx2_kth_bound(values, count, k);
#endif
	return plain_kth_bound(values, count, k);
}

uint64_t mask_above(const float values[64], float threshold)
{
#ifdef __x86_64__
	if (cpu_has_avx512())
		return avx512_mask(values, threshold);
	if (cpu_has_avx2())
		return avx2_mask(values, threshold);
#endif
	return plain_mask(values, threshold);
}

float score_below(enum metric metric, float score)
{
	uint32_t bits;

	if (metric == METRIC_EMBEDDING && score <= -1)
		return -INFINITY;
	if (!(score > 0 && score < INFINITY))
		return nextafterf(score, -INFINITY);
	/* The preceding positive float is the preceding integer. */
	memcpy(&bits, &score, sizeof bits);
	bits--;
	memcpy(&score, &bits, sizeof score);
	return score;
}
