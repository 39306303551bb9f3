#include "text/tsv_escape.h"

#include <string.h>

#include "base/alloc.h"

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

size_t tsv_escape(char *escaped, const char *text, size_t length)
{
	size_t used = 0;

	for (size_t i = 0; i < length; i++) {
		char c = letter(text[i]);
		if (c != 0)
			escaped[used++] = '\\';
		escaped[used++] = c ? c : text[i];
	}
	return used;
}

char *tsv_escape_text(const char *text, size_t length)
{
	char *escaped = alloc(2 * length + 1, 1);

	escaped[tsv_escape(escaped, text, length)] = '\0';
	return escaped;
}

size_t tsv_unescape(char *name, size_t length)
{
	static const char from[] = "\\tnr", to[] = "\\\t\n\r";
	size_t out = 0;

	for (size_t i = 0; i < length; i++) {
		const char *found =
			name[i] == '\\' && i + 1 < length && name[i + 1] != '\0'
				? strchr(from, name[i + 1])
				: NULL;

		name[out++] = found ? to[found - from] : name[i];
		i += found != NULL;
	}
	return out;
}
