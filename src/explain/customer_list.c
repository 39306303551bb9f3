#include "explain/customer_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bitset.h"
#include "base/errors.h"
#include "base/number.h"
#include "events/column_detect.h"
#include "text/name_lines.h"
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

/* How many unknown names of a file are shown. */
enum { UNKNOWN_SHOWN = 10 };

/* A file of names, one a line. */
struct name_file {
	struct name_lines lines;
	const struct model *model;
	size_t named, known; /* names read, and those that the model has */
	size_t unknown_lines[UNKNOWN_SHOWN]; /* of the first unknown names */
	char *unknown[UNKNOWN_SHOWN];
	bool first_unknown; /* the first name is */
};

/* The row of the customer whose name is the whole line, perhaps between blanks,
 * which are taken off it where it is none; or SIZE_MAX. */
static size_t row_of_whole(const struct model *model, struct tsv_field *name)
{
	size_t row;

	/* A backslash that begins no escape stands for itself. */
	tsv_unescape(name->text, &name->length);
	row = model_find(model, name->text, name->length);
	if (row != SIZE_MAX)
		return row;
	name_fields_trim(name);
	return model_find(model, name->text, name->length);
}

/* The row of the customer that the first field of a line names; SIZE_MAX where
 * there is none, and then the name as it is shown. */
static size_t row_of_field(const struct model *model, struct tsv_field *name)
{
	struct tsv_field part = *name;

	name_fields_first(&part);
	if (part.length > 0)
		*name = part;
	return model_find(model, name->text, name->length);
}

size_t customer_list_find(const struct model *model, char **text,
			  size_t *length)
{
	struct tsv_field name = {.text = *text, .length = *length};
	size_t row;

	name_fields_drop_mark(&name);
	while (name.length > 0 && strchr("\r\n", name.text[name.length - 1]))
		name.length--;
	/* The whole line comes first, so that no name that the model has is
	 * taken for one in another notation. */
	row = row_of_whole(model, &name);
	if (row == SIZE_MAX)
		row = row_of_field(model, &name);
	*text = name.text;
	*length = name.length;
	return row;
}

bool customer_list_is_header(const struct model *model, const char *text)
{
	const char *column = model->matrix.customer;

	return (column != NULL && strcmp(text, column) == 0) ||
	       columns_known_customer(text);
}

static void note_unknown(struct name_file *file, const struct tsv_field *name)
{
	size_t count = file->named - file->known - 1;

	if (file->named == 1)
		file->first_unknown = true;
	if (count >= UNKNOWN_SHOWN)
		return;
	file->unknown[count] = alloc_text(name->text, name->length);
	file->unknown_lines[count] = file->lines.lines.line;
}

/* The row of the next name of the file, SIZE_MAX where the model lacks it;
 * false at the end.  Names of blanks are left out. */
static bool next_row(struct name_file *file, size_t *row)
{
	while (name_lines_next(&file->lines)) {
		struct tsv_field *name = &file->lines.name;

		*row = row_of_whole(file->model, name);
		if (*row == SIZE_MAX && name_lines_split(&file->lines))
			continue;
		if (file->lines.two)
			notice("%s: of its one line the first field is the "
			       "name",
			       file->lines.lines.name);
		if (*row == SIZE_MAX)
			*row = row_of_field(file->model, name);
		if (name->length == 0)
			continue;
		file->named++;
		if (*row != SIZE_MAX)
			file->known++;
		else
			note_unknown(file, name);
		return true;
	}
	return false;
}

/* Leave the first line out where it is a header: an unknown name that is what
 * columns of customers are called. */
static void drop_header(struct name_file *file)
{
	if (!file->first_unknown ||
	    !customer_list_is_header(file->model, file->unknown[0]))
		return;
	free(file->unknown[0]);
	memmove(file->unknown, file->unknown + 1,
		(UNKNOWN_SHOWN - 1) * sizeof *file->unknown);
	memmove(file->unknown_lines, file->unknown_lines + 1,
		(UNKNOWN_SHOWN - 1) * sizeof *file->unknown_lines);
	file->unknown[UNKNOWN_SHOWN - 1] = NULL;
	file->named--;
}

static void begin_names(struct name_file *file, const struct model *model,
			const char *path)
{
	*file = (struct name_file){.model = model};
	name_lines_open(&file->lines, path);
}

/* Print, by warn or notice, the names that the model lacks: the first, and how
 * many are known of all. */
static void report_unknown(const struct name_file *file,
			   void (*print)(const char *, ...)
				   __attribute__((format(printf, 1, 2))))
{
	char known[NUMBER_TEXT], named[NUMBER_TEXT];

	for (size_t i = 0; i < UNKNOWN_SHOWN && file->unknown[i] != NULL; i++)
		print("%s:%zu: no customer %s in %s", file->lines.lines.name,
		      file->unknown_lines[i], file->unknown[i],
		      file->model->input.name);
	print("%s of %s in %s are known", number_commas(known, file->known),
	      number_commas(named, file->named), file->lines.lines.name);
}

/* Warn of a file without a customer of the model, with an example of each. */
static void report_none(const struct name_file *file)
{
	const struct model *model = file->model;
	const char *name = file->lines.lines.name, *user;
	size_t length;

	if (model->matrix.n == 0) {
		warn("%s: none of its customers is in %s, which has no "
		     "customers",
		     name, model->input.name);
		return;
	}
	if (file->unknown[0] == NULL) {
		warn("%s: none of its customers is in %s", name,
		     model->input.name);
		return;
	}
	user = text_array_at(&model->matrix.users, 0, &length);
	warn("%s: none of its customers is in %s: it has \"%s\", the model has "
	     "\"%.*s\"",
	     name, model->input.name, file->unknown[0], (int)length, user);
}

static void end_names(struct name_file *file)
{
	for (size_t i = 0; i < UNKNOWN_SHOWN; i++)
		free(file->unknown[i]);
	name_lines_close(&file->lines);
}

/* Look each customer of a file up; what the model lacks is said. */
static void each_named(struct customer_list *list, const struct model *model,
		       const char *path, uint64_t *bits)
{
	struct name_file file;
	size_t row;

	begin_names(&file, model, path);
	while (next_row(&file, &row))
		if (row != SIZE_MAX && bits != NULL)
			bitset_set(bits, row);
		else if (row != SIZE_MAX)
			add_row(list, row);
	drop_header(&file);
	if (file.named == 0) {
		warn("%s: no customer is named in it", file.lines.lines.name);
		list->missed = true;
	} else if (file.known < file.named && !list->ignore_unknown) {
		report_unknown(&file, warn);
		list->missed = true;
	}
	end_names(&file);
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

bool customer_list_mark(uint64_t *bits, const struct model *model,
			const char *path, bool allowed, bool ignore_unknown)
{
	struct name_file file;
	size_t row;

	begin_names(&file, model, path);
	while (next_row(&file, &row)) {
		if (row == SIZE_MAX)
			continue;
		if (allowed)
			bitset_set(bits, row);
		else
			bitset_clear(bits, row);
	}
	drop_header(&file);
	bool any = file.known > 0 || (!allowed && file.named == 0);
	if (file.named == 0)
		notice("%s: no customer is named in it", file.lines.lines.name);
	else if (any && file.known < file.named && !ignore_unknown)
		report_unknown(&file, notice);
	any = any || (!allowed && ignore_unknown);
	if (!any)
		report_none(&file);
	end_names(&file);
	return any;
}
