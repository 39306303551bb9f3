#include "explain/customer_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bitset.h"
#include "base/errors.h"
#include "base/progress.h"
#include "text/tsv.h"

size_t customer_list_row(const struct customer_list *list, size_t i)
{
	return list->rows ? list->rows[i] : i;
}

static void add_row(struct customer_list *list, size_t row)
{
	list->rows = alloc_grow(list->rows, &list->room, list->count + 1,
				sizeof *list->rows);
	list->rows[list->count++] = row;
}

void customer_list_user(struct customer_list *list, const struct model *model,
			const char *name)
{
	size_t row = model_find(model, name, strlen(name));
	char near[512];

	if (row != SIZE_MAX) {
		add_row(list, row);
	} else if (!list->ignore_unknown) {
		model_near(model, name, strlen(name), near, sizeof near);
		warn("%s: no customer %s%s%s", model->input.name, name,
		     near[0] ? "; near: " : "", near);
		list->missed = true;
	}
}

/* The next name of a file with one a line, without empty lines and without
 * what Windows ends a line with; false at the end. */
static bool next_name(struct tsv_reader *table)
{
	while (tsv_next_line(table)) {
		struct tsv_field *name = &table->fields[0];

		if (name->length > 0 && name->text[name->length - 1] == '\r')
			name->length--;
		if (name->length == 0)
			continue;
		/* Any other backslash stands for itself. */
		tsv_unescape(name->text, &name->length);
		return true;
	}
	return false;
}

/* Look each customer of a file up; what the model lacks is said. */
static void each_named(struct customer_list *list, const struct model *model,
		       const char *path, uint64_t *bits)
{
	struct tsv_reader table = {0};
	size_t named = 0;

	tsv_open(&table, path);
	for (; next_name(&table); named++) {
		const struct tsv_field *name = &table.fields[0];
		size_t row = model_find(model, name->text, name->length);

		if (row != SIZE_MAX && bits != NULL) {
			bitset_set(bits, row);
		} else if (row != SIZE_MAX) {
			add_row(list, row);
		} else if (!list->ignore_unknown) {
			warn("%s:%zu: no customer %.*s in %s", table.name,
			     table.line, (int)name->length, name->text,
			     model->input.name);
			list->missed = true;
		}
	}
	if (named == 0) {
		warn("%s: no customer is named in it", table.name);
		list->missed = true;
	}
	tsv_close(&table);
}

void customer_list_file(struct customer_list *list, const struct model *model,
			const char *path)
{
	each_named(list, model, path, NULL);
}

void customer_list_seeds(struct customer_list *list, uint64_t *bits,
			 const struct model *model, const char *path)
{
	each_named(list, model, path, bits);
}

void customer_list_all(struct customer_list *list, const struct model *model)
{
	list->count = model->matrix.n;
	list->all = true;
}

void customer_list_free(struct customer_list *list)
{
	free(list->rows);
	*list = (struct customer_list){0};
}

size_t customer_list_mark(uint64_t *bits, const struct model *model,
			  const char *path, bool allowed)
{
	struct tsv_reader table = {0};
	size_t known = 0, named = 0;

	tsv_open(&table, path);
	for (; next_name(&table); named++) {
		size_t row = model_find(model, table.fields[0].text,
					table.fields[0].length);

		if (row == SIZE_MAX)
			continue;
		known++;
		if (allowed)
			bitset_set(bits, row);
		else
			bitset_clear(bits, row);
	}
	if (known < named && progress_enabled())
		warn("%s: %zu of %zu customers are not in %s", table.name,
		     named - known, named, model->input.name);
	tsv_close(&table);
	return known;
}
