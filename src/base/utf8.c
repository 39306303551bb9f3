#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

size_t utf8_character(const unsigned char *text, size_t length)
{
	unsigned char first = text[0];
	size_t size = first < 0x80   ? 1
		      : first < 0xc2 ? 0
		      : first < 0xe0 ? 2
		      : first < 0xf0 ? 3
		      : first < 0xf5 ? 4
				     : 0;

	if (size == 0 || size > length)
		return 0;
	for (size_t i = 1; i < size; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	if ((first == 0xe0 && text[1] < 0xa0) ||
	    (first == 0xed && text[1] > 0x9f) ||
	    (first == 0xf0 && text[1] < 0x90) ||
	    (first == 0xf4 && text[1] > 0x8f))
		return 0;
	return size;
}

size_t utf8_first_invalid(const unsigned char *bytes, size_t size)
{
	size_t at = 0;

	while (at < size) {
		uint64_t eight;

		/* Eight bytes of ASCII at once. */
		if (size - at >= sizeof eight) {
			memcpy(&eight, bytes + at, sizeof eight);
			if ((eight & UINT64_C(0x8080808080808080)) == 0) {
				at += sizeof eight;
				continue;
			}
		}
		size_t length = utf8_character(bytes + at, size - at);
		if (length == 0)
			return at;
		at += length;
	}
	return size;
}

size_t utf8_cut(const char *text, size_t length, size_t most)
{
	const unsigned char *bytes = (const unsigned char *)text;

	if (length <= most)
		return length;
	for (size_t back = 0; back < 4 && back <= most; back++)
		if ((bytes[most - back] & 0xc0) != 0x80)
			return most - back;
	return most;
}

size_t utf8_order_mark(const void *bytes, size_t length)
{
	return length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

/* Characters of three bytes that are blank, or are not seen at an end of a
 * text, from the first of each pair to the last. */
static const unsigned short blanks[][2] = {
	{0x1680, 0x1680},
	{0x2000, 0x200b}, /* spaces of some width, and of none */
	{0x200e, 0x200f}, /* marks of direction */
	{0x2028, 0x202f}, /* ends of lines, embeddings, overrides, a space */
	{0x205f, 0x2060},
	{0x2066, 0x2069}, /* isolates */
	{0x3000, 0x3000}, /* ideographic space */
	{0xfeff, 0xfeff}, /* byte-order mark */
};

/* The same of length > 0 bytes that do not begin with ASCII. */
static size_t wide_blank(const unsigned char *text, size_t length)
{
	unsigned point;

	/* The end of a line, a no-break space, a soft hyphen. */
	if (text[0] == 0xc2)
		return length > 1 && memchr("\x85\xa0\xad", text[1], 3) != NULL
			       ? 2
			       : 0;
	if (length < 3 || text[0] < 0xe1 || text[0] > 0xef ||
	    (text[1] & 0xc0) != 0x80 || (text[2] & 0xc0) != 0x80)
		return 0;
	point = (text[0] & 15u) << 12 | (text[1] & 63u) << 6 | (text[2] & 63u);
	for (size_t i = 0; i < sizeof blanks / sizeof *blanks; i++)
		if (point >= blanks[i][0] && point <= blanks[i][1])
			return 3;
	return 0;
}

size_t utf8_blank(const char *text, size_t length)
{
	/* Most begin with ASCII. */
	if (length == 0 || (unsigned char)*text < 0x80)
		return length > 0 && (*text == ' ' || *text == '\t');
	return wide_blank((const unsigned char *)text, length);
}

/* The same at the end. */
static size_t blank_before(const char *text, size_t length)
{
	for (size_t size = 1; size <= 3 && size <= length; size++)
		if (utf8_blank(text + length - size, size) == size)
			return size;
	return 0;
}

void utf8_trim(const char **text, size_t *length)
{
	size_t size;

	while ((size = utf8_blank(*text, *length)) > 0) {
		*text += size;
		*length -= size;
	}
	while ((size = blank_before(*text, *length)) > 0)
		*length -= size;
}
