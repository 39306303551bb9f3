#include "text/words.h"

#include <libstemmer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>
#include <uniwbrk.h>

#include "base/alloc.h"
#include "base/utf8.h"

bool words_stem(struct words *words, const char *language)
{
	const char **known = sb_stemmer_list();
	bool found = false;

	/* It returns NULL for an unknown name and for want of memory; names of
	 * three and two letters are not in the list. */
	for (; *known != NULL && !found; known++)
		found = strcmp(*known, language) == 0;
	words->stemmer = sb_stemmer_new(language, "UTF_8");
	if (found)
		alloc_check(words->stemmer);
	return words->stemmer != NULL;
}

void words_languages(char *list, size_t size)
{
	const char **known = sb_stemmer_list();
	size_t used = 0;

	list[0] = '\0';
	for (; *known != NULL && used < size; known++)
		used += (size_t)snprintf(list + used, size - used, "%s%s",
					 used > 0 ? " " : "", *known);
}

/* Copy the text with a blank for each byte that is no UTF-8, which u8_casefold
 * would refuse. */
static void clean_text(struct words *words, const char *text, size_t length)
{
	const unsigned char *bytes = (const unsigned char *)text;
	size_t at = 0;

	words->clean =
		alloc_grow(words->clean, &words->clean_room, length + 1, 1);
	while (at < length) {
		size_t valid = utf8_first_invalid(bytes + at, length - at);

		memcpy(words->clean + at, bytes + at, valid);
		at += valid;
		if (at < length)
			words->clean[at++] = ' ';
	}
}

/* Whether a segment between breaks is a word; if not, *gap is whether it is
 * blanks and hyphens alone. */
static bool is_word(const uint8_t *text, size_t length, bool *gap)
{
	ucs4_t character;

	*gap = true;
	for (size_t at = 0; at < length;) {
		at += (size_t)u8_mbtouc(&character, text + at, length - at);
		if (uc_is_general_category_withtable(
			    character, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N))
			return true;
		*gap = *gap && (uc_is_property_white_space(character) ||
				uc_is_property_dash(character));
	}
	return false;
}

/* Append the characters of a word that are seen; returns how many bytes. */
static size_t append_seen(struct words *words, const uint8_t *text,
			  size_t length)
{
	size_t begin = words->used;
	ucs4_t character;

	words->bytes =
		alloc_grow(words->bytes, &words->room, begin + length, 1);
	for (size_t at = 0, step; at < length; at += step) {
		step = (size_t)u8_mbtouc(&character, text + at, length - at);
		if (character == 0x2019)
			words->bytes[words->used++] = '\'';
		else if (character < 0x80 ||
			 !uc_is_property_default_ignorable_code_point(
				 character)) {
			memcpy(words->bytes + words->used, text + at, step);
			words->used += step;
		}
	}
	return words->used - begin;
}

/* Put the stem in place of the last bytes. */
static size_t stem_last(struct words *words, size_t length)
{
	size_t begin = words->used - length;
	const sb_symbol *word = (const sb_symbol *)words->bytes + begin;
	/* The length fits: see WORDS_MAX_LENGTH. */
	const sb_symbol *stem =
		sb_stemmer_stem(words->stemmer, word, (int)length);
	size_t left;

	alloc_check((void *)(uintptr_t)stem);
	left = (size_t)sb_stemmer_length(words->stemmer);
	words->bytes = alloc_grow(words->bytes, &words->room, begin + left, 1);
	memcpy(words->bytes + begin, stem, left);
	words->used = begin + left;
	return left;
}

/* Append a word; false where it is too long for one. */
static bool append_word(struct words *words, const uint8_t *text, size_t length,
			bool joined)
{
	size_t begin = words->used;

	length = append_seen(words, text, length);
	if (length > WORDS_MAX_LENGTH) {
		words->used = begin;
		return false;
	}
	if (words->stemmer != NULL)
		length = stem_last(words, length);
	if (length == 0)
		return false;
	words->words = alloc_grow(words->words, &words->capacity,
				  words->count + 1, sizeof *words->words);
	words->words[words->count++] = (struct word){begin, length, joined};
	return true;
}

void words_find(struct words *words, const char *text, size_t length)
{
	size_t folded_length, begin = 0;
	bool joined = false, gap;

	words->count = words->used = 0;
	if (length == 0)
		return;
	clean_text(words, text, length);
	uint8_t *folded =
		alloc_check(u8_casefold(words->clean, length, NULL,
					UNINORM_NFKC, NULL, &folded_length));
	words->breaks = alloc_grow(words->breaks, &words->break_room,
				   folded_length + 1, 1);
	u8_wordbreaks(folded, folded_length, words->breaks);
	for (size_t end = 1; end <= folded_length; end++) {
		if (end < folded_length && !words->breaks[end])
			continue;
		if (is_word(folded + begin, end - begin, &gap))
			joined = append_word(words, folded + begin, end - begin,
					     joined);
		else
			joined = joined && gap;
		begin = end;
	}
	free(folded);
}

void words_free(struct words *words)
{
	sb_stemmer_delete(words->stemmer);
	free(words->words);
	free(words->bytes);
	free(words->clean);
	free(words->breaks);
	*words = (struct words){0};
}
