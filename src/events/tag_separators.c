#include "events/tag_separators.h"

#include <string.h>

#include "base/errors.h"

void tag_separators_notice(const struct string_table *tags, const char *file)
{
	static const char marks[] = "|;";

	for (const char *mark = marks; *mark != '\0'; mark++) {
		size_t found = 0, first = 0;

		for (size_t i = 0; i < tags->count; i++)
			if (strchr(string_table_text(tags, i), *mark) != NULL &&
			    found++ == 0)
				first = i;
		if (found < 2 || 3 * found < tags->count)
			continue;
		notice("%s: %zu of %zu tags have a %c in them, as \"%.60s\": "
		       "--tag-sep '%c' makes each part a tag",
		       file, found, tags->count, *mark,
		       string_table_text(tags, first), *mark);
		return;
	}
}
