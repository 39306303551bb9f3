/* words: the words of a text in UTF-8: cut by Unicode's rules for words (UAX
 * #29), case folded and normalized to NFKC by libunistring, and on demand
 * reduced to their stems by libstemmer. */
#ifndef TEXT_WORDS_H
#define TEXT_WORDS_H

#include <stdbool.h>
#include <stddef.h>

struct sb_stemmer;

/* Bytes of a word at most; longer ones are data of some kind, no words. */
enum { WORDS_MAX_LENGTH = 256 };

struct word {
	size_t begin, length; /* in words.bytes */
	bool joined; /* nothing but blanks and hyphens stands between it and the
			word before */
};

/* The words of one text, in their order.  Zero at first. */
struct words {
	struct word *words;
	size_t count, capacity;
	char *bytes; /* the words, one after the other */
	size_t used, room;
	struct sb_stemmer *stemmer; /* or NULL: words as they are */
	/* private */
	unsigned char *clean;
	char *breaks;
	size_t clean_room, break_room;
};

/* Reduce words to stems of that language, as libstemmer calls it ("english",
 * "en").  False where it knows none of that name. */
bool words_stem(struct words *words, const char *language);

/* Write the languages that libstemmer knows, with blanks between and a zero
 * byte at the end, to the size bytes of list; what does not fit is cut. */
void words_languages(char *list, size_t size);

/* Find the words of length bytes, in place of those before.  A word has a
 * letter or a digit; characters that are not seen (soft hyphens) are left out
 * of it, and a typographic apostrophe is a plain one; a byte that is no UTF-8
 * ends a word.  Ends the process where there is no memory. */
void words_find(struct words *words, const char *text, size_t length);

/* Free all that it has. */
void words_free(struct words *words);

#endif
