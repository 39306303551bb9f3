/* name_fold: letters without accents and case, against pairs by hand; what it
 * writes is no longer than what it reads, whatever the bytes. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/random.h"
#include "serve/name_fold.h"

static int failures;

static void check(const char *text, const char *expected)
{
	size_t size = strlen(text);
	char *folded = alloc(size + 1, 1);
	size_t used = name_fold(folded, text, size);

	if (used != strlen(expected) || memcmp(folded, expected, used) != 0) {
		printf("%s: %.*s, expected %s\n", text, (int)used, folded,
		       expected);
		failures++;
	}
	free(folded);
}

static void check_match(const char *pattern, const char *text, bool expected)
{
	struct name_pattern made;

	name_pattern_init(&made, pattern, strlen(pattern));
	if (name_pattern_matches(&made, text, strlen(text)) != expected) {
		printf("%s in %s: expected %d\n", pattern, text, expected);
		failures++;
	}
	name_pattern_free(&made);
}

/* Bytes of all kinds, valid or not: the result has room, which the sanitizers
 * watch, and folding it again changes nothing. */
static void check_random(uint64_t seed)
{
	size_t size = random_bits(seed, 0) % 24;
	char *text = alloc(size, 1), *once = alloc(size, 1);
	char *twice = alloc(size, 1);

	for (size_t i = 0; i < size; i++)
		text[i] = (char)random_bits(seed, i + 1);
	size_t used = name_fold(once, text, size);
	size_t again = name_fold(twice, once, used);
	if (used > size || again > used) {
		printf("%zu bytes became %zu, then %zu\n", size, used, again);
		failures++;
	}
	free(text);
	free(once);
	free(twice);
}

int main(void)
{
	check("", "");
	check("Zo\xc3\xab M\xc3\x9cLLER", "zoe muller");
	check("\xc5\x81ukasz \xc3\x98rsted \xc4\x90", "lukasz orsted d");
	check("Stra\xc3\x9f"
	      "e \xc3\x86gir \xc5\x92uvre \xc3\x9ex",
	      "strasse aegir oeuvre thx");
	check("e\xcc\x81", "e");
	check("Nguy\xe1\xbb\x85n", "nguyen");
	check("\xd0\x98\xd0\x92\xd0\x90\xd0\x9d",
	      "\xd0\xb8\xd0\xb2\xd0\xb0\xd0\xbd");
	check("\xce\xa9", "\xcf\x89");
	check("\xe6\x9d\xb1 \xf0\x9f\x98\x80", "\xe6\x9d\xb1 \xf0\x9f\x98\x80");
	check("A\xff\xc3", "a\xff\xc3");
	check_match("", "x", true);
	check_match("\xc3\x89t", "l'ete", true);
	check_match("ete", "L'\xc3\x89T\xc3\x89", true);
	check_match("xyz", "xy", false);
	for (uint64_t seed = 0; seed < 20000; seed++)
		check_random(seed);
	return failures > 0;
}
