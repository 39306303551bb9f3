/* shards: the customers of one model in several files, asked as one.
 *
 * Customers are numbered over all files by the bytes of their names, so that
 * what is found does not depend on how they are spread. */
#ifndef SEARCH_SHARDED_MODEL_H
#define SEARCH_SHARDED_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "search/ivf_index.h"
#include "model/model.h"
#include "search/exact_search.h"

struct shards {
	struct model *models;
	size_t count;
	struct model whole; /* of one file its model; of several the first, but
			       for its users, which are those of all, and the
			       rows, which it has not */
	struct index *indexes; /* of each model; cells 0: it has none */
	double recall;         /* of the indexes' answers, in each file, of its
				  own customers; 0: exact, unless */
	size_t probes;         /* above 0: cells to look at */
	/* private, for several: */
	struct shard_place *places; /* of whole's rows */
	uint32_t **rows;            /* of each model's: those of whole */
	int64_t *offsets;
	unsigned char *bytes;
	char *name;
};

/* Open the files; NULL or a sentence, which names the file. */
const char *shards_open(struct shards *shards, char *const paths[],
			size_t count);

/* Open a copy of one file, whose every byte is checked (model_open_copy); there
 * is nothing to join.  NULL or a sentence, which names the file. */
const char *shards_open_copy(struct shards *shards, const char *path);

/* Make whole of them; NULL or a sentence: a customer is in two files. */
const char *shards_join(struct shards *shards);

void shards_close(struct shards *shards);

/* The model that has whole's row, which becomes the row there; whole itself
 * where there is one file. */
const struct model *shards_at(const struct shards *shards, size_t *row);

/* NULL, or a sentence: embeddings of other cannot be compared with those of
 * model, since they have other components. */
const char *shards_compare(const struct model *model,
			   const struct model *other);

/* NULL, or a sentence that names a file: recall or probes are set, and it has
 * no index. */
const char *shards_need_index(const struct shards *shards);

/* nearest_search over all of them, by their indexes where that is asked for,
 * and, exactly, where it is faster.  Where the indexes have one set of cells,
 * every file looks into the same, as many as the most that one of them needs,
 * and the answers are those of one file with these cells.  search->rows and n
 * are set for each file, and rows of queries, bits and hits are whole's.  Adds
 * count to the progress for each file. */
const char *shards_search(const struct shards *shards,
			  const struct search *search,
			  const struct query *queries, size_t count,
			  struct found *found, size_t *zeros);

#endif
