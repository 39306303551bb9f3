/* neighbours_metadata: the #model line in a stream of neighbours, written and
 * read; explain/neighbours_tsv.h says what it holds.  With it and the lines of
 * explain/neighbours_profiles.h cs-summarize needs no model. */
#ifndef EXPLAIN_NEIGHBOURS_METADATA_H
#define EXPLAIN_NEIGHBOURS_METADATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/io.h"
#include "model/model.h"

/* What a program knows of a query besides the model. */
struct query_metadata {
	const char *metric;
	double alpha; /* of the metric combined */
	/* Similarity by the metric of two customers at random: the median, and
	 * what 1 % reach. */
	double median_pair, top_pair;
	size_t without_signal; /* customers of the model without neighbours */
	size_t limit;          /* of the number of neighbours */
	size_t candidates;     /* customers who could have been results */
	size_t matching;       /* of those, with min_similarity or more */
	size_t tied;           /* as in struct search_result */
	const double *min_similarity; /* NULL: no limit */
	size_t looked_at;  /* 0, or where there are more candidates than this,
			      not all were looked at: matching is not known */
	const char *among; /* the name of the file, or NULL */
	bool hub; /* neighbours are in the order of search/hub_scores.h */
	double captured; /* share of the query's row that the dimensions hold
			    (model/captured.h), or NAN: not known */
};

/* What a #model line holds: of the model, and of the query that follows.
 * Texts are owned. */
struct model_metadata {
	char *id, *metric, *scale, *customer, *tag, *value, *kind;
	char *among;  /* "" without */
	char *levels; /* as of tag_levels_of_model; NULL or "" without */
	int64_t customers, without_signal, tags, dimensions;
	int64_t limit, candidates;
	int64_t tied;          /* customers as similar as the last neighbour,
				  it too; 0: none else, or not counted */
	int64_t hub;           /* 1: ordered as in search/hub_scores.h */
	int64_t matching;      /* -1: not known, or no min_similarity */
	double min_similarity; /* NAN: no limit */
	double alpha;          /* NAN: of another metric than combined */
	double captured;       /* of the query's row; NAN: not known */
	double median_pair, top_percent_pair; /* rounded as they are printed */
	int64_t tenths[TENTHS];               /* customers in each */
};

/* Set the metadata, for model_metadata_free to free. */
void model_metadata_init(struct model_metadata *metadata,
			 const struct model *model,
			 const struct query_metadata *query);
void model_metadata_free(struct model_metadata *metadata);

/* Set what differs between the queries of one run. */
void model_metadata_set_query(struct model_metadata *metadata,
			      const struct query_metadata *query);

/* Write the #model line. */
void neighbours_metadata_write_model(struct output *output,
				     const struct model_metadata *metadata);

/* Read the text of the second field, which is changed, into metadata, which
 * must be zero and is to be freed in any case.  NULL or an error text. */
const char *neighbours_metadata_read_model(char *text,
					   struct model_metadata *metadata);

/* Write counts by tenth of the customers as k1,...,k10; read them from such a
 * text, which is changed: false where it is none of ten counts. */
void neighbours_metadata_write_tenths(struct output *output,
				      const int64_t tenths[TENTHS]);
bool neighbours_metadata_read_tenths(char *list, int64_t tenths[TENTHS]);

#endif
