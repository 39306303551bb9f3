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

size_t utf8_order_mark(const void *bytes, size_t length)
{
	return length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

/* From U+00A0 on. */
static const struct {
	unsigned char size;
	char bytes[4];
} blanks[] = {
	{2, "\xc2\xa0"},     /* no-break space */
	{3, "\xe2\x80\x82"}, /* en space */
	{3, "\xe2\x80\x83"}, /* em space */
	{3, "\xe2\x80\x87"}, /* figure space */
	{3, "\xe2\x80\x89"}, /* thin space */
	{3, "\xe2\x80\xaf"}, /* narrow no-break space */
	{3, "\xe3\x80\x80"}, /* ideographic space */
	{3, "\xe2\x80\x8b"}, /* zero-width space */
	{3, "\xe2\x80\x8e"}, /* left-to-right mark */
	{3, "\xe2\x80\x8f"}, /* right-to-left mark */
	{3, "\xef\xbb\xbf"}, /* byte-order mark */
};

size_t utf8_blank(const char *text, size_t length)
{
	/* Most begin with ASCII. */
	if (length == 0 || (unsigned char)*text < 0x80)
		return length > 0 && (*text == ' ' || *text == '\t');
	for (size_t i = 0; i < sizeof blanks / sizeof *blanks; i++)
		if (length >= blanks[i].size &&
		    memcmp(text, blanks[i].bytes, blanks[i].size) == 0)
			return blanks[i].size;
	return 0;
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
