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

/* Bits of floats grow with them, but for those of negative ones. */
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

/* A score as answers have it. */
static float settled(enum metric metric, float score)
{
	score += 0.0f; /* -0 becomes +0 */
	if (metric == METRIC_COSINE)
		score = score > 1 ? 1 : score < -1 ? -1 : score;
	return score;
}

uint64_t topk_key(enum metric metric, float score, uint32_t row)
{
	return key_of(settled(metric, score), row);
}

uint32_t topk_key_row(uint64_t key)
{
	return hit_of(key).row;
}

/* Move the wanted largest of count keys to the front, in no order, by Hoare's
 * selection (CACM 4, 1961). */
static void select_keys(uint64_t *keys, size_t count, size_t wanted)
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
		/* The pivot is at i == j, or all up to j come before it. */
		if (j + 1 <= wanted)
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

void topk_begin(struct topk *list, size_t limit, double least)
{
	*list = (struct topk){
		.limit = limit,
		.least = least,
		.bar = -INFINITY,
	};
	list->keys = alloc(alloc_product(limit, is_long(list) ? 2 : 1),
			   sizeof *list->keys);
}

void topk_free(struct topk *list)
{
	free(list->keys);
	list->keys = NULL;
}

/* Leave the limit best of a long list. */
static void list_cut(struct topk *list)
{
	uint64_t last = UINT64_MAX;

	if (list->count <= list->limit)
		return;
	select_keys(list->keys, list->count, list->limit);
	list->count = list->limit;
	for (size_t i = 0; i < list->count; i++)
		if (list->keys[i] < last)
			last = list->keys[i];
	list->bar = hit_of(last).score;
}

static void keep_sorted(struct topk *list, uint64_t key)
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
		list->bar = hit_of(keys[list->limit - 1]).score;
}

static void keep(struct topk *list, uint64_t key)
{
	if (!is_long(list)) {
		keep_sorted(list, key);
		return;
	}
	list->keys[list->count++] = key;
	if (list->count == 2 * list->limit)
		list_cut(list);
}

void topk_push(struct topk *list, enum metric metric, float score, uint32_t row)
{
	score = settled(metric, score);
	if (score < list->least)
		return;
	list->matching++;
	keep(list, key_of(score, row));
}

void topk_merge(struct topk *list, struct topk *other)
{
	for (size_t i = 0; i < other->count; i++)
		keep(list, other->keys[i]);
	list->matching += other->matching;
	topk_free(other);
}

struct hit *topk_finish(struct topk *list)
{
	void *memory = list->keys;

	if (is_long(list)) {
		list_cut(list);
		topk_sort_keys(list->keys, list->count);
	}
	for (size_t i = 0; i < list->count; i++) {
		struct hit hit = hit_of(list->keys[i]);

		memcpy((char *)memory + i * sizeof hit, &hit, sizeof hit);
	}
	list->keys = NULL;
	return memory;
}

/* ----------------------------------------------------------------- reached */

enum { LANES = 16, HALVINGS = 10 };

#define INLINE static inline __attribute__((always_inline))

static inline size_t count_from(const float *numbers, size_t count, float least)
{
	int sums[LANES] = {0}, sum = 0;

	for (size_t j = 0; j < count; j += LANES)
		for (size_t l = 0; l < LANES; l++)
			sums[l] += numbers[j + l] >= least;
	for (size_t l = 0; l < LANES; l++)
		sum += sums[l];
	return (size_t)sum;
}

/* The largest in each lane: as many as there are lanes reach their least. */
static inline void find_largest(const float *numbers, size_t count,
				float *largest)
{
	for (size_t l = 0; l < LANES; l++)
		largest[l] = -INFINITY;
	for (size_t j = 0; j < count; j += LANES)
		for (size_t l = 0; l < LANES; l++)
			largest[l] = numbers[j + l] > largest[l]
					     ? numbers[j + l]
					     : largest[l];
}

INLINE float reached(const float *numbers, size_t count, size_t wanted,
		     size_t (*counter)(const float *, size_t, float),
		     void (*finder)(const float *, size_t, float *))
{
	float largest[LANES], low = INFINITY, high = -INFINITY;

	finder(numbers, count, largest);
	for (size_t l = 0; l < LANES; l++) {
		low = largest[l] < low ? largest[l] : low;
		high = largest[l] > high ? largest[l] : high;
	}
	if (wanted == 1)
		return high;
	/* Where that is too few, or a lane has none, the least of all. */
	if (wanted > LANES || low == -INFINITY) {
		low = high;
		for (size_t j = 0; j < count; j++)
			if (numbers[j] < low && numbers[j] > -INFINITY)
				low = numbers[j];
	}
	if (!(low > -INFINITY && high < INFINITY) ||
	    counter(numbers, count, low) < wanted)
		return -INFINITY;
	for (int i = 0; i < HALVINGS; i++) {
		float middle = low + (high - low) / 2;
		size_t have = counter(numbers, count, middle);

		if (have >= wanted)
			low = middle;
		else
			high = middle;
		if (have >= wanted && have <= wanted + wanted / 4 + 2)
			break;
	}
	return low;
}

static float plain_reached(const float *numbers, size_t count, size_t wanted)
{
	return reached(numbers, count, wanted, count_from, find_largest);
}

static uint64_t plain_above(const float *numbers, float least)
{
	uint64_t above = 0;

	for (size_t i = 0; i < 64; i++)
		above |= (uint64_t)(numbers[i] > least) << i;
	return above;
}

#ifdef __x86_64__
#include <immintrin.h>

#define AVX2   __attribute__((target("avx2")))
#define AVX512 __attribute__((target("avx512f,avx512vl,popcnt")))

AVX2 static float avx2_reached(const float *numbers, size_t count,
			       size_t wanted)
{
	return reached(numbers, count, wanted, count_from, find_largest);
}

AVX2 static uint64_t avx2_above(const float *numbers, float least)
{
	uint64_t above = 0;

	for (size_t i = 0; i < 64; i += 8) {
		__m256 higher =
			_mm256_cmp_ps(_mm256_loadu_ps(numbers + i),
				      _mm256_set1_ps(least), _CMP_GT_OQ);
		above |= (uint64_t)(unsigned)_mm256_movemask_ps(higher) << i;
	}
	return above;
}

/* GCC makes neither of the loops of reached vectors. */
AVX512 static inline size_t avx512_count(const float *numbers, size_t count,
					 float least)
{
	__m512 bar = _mm512_set1_ps(least);
	size_t sum = 0;

	for (size_t j = 0; j < count; j += LANES)
		sum += (size_t)__builtin_popcount(_mm512_cmp_ps_mask(
			_mm512_loadu_ps(numbers + j), bar, _CMP_GE_OQ));
	return sum;
}

AVX512 static inline void avx512_largest(const float *numbers, size_t count,
					 float *largest)
{
	__m512 most = _mm512_set1_ps(-INFINITY);

	/* The second where one is a NaN. */
	for (size_t j = 0; j < count; j += LANES)
		most = _mm512_max_ps(_mm512_loadu_ps(numbers + j), most);
	_mm512_storeu_ps(largest, most);
}

AVX512 static float avx512_reached(const float *numbers, size_t count,
				   size_t wanted)
{
	return reached(numbers, count, wanted, avx512_count, avx512_largest);
}

AVX512 static uint64_t avx512_above(const float *numbers, float least)
{
	uint64_t above = 0;

	for (size_t i = 0; i < 64; i += 16)
		above |= (uint64_t)_mm512_cmp_ps_mask(
				 _mm512_loadu_ps(numbers + i),
				 _mm512_set1_ps(least), _CMP_GT_OQ)
			 << i;
	return above;
}

#endif

float kth_lower_bound(const float *numbers, size_t count, size_t wanted)
{
#ifdef __x86_64__
	if (cpu_has_avx512())
		return avx512_reached(numbers, count, wanted);
	if (cpu_has_avx2())
		return avx2_reached(numbers, count, wanted);
#endif
	return plain_reached(numbers, count, wanted);
}

uint64_t mask_above(const float numbers[64], float least)
{
#ifdef __x86_64__
	if (cpu_has_avx512())
		return avx512_above(numbers, least);
	if (cpu_has_avx2())
		return avx2_above(numbers, least);
#endif
	return plain_above(numbers, least);
}

float score_below(enum metric metric, float bar)
{
	uint32_t bits;

	if (metric == METRIC_COSINE && bar <= -1)
		return -INFINITY;
	if (!(bar > 0 && bar < INFINITY))
		return nextafterf(bar, -INFINITY);
	/* The integers of positive floats are in their order. */
	memcpy(&bits, &bar, sizeof bits);
	bits--;
	memcpy(&bar, &bits, sizeof bar);
	return bar;
}
