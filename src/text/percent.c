#include "text/percent.h"

#include <stdint.h>

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
