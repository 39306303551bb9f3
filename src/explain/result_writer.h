/* result_writer: results of a search written as TSV, JSON or names, with the
 * contributions to each similarity, by all threads. */
#ifndef EXPLAIN_RESULT_WRITER_H
#define EXPLAIN_RESULT_WRITER_H

#include <stdbool.h>
#include <stddef.h>

#include "model/model.h"
#include "search/exact_search.h"
#include "explain/neighbours_metadata.h"
#include "explain/contributions.h"
#include "search/sharded_model.h"
#include "base/io.h"

enum output_format { OUTPUT_TSV, OUTPUT_JSON, OUTPUT_IDS };

/* The words of it, in order, NULL-terminated. */
extern const char *const output_format_words[];

struct output_options {
	enum output_format format;
	bool why;      /* with contributions */
	bool profiles; /* with # lines, where the format is TSV */
	double alpha;  /* of METRIC_COMBINED */
	struct query_metadata metadata; /* for #model; candidates and matching
					   are set for each query */
};

struct result_writer {
	const struct sharded_model *shards;
	const struct model *model; /* shards->whole */
	const struct model
		*query_model; /* whose customers ask; may be the same */
	struct output_options options;
	struct contributions contributions;
	/* private: */
	unsigned threads;
	bool begun;                 /* something is written */
	struct result_worker *each; /* of each thread */
	struct output *texts;       /* of pieces, in memory */
	char **errors;              /* of pieces: an error text, or NULL */
};

/* Begin; shards and query_model must outlive the writer, which must not move
 * until result_writer_end, since its workers point to it. */
void result_writer_begin(struct result_writer *writer,
			 const struct sharded_model *shards,
			 const struct model *query_model,
			 const struct output_options *options,
			 enum metric metric, unsigned threads);
void result_writer_end(struct result_writer *writer);

/* Write the results of a batch, whose queries are rows of the model that asks
 * (its columns and components are those of the other), in their order, after a
 * header line the first time; a query without neighbours gives nothing.  The
 * bytes do not depend on the number of threads.  NULL, or an error text, valid
 * until result_writer_end: the model is damaged. */
const char *result_writer_write(struct result_writer *writer,
				struct output *output,
				const struct search_batch *searched);

#endif
