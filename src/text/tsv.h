/* tsv: rows of our TSV streams: a line a row, fields between tabs, and in a
 * field \\ \t \n \r stand for backslash, tab, newline, carriage return
 * (PostgreSQL's text COPY format). */
#ifndef TEXT_TSV_H
#define TEXT_TSV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/io.h"

/* A field: a slice of the current row, its escapes undone, a zero byte after
 * it that does not count. */
struct tsv_field {
	char *text;
	size_t length;
};

struct tsv_reader {
	struct input input;
	const char *name;         /* of the input, for messages */
	size_t line;              /* of the current row, from 1 */
	struct tsv_field *fields; /* of the current row */
	size_t count;             /* how many fields */
	/* private */
	size_t capacity;
	char *buffer;
	size_t begin, end, room;
	bool last;
	bool returns; /* carriage returns end lines */
};

/* Open the file; NULL and "-" are standard input. */
void tsv_open(struct tsv_reader *reader, const char *path);

/* The next row, a header like any other; false at the end.  Its fields are
 * valid until the next call.  Ends the process on a failed read, a NUL byte, an
 * escape that is none, a line of more than 64 MB, and a last line without its
 * newline (the input was cut). */
bool tsv_next(struct tsv_reader *reader);

/* Read until size bytes or all of the input wait to be read, and set *bytes to
 * them; returns how many there are.  They are valid until the next call. */
size_t tsv_peek(struct tsv_reader *reader, size_t size, const char **bytes);

/* Pass over the first size of these bytes, which are so many lines. */
void tsv_skip(struct tsv_reader *reader, size_t size, size_t lines);

/* The next line as it stands, escapes kept, as one field; for readers of
 * lines such as --users FILE (a last line needs no newline there; where there
 * is none in all of the file, carriage returns end lines). */
bool tsv_next_line(struct tsv_reader *reader);

/* The text "name:line: message", without control characters of what it quotes;
 * valid as error_text's. */
const char *tsv_error(const struct tsv_reader *reader, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* End the process with "program: " and such a text. */
_Noreturn void tsv_die(const struct tsv_reader *reader, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Close the input and free what the reader has. */
void tsv_close(struct tsv_reader *reader);

/* Write a field, escaped. */
void tsv_write_field(struct output *output, const char *text, size_t length);

/* A field as it is written, in memory: where it is compared and sorted by its
 * escaped form.  escaped has room for 2 * length bytes; returns how many were
 * written. */
size_t tsv_escape(char *escaped, const char *text, size_t length);

/* The same into memory of its own, with a zero byte after it; free() it. */
char *tsv_escape_text(const char *text, size_t length);

/* Undo the escapes of *length bytes in place and set *length; no zero byte is
 * put after them.  False where a backslash stands before none of \\ t n r; it
 * is kept then. */
bool tsv_unescape(char *text, size_t *length);

#endif
