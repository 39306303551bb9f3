/* pens: answers of a search written as TSV, JSON or names, with the reasons
 * for each similarity, by all threads. */
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

enum layout { LAYOUT_TSV, LAYOUT_JSON, LAYOUT_IDS };

/* The words of it, in order, NULL-terminated. */
extern const char *const layout_words[];

struct manner {
	enum layout layout;
	bool why;         /* with reasons */
	bool profiles;    /* with # lines, where the layout is TSV */
	double share;     /* of the embeddings in a similarity (blend.h) */
	struct note note; /* what those say; what depends on the query is
			     set for each */
};

struct pens {
	const struct shards *shards;
	const struct model *model; /* shards->whole */
	const struct model *asked; /* whose customers ask; may be the same */
	struct manner manner;
	struct reasons reasons;
	unsigned threads;
	bool begun;           /* something is written */
	struct pen *each;     /* of each thread */
	struct output *texts; /* of pieces, in memory */
	char **errors;        /* of pieces: a sentence, or NULL */
};

/* The pens stay where they are until pens_end. */
void pens_begin(struct pens *pens, const struct shards *shards,
		const struct model *asked, const struct manner *manner,
		enum metric metric, unsigned threads);
void pens_end(struct pens *pens);

/* Write the answers to count queries, rows of the model that asks (its columns
 * and components are those of the other), after a header line the first time; a
 * query without neighbours gives nothing.  NULL or a sentence: the model is
 * damaged. */
const char *pens_write(struct pens *pens, struct output *output,
		       const struct query *queries, const struct found *found,
		       size_t count);

#endif
