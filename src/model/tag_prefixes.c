#include "model/tag_prefixes.h"

#include <stdio.h>
#include <string.h>

#include "base/errors.h"

const char *tag_prefixes_add(struct tag_prefixes *prefixes, const char *text)
{
	for (size_t i = 0; i < prefixes->count; i++)
		if (strcmp(prefixes->texts[i], text) == 0)
			return error_text("the prefix \"%s\" is given twice",
					  text);
	if (prefixes->count == TAG_PREFIXES_MAX_COUNT)
		return error_text("more than %d prefixes",
				  TAG_PREFIXES_MAX_COUNT);
	prefixes->texts[prefixes->count++] = text;
	return NULL;
}

size_t tag_prefixes_find(const struct tag_prefixes *prefixes, const char *tag,
			 size_t length)
{
	size_t found = TAG_PREFIX_NONE, longest = 0;

	for (size_t i = 0; i < prefixes->count; i++) {
		size_t size = strlen(prefixes->texts[i]);

		if (size > length ||
		    (found != TAG_PREFIX_NONE && size < longest) ||
		    memcmp(prefixes->texts[i], tag, size) != 0)
			continue;
		found = i;
		longest = size;
	}
	return found;
}

void tag_prefixes_of_attributes(struct tag_prefixes *prefixes,
				const struct safetensors *file)
{
	tag_prefixes_of_model(prefixes, TAG_PREFIXES_ATTRIBUTES, file);
}

void tag_prefixes_of_model(struct tag_prefixes *prefixes, const char *option,
			   const struct safetensors *file)
{
	char key[64];
	const char *text;

	prefixes->count = 0;
	do {
		snprintf(key, sizeof key, "%s.%zu", option,
			 prefixes->count + 1);
		text = safetensors_option(file, key);
	} while (text != NULL && tag_prefixes_add(prefixes, text) == NULL);
}

const char *tag_prefixes_unused(const char *option, const char *prefix,
				size_t min_users)
{
	if (min_users <= 1)
		return error_text("%s %s: no tag begins so", option, prefix);
	return error_text("%s %s: of the tags that %zu customers have "
			  "(--min-users) none begins so",
			  option, prefix, min_users);
}
