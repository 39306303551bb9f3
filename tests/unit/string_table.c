/* string_table: indices in the order first seen, found again; added together or
 * one by one alike; ranks are those of qsort. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/string_table.h"

enum { STRINGS = 20000, LONGEST = 40 };

static int failed;

static void fail(const char *what, size_t i)
{
	printf("string %zu: %s\n", i, what);
	failed = 1;
}

/* Few letters, long common beginnings and zero bytes: many are equal, and
 * ranking has to look far into them.  Lengths up to 9, about the longest that
 * slots hold, and from 30 on. */
static size_t make_string(char *text, uint64_t i)
{
	static const char letters[] = {'\0', 'a', 'b', '\xff'};
	size_t length = random_bits(1, i) % 6;
	size_t begin = (size_t[]){30, 4, 0, 0}[random_bits(2, i) % 4];

	memset(text, 'a', begin);
	for (size_t j = 0; j < length; j++)
		text[begin + j] = letters[random_bits(3, i * 8 + j) % 4];
	return begin + length;
}

static int by_bytes(const void *a, const void *b)
{
	const struct string_slice *x = a, *y = b;
	size_t common = x->length < y->length ? x->length : y->length;
	int order = memcmp(x->text, y->text, common);

	return order ? order
		     : (x->length > y->length) - (x->length < y->length);
}

static void check_indices(const struct string_table *table,
			  const struct string_slice *list,
			  const uint32_t *indices)
{
	size_t seen = 0;

	for (size_t i = 0; i < STRINGS; i++) {
		size_t index = indices[i];

		if (index > seen)
			fail("an index out of order", i);
		seen += index == seen;
		if (string_table_length(table, index) != list[i].length ||
		    memcmp(string_table_text(table, index), list[i].text,
			   list[i].length) != 0)
			fail("another text", i);
		if (string_table_text(table, index)[list[i].length] != '\0')
			fail("no zero byte after it", i);
		if (string_table_find(table, list[i].text, list[i].length) !=
		    index)
			fail("not found", i);
	}
	if (seen != table->count)
		fail("other strings are in the table", seen);
	if (string_table_find(table, "c", 1) != STRING_TABLE_NONE)
		fail("one that is not there is found", 0);
}

static void check_ranks(const struct string_table *table)
{
	struct string_slice *sorted = calloc(table->count, sizeof *sorted);
	uint32_t *rank = calloc(table->count, sizeof *rank);

	for (size_t i = 0; i < table->count; i++)
		sorted[i] =
			(struct string_slice){string_table_text(table, i),
					      string_table_length(table, i)};
	qsort(sorted, table->count, sizeof *sorted, by_bytes);
	string_table_rank(table, rank);
	for (size_t i = 0; i < table->count; i++)
		if (sorted[rank[i]].text != string_table_text(table, i))
			fail("another rank", i);
	free(sorted);
	free(rank);
}

static void check_compare(const struct string_slice *list)
{
	for (size_t i = 0; i + 1 < STRINGS; i++) {
		int wanted = by_bytes(&list[i], &list[i + 1]);
		int order = string_table_compare(list[i].text, list[i].length,
						 list[i + 1].text,
						 list[i + 1].length);
		if (order != (wanted > 0) - (wanted < 0))
			fail("another order than the next", i);
	}
}

static struct string_slice word_at(const void *context, size_t i)
{
	const char *const *words = context;

	return (struct string_slice){words[i], strlen(words[i])};
}

static void check_search(void)
{
	static const char *const words[] = {"", "a", "aa", "b", "\xff"};

	for (size_t count = 0; count <= 5; count++)
		for (size_t i = 0; i < 5; i++)
			if (string_search(count, word_at, words, words[i],
					  strlen(words[i])) !=
			    (i < count ? i : SIZE_MAX))
				fail("another place in the order", i);
	if (string_search(5, word_at, words, "ab", 2) != SIZE_MAX)
		fail("found what is not there", 0);
}

int main(void)
{
	char *texts = calloc(STRINGS, LONGEST);
	struct string_slice *list = calloc(STRINGS, sizeof *list);
	uint32_t *one = calloc(STRINGS, sizeof *one);
	uint32_t *all = calloc(STRINGS, sizeof *all);
	struct string_table single = {0}, together = {0}, empty = {0};

	if (string_table_find(&empty, "", 0) != STRING_TABLE_NONE)
		fail("found in an empty table", 0);
	check_ranks(&empty);
	for (size_t i = 0; i < STRINGS; i++) {
		list[i].text = texts + i * LONGEST;
		list[i].length = make_string(texts + i * LONGEST, i);
		one[i] = (uint32_t)string_table_add(&single, list[i].text,
						    list[i].length);
	}
	string_table_add_all(&together, list, STRINGS, all);
	if (memcmp(one, all, STRINGS * sizeof *one) != 0)
		fail("other indices when added together", 0);
	check_indices(&single, list, one);
	check_indices(&together, list, all);
	check_ranks(&single);
	check_compare(list);
	check_search();
	string_table_free(&single);
	string_table_free(&together);
	free(texts);
	free(list);
	free(one);
	free(all);
	return failed;
}
