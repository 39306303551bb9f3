/* name_lines: a file of names, one a line, as spreadsheets and other systems
 * write them. */
#ifndef TEXT_NAME_LINES_H
#define TEXT_NAME_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "text/tsv.h"

struct name_lines {
	struct tsv_reader lines;
	struct tsv_field name; /* the current line, or a part of it: bytes as
				  they stand, which may be changed in place */
	bool two; /* the only line has two fields: it may be a name and
		     another field, or two names */
	/* private */
	bool single;           /* the file has but one line, or a first one
				  that is as long as no name */
	char *parts;           /* its parts, one after another */
	size_t part, part_end; /* the parts to come */
};

/* Open the file; "-" is standard input.  Ends the process where it cannot be
 * read, or where it is compressed, a workbook, JSON, UTF-16 or the like, with
 * the command that makes lines of it. */
void name_lines_open(struct name_lines *names, const char *path);

/* The next line that is not empty, without a byte-order mark at the start of
 * the file and a carriage return at its end; where the file has no line feed,
 * carriage returns end its lines.  False at the end. */
bool name_lines_next(struct name_lines *names);

/* The current line is no name: where it is the only line of the file and has
 * three names or more, between commas, semicolons or tabs, or numbers between
 * blanks, the next ones become the names in it, their quotes taken off.  False
 * where it is none; two says whether there may be two. */
bool name_lines_split(struct name_lines *names);

/* Reduce a line to the first of its fields, between tabs, commas or semicolons,
 * and take the quotes of CSV and blanks off it, in place; returns the bytes of
 * the line up to the end of that field. */
size_t name_lines_first_field(struct tsv_field *name);

/* Close the file and free what the reader has. */
void name_lines_close(struct name_lines *names);

#endif
