/* model_description: what a matrix or a model is: its sizes, options, singular
 * values and index, as text for people or as JSON. */
#ifndef EXPLAIN_MODEL_DESCRIPTION_H
#define EXPLAIN_MODEL_DESCRIPTION_H

#include <stdbool.h>

#include "base/io.h"
#include "model/captured.h"
#include "model/model.h"
#include "model/model_verify.h"
#include "search/ivf_index.h"

struct model_description {
	const struct model *model; /* open; may be a matrix */
	struct ivf_index index;    /* cells 0: it has none */
	bool verified;             /* every byte, with these counts */
	struct model_verification verification;
	struct captured_distribution captured; /* all zero for a matrix */
};

/* Begin with an open model, or matrix, which must stay in place: view its
 * index; verify_threads, if not 0: check every byte of it and of the index
 * first, on so many threads: checksums, and that no part contradicts another.
 * Returns NULL, or an error text that does not name the file.  Nothing needs to
 * be freed. */
const char *model_description_begin(struct model_description *description,
				    const struct model *model,
				    unsigned verify_threads);

/* Find what is not in the header: how much of customers the dimensions hold.
 * To be called before the description is written.  Errors as above. */
const char *model_description_measure(struct model_description *description);

/* Write it as lines of a label and a value, and a table of the triplets. */
void model_description_write_text(const struct model_description *description,
				  struct output *output);

/* Write it as one JSON object, with a list of the tensors. */
void model_description_write_json(const struct model_description *description,
				  struct output *output);

#endif
