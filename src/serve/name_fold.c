#include "serve/name_fold.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"

/* The base letters of U+00C0 to U+017F and of U+1E00 to U+1EFF, as in the
 * canonical decompositions of Unicode, and d, h, i, l, n, o and t for those
 * with a stroke and the like; '.': none, or two letters. */
static const char latin[] = "aaaaaa.ceeeeiiiidnooooo.ouuuuy..aaaaaa.ceeeeiiii"
			    "dnooooo.ouuuuy.yaaaaaaccccccccddddeeeeeeeeeegggg"
			    "gggghhhhiiiiiiiiii..jjkkkllllll..llnnnnnnnnnoooo"
			    "oo..rrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";
static const char additional[] =
	"aabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiii"
	"kkkkkkllllllllmmmmmmnnnnnnnnoooooooopppprrrrrrrr"
	"ssssssssssttttttttuuuuuuuuuuvvvvwwwwwwwwwwxxxxyy"
	"zzzzzzhtwy.s....aaaaaaaaaaaaaaaaaaaaaaaaeeeeeeee"
	"eeeeeeeeiiiioooooooooooooooooooooooouuuuuuuuuuuu"
	"uuyyyyyyyy......";

/* A character of two bytes or three, as a code point. */
static uint32_t decode(const unsigned char *text, size_t size)
{
	if (size == 2)
		return (text[0] & 0x1fu) << 6 | (text[1] & 0x3fu);
	return (text[0] & 0x0fu) << 12 | (text[1] & 0x3fu) << 6 |
	       (text[2] & 0x3fu);
}

/* The letters that a character stands for, or NULL. */
static const char *letters(uint32_t code, char one[2])
{
	static const struct {
		uint32_t code;
		const char *letters;
	} pairs[] = {{0xc6, "ae"},  {0xe6, "ae"},  {0xdf, "ss"},
		     {0xde, "th"},  {0xfe, "th"},  {0x132, "ij"},
		     {0x133, "ij"}, {0x14a, "ng"}, {0x14b, "ng"},
		     {0x152, "oe"}, {0x153, "oe"}, {0x1e9e, "ss"}};

	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		if (pairs[i].code == code)
			return pairs[i].letters;
	one[0] = '.';
	one[1] = '\0';
	if (code >= 0xc0 && code < 0x180)
		one[0] = latin[code - 0xc0];
	else if (code >= 0x1e00 && code < 0x1f00)
		one[0] = additional[code - 0x1e00];
	return one[0] == '.' ? NULL : one;
}

/* The small letter of a Greek or Cyrillic capital of two bytes. */
static uint32_t small(uint32_t code)
{
	if ((code >= 0x391 && code <= 0x3a9) ||
	    (code >= 0x410 && code <= 0x42f))
		return code + 32;
	return code >= 0x400 && code <= 0x40f ? code + 80 : code;
}

/* Fold a character of two bytes or three; the bytes written. */
static size_t fold_character(char *folded, const unsigned char *text,
			     size_t size)
{
	uint32_t code = decode(text, size);
	char one[2];
	const char *plain = letters(code, one);

	if (code >= 0x300 && code < 0x370)
		return 0; /* a combining accent */
	if (plain != NULL) {
		memcpy(folded, plain, strlen(plain));
		return strlen(plain);
	}
	if (size == 2) {
		code = small(code);
		folded[0] = (char)(0xc0 | code >> 6);
		folded[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	memcpy(folded, text, size);
	return size;
}

size_t name_fold(char *folded, const char *text, size_t length)
{
	const unsigned char *bytes = (const unsigned char *)text;
	size_t used = 0;

	for (size_t i = 0; i < length;) {
		size_t size = bytes[i] < 0x80
				      ? 1
				      : utf8_character(bytes + i, length - i);

		if (size == 2 || size == 3) {
			used += fold_character(folded + used, bytes + i, size);
			i += size;
			continue;
		}
		folded[used++] = bytes[i] >= 'A' && bytes[i] <= 'Z'
					 ? (char)(bytes[i] + 32)
					 : text[i];
		i++;
	}
	return used;
}

void name_pattern_init(struct name_pattern *pattern, const char *text,
		       size_t length)
{
	*pattern = (struct name_pattern){.text = alloc(length + 1, 1)};
	pattern->length = name_fold(pattern->text, text, length);
}

void name_pattern_free(struct name_pattern *pattern)
{
	free(pattern->text);
	free(pattern->buffer);
	*pattern = (struct name_pattern){0};
}

bool name_pattern_matches(struct name_pattern *pattern, const char *text,
			  size_t length)
{
	size_t folded;

	if (pattern->length == 0)
		return true;
	pattern->buffer =
		alloc_grow(pattern->buffer, &pattern->room, length, 1);
	folded = name_fold(pattern->buffer, text, length);
	return memmem(pattern->buffer, folded, pattern->text,
		      pattern->length) != NULL;
}
