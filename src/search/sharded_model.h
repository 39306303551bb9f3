/* sharded_model: one model whose rows (customers) are stored in several files,
 * searched as if they were one.
 *
 * Rows are numbered over all files in the byte order of their names, so results
 * do not depend on how rows are distributed over files. */
#ifndef SEARCH_SHARDED_MODEL_H
#define SEARCH_SHARDED_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "search/ivf_index.h"
#include "model/model.h"
#include "model/shard_files.h"
#include "model/shard_order.h"
#include "search/combined_search.h"
#include "search/search_query.h"

struct sharded_model {
	struct model *models; /* count */
	size_t count;
	struct model whole; /* one file: its model.  Several: the first, but
			       matrix.n and matrix.users are those of all, and
			       it has no rows of the matrix and embedding */
	struct inverted_index *rows_by_tag;   /* of each model, or NULL */
	struct combined_workspace *workspace; /* of searches by these */
	struct ivf_index *indexes; /* count; cells 0: the file has no index */
	/* How to search, set by the caller; exact if both are 0. */
	double recall; /* above 0: by the indexes, with as many cells as have
			  this recall@10 in each file among its own rows */
	size_t probes; /* above 0: by the indexes, with so many cells */
	/* private, for several files: */
	struct shard_place *places; /* of each row of whole */
	uint32_t **rows;            /* of each model: its rows' numbers in
				       whole */
	int64_t *offsets;
	unsigned char *bytes;
	char *name;
	struct shard_files files; /* whose paths the models' names are */
};

/* Open count files (none: standard input) and view their indexes; a directory
 * stands for the shards that cs-svd made in it.  Unless part is set, all shards
 * of a factorization must be there.  Returns NULL, or an error text that names
 * the file; call sharded_model_close() in either case. */
const char *sharded_model_open(struct sharded_model *shards,
			       char *const paths[], size_t count, bool part);

/* Open a private copy of one file, with all checksums verified
 * (model_open_copy), or of the shards in a directory, as one file; it needs no
 * join.  Errors as above. */
const char *sharded_model_open_copy(struct sharded_model *shards,
				    const char *path);

/* Number the rows of all files and set whole: O(n log count) comparisons of
 * names.  Returns NULL, or an error text: a customer is in two files, or there
 * are too many. */
const char *sharded_model_join(struct sharded_model *shards);

void sharded_model_close(struct sharded_model *shards);

/* The model that stores a row of model, and in *row its number there: for whole
 * the file's, for any other model (of queries) itself. */
const struct model *sharded_model_resolve(const struct sharded_model *shards,
					  const struct model *model,
					  size_t *row);

/* The share of a row of model, resolved as above, that its dimensions hold
 * (model/captured.h); NAN: the row is damaged, or no model of it is there. */
double sharded_model_captured(const struct sharded_model *shards,
			      const struct model *model, size_t row);

/* Returns NULL, or an error text: the embedding of other cannot be compared
 * with that of model, since its singular vectors differ. */
const char *sharded_model_compare(const struct model *model,
				  const struct model *other);

/* Index the rows of all files by tag, so that each search by a metric that
 * compares rows is fast; building takes as long as a few searches without it.
 * Returns NULL, or an error text: a row is damaged. */
const char *sharded_model_index_rows(struct sharded_model *shards,
				     unsigned threads);

/* Make a row of a model a query: a row of whole, or of another model with the
 * same columns and components.  self and row are left to the caller.  Returns
 * NULL, or an error text: the row is damaged. */
const char *sharded_model_query(const struct sharded_model *shards,
				const struct model *model, size_t row,
				struct search_query *query);

#endif
