#include "text/percent.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"

static int digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

size_t percent_decode(char *text, size_t length, bool strict)
{
	size_t out = 0;

	for (size_t i = 0; i < length; i++) {
		bool room = text[i] == '%' && length - i > 2;
		int high = room ? digit(text[i + 1]) : -1;
		int low = room ? digit(text[i + 2]) : -1;

		if (high >= 0 && low >= 0 && high + low > 0) {
			text[out++] = (char)(high * 16 + low);
			i += 2;
		} else if (strict && text[i] == '%') {
			return SIZE_MAX;
		} else {
			text[out++] = text[i];
		}
	}
	text[out] = '\0';
	return out;
}

bool percent_is_ambiguous(const char *text, size_t length)
{
	/* As many times are looked at; more is ambiguous, whatever it gives. */
	enum { MAX_TIMES = 8 };
	bool found = false;

	if (memchr(text, '%', length) == NULL)
		return false;
	char *bytes = alloc_text(text, length);
	for (int i = 0; !found && memchr(bytes, '%', length) != NULL; i++) {
		length = percent_decode(bytes, length, true);
		if (length == SIZE_MAX)
			break;
		found = i == MAX_TIMES ||
			utf8_first_invalid((const unsigned char *)bytes,
					   length) < length;
	}
	free(bytes);
	return found;
}

char *percent_encode(const char *text, size_t *length)
{
	static const char digits[] = "0123456789ABCDEF";
	const unsigned char *bytes = (const unsigned char *)text;
	size_t used = 0, size;

	if (utf8_first_invalid(bytes, *length) >= *length &&
	    !percent_is_ambiguous(text, *length))
		return NULL;
	char *encoded = alloc_resize(NULL, *length + 1, 3);
	for (size_t i = 0; i < *length; i += size ? size : 1) {
		size = utf8_character(bytes + i, *length - i);
		if (size > 0 && text[i] != '%') {
			memcpy(encoded + used, text + i, size);
			used += size;
			continue;
		}
		encoded[used++] = '%';
		encoded[used++] = digits[bytes[i] >> 4];
		encoded[used++] = digits[bytes[i] & 15];
	}
	encoded[used] = '\0';
	*length = used;
	return encoded;
}
