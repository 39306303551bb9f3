/* neighbours_metadata: the lines beginning with '#' in a stream of neighbours,
 * by which cs-summarize needs no model; explain/neighbours_tsv.h says what
 * stands in them. */
#ifndef EXPLAIN_NEIGHBOURS_METADATA_H
#define EXPLAIN_NEIGHBOURS_METADATA_H

#include <stddef.h>
#include <stdint.h>

#include "model/model.h"
#include "base/number.h"
#include "base/io.h"

/* What #model says of the query that follows. */
struct query_metadata {
	const char *metric;
	size_t without_signal; /* customers of the model without neighbours */
	size_t asked;          /* how many neighbours were asked for */
	size_t candidates;     /* who could have been answers */
	size_t matching;       /* who of them had min_similarity or more */
	const double *min_similarity; /* NULL: none was asked for */
	size_t looked_at;  /* 0, or where there are more candidates than this,
			      not all were looked at: matching is not known */
	const char *among; /* the name of the file, or NULL */
};

/* An entry of a row of the matrix: which, and its value there. */
struct place {
	int32_t at;
	float value;
};

/* Entries begin .. begin + count by falling value, ties by the tag's bytes. */
void neighbours_metadata_order(const struct csr_matrix *matrix, size_t begin,
			       size_t count, struct place *places);

/* The shortest text that reads back as the same float; returns text. */
char *neighbours_metadata_raw(char text[NUMBER_TEXT], float value);

/* How many customers have the tag; NULL or a error_text: tags.tenths is
 * damaged.
 */
const char *neighbours_metadata_users(const struct csr_matrix *matrix,
				      size_t tag, int64_t *users);

/* The tags named so far for a query. */
struct neighbours_metadata {
	const struct model *model;
	unsigned char *named; /* m: the tag is in tags */
	int32_t *tags;
	size_t count, room;
	struct place *places; /* of a profile's tags, sorted by value */
	size_t place_room;
};

void neighbours_metadata_begin(struct neighbours_metadata *notes,
			       const struct model *model);
void neighbours_metadata_end(struct neighbours_metadata *notes);

/* The #model line. */
void neighbours_metadata_model(const struct neighbours_metadata *notes,
			       struct output *output,
			       const struct query_metadata *note);

/* The #profile line of a customer, of the model or of another with the same
 * columns; NULL or a error_text that names its row. */
const char *neighbours_metadata_profile(struct neighbours_metadata *notes,
					struct output *output,
					const struct model *model, size_t row);

/* The #tag lines of the tags in the profiles since the last call; NULL or a
 * error_text. */
const char *neighbours_metadata_tags(struct neighbours_metadata *notes,
				     struct output *output);

#endif
