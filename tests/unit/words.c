/* words: texts and the words that Unicode's rules find in them, written with +
 * before those that are joined to the one before, | before others. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/words.h"

static int failed;

static void finds(struct words *words, const char *text, size_t length,
		  const char *expected)
{
	char found[4096] = "";

	words_find(words, text, length);
	for (size_t i = 0; i < words->count; i++) {
		const struct word *word = &words->words[i];
		size_t used = strlen(found);

		snprintf(found + used, sizeof found - used, "%s%.*s",
			 word->joined ? "+" : "|", (int)word->length,
			 words->bytes + word->begin);
	}
	if (strcmp(found, expected) != 0) {
		printf("\"%s\": %s, expected %s\n", text, found, expected);
		failed = 1;
	}
}

static void check_words(void)
{
	static const char *const cases[][2] = {
		{"", ""},
		{" \t\n - , .", ""},
		{"Linear Algebra", "|linear+algebra"},
		{"machine-learning: R, C++", "|machine+learning|r|c"},
		{"Vol. 2\t3.14", "|vol|2+3.14"},
		/* Composed and not, a ligature, full width, sharp s. */
		{"CAF\xc3\x89 cafe\xcc\x81", "|caf\xc3\xa9+caf\xc3\xa9"},
		{"\xef\xac\x81rst \xef\xbc\xa3\xef\xbc\xb3 Stra\xc3\x9f"
		 "e",
		 "|first+cs+strasse"},
		/* A soft hyphen, a typographic apostrophe. */
		{"co\xc2\xadop DON\xe2\x80\x99T", "|coop+don't"},
		/* Han has no blanks: each is a word. */
		{"\xe6\x9c\xba\xe5\x99\xa8", "|\xe6\x9c\xba+\xe5\x99\xa8"},
		/* No UTF-8: a lone byte, a surrogate, a cut character. */
		{"a\xff"
		 "b",
		 "|a+b"},
		{"a\xed\xa0\x80z \xe2\x82", "|a+z"},
	};
	struct words words = {0};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		finds(&words, cases[i][0], strlen(cases[i][0]), cases[i][1]);
	finds(&words, "a\0b", 3, "|a|b");
	words_free(&words);
}

static void check_stems(void)
{
	struct words words = {0};
	char list[900];

	words_languages(list, sizeof list);
	if (strstr(list, "english") == NULL || strstr(list, "german") == NULL) {
		printf("languages: %s\n", list);
		failed = 1;
	}
	words_languages(list, 5);
	if (strlen(list) > 4) {
		printf("five bytes of languages: %s\n", list);
		failed = 1;
	}
	if (words_stem(&words, "klingon") || !words_stem(&words, "english")) {
		printf("another language than is known\n");
		failed = 1;
	}
	finds(&words, "Courses, learning to relate", 27,
	      "|cours|learn+to+relat");
	words_free(&words);
}

/* A word of 1 MB is none, and joins nothing; 500,000 words are. */
static void check_long(void)
{
	enum { SIZE = 1000000 };
	struct words words = {0};
	char *text = malloc(SIZE);

	memset(text, 'a', SIZE);
	memcpy(text, "x ", 2);
	memcpy(text + SIZE - 2, " y", 2);
	finds(&words, text, SIZE, "|x|y");
	for (size_t i = 0; i < SIZE; i++)
		text[i] = i % 2 ? ' ' : 'b';
	words_find(&words, text, SIZE);
	if (words.count != SIZE / 2) {
		printf("%zu words of one letter\n", words.count);
		failed = 1;
	}
	words_free(&words);
	free(text);
}

int main(void)
{
	check_words();
	check_stems();
	check_long();
	return failed;
}
