/* ivf_builder: makes the index of a model (search/ivf_index.h) and writes the
 * model with it. */
#ifndef SEARCH_IVF_BUILDER_H
#define SEARCH_IVF_BUILDER_H

#include <stddef.h>
#include <stdint.h>

#include "base/io.h"
#include "model/model.h"
#include "search/hub_scores.h"
#include "search/inverted_lists.h"

struct ivf_builder {
	/* Set by the caller: */
	size_t cells;  /* 0: by kmeans_count; with like: set to its cells */
	uint64_t seed; /* of the training sample and the recall's */
	size_t memory; /* bytes of an embedding that may be read in any order;
			  a larger one is read in sequential passes */
	unsigned threads;
	const struct model *like; /* NULL, or the model whose index's centroids
				     are taken; its components were compared
				     (sharded_model_compare) */
	const struct hub_scores *hub; /* NULL, or to be written besides */
	/* Set by ivf_builder_make: */
	const struct model *model;   /* borrowed */
	float *centroids;            /* cells x d; owned */
	uint32_t *cell;              /* n: of each row; owned */
	struct inverted_lists lists; /* owned */
	double *recall;              /* cells x 2, of search/recall.h; owned */
};

/* NULL, or an error text that names the file: a row of the model is not finite,
 * or the model has no rows, too many rows or too many dimensions.  Sets
 * *nonzero to the number of rows that are not zero vectors.  O(n d). */
const char *ivf_builder_check(const struct model *model, unsigned threads,
			      size_t *nonzero);

/* Partition a checked model, which has so many nonzero rows, and measure the
 * recall; adds to the progress (n).  cells must be at most n.  Returns NULL, or
 * an error text that names the file: like has no index, or centroids that are
 * all zero.  ivf_builder_free is due either way. */
const char *ivf_builder_make(struct ivf_builder *builder,
			     const struct model *model, size_t nonzero);

/* Write the model, without an index that it has, and the new one.  version is
 * that of the program.  Ends the process where the output cannot be written;
 * does not close it. */
void ivf_builder_write(const struct ivf_builder *builder, const char *version,
		       struct output *output);

void ivf_builder_free(struct ivf_builder *builder);

#endif
