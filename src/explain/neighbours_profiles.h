/* neighbours_profiles: the #profile and #tag lines in a stream of neighbours,
 * written and read; explain/neighbours_tsv.h says what they hold. */
#ifndef EXPLAIN_NEIGHBOURS_PROFILES_H
#define EXPLAIN_NEIGHBOURS_PROFILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/io.h"
#include "base/number.h"
#include "explain/neighbours_metadata.h"
#include "model/model.h"
#include "text/tsv.h"

/* How many customers have a tag, in all and of each tenth. */
struct tag_counts {
	int64_t customers;
	int64_t tenths[TENTHS];
};

/* The counts of a tag of the matrix.  NULL or an error text: tags.tenths is
 * damaged. */
const char *neighbours_profiles_count_tag(const struct csr_matrix *matrix,
					  size_t tag,
					  struct tag_counts *counts);

/* NULL, or an error text that names the row: it is damaged. */
const char *neighbours_profiles_check_row(const struct csr_matrix *matrix,
					  size_t row);

/* An entry of a row of the matrix: its place in the row, its value. */
struct row_entry {
	int32_t place;
	float value;
};

/* Set order to the entries begin .. begin + count of the matrix by falling
 * value, ties by the tag's bytes. */
void neighbours_profiles_sort_row(const struct csr_matrix *matrix, size_t begin,
				  size_t count, struct row_entry *order);

/* The shortest text of six digits or more that reads back as the same float;
 * returns text. */
char *neighbours_profiles_print_raw(char text[NUMBER_TEXT], float value);

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
	char *values;   /* for neighbours_profiles_next_value; NULL: none */
};

/* Read the current row, whose first field is #profile; only a query's tenth
 * may be TENTHS.  NULL or an error text. */
const char *neighbours_profiles_read_profile(const struct tsv_reader *table,
					     bool is_query,
					     struct profile_line *line);

/* Cut the next tag=value off *rest, which is NULL after the last.  *tag is NULL
 * at the end.  NULL or an error text. */
const char *neighbours_profiles_next_value(char **rest, char **tag,
					   double *value);

/* A #tag line as read; name points into the row of the table. */
struct tag_line {
	char *name;
	struct tag_counts counts;
};

/* Read the current row, whose first field is #tag, and check it against the
 * counts of #model.  NULL or an error text. */
const char *neighbours_profiles_read_tag(const struct tsv_reader *table,
					 const struct model_metadata *metadata,
					 struct tag_line *line);

#endif
