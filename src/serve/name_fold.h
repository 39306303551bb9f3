/* name_fold: texts as people search for them: small letters without accents. */
#ifndef SERVE_NAME_FOLD_H
#define SERVE_NAME_FOLD_H

#include <stdbool.h>
#include <stddef.h>

/* Write the text folded: Latin letters (Latin-1, Latin Extended-A and
 * Additional) as their base letters in lower case, Greek and Cyrillic in lower
 * case, combining accents left out; other characters, and bytes that are not
 * UTF-8, as they are.  folded has room for length bytes.  Returns how many were
 * written. */
size_t name_fold(char *folded, const char *text, size_t length);

/* A text that is searched for, and room for what it is searched in. */
struct name_pattern {
	char *text; /* folded; owned */
	size_t length;
	char *buffer; /* private */
	size_t room;
};

void name_pattern_init(struct name_pattern *pattern, const char *text,
		       size_t length);
void name_pattern_free(struct name_pattern *pattern);

/* Does the text, folded, hold the pattern? */
bool name_pattern_matches(struct name_pattern *pattern, const char *text,
			  size_t length);

#endif
