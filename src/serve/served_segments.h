/* served_segments: the segments of a model's customers as a service holds them:
 * who is in which, and what sets each apart. */
#ifndef SERVE_SERVED_SEGMENTS_H
#define SERVE_SERVED_SEGMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "explain/contrast.h"
#include "explain/display_names.h"
#include "explain/segments.h"
#include "model/model.h"

/* Customers of a segment that are shown for it. */
enum { SERVED_SEGMENTS_TYPICAL = 5 };

struct served_segment {
	char *name; /* of its strongest tags, or ""; owned */
	uint32_t typical[SERVED_SEGMENTS_TYPICAL]; /* rows, most similar to the
						      centre first */
	size_t typical_count;
};

struct served_segments {
	struct segments file;
	size_t count;
	uint32_t *segment; /* of each row of the model, or SEGMENTS_NONE */
	size_t *rows;      /* those in segments: segment after segment */
	size_t *first;     /* count + 1: where each begins in rows */
	struct contrast_group *contrast; /* count */
	struct served_segment *about;    /* count */
	size_t unassigned;
	bool descriptive; /* found in a model: what is said is no test */
	uint64_t sum;     /* a hash of who is in which, and of names */
};

/* Read the file for a model whose rows are right; labels are the names of tags.
 * NULL and an error text, which names the file, where it is none or has no
 * customer of the model. */
struct served_segments *served_segments_open(const char *path,
					     const struct model *model,
					     const struct display_names *labels,
					     unsigned threads,
					     const char **error);

/* NULL is allowed. */
void served_segments_close(struct served_segments *segments);

/* The segment of that name, or SIZE_MAX. */
size_t served_segments_find(const struct served_segments *segments,
			    const char *name, size_t length);

#endif
