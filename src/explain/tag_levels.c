#include "explain/tag_levels.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static const char between[] = "\n";

char *tag_levels_of_model(const struct safetensors *file)
{
	struct tag_prefixes prefixes;
	size_t room = 1, used = 0;
	char *text;

	tag_prefixes_of_model(&prefixes, "matrix.block", file);
	for (size_t i = 0; i < prefixes.count; i++)
		room += strlen(prefixes.texts[i]) + 1;
	text = alloc(room, 1);
	for (size_t i = 0; i < prefixes.count; i++) {
		size_t length = strlen(prefixes.texts[i]);

		if (i > 0)
			text[used++] = *between;
		memcpy(text + used, prefixes.texts[i], length);
		used += length;
	}
	return text;
}

void tag_levels_read(struct tag_levels *levels, const char *text)
{
	char *rest, *prefix;

	*levels = (struct tag_levels){0};
	if (text == NULL || *text == '\0')
		return;
	rest = levels->texts = alloc_text(text, strlen(text));
	while ((prefix = strsep(&rest, between)) != NULL)
		(void)tag_prefixes_add(&levels->prefixes, prefix);
}

void tag_levels_free(struct tag_levels *levels)
{
	free(levels->texts);
	*levels = (struct tag_levels){0};
}

size_t tag_levels_find(const struct tag_levels *levels, const char *tag)
{
	return tag_prefixes_find(&levels->prefixes, tag, strlen(tag));
}

size_t tag_levels_name_length(const struct tag_levels *levels, size_t level)
{
	const char *prefix = levels->prefixes.texts[level];
	size_t length = strlen(prefix);

	while (length > 0 && strchr(" \t:=/", prefix[length - 1]) != NULL)
		length--;
	return length;
}
