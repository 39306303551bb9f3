#include "labels.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "escape.h"
#include "items.h"
#include "quote.h"

static char *unescaped(const struct names *names, size_t index, size_t *length)
{
	char *text = alloc_text(names_text(names, index),
				names_length(names, index));

	*length = escape_undo(text, names_length(names, index));
	text[*length] = '\0';
	return text;
}

void labels_read(struct label_set *set, const char *option,
		 const char *argument)
{
	struct items items = {0};

	items_read(&items, option, argument, ',', true, NULL);
	set->given = true;
	set->texts = alloc(items.items.count, sizeof *set->texts);
	for (size_t i = 0; i < items.items.count; i++) {
		size_t length;
		char *id = unescaped(&items.items, i, &length);
		size_t index = names_add(&set->ids, id, length);

		if (items.begin[i] < items.begin[i + 1])
			set->texts[index] =
				unescaped(&items.tags,
					  items.tag[items.begin[i]], &length);
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
