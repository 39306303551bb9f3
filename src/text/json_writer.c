#include "text/json_writer.h"

#include <string.h>

/* The length of the character that begins there (RFC 3629: none longer than
 * needed, no surrogates, none above U+10FFFF); 0 where none does. */
static size_t character(const unsigned char *text, size_t length)
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

static void tsv_escape(struct output *output, unsigned char c)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *found = c ? strchr(from, c) : NULL;

	if (found != NULL)
		output_write(output, (char[]){'\\', to[found - from]}, 2);
	else
		output_print(output, "\\u%04x", (unsigned)c);
}

void json_write_string(struct output *output, const char *text, size_t length)
{
	const unsigned char *bytes = (const unsigned char *)text;
	size_t begun = 0, i = 0;

	output_text(output, "\"");
	while (i < length) {
		size_t size = character(bytes + i, length - i);

		if (size > 0 && bytes[i] >= 0x20 && bytes[i] != '"' &&
		    bytes[i] != '\\') {
			i += size;
			continue;
		}
		output_write(output, text + begun, i - begun);
		if (size > 0)
			tsv_escape(output, bytes[i]);
		else
			output_text(output, "\xef\xbf\xbd");
		begun = ++i;
	}
	output_write(output, text + begun, length - begun);
	output_text(output, "\"");
}
