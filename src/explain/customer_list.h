/* customer_list: customers that are named on a command line or in a file. */
#ifndef EXPLAIN_CUSTOMER_LIST_H
#define EXPLAIN_CUSTOMER_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/model.h"

/* Rows of a model in the order in which their customers were named, one named
 * twice twice.  Zero at first. */
struct customer_list {
	size_t *rows; /* count; NULL: item i is row i */
	size_t count, room;
	bool all;            /* customer_list_all was called */
	bool ignore_unknown; /* no message on unknown names; set by the caller
			      */
	bool missed;         /* there was a message on an unknown name */
};

/* The row of item i. */
size_t customer_list_row(const struct customer_list *list, size_t i);

/* Add a customer; where the model has none of the name, print a message with
 * near names, unless unknown ones are ignored. */
void customer_list_user(struct customer_list *list, const struct model *model,
			const char *name);

/* Add each customer in a file, one a line (text/name_lines.h); where its only
 * line is no customer, it may name several.  What the model has under the line
 * as it stands, or with the escapes of our TSV undone, is taken; otherwise
 * blanks around the name, the quotes of CSV, and what follows a tab, a comma or
 * a semicolon are left out.  A first line that is the name of a column of
 * customers and no customer does not count.  Unknown names as above, the first
 * ten and how many; and a message on a file without names. */
void customer_list_file(struct customer_list *list, const struct model *model,
			const char *path);

/* The row of the customer that a line of such a file names; SIZE_MAX where the
 * model has none.  The line is changed in place: text and length become the
 * name as it was understood. */
size_t customer_list_find(const struct model *model, char **text,
			  size_t *length);

/* Is the text what a column of customers is called, in the model or by
 * custom? */
bool customer_list_is_header(const struct model *model, const char *text);

/* Let the list be all customers of the model, in the order of its rows. */
void customer_list_all(struct customer_list *list, const struct model *model);

/* Free the rows, and set the list to zero. */
void customer_list_free(struct customer_list *list);

/* Set the bits (base/bitset.h) of the rows of the customers in such a file,
 * or, where they are not allowed, clear them.  Unless unknown names are ignored
 * or the messages are switched off (--quiet), they are reported as above.
 * False, after a message, where the file has no customer of the model; but a
 * list of those who are not allowed may be empty, or all unknown where these
 * are ignored. */
bool customer_list_mark(uint64_t *bits, const struct model *model,
			const char *path, bool allowed, bool ignore_unknown);

/* Set the bits of the rows of the customers in such a file; unknown names as in
 * customer_list_file. */
void customer_list_seeds(struct customer_list *list, uint64_t *bits,
			 const struct model *model, const char *path);

#endif
