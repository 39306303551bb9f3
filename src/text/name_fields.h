/* name_fields: the fields of a line that names somebody, or several: between
 * tabs, commas or the like, perhaps within the quotes of CSV and blanks. */
#ifndef TEXT_NAME_FIELDS_H
#define TEXT_NAME_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "text/tsv.h"

/* The fields of a line that are not empty; zero at first. */
struct name_fields {
	size_t count;
	/* private */
	char *texts; /* each with a zero byte after it */
	size_t size; /* of all texts, in bytes */
};

/* Take blanks (base/utf8.h) from both ends of a name. */
void name_fields_trim(struct tsv_field *name);

/* Drop a byte-order mark before a name. */
void name_fields_drop_mark(struct tsv_field *name);

/* Reduce a line to the first of its fields, between tabs, commas or semicolons,
 * and take the quotes of CSV and blanks off it, in place; returns the bytes of
 * the line up to the end of that field. */
size_t name_fields_first(struct tsv_field *line);

/* Set fields to those of the line between any of the separators; what they
 * held before is freed. */
void name_fields_cut(struct name_fields *fields, const char *line,
		     size_t length, const char *separators);

/* The same where the line is a list of names: three fields or more between line
 * ends, tabs, semicolons or commas, whichever of these comes first here and is
 * in it; or, where it has none of them, three numbers or more between blanks.
 * False where it is none, and fields are empty then; *two: it has two fields,
 * which may be a name and another field, or two names. */
bool name_fields_split(struct name_fields *fields, const char *line,
		       size_t length, bool *two);

/* The field behind the given one, NULL: the first; NULL behind the last. */
char *name_fields_next(const struct name_fields *fields, const char *field);

/* Free the fields, and set them to zero. */
void name_fields_free(struct name_fields *fields);

#endif
