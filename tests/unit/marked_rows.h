/* marked_rows: a block of CSV is parsed by the marks of its fields and without
 * them, and gives the same rows. */
#ifndef UNIT_MARKED_ROWS_H
#define UNIT_MARKED_ROWS_H

#include <stdbool.h>
#include <string.h>

#include "text/csv_rows.h"
#include "text/csv_scan.h"

/* A block of size bytes between commas; marks has room for those of all.
 * Unless the bytes are the last of the file, what is no whole row is cut off.
 */
static inline struct csv_block marked_block(unsigned char *bytes, size_t size,
					    uint64_t *marks, bool last)
{
	struct csv_bounds bounds = csv_scan_bounds(bytes, size, ',', marks);

	return (struct csv_block){
		.bytes = bytes,
		.size = last ? size : bounds.end,
		.room = size,
		.nul = bounds.nul,
		.blanks = bounds.blanks,
		.escapes = bounds.escapes,
		.doubled = bounds.doubled,
		.marked = bounds.marked,
		.marks = marks,
	};
}

static inline bool same_field(const struct csv_rows *a,
			      const struct csv_rows *b, size_t row,
			      size_t place)
{
	const struct csv_slice *x = csv_row_field(a, &a->rows[row], place);
	const struct csv_slice *y = csv_row_field(b, &b->rows[row], place);

	return x->length == y->length &&
	       (x->length == 0 ||
		memcmp(a->text + x->begin, b->text + y->begin, x->length) == 0);
}

static inline bool same_rows(const struct csv_rows *a, const struct csv_rows *b,
			     size_t places)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		const struct csv_row *x = &a->rows[i], *y = &b->rows[i];

		if (x->fields != y->fields || x->hash != y->hash ||
		    x->last_empty != y->last_empty)
			return false;
		for (size_t place = 0; place < places; place++)
			if (!same_field(a, b, i, place))
				return false;
	}
	return true;
}

/* Parse the block into marked, then without its marks into plain.  NULL, or
 * what is not the same. */
static inline const char *compare_marked(struct csv_rows *marked,
					 struct csv_rows *plain,
					 const struct csv_file *file,
					 size_t places, struct csv_block *block,
					 const uint64_t *key)
{
	bool good = csv_rows_parse(marked, file, places, block, key);

	block->marked = false;
	if (csv_rows_parse(plain, file, places, block, key) != good)
		return "one finds a rule broken, the other does not";
	return good && !same_rows(marked, plain, places) ? "rows differ" : NULL;
}

#endif
