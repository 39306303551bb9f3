#include "text/name_fields.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"

void name_fields_trim(struct tsv_field *name)
{
	const char *text = name->text;

	utf8_trim(&text, &name->length);
	name->text += text - name->text;
}

void name_fields_drop_mark(struct tsv_field *name)
{
	size_t mark = utf8_order_mark(name->text, name->length);

	name->text += mark;
	name->length -= mark;
}

/* As name_fields_first, for the given separators. */
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
	name_fields_trim(name);
	return at;
}

size_t name_fields_first(struct tsv_field *line)
{
	return take_field(line, "\t,;");
}

void name_fields_cut(struct name_fields *fields, const char *line,
		     size_t length, const char *separators)
{
	name_fields_free(fields);
	/* No field grows, and a separator or the last zero byte makes room for
	 * the zero byte behind it: they are put where the line was. */
	fields->texts = alloc_text(line, length);
	for (size_t at = 0; at < length; at++) {
		struct tsv_field field = {.text = fields->texts + at,
					  .length = length - at};

		at += take_field(&field, separators);
		if (field.length == 0)
			continue;
		memmove(fields->texts + fields->size, field.text, field.length);
		fields->size += field.length;
		fields->texts[fields->size++] = '\0';
		fields->count++;
	}
}

/* What separates the names of a line; NULL: nothing does. */
static const char *separators_of(const char *line, size_t length)
{
	static const char *const separators[] = {"\n", "\r", "\t",
						 ";",  ",",  " "};

	for (size_t i = 0; i < sizeof separators / sizeof *separators; i++)
		if (memchr(line, *separators[i], length) != NULL)
			return separators[i];
	return NULL;
}

static bool all_have_digits(const struct name_fields *fields)
{
	const char *field = NULL;

	while ((field = name_fields_next(fields, field)) != NULL)
		if (strpbrk(field, "0123456789") == NULL)
			return false;
	return true;
}

bool name_fields_split(struct name_fields *fields, const char *line,
		       size_t length, bool *two)
{
	const char *separators = separators_of(line, length);

	name_fields_free(fields);
	*two = false;
	if (separators == NULL)
		return false;
	name_fields_cut(fields, line, length, separators);
	if (fields->count >= 3 &&
	    (*separators != ' ' || all_have_digits(fields)))
		return true;
	*two = fields->count == 2 && *separators != ' ';
	name_fields_free(fields);
	return false;
}

char *name_fields_next(const struct name_fields *fields, const char *field)
{
	size_t at = field == NULL ? 0
				  : (size_t)(field - fields->texts) +
					    strlen(field) + 1;

	return at < fields->size ? fields->texts + at : NULL;
}

void name_fields_free(struct name_fields *fields)
{
	free(fields->texts);
	*fields = (struct name_fields){0};
}
