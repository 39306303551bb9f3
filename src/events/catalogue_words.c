#include "events/catalogue_words.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "events/catalogue_rows.h"
#include "events/column_detect.h"
#include "text/csv_reader.h"
#include "text/tsv.h"
#include "text/words.h"

struct reading {
	struct catalogue_words *catalogue;
	const struct catalogue_words_source *source;
	struct words words;       /* of one text */
	struct string_table seen; /* the item's index and a text: once each */
	uint32_t item;            /* of the row */
	char *text;               /* the index of the item, and a field */
	size_t room;
};

/* The columns of a file: the item, then the texts. */
static void select_columns(void *context, struct csv_source *csv, size_t index,
			   const struct csv_names *names)
{
	struct reading *reading = context;
	const struct catalogue_words_source *source = reading->source;
	struct csv_file *file = &csv->files[index];
	struct catalogue_words *catalogue = reading->catalogue;

	if (names->count < 2)
		die("%s: 1 column, expected at least 2: the item and a text",
		    file->name);
	file->selected[0] = source->item == NULL
				    ? 0
				    : columns_index(file, source->item,
						    source->headed, names);
	for (size_t i = 0; i < source->text_count; i++)
		file->selected[1 + i] = columns_index(file, source->texts[i],
						      source->headed, names);
	if (source->text_count == 0)
		file->selected[1] = 1;
	if (source->text_count == 0 && file->selected[0] == 1)
		die_usage("%s: the second column is the item: --text says "
			  "which has texts",
			  file->name);
	if (!source->headed)
		return;
	const char *item = names->names[file->selected[0]];
	if (source->text_count == 0)
		notice("%s: item %s, text %s%s", file->name, item,
		       names->names[file->selected[1]],
		       source->item == NULL ? " (first two columns)" : "");
	if (catalogue->item_name == NULL)
		catalogue->item_name = alloc_text(item, strlen(item));
}

/* Copy a field to reading->text behind the index of the item; false where the
 * item had that text before. */
static bool is_new(struct reading *reading, const char *field, size_t length)
{
	const size_t head = sizeof reading->item;
	size_t before = reading->seen.count;

	reading->text =
		alloc_grow(reading->text, &reading->room, head + length, 1);
	memcpy(reading->text, &reading->item, head);
	memcpy(reading->text + head, field, length);
	return string_table_add(&reading->seen, reading->text, head + length) ==
	       before;
}

/* Add the words of a field. */
static void add_text(struct reading *reading, const char *field, size_t length)
{
	struct catalogue_words *catalogue = reading->catalogue;
	struct words *words = &reading->words;

	if (length == 0 || !is_new(reading, field, length))
		return;
	char *text = reading->text + sizeof reading->item;
	tsv_unescape(text, &length);
	words_find(words, text, length);
	catalogue->uses = alloc_grow(catalogue->uses, &catalogue->capacity,
				     catalogue->count + words->count,
				     sizeof *catalogue->uses);
	for (size_t i = 0; i < words->count; i++) {
		const struct word *word = &words->words[i];
		size_t index = string_table_add(&catalogue->words,
						words->bytes + word->begin,
						word->length);

		catalogue->uses[catalogue->count++] = (struct word_use){
			reading->item, (uint32_t)index, word->joined};
	}
}

static void add_row(struct reading *reading, const struct csv_rows *rows,
		    const struct csv_row *row, size_t places)
{
	const struct csv_slice *field = csv_row_field(rows, row, 0);

	reading->item = (uint32_t)string_table_add(&reading->catalogue->items,
						   rows->text + field->begin,
						   field->length);
	for (size_t place = 1; place < places; place++) {
		field = csv_row_field(rows, row, place);
		add_text(reading, rows->text + field->begin, field->length);
	}
}

void catalogue_words_read(struct catalogue_words *catalogue,
			  const struct catalogue_words_source *source)
{
	struct reading reading = {.catalogue = catalogue, .source = source};
	struct csv_dialect dialect = source->dialect;
	struct catalogue_rows rows = {0};
	struct csv_source csv;

	if (source->stem != NULL && !words_stem(&reading.words, source->stem)) {
		char known[900];

		words_languages(known, sizeof known);
		die_usage("--stem %s: expected one of %s", source->stem, known);
	}
	if (source->count > 0)
		catalogue_rows_find_delimiter(source->paths[0], &dialect);
	csv_reader_begin(&csv, source->paths, source->count, &dialect,
			 source->headed);
	csv.places = 1 + (source->text_count ? source->text_count : 1);
	csv.opened = select_columns;
	csv.context = &reading;
	while (catalogue_rows_next(&rows, &csv))
		for (size_t i = 0; i < rows.rows.count; i++)
			add_row(&reading, &rows.rows, &rows.rows.rows[i],
				csv.places);
	catalogue_rows_free(&rows);
	csv_reader_end(&csv);
	words_free(&reading.words);
	string_table_free(&reading.seen);
	free(reading.text);
}

void catalogue_words_free(struct catalogue_words *catalogue)
{
	string_table_free(&catalogue->items);
	string_table_free(&catalogue->words);
	free(catalogue->uses);
	free(catalogue->item_name);
	*catalogue = (struct catalogue_words){0};
}
