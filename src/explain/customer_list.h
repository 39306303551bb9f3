/* customer_list: customers that are named on a command line or in a file. */
#ifndef EXPLAIN_CUSTOMER_LIST_H
#define EXPLAIN_CUSTOMER_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/model.h"

/* The asked customers of a model, by row. */
struct customer_list {
	size_t *rows; /* count; NULL: row i is customer i */
	size_t count, room;
	bool all;            /* each customer of the model was asked for */
	bool ignore_unknown; /* set by the caller */
	bool missed;         /* one was asked for in vain, and that is said */
};

size_t customer_list_row(const struct customer_list *list, size_t i);

/* Ask for a customer; where the model has none of the name, say so with near
 * names, unless unknown ones are ignored. */
void customer_list_user(struct customer_list *list, const struct model *model,
			const char *name);

/* Ask for each customer in a file, one a line: empty lines are skipped, a
 * carriage return at the end is left out, and escapes of our TSV are undone. */
void customer_list_file(struct customer_list *list, const struct model *model,
			const char *path);

/* Ask for each customer of the model, and none besides. */
void customer_list_all(struct customer_list *list, const struct model *model);

void customer_list_free(struct customer_list *list);

/* Set the bits of the customers in such a file, or, where they are not
 * allowed, clear them; row i is bit i % 64 of word i / 64.  Returns how many
 * of them the model has. */
size_t customer_list_mark(uint64_t *bits, const struct model *model,
			  const char *path, bool allowed);

/* Set the bits of the customers in such a file, and say which the model lacks,
 * as customer_list_file does. */
void customer_list_seeds(struct customer_list *list, uint64_t *bits,
			 const struct model *model, const char *path);

#endif
