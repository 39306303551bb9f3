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
