/* neighbours_metadata: the lines beginning with '#' in a stream of neighbours,
 * written and read; explain/neighbours_tsv.h says what they hold.  By them
 * cs-summarize needs no model. */
#ifndef EXPLAIN_NEIGHBOURS_METADATA_H
#define EXPLAIN_NEIGHBOURS_METADATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/io.h"
#include "base/number.h"
#include "model/model.h"
#include "text/tsv.h"

/* ------------------------------------------------------------------ #model */

/* What a program knows of a query besides the model. */
struct query_metadata {
	const char *metric;
	double alpha; /* of the metric combined */
	/* Similarity by the metric of two customers at random: the median, and
	 * what 1 % reach. */
	double median_pair, top_pair;
	size_t without_signal; /* customers of the model without neighbours */
	size_t limit;          /* of the number of neighbours */
	size_t candidates;     /* customers who could have been answers */
	size_t matching;       /* of those, with min_similarity or more */
	const double *min_similarity; /* NULL: no limit */
	size_t looked_at;  /* 0, or where there are more candidates than this,
			      not all were looked at: matching is not known */
	const char *among; /* the name of the file, or NULL */
	double captured;   /* share of the query's row that the dimensions hold
			      (model/captured.h), or NAN: not known */
};

/* What a #model line holds: of the model, and of the query that follows.
 * Texts are owned. */
struct model_metadata {
	char *id, *metric, *scale, *customer, *tag, *value, *kind;
	char *among; /* "" without */
	int64_t customers, without_signal, tags, dimensions;
	int64_t limit, candidates;
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

/* --------------------------------------------------------- #profile and #tag
 */

/* How many customers have a tag, in all and of each tenth. */
struct tag_counts {
	int64_t customers;
	int64_t tenths[TENTHS];
};

/* The counts of a tag of the matrix.  NULL or an error text: tags.tenths is
 * damaged. */
const char *neighbours_metadata_count_tag(const struct csr_matrix *matrix,
					  size_t tag,
					  struct tag_counts *counts);

/* NULL, or an error text that names the row: it is damaged. */
const char *neighbours_metadata_check_row(const struct csr_matrix *matrix,
					  size_t row);

/* An entry of a row of the matrix: its place in the row, its value. */
struct row_entry {
	int32_t place;
	float value;
};

/* Set order to the entries begin .. begin + count of the matrix by falling
 * value, ties by the tag's bytes. */
void neighbours_metadata_sort_row(const struct csr_matrix *matrix, size_t begin,
				  size_t count, struct row_entry *order);

/* The shortest text of six digits or more that reads back as the same float;
 * returns text. */
char *neighbours_metadata_print_raw(char text[NUMBER_TEXT], float value);

/* Writes the lines that follow a query's neighbours, one query after another;
 * one for each thread. */
struct profile_writer {
	const struct model *model;
	unsigned char *named; /* m: the tag is in tags */
	int32_t *tags;        /* of the profiles since the last #tag lines */
	size_t count, room;
	struct row_entry *order; /* of a profile's tags */
	size_t order_room;
};

/* model must outlive the writer. */
void profile_writer_init(struct profile_writer *writer,
			 const struct model *model);
void profile_writer_free(struct profile_writer *writer);

/* Write the #profile line of a row of the writer's model or, for a query that
 * is none of its customers, of another with the same columns.  row is the row
 * of the model given; O(t log t) for its t tags.  NULL or an error text that
 * names the row. */
const char *profile_writer_write_profile(struct profile_writer *writer,
					 struct output *output,
					 const struct model *model, size_t row,
					 bool is_customer);

/* Write the #tag lines of the tags in the profiles since the last call; NULL
 * or an error text. */
const char *profile_writer_write_tags(struct profile_writer *writer,
				      struct output *output);

/* A #profile line as read; texts point into the row of the table. */
struct profile_line {
	char *name;
	unsigned tenth; /* TENTHS: no customer of the model */
	char *values;   /* for neighbours_metadata_next_value; NULL: none */
};

/* Read the current row, whose first field is #profile; only a query's tenth
 * may be TENTHS.  NULL or an error text. */
const char *neighbours_metadata_read_profile(const struct tsv_reader *table,
					     bool is_query,
					     struct profile_line *line);

/* Cut the next tag=value off *rest, which is NULL after the last.  *tag is NULL
 * at the end.  NULL or an error text. */
const char *neighbours_metadata_next_value(char **rest, char **tag,
					   double *value);

/* A #tag line as read; name points into the row of the table. */
struct tag_line {
	char *name;
	struct tag_counts counts;
};

/* Read the current row, whose first field is #tag, and check it against the
 * counts of #model.  NULL or an error text. */
const char *neighbours_metadata_read_tag(const struct tsv_reader *table,
					 const struct model_metadata *metadata,
					 struct tag_line *line);

#endif
