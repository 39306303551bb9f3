#include "text/delimiter_hint.h"

#include <stdbool.h>
#include <string.h>

#include "base/errors.h"

/* In the order in which they are looked for: what is least likely to be part of
 * a name goes first. */
static const struct {
	const char *mark, *hint;
	bool in_field;
} delimiters[] = {
	{"\t", "\n  if tabs stand between its columns: -d '\\t'", true},
	{";", "\n  if semicolons stand between its columns: -d ';'", true},
	{"|", "\n  if bars stand between its columns: -d '|'", true},
	{",", "\n  if commas stand between its columns: -d ,", false},
	{"\xef\xbc\x8c",
	 "\n  if '\xef\xbc\x8c' stands between its columns: -d "
	 "'\xef\xbc\x8c'",
	 false},
	{"::", "\n  if '::' stands between its columns: -d '::'", false},
};

/* The bytes of the first line of size bytes. */
static size_t first_line(const char *text, size_t size)
{
	size_t line = 0;

	while (line < size && text[line] != '\n' && text[line] != '\r')
		line++;
	return line;
}

static const char *find(const char *text, size_t size, char delimiter,
			bool in_field)
{
	for (size_t i = 0; i < sizeof delimiters / sizeof *delimiters; i++) {
		const char *mark = delimiters[i].mark;
		if (*mark != delimiter &&
		    (delimiters[i].in_field || !in_field) &&
		    memmem(text, size, mark, strlen(mark)) != NULL)
			return delimiters[i].hint;
	}
	return "";
}

const char *delimiter_hint(const char *text, size_t size, char delimiter)
{
	const char *found;

	size = first_line(text, size);
	found = find(text, size, delimiter, false);
	for (size_t i = 0; *found == '\0' && i < size; i++)
		if ((unsigned char)text[i] < ' ' && text[i] != delimiter &&
		    text[i] != '\0')
			found = error_text(
				"\n  if a byte that is not seen stands "
				"between its columns: -d '\\x%02x'",
				(unsigned char)text[i]);
	return found;
}

const char *delimiter_hint_of_field(const char *field, char delimiter)
{
	return find(field, strlen(field), delimiter, true);
}
