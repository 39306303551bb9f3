#include "explain/display_names.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "text/tsv.h"
#include "events/item_tags.h"

static char *unescaped(const struct string_table *table, size_t index,
		       size_t *length)
{
	char *text = alloc_text(string_table_text(table, index),
				string_table_length(table, index));

	*length = string_table_length(table, index);
	tsv_unescape(text, length);
	text[*length] = '\0';
	return text;
}

/* Give the id the name, if it has none yet; the text becomes the set's. */
static void add(struct display_name_set *set, const char *id, size_t length,
		char *text)
{
	size_t before = set->ids.count;
	size_t index = string_table_add(&set->ids, id, length);

	set->texts = alloc_grow(set->texts, &set->room, index + 1,
				sizeof *set->texts);
	if (index == before)
		set->texts[index] = NULL;
	if (set->texts[index] == NULL)
		set->texts[index] = text;
	else
		free(text);
}

void display_names_read(struct display_name_set *set, const char *option,
			const char *argument)
{
	const struct item_tags_source source = {.option = option,
						.argument = argument,
						.dialect.delimiter = ",",
						.headed = true};
	struct item_tags items = {0};

	item_tags_read(&items, &source);
	if (!set->given) {
		set->file = alloc_text(items.file, strlen(items.file));
		set->header = items.header == 0;
	}
	set->given = true;
	for (size_t i = 0; i < items.items.count; i++) {
		size_t length, ignored, first = items.begin[i];
		char *id = unescaped(&items.items, i, &length);
		char *text = NULL;

		if (first < items.begin[i + 1])
			text = unescaped(&items.tags, items.tag[first],
					 &ignored);
		add(set, id, length, text);
		free(id);
	}
	item_tags_free(&items);
}

const char *display_names_find(const struct display_name_set *set,
			       const char *id, size_t length)
{
	size_t index = set->given ? string_table_find(&set->ids, id, length)
				  : STRING_TABLE_NONE;

	return index == STRING_TABLE_NONE ? NULL : set->texts[index];
}

void display_names_put(const struct display_name_set *set, const char *id,
		       size_t length, struct json_writer *writer)
{
	if (set->given)
		json_put_text(writer, "name",
			      display_names_find(set, id, length));
}

void display_names_look_up(const struct display_name_set *set, const char *id,
			   size_t length, struct item_join *join)
{
	if (!set->given)
		return;
	if (display_names_find(set, id, length) != NULL)
		join->found++;
	else
		item_join_miss(join, id, length, 0);
}

const char *display_names_check(const struct display_name_set *set,
				const struct item_join *join,
				const char *option, const char *what)
{
	struct item_tags view = {.items = set->ids,
				 .file = set->file,
				 .header = set->header ? 0 : STRING_TABLE_NONE};
	const char *error;

	for (size_t i = 0; i < set->ids.count; i++)
		if (set->texts[i] != NULL)
			string_table_add(&view.tags, set->texts[i],
					 strlen(set->texts[i]));
	error = item_join_check(join, &view, option, what);
	string_table_free(&view.tags);
	return error;
}

static uint64_t add_sum(const struct display_name_set *set, uint64_t sum)
{
	for (size_t i = 0; i < set->ids.count; i++) {
		const char *text = set->texts[i] ? set->texts[i] : "";

		sum = XXH3_64bits_withSeed(string_table_text(&set->ids, i),
					   string_table_length(&set->ids, i),
					   sum);
		sum = XXH3_64bits_withSeed(text, strlen(text), sum);
	}
	return sum;
}

uint64_t display_names_sum(const struct display_names *names)
{
	uint64_t sum = 0;

	if (!names->customers.given && !names->tags.given)
		return 0;
	sum = add_sum(&names->customers, names->customers.ids.count + 1);
	return add_sum(&names->tags, sum);
}

static void free_set(struct display_name_set *set)
{
	for (size_t i = 0; i < set->ids.count; i++)
		free(set->texts[i]);
	free(set->texts);
	free(set->file);
	string_table_free(&set->ids);
}

void display_names_free(struct display_names *names)
{
	free_set(&names->customers);
	free_set(&names->tags);
	*names = (struct display_names){0};
}
