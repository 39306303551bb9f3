#include "text/name_lines.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/utf8.h"
#include "text/foreign_format.h"

/* How much is looked at to see what a file is. */
enum { HEAD = 1 << 16 };

/* An array of texts or numbers, which a name seldom looks like. */
static bool is_json_array(const char *bytes, size_t size)
{
	const char *end = memchr(bytes, ']', size);

	if (size < 2 || *bytes != '[' || end == NULL)
		return false;
	return bytes[1] == '"' || (isdigit((unsigned char)bytes[1]) &&
				   memchr(bytes, ',', size) != NULL);
}

static void check_foreign(const struct name_lines *names, const char *path,
			  const char *bytes, size_t size)
{
	struct foreign_format format;
	const char *file = strcmp(path, "-") == 0 ? NULL : path;

	if (is_json_array(bytes, size))
		die("%s: JSON, expected names, one a line: jq -r '.[]' %s",
		    names->lines.name, file ? file : "FILE");
	if (!foreign_format_find((const unsigned char *)bytes, size, false,
				 &format))
		return;
	die("%s: %s, expected names, one a line%s%s", names->lines.name,
	    format.what, format.before != NULL ? ": " : "",
	    format.before != NULL ? foreign_format_command(&format, file) : "");
}

void name_lines_open(struct name_lines *names, const char *path)
{
	const char *bytes;

	*names = (struct name_lines){0};
	tsv_open(&names->lines, path);
	size_t size = tsv_peek(&names->lines, HEAD, &bytes);
	check_foreign(names, path, bytes, size);
	while (size > 0 && memchr("\r\n", bytes[size - 1], 2) != NULL)
		size--;
	names->single = memchr(bytes, '\n', size) == NULL &&
			memchr(bytes, '\r', size) == NULL;
}

bool name_lines_next(struct name_lines *names)
{
	struct tsv_field *name = &names->name;

	if (names->part < names->part_end) {
		name->text = names->parts + names->part;
		name->length = strlen(name->text);
		names->part += name->length + 1;
		return true;
	}
	while (tsv_next_line(&names->lines)) {
		*name = names->lines.fields[0];
		size_t mark =
			names->lines.line == 1
				? utf8_order_mark(name->text, name->length)
				: 0;
		name->text += mark;
		name->length -= mark;
		if (name->length > 0 && name->text[name->length - 1] == '\r')
			name->length--;
		if (name->length > 0)
			return true;
	}
	return false;
}

/* ------------------------------------------------------------------- fields
 */

static void trim(struct tsv_field *name)
{
	const char *text = name->text;

	utf8_trim(&text, &name->length);
	name->text += text - name->text;
}

/* As name_lines_first_field, for the given separators. */
static size_t take_field(struct tsv_field *name, const char *separators)
{
	char *text = name->text;
	size_t count = strlen(separators), used = 0, at = 0;

	if (name->length > 0 && *text == '"') {
		for (at = 1; at < name->length; at++) {
			if (text[at] == '"' &&
			    (at + 1 == name->length || text[++at] != '"'))
				break;
			text[used++] = text[at];
		}
	}
	bool quoted = at > 0;
	while (at < name->length && memchr(separators, text[at], count) == NULL)
		at++;
	name->length = quoted ? used : at;
	trim(name);
	return at;
}

size_t name_lines_first_field(struct tsv_field *name)
{
	return take_field(name, "\t,;");
}

/* What separates the names of a line; NULL: nothing does. */
static const char *separators_of(const struct tsv_field *line)
{
	static const char *const separators[] = {"\t", ";", ",", " "};

	for (size_t i = 0; i < sizeof separators / sizeof *separators; i++)
		if (memchr(line->text, *separators[i], line->length) != NULL)
			return separators[i];
	return NULL;
}

/* Cut the line into parts, each with a zero byte after it; returns how many
 * there are that are not empty. */
static size_t cut(struct name_lines *names, const char *separators)
{
	struct tsv_field rest = names->name, part;
	size_t count = 0;

	names->parts = alloc_resize(names->parts, rest.length + 1, 1);
	for (names->part_end = 0; rest.length > 0;) {
		part = rest;
		size_t size = take_field(&part, separators);
		size += size < rest.length;
		rest.text += size;
		rest.length -= size;
		if (part.length == 0)
			continue;
		memcpy(names->parts + names->part_end, part.text, part.length);
		names->part_end += part.length;
		names->parts[names->part_end++] = '\0';
		count++;
	}
	return count;
}

static bool all_have_digits(const char *parts, size_t size)
{
	for (size_t i = 0; i < size; i += strlen(parts + i) + 1)
		if (strpbrk(parts + i, "0123456789") == NULL)
			return false;
	return true;
}

bool name_lines_split(struct name_lines *names)
{
	const char *separators = separators_of(&names->name);

	if (!names->single || names->parts != NULL || separators == NULL)
		return false;
	char *line = alloc_text(names->name.text, names->name.length);
	size_t count = cut(names, separators);
	bool several =
		count >= 3 && (*separators != ' ' ||
			       all_have_digits(names->parts, names->part_end));

	/* Where the line is not split it stays as it was. */
	memcpy(names->name.text, line, names->name.length);
	free(line);
	if (several)
		return true;
	names->part_end = 0;
	names->two = count == 2 && *separators != ' ';
	return false;
}

void name_lines_close(struct name_lines *names)
{
	free(names->parts);
	tsv_close(&names->lines);
	*names = (struct name_lines){0};
}
