/* segments: a file of customers and the segment of each, as cs-segment writes
 * it or as it comes from elsewhere: TSV with a header line, the customer and
 * the segment first.  Segments may have any name; an empty one is that of a
 * customer who is in none.
 *
 * A second line "#model TAB key=value;..." says which model the segments were
 * found in.  A file without it is taken as given from outside. */
#ifndef EXPLAIN_SEGMENTS_H
#define EXPLAIN_SEGMENTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/string_table.h"
#include "model/csr_matrix.h"

/* The segment of a customer who is in none. */
#define SEGMENTS_NONE UINT32_MAX

/* Segments of a file, or their rows, may not be more than this. */
enum { SEGMENTS_MAX_COUNT = 1024 };

/* Zero at first. */
struct segments {
	struct string_table customers;
	struct string_table names; /* of segments: by number where all are whole
				      numbers, else by bytes */
	uint32_t *segment;         /* of each customer: an index in names, or
				      SEGMENTS_NONE */
	float *similarity; /* of each customer to the centre; NAN: not said */
	char model[17];    /* the id of the model they were found in, or "" */
	size_t room;       /* private */
};

/* Read size bytes.  NULL, or an error text that begins with the line; to be
 * freed in both cases. */
const char *segments_parse(struct segments *segments, const char *bytes,
			   size_t size);

/* The same of a file; an error text names it. */
const char *segments_read(struct segments *segments, const char *path);

/* What a file and a matrix have in common. */
struct segments_match {
	size_t known;   /* customers of the file that the matrix has */
	size_t unknown; /* and has not */
	size_t first;   /* of the unknown, an index in customers */
	size_t missing; /* customers of the matrix that the file has not */
};

/* Set group[row] for each row of the matrix to its segment, or SEGMENTS_NONE,
 * and place[row] (unless NULL) to its index in customers, or UINT32_MAX. */
struct segments_match segments_match(const struct segments *segments,
				     const struct csr_matrix *matrix,
				     uint32_t *group, uint32_t *place);

void segments_free(struct segments *segments);

#endif
