/* table: rows of our TSV streams: a line a row, fields between tabs, and in a
 * field \\ \t \n \r stand for backslash, tab, newline, carriage return
 * (PostgreSQL's text COPY format). */
#ifndef TEXT_TSV_H
#define TEXT_TSV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/io.h"

/* A field: a slice of the current row, its escapes undone, a zero byte after
 * it that does not count. */
struct field {
	char *text;
	size_t length;
};

struct table {
	struct input input;
	const char *name;     /* of the input, for messages */
	size_t line;          /* of the current row, from 1 */
	struct field *fields; /* of the current row */
	size_t count;         /* how many fields */
	/* private */
	size_t capacity;
	char *buffer;
	size_t begin, end, room;
	bool last;
};

/* Open the file; NULL and "-" are standard input. */
void table_open(struct table *table, const char *path);

/* The next row, a header like any other; false at the end.  Ends the process
 * on a failed read, a NUL byte, an escape that is none, and a last line
 * without its newline (the input was cut). */
bool table_next(struct table *table);

/* The next line as it stands, escapes kept, as one field; for readers of
 * lines such as --users FILE (a last line needs no newline there). */
bool table_line(struct table *table);

/* End the process: "program: name:line: message". */
_Noreturn void table_die(const struct table *table, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

void table_close(struct table *table);

/* Write a field, escaped. */
void table_write(struct output *output, const char *text, size_t length);

#endif
