#include "text/tsv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/file_type.h"

enum { CHUNK = 1 << 18 };

void tsv_open(struct tsv_reader *table, const char *path)
{
	*table = (struct tsv_reader){0};
	input_open(&table->input, path);
	table->name = table->input.name;
}

void tsv_die(const struct tsv_reader *table, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	die("%s:%zu: %s", table->name, table->line, text);
}

/* Move what is left to the front and read more behind it; a byte is kept free
 * for the zero after the last field. */
static bool fill(struct tsv_reader *table)
{
	if (table->last)
		return false;
	if (table->begin > 0) {
		memmove(table->buffer, table->buffer + table->begin,
			table->end - table->begin);
		table->end -= table->begin;
		table->begin = 0;
	}
	table->buffer = alloc_grow(table->buffer, &table->room,
				   table->end + CHUNK + 1, 1);
	size_t got = input_read(&table->input, table->buffer + table->end,
				table->room - table->end - 1);
	table->end += got;
	table->last = got == 0;
	return got > 0;
}

/* Whoever forgot to uncompress is told how. */
static void check_gzip(const struct tsv_reader *table, const char *begin)
{
	const struct input *input = &table->input;

	if (table->line == 1 && memcmp(begin, "\x1f\x8b", 2) == 0)
		die("%s: compressed by gzip: zcat %s | %s", table->name,
		    input->fd == STDIN_FILENO ? "FILE" : table->name, program);
}

/* Cut the next line out of the buffer; its newline becomes a zero byte. */
static bool cut(struct tsv_reader *table, bool newline, char **line,
		size_t *length)
{
	size_t seen = 0;
	char *found;

	while ((found = table->end - table->begin > seen
				? memchr(table->buffer + table->begin + seen,
					 '\n', table->end - table->begin - seen)
				: NULL) == NULL) {
		seen = table->end - table->begin;
		if (!fill(table))
			break;
	}
	if (table->begin == table->end)
		return false;
	table->line++;
	*line = table->buffer + table->begin;
	*length = found ? (size_t)(found - *line) : table->end - table->begin;
	if (*length >= 2)
		check_gzip(table, *line);
	table->begin += *length + (found != NULL);
	(*line)[*length] = '\0';
	if (memchr(*line, '\0', *length) != NULL)
		tsv_die(table, "a NUL byte: expected TSV, found %s",
			table->line == 1
				? file_type_describe((unsigned char *)*line,
						     *length)
				: "a binary file");
	if (found == NULL && newline)
		tsv_die(table, "the last line has no newline: "
			       "the input was cut");
	return true;
}

static void add_field(struct tsv_reader *table, char *text, size_t length)
{
	table->fields = alloc_grow(table->fields, &table->capacity,
				   table->count + 1, sizeof *table->fields);
	table->fields[table->count++] = (struct tsv_field){text, length};
}

/* Undo the escapes in place; the new length. */
static size_t unescape(const struct tsv_reader *table, char *text,
		       size_t length)
{
	size_t out = 0;

	for (size_t i = 0; i < length; i++) {
		char c = text[i];
		if (c == '\\') {
			switch (text[++i]) {
			case '\\':
				c = '\\';
				break;
			case 't':
				c = '\t';
				break;
			case 'n':
				c = '\n';
				break;
			case 'r':
				c = '\r';
				break;
			default:
				tsv_die(table, "a backslash before none of "
					       "\\ t n r");
			}
		}
		text[out++] = c;
	}
	text[out] = '\0';
	return out;
}

bool tsv_next(struct tsv_reader *table)
{
	char *line;
	size_t length;

	if (!cut(table, true, &line, &length))
		return false;
	char *end = line + length;
	bool escaped = memchr(line, '\\', length) != NULL;
	table->count = 0;
	for (;;) {
		char *tab = memchr(line, '\t', (size_t)(end - line));
		size_t size = (size_t)((tab ? tab : end) - line);
		line[size] = '\0';
		add_field(table, line,
			  escaped ? unescape(table, line, size) : size);
		if (tab == NULL)
			return true;
		line = tab + 1;
	}
}

bool tsv_next_line(struct tsv_reader *table)
{
	char *line;
	size_t length;

	if (!cut(table, false, &line, &length))
		return false;
	table->count = 0;
	add_field(table, line, length);
	return true;
}

void tsv_close(struct tsv_reader *table)
{
	input_close(&table->input);
	free(table->fields);
	free(table->buffer);
	*table = (struct tsv_reader){0};
}

void tsv_write_field(struct output *output, const char *text, size_t length)
{
	static const char from[] = "\\\t\n\r", to[] = "\\tnr";
	size_t begun = 0;

	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)text[i] > '\r' && text[i] != '\\')
			continue;
		const char *found = text[i] ? strchr(from, text[i]) : NULL;
		if (found == NULL)
			continue;
		output_write(output, text + begun, i - begun);
		output_write(output, (char[]){'\\', to[found - from]}, 2);
		begun = i + 1;
	}
	output_write(output, text + begun, length - begun);
}
