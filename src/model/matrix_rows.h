/* matrix_rows: the rows, columns and names of a matrix that is being built by
 * model/matrix_builder, and its options.  A row is made of the profile anew
 * each time it is asked for. */
#ifndef MODEL_MATRIX_ROWS_H
#define MODEL_MATRIX_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/tempfile.h"
#include "model/csr_matrix.h"
#include "model/fold_in.h"
#include "model/profile_store.h"
#include "model/tag_prefixes.h"
#include "model/tag_tally.h"
#include "model/tally.h"
#include "model/weighting.h"

/* The limits of weights and of block_weights.  A sum of values is below 10^29
 * and a logarithm of it below 45: within these limits no weighted value
 * overflows 32 bits, and no square of one 64. */
#define MATRIX_MIN_WEIGHT 1e-6
#define MATRIX_MAX_WEIGHT 1e6

struct matrix_options {
	enum value value; /* VALUE_AUTO: profiles.value is the chosen one */
	enum damp damp;
	enum weight weight;
	enum norm norm;
	const double *weights; /* of each file, or NULL: all 1 */
	/* Tags that begin with one of these are attributes of customers: they
	 * are in the matrix with the weight 0, and do not count for VALUE_AUTO,
	 * min_tags and tenths.  With fold_in they are the model's. */
	struct tag_prefixes attributes;
	/* With one file: tags that begin with blocks.texts[i] are a block of
	 * columns with the share block_shares[i] of the squared Frobenius norm,
	 * and so of the similarity, and other tags one with the share 1.  No
	 * blocks: columns are not scaled. */
	struct tag_prefixes blocks;
	double block_shares[TAG_PREFIXES_MAX_COUNT];
	size_t min_users; /* drop tags of fewer customers; at least 1 */
	size_t min_tags;  /* then drop customers of fewer tags */
	size_t memory;    /* bytes of rows kept out of temporary files */
	/* NULL, or the model or matrix whose columns, weights and tenths are
	 * taken: value, damp and norm must be its own then, and weight,
	 * weights and min_users are not used. */
	const struct fold_in *fold_in;
	/* NULL, or the tally of all shards of which the profiles are one: which
	 * tags and customers stay, weights and tenths are those of the whole.
	 * The other options must be the tally's. */
	const struct tally *whole;
	unsigned threads; /* 0: one; the result does not depend on them */
	bool tally; /* count for the next round, instead of making a matrix */
};

/* Owns all that it points to but options. */
struct matrix_builder {
	const struct matrix_options *options;
	size_t files;
	struct profile_store profiles;
	size_t n, m, nnz; /* customers, tags, pairs that stay */
	size_t bare;      /* customers who stay and have attributes alone */
	double *weight;   /* m: with the factor of its block */
	struct tag_tally counts; /* tenths, tenth_size: as in csr_matrix */
	enum tally_stage stage;  /* with options->tally: of counts */
	struct tempfile tenth;   /* n bytes: the customers' tenths */

	/* With fold_in: what the model does not know. */
	size_t unknown_tags, unknown_pairs;
	size_t first_unknown;  /* index in profiles.tags */
	uint32_t *unknown_row; /* rows of profiles without a known tag */
	size_t unknown_rows;

	/* private */
	uint32_t *row;        /* n: row of profiles, or NULL: the same */
	bool *attribute;      /* m: the column is an attribute */
	uint32_t *block;      /* m: the column's block; NULL: all are one */
	size_t blocks;        /* how many there are */
	int32_t *column;      /* of each tag of profiles, or -1: dropped */
	uint32_t *column_tag; /* m: the inverse; NULL with fold_in */
	struct tempfile tag_counts; /* n uint32_t: tags that a customer has */
	struct matrix_entry *entries;
	double *values;
	size_t entry_capacity, value_capacity;
};

/* Set builder->entries to the pairs of a row of profiles whose tags are
 * columns, ascending by column; returns how many. */
size_t matrix_rows_read(struct matrix_builder *builder, size_t row);

/* The entries of row 0 <= i < n, ascending by column.  They are valid until the
 * next call.  O(pairs of the row), and a sort where the files' lines are not
 * in the order of the columns. */
const struct matrix_entry *matrix_builder_row(struct matrix_builder *builder,
					      size_t i, size_t *count);

/* The weighted and normalized values of the row that matrix_builder_row has
 * just returned; valid until the next call. */
const double *matrix_builder_values(struct matrix_builder *builder,
				    size_t count);

/* Which of the files side by side the tags of a column are from; without
 * fold_in. */
size_t matrix_builder_file(const struct matrix_builder *builder, size_t column);

/* How many threads may read rows. */
unsigned matrix_rows_threads(const struct matrix_builder *builder);

/* Set *view to the same rows, to be read by another thread: it shares all but
 * the memory of the current row, and is valid as long as the builder, which
 * may not change. */
void matrix_rows_view(struct matrix_builder *view,
		      struct matrix_builder *builder);
void matrix_rows_end_view(struct matrix_builder *view);

/* The name of the customer of row i: *length bytes, not terminated. */
const char *matrix_builder_customer(struct matrix_builder *builder, size_t i,
				    size_t *length);

/* The name of the tag of a column: *length bytes. */
const char *matrix_builder_tag(struct matrix_builder *builder, size_t column,
			       size_t *length);

#endif
