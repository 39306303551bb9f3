#include "events/item_tags.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "events/column_detect.h"
#include "text/csv_reader.h"
#include "base/errors.h"

/* A tag of an item. */
struct pair {
	uint32_t item, tag;
};

struct reading {
	struct item_tags *items;
	struct pair *pairs;
	size_t count, capacity;
	char *columns[2]; /* as the command line names them, or NULL */
	bool headed;
	const char *separator;
};

/* Where the separator next stands, or the end.  A backslash and what follows it
 * are one: half of it is no separator. */
static size_t part_end(const char *cell, size_t size, size_t at,
		       const char *separator, size_t step)
{
	while (at < size) {
		if (size - at >= step &&
		    memcmp(cell + at, separator, step) == 0)
			return at;
		at += cell[at] == '\\' ? 2 : 1;
	}
	return size;
}

const char *item_tags_next_part(const char *cell, size_t size, size_t *at,
				const char *separator, size_t *length)
{
	size_t step = separator ? strlen(separator) : 0;

	while (*at < size) {
		size_t begin = *at, end = size;
		if (separator != NULL)
			end = part_end(cell, size, begin, separator, step);
		*at = end + step;
		*length = end - begin;
		if (*length > 0)
			return cell + begin;
	}
	return NULL;
}

static void select_columns(void *context, struct csv_source *source,
			   size_t index, const struct csv_names *names)
{
	struct reading *reading = context;
	struct csv_file *file = &source->files[index];
	char **titles[] = {&reading->items->item_name,
			   &reading->items->tag_name};

	if (names->count < 2)
		die("%s: one column, expected two", file->name);
	for (size_t i = 0; i < 2; i++) {
		size_t column = i;
		if (reading->columns[i] != NULL)
			column = columns_index(file->name, reading->columns[i],
					       reading->headed, names);
		file->selected[i] = column;
		if (reading->headed)
			*titles[i] = alloc_text(names->names[column],
						strlen(names->names[column]));
	}
	if (file->selected[0] == file->selected[1])
		die("%s: column %zu is named twice, expected two columns",
		    file->name, file->selected[0] + 1);
}

/* Parse the block at once, or where a row is wrong, singly: then it is known
 * which. */
static void parse_block(const struct csv_source *source,
			const struct csv_block *block, struct csv_rows *rows)
{
	bool good = csv_reader_parse_block(source, block, rows);

	for (size_t i = 0; good && i < rows->count; i++)
		good = rows->rows[i].fields == source->files[0].fields &&
		       rows->rows[i].selected[0].length > 0;
	if (!good)
		csv_reader_parse_singly(source, block, rows);
}

static void check_row(const struct csv_file *file, const struct csv_row *row)
{
	if (row->fault != CSV_FINE)
		die("%s:%zu: %s", file->name, row->line,
		    csv_fault_text[row->fault]);
	if (row->fields != file->fields)
		die("%s:%zu: %u fields, expected %zu", file->name, row->line,
		    (unsigned)row->fields, file->fields);
	if (row->selected[0].length == 0)
		die("%s:%zu: the first of the two fields is empty", file->name,
		    row->line);
}

static void add_row(struct reading *reading, const struct csv_rows *rows,
		    const struct csv_row *row)
{
	const struct csv_slice *item = &row->selected[0],
			       *cell = &row->selected[1];
	struct item_tags *items = reading->items;
	const char *part;
	size_t at = 0, length;
	uint32_t index = (uint32_t)string_table_add(
		&items->items, rows->text + item->begin, item->length);

	while ((part = item_tags_next_part(
			rows->text + cell->begin, cell->length, &at,
			reading->separator, &length)) != NULL) {
		reading->pairs =
			alloc_grow(reading->pairs, &reading->capacity,
				   reading->count + 1, sizeof *reading->pairs);
		reading->pairs[reading->count++] = (struct pair){
			index,
			(uint32_t)string_table_add(&items->tags, part, length)};
	}
}

static int by_item(const void *a, const void *b)
{
	const struct pair *p = a, *q = b;

	if (p->item != q->item)
		return p->item < q->item ? -1 : 1;
	return (p->tag > q->tag) - (p->tag < q->tag);
}

/* Sort the pairs, drop duplicates, and make a list of each item's tags. */
static void make_lists(struct reading *reading)
{
	struct item_tags *items = reading->items;
	struct pair *pairs = reading->pairs;
	size_t kept = 0;

	if (reading->count > 0)
		qsort(pairs, reading->count, sizeof *pairs, by_item);
	items->begin = alloc(items->items.count + 1, sizeof *items->begin);
	items->tag = alloc(reading->count, sizeof *items->tag);
	for (size_t i = 0; i < reading->count; i++) {
		if (i > 0 && by_item(&pairs[i - 1], &pairs[i]) == 0)
			continue;
		items->tag[kept++] = pairs[i].tag;
		items->begin[pairs[i].item + 1] = kept;
	}
	/* Items without a tag end where the one before does. */
	for (size_t i = 0; i < items->items.count; i++)
		if (items->begin[i + 1] == 0)
			items->begin[i + 1] = items->begin[i];
}

/* Set the columns from FILE:ITEM,TAG, and cut FILE off; a file may have such a
 * name itself. */
static void split_columns(struct reading *reading, const char *option,
			  char *path)
{
	char *colon = strrchr(path, ':'), *comma;

	if (colon == NULL || access(path, F_OK) == 0)
		return;
	comma = strchr(colon, ',');
	if (comma != NULL && comma > colon + 1 && comma[1] != '\0') {
		*colon = *comma = '\0';
		reading->columns[0] = colon + 1;
		reading->columns[1] = comma + 1;
		return;
	}
	die_usage("%s %s: expected FILE, or FILE and two of its columns: "
		  "FILE:FIRST,SECOND",
		  option, path);
}

void item_tags_read(struct item_tags *items, const char *option,
		    const char *argument, const struct csv_dialect *dialect,
		    int headed, const char *separator)
{
	char *path = alloc_text(argument, strlen(argument));
	struct reading reading = {
		.items = items, .headed = headed, .separator = separator};
	struct csv_source source;
	struct csv_block block = {0};
	struct csv_rows rows = {0};

	split_columns(&reading, option, path);
	csv_reader_begin(&source, &path, 1, dialect, headed);
	source.opened = select_columns;
	source.context = &reading;
	while (csv_reader_next(&source, &block)) {
		parse_block(&source, &block, &rows);
		for (size_t i = 0; i < rows.count; i++) {
			check_row(&source.files[0], &rows.rows[i]);
			add_row(&reading, &rows, &rows.rows[i]);
		}
	}
	make_lists(&reading);
	csv_rows_free(&rows);
	free(block.bytes);
	csv_reader_end(&source);
	free(reading.pairs);
	free(path);
}

void item_tags_free(struct item_tags *items)
{
	string_table_free(&items->items);
	string_table_free(&items->tags);
	free(items->begin);
	free(items->tag);
	free(items->item_name);
	free(items->tag_name);
	*items = (struct item_tags){0};
}
