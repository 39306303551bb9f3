#include "model/tag_tally.h"

#include <stdlib.h>
#include <xxhash.h>

#include "base/alloc.h"

__extension__ typedef unsigned __int128 wide;

void tag_tally_begin(struct tag_tally *tally, size_t m, bool squares)
{
	*tally = (struct tag_tally){.m = m};
	tally->users = alloc(m, sizeof *tally->users);
	tally->active = alloc(m + 1, sizeof *tally->active);
	tally->tenths = alloc(alloc_product(m, TENTHS), sizeof *tally->tenths);
	if (squares)
		tally->squares = alloc(m, sizeof *tally->squares);
}

void tag_tally_add(struct tag_tally *tally, const struct matrix_entry *entries,
		   size_t count, size_t active, enum damp damp)
{
	for (size_t i = 0; i < count; i++) {
		size_t column = (size_t)entries[i].column;
		tally->users[column]++;
		if (tally->squares == NULL)
			continue;
		double value = weighting_damp(damp, entries[i].raw);
		exact_sum_add(&tally->squares[column], value * value);
	}
	tally->active[active]++;
	tally->customers++;
	tally->pairs += count;
}

void tag_tally_rank(struct tag_tally *tally)
{
	tally->before = alloc(tally->m + 1, sizeof *tally->before);
	for (size_t i = 0; i < tally->m; i++)
		tally->before[i + 1] = tally->before[i] + tally->active[i];
}

unsigned char tag_tally_tenth(const struct tag_tally *tally, size_t active,
			      const char *name, size_t length)
{
	uint64_t hash = XXH3_64bits(name, length);

	if (active > tally->m || tally->active[active] == 0)
		return TENTHS;
	uint64_t place = tally->before[active] +
			 (uint64_t)((wide)hash * tally->active[active] >> 64);

	return (unsigned char)(place * TENTHS / tally->customers);
}

void tag_tally_add_tenth(struct tag_tally *tally,
			 const struct matrix_entry *entries, size_t count,
			 unsigned char tenth)
{
	for (size_t i = 0; i < count; i++)
		if (entries[i].raw > 0)
			tally->tenths[(size_t)entries[i].column * TENTHS +
				      tenth]++;
	tally->tenth_size[tenth]++;
}

void tag_tally_free(struct tag_tally *tally)
{
	free(tally->users);
	free(tally->active);
	free(tally->before);
	free(tally->squares);
	free(tally->tenths);
	*tally = (struct tag_tally){0};
}
