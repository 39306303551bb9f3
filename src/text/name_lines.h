/* name_lines: a file of names, one a line, as spreadsheets and other systems
 * write them. */
#ifndef TEXT_NAME_LINES_H
#define TEXT_NAME_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "text/name_fields.h"
#include "text/tsv.h"

struct name_lines {
	struct tsv_reader lines;
	struct tsv_field name; /* the current line, or a part of it: bytes as
				  they stand, which may be changed in place */
	bool two; /* the only line has two fields: it may be a name and
		     another field, or two names */
	/* private */
	bool single;               /* the file has but one line, or a first one
				      that is as long as no name */
	struct name_fields fields; /* of that line, where they are names */
	char *next;                /* of these, to come; NULL: none */
};

/* Open the file; "-" is standard input.  Ends the process where it cannot be
 * read, or where it is compressed, a workbook, JSON, UTF-16 or the like, with
 * the command that makes lines of it. */
void name_lines_open(struct name_lines *names, const char *path);

/* The next line that is not empty, without a byte-order mark at the start of
 * the file and a carriage return at its end; where the file has no line feed,
 * carriage returns end its lines.  False at the end. */
bool name_lines_next(struct name_lines *names);

/* The current line is no name: where it is the only line of the file and
 * names several (name_fields_split), the next ones become the names in it.
 * False where it names none or one; two says whether there may be two. */
bool name_lines_split(struct name_lines *names);

/* Close the file and free what the reader has. */
void name_lines_close(struct name_lines *names);

#endif
