/* tag_prefixes: groups of tags by the text that they begin with: the levels of
 * a catalogue, which cs-matrix scales as blocks, and attributes of customers,
 * which it keeps out of the similarity. */
#ifndef MODEL_TAG_PREFIXES_H
#define MODEL_TAG_PREFIXES_H

#include <stddef.h>

#include "model/safetensors.h"

enum { TAG_PREFIXES_MAX_COUNT = 32 };
#define TAG_PREFIX_NONE ((size_t)-1)

/* Prefixes, each at most once.  The texts are the caller's. */
struct tag_prefixes {
	const char *texts[TAG_PREFIXES_MAX_COUNT];
	size_t count;
};

/* Add a prefix; returns NULL or an error text: there are too many, or it is
 * there already. */
const char *tag_prefixes_add(struct tag_prefixes *prefixes, const char *text);

/* The index of the longest prefix that the tag begins with, or
 * TAG_PREFIX_NONE. */
size_t tag_prefixes_find(const struct tag_prefixes *prefixes, const char *tag,
			 size_t length);

/* Set prefixes to those of the attributes of a model or a matrix, from the keys
 * matrix.attributes.1, .2, ... of its metadata, to which the texts belong.  A
 * tag that begins with one of them is an attribute: its weight is 0. */
void tag_prefixes_of_attributes(struct tag_prefixes *prefixes,
				const struct safetensors *file);

/* The same from the keys option.1, option.2, ... */
#define TAG_PREFIXES_ATTRIBUTES "matrix.attributes"
void tag_prefixes_of_model(struct tag_prefixes *prefixes, const char *option,
			   const struct safetensors *file);

/* The error text of an option whose prefix none of the tags has that stay,
 * those of at least min_users customers. */
const char *tag_prefixes_unused(const char *option, const char *prefix,
				size_t min_users);

#endif
