/* sharded_model: the customers of one model in several files, asked as one.
 *
 * Customers are numbered over all files by the bytes of their names, so that
 * what is results does not depend on how they are spread. */
#ifndef SEARCH_SHARDED_MODEL_H
#define SEARCH_SHARDED_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "search/ivf_index.h"
#include "model/model.h"
#include "search/exact_search.h"

struct sharded_model {
	struct model *models;
	size_t count;
	struct model whole; /* of one file its model; of several the first, but
			       for its users, which are those of all, and the
			       rows, which it has not */
	struct ivf_index *indexes; /* of each model; cells 0: it has none */
	double recall; /* of the indexes' answers, in each file, of its
			  own customers; 0: exact, unless */
	size_t probes; /* above 0: cells to look at */
	/* private, for several: */
	struct shard_place *places; /* of whole's rows */
	uint32_t **rows;            /* of each model's: those of whole */
	int64_t *offsets;
	unsigned char *bytes;
	char *name;
};

/* Open the files; NULL or a error_text, which names the file. */
const char *sharded_model_open(struct sharded_model *shards,
			       char *const paths[], size_t count);

/* Open a copy of one file, whose every byte is checked (model_open_copy); there
 * is nothing to join.  NULL or a error_text, which names the file. */
const char *sharded_model_open_copy(struct sharded_model *shards,
				    const char *path);

/* Make whole of them; NULL or a error_text: a customer is in two files. */
const char *sharded_model_join(struct sharded_model *shards);

void sharded_model_close(struct sharded_model *shards);

/* The model that has whole's row, which becomes the row there; whole itself
 * where there is one file. */
const struct model *sharded_model_at(const struct sharded_model *shards,
				     size_t *row);

/* NULL, or a error_text: embeddings of other cannot be compared with those of
 * model, since they have other components. */
const char *sharded_model_compare(const struct model *model,
				  const struct model *other);

/* NULL, or a error_text that names a file: recall or probes are set, and it has
 * no index. */
const char *sharded_model_need_index(const struct sharded_model *shards);

/* exact_search_run over all of them, by their indexes where that is asked for,
 * and, exactly, where it is faster.  Where the indexes have one set of cells,
 * every file looks into the same, as many as the most that one of them needs,
 * and the answers are those of one file with these cells.  search->rows and n
 * are set for each file, and rows of queries, bits and hits are whole's.  Adds
 * count to the progress for each file. */
const char *sharded_model_search(const struct sharded_model *shards,
				 const struct exact_search *search,
				 const struct search_query *queries,
				 size_t count, struct search_result *results,
				 size_t *zeros);

#endif
