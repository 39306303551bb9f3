#include "explain/display_names.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "text/tsv_escape.h"
#include "events/item_tags.h"
#include "text/json_writer.h"

static char *unescaped(const struct names *names, size_t index, size_t *length)
{
	char *text = alloc_text(names_text(names, index),
				names_length(names, index));

	*length = escape_undo(text, names_length(names, index));
	text[*length] = '\0';
	return text;
}

/* Give the id the label, if it has none yet; the text becomes the set's. */
static void add(struct label_set *set, const char *id, size_t length,
		char *text)
{
	size_t before = set->ids.count;
	size_t index = names_add(&set->ids, id, length);

	set->texts = alloc_grow(set->texts, &set->room, index + 1,
				sizeof *set->texts);
	if (index == before)
		set->texts[index] = NULL;
	if (set->texts[index] == NULL)
		set->texts[index] = text;
	else
		free(text);
}

void labels_read(struct label_set *set, const char *option,
		 const char *argument)
{
	struct items items = {0};

	items_read(&items, option, argument, ',', true, NULL);
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
	items_free(&items);
}

const char *labels_find(const struct label_set *set, const char *id,
			size_t length)
{
	size_t index =
		set->given ? names_find(&set->ids, id, length) : NAMES_NONE;

	return index == NAMES_NONE ? NULL : set->texts[index];
}

void labels_json(const struct label_set *set, const char *id, size_t length,
		 struct output *output)
{
	if (!set->given)
		return;
	const char *text = labels_find(set, id, length);
	output_text(output, ", \"name\": ");
	if (text != NULL)
		quote_json(output, text, strlen(text));
	else
		output_text(output, "null");
}

static uint64_t add_sum(const struct label_set *set, uint64_t sum)
{
	for (size_t i = 0; i < set->ids.count; i++) {
		const char *text = set->texts[i] ? set->texts[i] : "";

		sum = XXH3_64bits_withSeed(names_text(&set->ids, i),
					   names_length(&set->ids, i), sum);
		sum = XXH3_64bits_withSeed(text, strlen(text), sum);
	}
	return sum;
}

uint64_t labels_sum(const struct labels *labels)
{
	uint64_t sum = 0;

	if (!labels->customers.given && !labels->tags.given)
		return 0;
	sum = add_sum(&labels->customers, labels->customers.ids.count + 1);
	return add_sum(&labels->tags, sum);
}

static void free_set(struct label_set *set)
{
	for (size_t i = 0; i < set->ids.count; i++)
		free(set->texts[i]);
	free(set->texts);
	names_free(&set->ids);
}

void labels_free(struct labels *labels)
{
	free_set(&labels->customers);
	free_set(&labels->tags);
	*labels = (struct labels){0};
}
