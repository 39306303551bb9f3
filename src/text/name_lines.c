#include "text/name_lines.h"

#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "text/foreign_format.h"

/* How much is looked at to see what a file is. */
enum { HEAD = 1 << 16 };

/* The bytes of the text or the number of JSON at the start of size bytes; 0
 * where there is none. */
static size_t json_scalar(const char *bytes, size_t size)
{
	size_t at = 0;

	if (size > 0 && *bytes == '"') {
		for (at = 1; at < size && bytes[at] != '"'; at++)
			at += bytes[at] == '\\';
		return at < size ? at + 1 : size;
	}
	while (at < size && memchr("0123456789+-.eE", bytes[at], 15) != NULL)
		at++;
	return at;
}

static size_t skip_blanks(const char *bytes, size_t size, size_t at)
{
	while (at < size && memchr(" \t\r\n", bytes[at], 4) != NULL)
		at++;
	return at;
}

/* An array of texts, or of two numbers or more, that is all of its lines: what
 * a name seldom looks like.  Its end may be beyond HEAD bytes. */
static bool is_json_array(const char *bytes, size_t size)
{
	size_t at = 0, count = 0;
	bool texts = false;

	if (size == 0 || *bytes != '[')
		return false;
	do {
		at = skip_blanks(bytes, size, at + 1);
		size_t length = json_scalar(bytes + at, size - at);

		if (at < size && length == 0)
			return false;
		texts |= at < size && bytes[at] == '"';
		at = skip_blanks(bytes, size, at + length);
		count++;
	} while (at < size && bytes[at] == ',');
	if (!texts && count == 1)
		return false;
	if (at == size)
		return size >= HEAD;
	if (bytes[at++] != ']')
		return false;
	while (at < size && memchr(" \t\r", bytes[at], 3) != NULL)
		at++;
	return at == size || bytes[at] == '\n';
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

	if (names->next != NULL) {
		name->length = strlen(names->next);
		name->text = names->next;
		names->next = name_fields_next(&names->fields, names->next);
		return true;
	}
	while (tsv_next_line(&names->lines)) {
		*name = names->lines.fields[0];
		if (names->lines.line == 1)
			name_fields_drop_mark(name);
		if (name->length > 0 && name->text[name->length - 1] == '\r')
			name->length--;
		if (name->length > 0)
			return true;
	}
	return false;
}

bool name_lines_split(struct name_lines *names)
{
	if (!names->single)
		return false;
	names->single = false;
	if (!name_fields_split(&names->fields, names->name.text,
			       names->name.length, &names->two))
		return false;
	names->next = name_fields_next(&names->fields, NULL);
	return true;
}

void name_lines_close(struct name_lines *names)
{
	name_fields_free(&names->fields);
	tsv_close(&names->lines);
	*names = (struct name_lines){0};
}
