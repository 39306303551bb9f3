/* matrix_builder: profiles read once, and kept for several passes over their
 * rows.
 *
 * Pairs, names and where each row begins go through scratch files; in memory
 * stand the tags. */
#ifndef MODEL_MATRIX_BUILDER_H
#define MODEL_MATRIX_BUILDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/string_table.h"
#include "base/tempfile.h"
#include "model/weighting.h"

struct builder_pair {
	uint32_t tag;    /* in the order first seen */
	uint32_t events; /* with VALUE_AUTO; else 0 */
	double raw;      /* what --value takes of it; VALUE_AUTO: the sum */
};

struct matrix_builder {
	char *columns[4]; /* the names of the first file's columns */
	size_t n;         /* customers */
	enum value value; /* asked for; in place of VALUE_AUTO the one chosen */
	double repeated;  /* share of pairs with more than one event */
	bool in_order;    /* they ascend by raw bytes as they were read */
	struct string_table tags;
	uint32_t *tag_file; /* of each tag: the file it stands in */
	size_t *tag_users;  /* and how many customers have a pair with it */
	/* private */
	size_t file_room, user_room;
	uint64_t repeating; /* pairs with more than one event */
	bool by_events;     /* VALUE_AUTO became VALUE_EVENTS */
	struct tempfile pairs, users, bounds;
	const struct bound *bound;
};

/* Where that share of pairs or more has several events, VALUE_AUTO is
 * VALUE_EVENTS, else VALUE_SUM. */
extern const double builder_repeated_least;

/* Read the files (none: standard input) side by side; memory is how many bytes
 * of rows may stay out of scratch files.  Ends the process on wrong input, and
 * where two files have a tag in common. */
void matrix_builder_read(struct matrix_builder *gather, char **paths,
			 size_t count, enum value value, size_t memory);

/* The pairs of a row, which are in the order of the files' lines. */
const struct builder_pair *matrix_builder_row(struct matrix_builder *gather,
					      size_t row, size_t *count);

/* What --value takes of a pair, after VALUE_AUTO was chosen for. */
double matrix_builder_raw(const struct matrix_builder *gather,
			  const struct builder_pair *pair);

/* The name of a row. */
const char *matrix_builder_name(struct matrix_builder *gather, size_t row,
				size_t *length);

void matrix_builder_free(struct matrix_builder *gather);

#endif
