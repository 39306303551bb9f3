#include "escape.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

/* The letter that stands for a byte after a backslash, or 0: for itself. */
static char letter(char byte)
{
	switch (byte) {
	case '\\':
		return '\\';
	case '\t':
		return 't';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	default:
		return 0;
	}
}

static bool is_plain(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (letter(text[i]) != 0)
			return false;
	return true;
}

const char *escape(struct escaped *escaped, const char *text, size_t *length)
{
	size_t used = 0;

	if (is_plain(text, *length))
		return text;
	escaped->text = alloc_grow(escaped->text, &escaped->room,
				   alloc_product(2, *length), 1);
	for (size_t i = 0; i < *length; i++) {
		char c = letter(text[i]);
		if (c != 0)
			escaped->text[used++] = '\\';
		escaped->text[used++] = c ? c : text[i];
	}
	*length = used;
	return escaped->text;
}

void escape_free(struct escaped *escaped)
{
	free(escaped->text);
	*escaped = (struct escaped){0};
}
