/* tag_levels: the levels of a catalogue that a model compares, such as products
 * and their categories: the blocks of cs-matrix, each named by the prefix that
 * its tags begin with. */
#ifndef EXPLAIN_TAG_LEVELS_H
#define EXPLAIN_TAG_LEVELS_H

#include <stddef.h>

#include "model/safetensors.h"
#include "model/tag_prefixes.h"

struct tag_levels {
	struct tag_prefixes prefixes; /* of the texts; count is 0 without */
	char *texts;                  /* owned */
};

/* The prefixes of a model's levels in one text, a line break between; "" where
 * it has none.  The caller frees it. */
char *tag_levels_of_model(const struct safetensors *file);

/* Set levels to those of such a text, or NULL, which is copied; what is beyond
 * TAG_PREFIXES_MOST, or there again, is left out. */
void tag_levels_read(struct tag_levels *levels, const char *text);
void tag_levels_free(struct tag_levels *levels);

/* The level of a tag, or TAG_PREFIX_NONE. */
size_t tag_levels_find(const struct tag_levels *levels, const char *tag);

/* How many bytes of a level's prefix are its name: all but the blanks and the
 * ":", "=" or "/" at its end. */
size_t tag_levels_name_length(const struct tag_levels *levels, size_t level);

#endif
