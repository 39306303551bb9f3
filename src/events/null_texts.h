/* null_texts: the texts that mean nothing (--null), such as NULL or \N. */
#ifndef EVENTS_NULL_TEXTS_H
#define EVENTS_NULL_TEXTS_H

#include <stdbool.h>
#include <stddef.h>

/* Owned by the options; escaped as fields are (text/tsv.h). */
struct null_texts {
	char *const *texts;
	size_t count;
};

/* True where the text is empty or one of them, perhaps between blanks
 * (utf8_trim). */
bool null_texts_mean(const struct null_texts *nulls, const char *text,
		     size_t length);

#endif
