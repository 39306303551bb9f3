#include "evaluate/column_removal.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/control_chars.h"
#include "base/string_table.h"
#include "evaluate/scan_ranks.h"

/* share[c]: what column c adds to a_q . b_q, over all queries' sum. */
static double *find_shares(const struct half_pair *pair,
			   const struct population *population)
{
	const struct csr_matrix *a = &pair->model.matrix;
	const struct csr_matrix *b = &pair->held.matrix;
	double *share = alloc(a->m, sizeof *share), all = 0;

	for (size_t q = 0; q < population->query_count; q++) {
		uint32_t u = population->queries[q];
		int64_t i = a->indptr[pair->row_a[u]];
		int64_t j = b->indptr[pair->row_b[u]];
		double scale = pair->inverse_a[u] * pair->inverse_b[u];
		while (i < a->indptr[pair->row_a[u] + 1] &&
		       j < b->indptr[pair->row_b[u] + 1]) {
			int32_t x = a->indices[i], y = b->indices[j];
			if (x == y)
				share[x] += (double)a->values[i] *
					    (double)b->values[j] * scale;
			i += x <= y;
			j += y <= x;
		}
	}
	for (size_t c = 0; c < a->m; c++)
		all += share[c];
	for (size_t c = 0; c < a->m && all > 0; c++)
		share[c] /= all;
	return share;
}

/* How long the part of a tag is that its family has in common; 0: none. */
static size_t family_length(const char *tag, size_t length)
{
	for (size_t i = 1; i + 1 < length; i++)
		if (strchr(" :=/", tag[i]) != NULL && tag[i] != '\0')
			return i + 1;
	return 0;
}

/* Families of a model's tags. */
struct families {
	struct string_table names;
	size_t numbers; /* the family of tags that are digits alone, or
			   STRING_TABLE_NONE */
	size_t *of;     /* of each column, or STRING_TABLE_NONE */
	double *share;  /* of each family */
	size_t *tags;
};

/* No other family has this name: it lacks the byte that ends theirs. */
static const char numbers_name[] = "numbers";

static bool is_number(const char *tag, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (tag[i] < '0' || tag[i] > '9')
			return false;
	return length > 0;
}

/* The family of a tag, added where it is new, or STRING_TABLE_NONE. */
static size_t add_family(struct families *families, const char *tag,
			 size_t length)
{
	size_t common = family_length(tag, length);

	if (common > 0)
		return string_table_add(&families->names, tag, common);
	if (!is_number(tag, length))
		return STRING_TABLE_NONE;
	families->numbers = string_table_add(&families->names, numbers_name,
					     strlen(numbers_name));
	return families->numbers;
}

static void find_families(struct families *families, const struct csr_matrix *a,
			  const double *share)
{
	size_t length;

	*families = (struct families){.numbers = STRING_TABLE_NONE};
	families->of = alloc(a->m, sizeof *families->of);
	families->share = alloc(a->m, sizeof *families->share);
	families->tags = alloc(a->m, sizeof *families->tags);
	for (size_t c = 0; c < a->m; c++) {
		const char *tag = text_array_at(&a->tags, c, &length);
		size_t family = add_family(families, tag, length);

		families->of[c] = family;
		if (family == STRING_TABLE_NONE)
			continue;
		families->share[family] += share[c];
		families->tags[family]++;
	}
	/* Without all tags there is nothing to find. */
	for (size_t f = 0; f < families->names.count; f++)
		if (families->tags[f] == a->m)
			families->share[f] = 0;
}

static void free_families(struct families *families)
{
	string_table_free(&families->names);
	free(families->of);
	free(families->share);
	free(families->tags);
}

static double mrr_without(const struct half_pair *pair,
			  const struct population *population,
			  const unsigned char *keep, unsigned threads)
{
	const struct scan_method rows = {.metric = SCAN_PROFILE};
	size_t queries = population->query_count;
	double *ranks = alloc(2 * queries, sizeof *ranks), sum = 0;
	struct similarity_scan scan;

	similarity_scan_begin(&scan, pair, population, &rows, 1, keep, threads);
	scan_ranks(&scan, &rows, 1, ranks, ranks + queries);
	similarity_scan_end(&scan);
	for (size_t q = 0; q < queries; q++)
		sum += 1 / ranks[q];
	free(ranks);
	return sum / (double)queries;
}

/* The largest of count shares that is not used yet, or SIZE_MAX. */
static size_t largest(const double *share, size_t count, const bool *used)
{
	size_t best = SIZE_MAX;

	for (size_t i = 0; i < count; i++)
		if (!used[i] && share[i] > 0 &&
		    (best == SIZE_MAX || share[i] > share[best]))
			best = i;
	return best;
}

/* Leave out the column, or the family, of the largest share. */
static bool try_one(const struct half_pair *pair,
		    const struct population *population, unsigned threads,
		    const struct families *families, const double *share,
		    bool *used, struct removal *removal)
{
	const struct csr_matrix *a = &pair->model.matrix;
	size_t count = removal->family ? families->names.count : a->m;
	size_t chosen =
		largest(removal->family ? families->share : share, count, used);
	unsigned char *keep;
	size_t length;

	if (chosen == SIZE_MAX)
		return false;
	used[chosen] = true;
	keep = alloc(a->m, 1);
	for (size_t c = 0; c < a->m; c++)
		keep[c] = (removal->family ? families->of[c] : c) != chosen;
	const char *name = removal->family
				   ? string_table_text(&families->names, chosen)
				   : text_array_at(&a->tags, chosen, &length);
	if (removal->family)
		length = string_table_length(&families->names, chosen);
	snprintf(removal->name, sizeof removal->name, "%.*s",
		 (int)(length < sizeof removal->name
			       ? length
			       : sizeof removal->name - 1),
		 name);
	control_chars_replace(removal->name);
	removal->numbers = removal->family && chosen == families->numbers;
	removal->tags = removal->family ? families->tags[chosen] : 1;
	removal->share =
		removal->family ? families->share[chosen] : share[chosen];
	removal->mrr = mrr_without(pair, population, keep, threads);
	free(keep);
	return true;
}

size_t column_removal_try(const struct half_pair *pair,
			  const struct population *population, unsigned threads,
			  struct removal removals[REMOVALS])
{
	double *share = find_shares(pair, population);
	struct families families;
	bool *used = alloc(pair->model.matrix.m + 1, sizeof *used);
	size_t count = 0;

	find_families(&families, &pair->model.matrix, share);
	for (int family = 0; family < 2; family++) {
		memset(used, 0, pair->model.matrix.m * sizeof *used);
		for (size_t i = 0; i < REMOVALS / 2; i++) {
			removals[count].family = family == 1;
			count += try_one(pair, population, threads, &families,
					 share, used, &removals[count]);
		}
	}
	free_families(&families);
	free(share);
	free(used);
	return count;
}
