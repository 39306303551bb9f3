#include "events/null_texts.h"

#include <string.h>

#include "base/utf8.h"

bool null_texts_mean(const struct null_texts *nulls, const char *text,
		     size_t length)
{
	const char *trimmed = text;
	size_t rest = length;

	if (length == 0)
		return true;
	if (nulls->count > 0)
		utf8_trim(&trimmed, &rest);
	for (size_t i = 0; i < nulls->count; i++) {
		size_t size = strlen(nulls->texts[i]);

		if ((size == length &&
		     memcmp(nulls->texts[i], text, size) == 0) ||
		    (size == rest &&
		     memcmp(nulls->texts[i], trimmed, size) == 0))
			return true;
	}
	return false;
}
