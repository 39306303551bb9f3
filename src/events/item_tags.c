#include "events/item_tags.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/decimal.h"
#include "base/errors.h"
#include "base/number.h"
#include "base/utf8.h"
#include "events/catalogue_rows.h"
#include "events/column_detect.h"
#include "events/weight_reader.h"
#include "text/csv_reader.h"
#include "text/tsv.h"

/* A tag of an item. */
struct pair {
	uint32_t item, tag;
	int64_t weight; /* as in item_tags.weight */
};

struct reading {
	struct item_tags *items;
	const struct item_tags_source *source;
	struct pair *pairs;
	size_t count, capacity;
	size_t levels; /* columns of tags */
	size_t places; /* columns that are read: item, tags, weight */
	const char *columns[2 + ITEM_TAGS_MAX_LEVELS]; /* as the command line
							   names them, or NULL
							 */
	char *prefixes[ITEM_TAGS_MAX_LEVELS]; /* of each level, escaped, or
						  NULL */
	bool headed;
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

/* ------------------------------------------------------------------ columns
 */

/* Several levels have prefixes: the name, a colon. */
static bool has_prefixes(const struct reading *reading)
{
	return reading->levels + reading->source->keep_item > 1;
}

/* The prefix of a level: its name of --levels or, in want of that, that of its
 * column; number counts levels from 0, the item first where it is one. */
static char *make_prefix(const struct reading *reading, size_t number,
			 const char *column)
{
	const char *name = reading->source->levels;
	size_t length;

	for (size_t i = 0; name != NULL && i < number; i++) {
		name = strchr(name, ',');
		if (name != NULL)
			name++;
	}
	if (name == NULL)
		name = column;
	length = name == column ? strlen(name) : strcspn(name, ",");
	char *text = alloc(length + 2, 1);
	memcpy(text, name, length);
	text[length] = ':';
	char *prefix = tsv_escape_text(text, length + 1);
	free(text);
	return prefix;
}

static void set_prefixes(struct reading *reading, const struct csv_file *file,
			 const struct csv_names *names)
{
	size_t kept = reading->source->keep_item;
	char number[NUMBER_TEXT];

	for (size_t i = 0; has_prefixes(reading) && i <= reading->levels; i++) {
		size_t column = file->selected[i];
		const char *name = names->names[column];
		char *prefix;

		if (!reading->headed) {
			snprintf(number, sizeof number, "%zu", column + 1);
			name = number;
		}
		if (i == 0 && !kept)
			continue;
		prefix = make_prefix(reading, i - !kept, name);
		if (i == 0)
			reading->items->own_prefix = prefix;
		else
			reading->prefixes[i - 1] = prefix;
	}
}

/* Say which columns are taken, where the command line does not. */
static void notice_columns(const struct csv_file *file,
			   const struct csv_names *names)
{
	const size_t *selected = file->selected;

	notice("%s: %s -> %s (first two columns)", file->name,
	       names->names[selected[0]], names->names[selected[1]]);
}

static void add_tags(struct reading *reading, uint32_t item, size_t level,
		     const char *cell, size_t size, int64_t weight);

/* The first line may be no header: add what it says as a row.  Columns that
 * are named stand in a header, and so does a weight that is no number. */
static void add_header(struct reading *reading, const struct csv_file *file,
		       const struct csv_names *names)
{
	struct item_tags *items = reading->items;
	int64_t weight = DECIMAL_ONE;

	if (reading->source->weight != NULL) {
		const char *name =
			names->names[file->selected[1 + reading->levels]];

		weight = weight_read(&reading->source->style, name,
				     strlen(name), &items->rounded);
		if (weight < 0)
			return;
	}
	for (size_t i = 0; i <= reading->levels; i++) {
		const char *name = names->names[file->selected[i]];
		char *text = tsv_escape_text(name, strlen(name));

		if (i == 0)
			items->header = string_table_add(&items->items, text,
							 strlen(text));
		else
			add_tags(reading, (uint32_t)items->header, i - 1, text,
				 strlen(text), weight);
		free(text);
	}
}

static bool is_number(const char *text)
{
	return text[strspn(text, "0123456789")] == '\0';
}

static void select_columns(void *context, struct csv_source *source,
			   size_t index, const struct csv_names *names)
{
	struct reading *reading = context;
	struct csv_file *file = &source->files[index];
	struct item_tags *items = reading->items;
	bool by_name = false;

	if (names->count < 1 + reading->levels)
		die("%s: %zu column%s, expected %zu: the item and %s; its "
		    "first line begins with \"%.60s\"",
		    file->name, names->count, names->count == 1 ? "" : "s",
		    1 + reading->levels,
		    reading->levels == 1 ? "its tag" : "its tags",
		    names->names[0]);
	for (size_t i = 0; i < reading->places; i++) {
		const char *name = reading->columns[i];

		file->selected[i] =
			name == NULL ? i
				     : columns_index(file, name,
						     reading->headed, names);
		by_name = by_name || (name != NULL && !is_number(name));
		for (size_t j = 0; j < i; j++)
			if (file->selected[j] == file->selected[i])
				die("%s: column %zu is named twice, expected "
				    "%zu columns",
				    file->name, file->selected[i] + 1,
				    reading->places);
	}
	items->file = alloc_text(file->name, strlen(file->name));
	set_prefixes(reading, file, names);
	if (reading->columns[0] == NULL)
		notice_columns(file, names);
	if (!reading->headed)
		return;
	const char *item = names->names[file->selected[0]];
	const char *tag = names->names[file->selected[1]];
	if (!by_name)
		add_header(reading, file, names);
	/* A number names no column. */
	if (is_number(item))
		return;
	items->item_name = alloc_text(item, strlen(item));
	if (!has_prefixes(reading))
		items->tag_name = alloc_text(tag, strlen(tag));
}

/* --------------------------------------------------------------------- rows
 */

static void add_pair(struct reading *reading, uint32_t item, const char *prefix,
		     const char *text, size_t length, int64_t weight)
{
	struct string_table *tags = &reading->items->tags;
	size_t size = prefix != NULL ? strlen(prefix) : 0, tag;

	if (size == 0) {
		tag = string_table_add(tags, text, length);
	} else {
		char *whole = alloc(size + length, 1);
		memcpy(whole, prefix, size);
		memcpy(whole + size, text, length);
		tag = string_table_add(tags, whole, size + length);
		free(whole);
	}
	reading->pairs = alloc_grow(reading->pairs, &reading->capacity,
				    reading->count + 1, sizeof *reading->pairs);
	reading->pairs[reading->count++] =
		(struct pair){item, (uint32_t)tag, weight};
}

/* Add the tags in a cell of a level to an item. */
static void add_tags(struct reading *reading, uint32_t item, size_t level,
		     const char *cell, size_t size, int64_t weight)
{
	const char *part;
	size_t at = 0, length;

	while ((part = item_tags_next_part(cell, size, &at,
					   reading->source->separator,
					   &length)) != NULL) {
		if (reading->source->trim)
			utf8_trim(&part, &length);
		if (!null_texts_mean(&reading->source->nulls, part, length))
			add_pair(reading, item, reading->prefixes[level], part,
				 length, weight);
	}
}

/* The weight of a row's tags. */
static int64_t row_weight(const struct reading *reading,
			  const struct csv_file *file,
			  const struct csv_rows *rows,
			  const struct csv_row *row)
{
	const struct csv_slice *field;
	int64_t weight;

	if (reading->source->weight == NULL)
		return DECIMAL_ONE;
	field = csv_row_field(rows, row, 1 + reading->levels);
	const char *text = rows->text + field->begin;
	weight = weight_read(&reading->source->style, text, field->length,
			     &reading->items->rounded);
	if (weight < 0)
		die("%s: %.*s: weight \"%.*s\": %s", file->name,
		    (int)csv_row_field(rows, row, 0)->length,
		    rows->text + csv_row_field(rows, row, 0)->begin,
		    (int)field->length, text,
		    weight_fault(&reading->source->style, text, field->length));
	return weight;
}

static void add_row(struct reading *reading, const struct csv_file *file,
		    const struct csv_rows *rows, const struct csv_row *row)
{
	const struct csv_slice *field = csv_row_field(rows, row, 0);
	const char *name = rows->text + field->begin;
	size_t length = field->length;

	if (reading->source->trim)
		utf8_trim(&name, &length);
	uint32_t item = (uint32_t)string_table_add(&reading->items->items, name,
						   length);
	int64_t weight = row_weight(reading, file, rows, row);

	for (size_t level = 0; level < reading->levels; level++) {
		field = csv_row_field(rows, row, 1 + level);
		add_tags(reading, item, level, rows->text + field->begin,
			 field->length, weight);
	}
}

/* Every item is a tag of itself. */
static void add_items(struct reading *reading)
{
	const struct string_table *items = &reading->items->items;

	for (size_t i = 0; i < items->count; i++)
		add_pair(reading, (uint32_t)i, reading->items->own_prefix,
			 string_table_text(items, i),
			 string_table_length(items, i), DECIMAL_ONE);
}

static int by_item(const void *a, const void *b)
{
	const struct pair *p = a, *q = b;

	if (p->item != q->item)
		return p->item < q->item ? -1 : 1;
	return (p->tag > q->tag) - (p->tag < q->tag);
}

/* Equal pairs are one: they must have one weight. */
static void check_equal(const struct item_tags *items, const struct pair *a,
			const struct pair *b)
{
	if (a->weight != b->weight)
		die("%s: %s has the tag %s with two weights", items->file,
		    string_table_text(&items->items, a->item),
		    string_table_text(&items->tags, a->tag));
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
	if (reading->source->weight != NULL)
		items->weight = alloc(reading->count, sizeof *items->weight);
	for (size_t i = 0; i < reading->count; i++) {
		if (i > 0 && by_item(&pairs[i - 1], &pairs[i]) == 0) {
			check_equal(items, &pairs[i - 1], &pairs[i]);
			continue;
		}
		if (items->weight != NULL) {
			items->weight[kept] = pairs[i].weight;
			if (pairs[i].weight > items->heaviest)
				items->heaviest = pairs[i].weight;
		}
		items->tag[kept++] = pairs[i].tag;
		items->begin[pairs[i].item + 1] = kept;
	}
	/* Items without a tag end where the one before does. */
	for (size_t i = 0; i < items->items.count; i++)
		if (items->begin[i + 1] == 0)
			items->begin[i + 1] = items->begin[i];
}

/* Set the columns from FILE:ITEM,TAG[,TAG...], and cut FILE off; a file may
 * have such a name itself. */
static void split_columns(struct reading *reading, char *path)
{
	const struct item_tags_source *source = reading->source;
	char *colon = strrchr(path, ':');
	size_t count = 0;

	reading->levels = 1;
	reading->headed = source->headed;
	if (colon == NULL || access(path, F_OK) == 0)
		return;
	*colon = '\0';
	for (char *next = colon + 1; next != NULL;) {
		const char *name = strsep(&next, ",");

		if (*name == '\0' || count == 1 + ITEM_TAGS_MAX_LEVELS) {
			count = 0;
			break;
		}
		reading->columns[count++] = name;
		reading->headed = reading->headed || !is_number(name);
	}
	if (count < 2)
		die_usage("%s %s: expected FILE, or FILE and two of its "
			  "columns: FILE:FIRST,SECOND",
			  source->option, source->argument);
	reading->levels = count - 1;
}

/* The column of weights stands behind those of tags. */
static void place_weight(struct reading *reading)
{
	const char *weight = reading->source->weight;

	reading->places = 1 + reading->levels;
	if (weight == NULL)
		return;
	reading->columns[reading->places++] = weight;
	reading->headed = reading->headed || !is_number(weight);
}

static size_t count_commas(const char *text)
{
	size_t count = 0;

	for (; *text != '\0'; text++)
		count += *text == ',';
	return count;
}

/* --levels must name each of them, or none is named. */
static void check_levels(const struct reading *reading)
{
	const char *levels = reading->source->levels;
	size_t count = reading->levels + reading->source->keep_item;

	if (levels == NULL)
		return;
	if (count_commas(levels) + 1 != count)
		die_usage("--levels %s: expected %zu name%s: of %s%s", levels,
			  count, count == 1 ? "" : "s",
			  reading->source->keep_item ? "the item, then of "
						     : "",
			  "each column of tags");
}

void item_tags_read(struct item_tags *items,
		    const struct item_tags_source *source)
{
	char *path = alloc_text(source->argument, strlen(source->argument));
	struct reading reading = {.items = items, .source = source};
	struct csv_dialect dialect = source->dialect;
	struct csv_source csv;
	struct catalogue_rows catalogue = {0};
	const struct csv_rows *rows = &catalogue.rows;

	items->header = STRING_TABLE_NONE;
	split_columns(&reading, path);
	place_weight(&reading);
	check_levels(&reading);
	catalogue_rows_find_delimiter(path, &dialect);
	csv_reader_begin(&csv, &path, 1, &dialect, reading.headed);
	csv.places = reading.places;
	csv.opened = select_columns;
	csv.context = &reading;
	while (catalogue_rows_next(&catalogue, &csv))
		for (size_t i = 0; i < rows->count; i++)
			add_row(&reading, &csv.files[0], rows, &rows->rows[i]);
	if (source->keep_item)
		add_items(&reading);
	make_lists(&reading);
	weight_warn_rounded(items->file, items->rounded);
	catalogue_rows_free(&catalogue);
	csv_reader_end(&csv);
	for (size_t i = 0; i < reading.levels; i++)
		free(reading.prefixes[i]);
	free(reading.pairs);
	free(path);
}

void item_tags_free(struct item_tags *items)
{
	string_table_free(&items->items);
	string_table_free(&items->tags);
	free(items->begin);
	free(items->tag);
	free(items->weight);
	free(items->file);
	free(items->own_prefix);
	free(items->item_name);
	free(items->tag_name);
	*items = (struct item_tags){0};
}
