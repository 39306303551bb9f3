#include "base/control_chars.h"

#include <string.h>

/* How many bytes the control character has that begins the text; 0 where none
 * does. */
static size_t control_length(const char *text, size_t length)
{
	unsigned char first = (unsigned char)text[0];
	unsigned char second = length > 1 ? (unsigned char)text[1] : 0;

	if (first == 0xc2 && second >= 0x80 && second < 0xa0)
		return 2;
	return first < 0x20 || first == 0x7f;
}

void control_chars_replace(char *text)
{
	size_t length = strlen(text);

	for (size_t i = 0; i < length;) {
		size_t control = control_length(text + i, length - i);

		memset(text + i, '?', control);
		i += control > 0 ? control : 1;
	}
}

size_t control_chars_escape(char *escaped, const char *text, size_t length)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t used = 0;

	for (size_t i = 0; i < length;) {
		size_t control = control_length(text + i, length - i);

		if (control == 0)
			escaped[used++] = text[i++];
		for (; control > 0; control--, i++) {
			unsigned char byte = (unsigned char)text[i];
			memcpy(escaped + used, "\\x", 2);
			escaped[used + 2] = digits[byte >> 4];
			escaped[used + 3] = digits[byte & 15];
			used += 4;
		}
	}
	return used;
}
