#include "text/name_lines.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
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
