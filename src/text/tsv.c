#include "text/tsv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/control_chars.h"
#include "base/errors.h"
#include "base/file_type.h"
#include "text/foreign_format.h"

/* Bytes of a line; a longer one is refused. */
enum { LINE_LIMIT = 1 << 26 };

/* The bytes that a backslash stands before, and the letters after it. */
static const char escaped_bytes[] = "\\\t\n\r", escape_letters[] = "\\tnr";

/* The letter that stands for a byte after a backslash; 0: it has none. */
static char escape_letter(char byte)
{
	const char *found = (unsigned char)byte <= '\r' || byte == '\\'
				    ? memchr(escaped_bytes, byte, 4)
				    : NULL;

	return found ? escape_letters[found - escaped_bytes] : '\0';
}

size_t tsv_escape(char *escaped, const char *text, size_t length)
{
	size_t used = 0;

	for (size_t i = 0; i < length; i++) {
		char letter = escape_letter(text[i]);

		if (letter != '\0')
			escaped[used++] = '\\';
		escaped[used++] = letter ? letter : text[i];
	}
	return used;
}

char *tsv_escape_text(const char *text, size_t length)
{
	char *escaped = alloc(alloc_product(2, length) + 1, 1);

	escaped[tsv_escape(escaped, text, length)] = '\0';
	return escaped;
}

bool tsv_unescape(char *text, size_t *length)
{
	size_t out = 0;
	bool valid = true;

	for (size_t i = 0; i < *length; i++) {
		char byte = text[i];

		if (byte == '\\') {
			const char *found =
				i + 1 < *length
					? memchr(escape_letters, text[i + 1], 4)
					: NULL;
			valid = valid && found != NULL;
			if (found != NULL) {
				byte = escaped_bytes[found - escape_letters];
				i++;
			}
		}
		text[out++] = byte;
	}
	*length = out;
	return valid;
}

void tsv_write_field(struct output *output, const char *text, size_t length)
{
	size_t begun = 0;
	bool plain = true;

	/* A loop that the compiler turns into one over several bytes. */
	for (size_t i = 0; i < length; i++)
		plain &= (unsigned char)text[i] > '\r' && text[i] != '\\';
	for (size_t i = 0; !plain && i < length; i++) {
		char letter = escape_letter(text[i]);

		if (letter == '\0')
			continue;
		output_write(output, text + begun, i - begun);
		output_write(output, (char[]){'\\', letter}, 2);
		begun = i + 1;
	}
	output_write(output, text + begun, length - begun);
}

void tsv_open(struct tsv_reader *reader, const char *path)
{
	*reader = (struct tsv_reader){0};
	input_open(&reader->input, path);
	reader->name = reader->input.name;
}

__attribute__((format(printf, 2, 0))) static const char *
place_error(const struct tsv_reader *reader, const char *format,
	    va_list arguments)
{
	char text[1024];

	vsnprintf(text, sizeof text, format, arguments);
	control_chars_replace(text);
	return error_text("%s:%zu: %s", reader->name, reader->line, text);
}

const char *tsv_error(const struct tsv_reader *reader, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	const char *error = place_error(reader, format, arguments);
	va_end(arguments);
	return error;
}

void tsv_die(const struct tsv_reader *reader, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	const char *error = place_error(reader, format, arguments);
	va_end(arguments);
	die("%s", error);
}

/* Move what is left to the front of the buffer and read more behind it; false
 * at the end of the input.  A byte stays free for the zero after the last
 * field. */
static bool fill(struct tsv_reader *reader)
{
	if (reader->last)
		return false;
	if (reader->begin > 0) {
		memmove(reader->buffer, reader->buffer + reader->begin,
			reader->end - reader->begin);
		reader->end -= reader->begin;
		reader->begin = 0;
	}
	reader->buffer = alloc_grow(reader->buffer, &reader->room,
				    reader->end + READ_BLOCK + 1, 1);
	size_t got = input_read(&reader->input, reader->buffer + reader->end,
				reader->room - reader->end - 1);
	reader->end += got;
	reader->last = got == 0;
	return got > 0;
}

/* A compressed file, or one in UTF-16, is refused with the command that reads
 * it; line: its first. */
static void check_foreign(const struct tsv_reader *reader, const char *line)
{
	struct foreign_format format;
	size_t size = (size_t)(reader->buffer + reader->end - line);

	if (foreign_format_find((const unsigned char *)line, size, false,
				&format) &&
	    format.before != NULL)
		die("%s: %s: %s | %s", reader->name, format.what,
		    foreign_format_command(&format,
					   reader->input.fd == STDIN_FILENO
						   ? NULL
						   : reader->name),
		    program);
}

/* The end of a line, behind the first bytes that wait to be read; or NULL. */
static char *find_end(const struct tsv_reader *reader, size_t first)
{
	size_t waiting = reader->end - reader->begin;

	return waiting > first
		       ? memchr(reader->buffer + reader->begin + first,
				reader->returns ? '\r' : '\n', waiting - first)
		       : NULL;
}

/* Cut the next line out of the buffer; its newline becomes a zero byte. */
static bool cut(struct tsv_reader *reader, bool newline, char **line,
		size_t *length)
{
	size_t seen = 0;
	char *found;

	while ((found = find_end(reader, seen)) == NULL) {
		seen = reader->end - reader->begin;
		if (seen <= LINE_LIMIT && fill(reader))
			continue;
		if (newline || reader->line > 0 || reader->returns) {
			if (seen <= LINE_LIMIT)
				break;
			reader->line++;
			tsv_die(reader, "the line is longer than %d MB",
				LINE_LIMIT >> 20);
		}
		reader->returns = true;
		seen = 0;
	}
	if (reader->begin == reader->end)
		return false;
	reader->line++;
	*line = reader->buffer + reader->begin;
	*length = found ? (size_t)(found - *line) : reader->end - reader->begin;
	if (reader->line == 1)
		check_foreign(reader, *line);
	reader->begin += *length + (found != NULL);
	(*line)[*length] = '\0';
	if (memchr(*line, '\0', *length) != NULL)
		tsv_die(reader, "a NUL byte: expected TSV, found %s",
			reader->line == 1
				? file_type_describe((unsigned char *)*line,
						     *length)
				: "a binary file");
	if (found == NULL && newline)
		tsv_die(reader, "the last line has no newline: "
				"the input was cut");
	return true;
}

static void add_field(struct tsv_reader *reader, char *text, size_t length)
{
	reader->fields = alloc_grow(reader->fields, &reader->capacity,
				    reader->count + 1, sizeof *reader->fields);
	reader->fields[reader->count++] = (struct tsv_field){text, length};
}

/* Undo the escapes in place, put a zero byte after them; the new length. */
static size_t unescape(const struct tsv_reader *reader, char *text,
		       size_t length)
{
	if (!tsv_unescape(text, &length))
		tsv_die(reader, "a backslash before none of \\ t n r");
	text[length] = '\0';
	return length;
}

bool tsv_next(struct tsv_reader *reader)
{
	char *line;
	size_t length;

	if (!cut(reader, true, &line, &length))
		return false;
	char *end = line + length;
	bool escaped = memchr(line, '\\', length) != NULL;
	reader->count = 0;
	for (;;) {
		char *tab = memchr(line, '\t', (size_t)(end - line));
		size_t size = (size_t)((tab ? tab : end) - line);
		line[size] = '\0';
		add_field(reader, line,
			  escaped ? unescape(reader, line, size) : size);
		if (tab == NULL)
			return true;
		line = tab + 1;
	}
}

size_t tsv_peek(struct tsv_reader *reader, size_t size, const char **bytes)
{
	while (reader->end - reader->begin < size && fill(reader))
		;
	*bytes = reader->buffer + reader->begin;
	return reader->end - reader->begin;
}

void tsv_skip(struct tsv_reader *reader, size_t size, size_t lines)
{
	reader->begin += size;
	reader->line += lines;
}

bool tsv_next_line(struct tsv_reader *reader)
{
	char *line;
	size_t length;

	if (!cut(reader, false, &line, &length))
		return false;
	reader->count = 0;
	add_field(reader, line, length);
	return true;
}

void tsv_close(struct tsv_reader *reader)
{
	input_close(&reader->input);
	free(reader->fields);
	free(reader->buffer);
	*reader = (struct tsv_reader){0};
}
