/* tag_facts: how many customers of a model have each tag and how much of it,
 * found once where the model is loaded. */
#ifndef SERVE_TAG_FACTS_H
#define SERVE_TAG_FACTS_H

#include <stddef.h>
#include <stdint.h>

#include "explain/display_names.h"
#include "model/csr_matrix.h"
#include "text/json_writer.h"

struct tag_facts {
	int64_t *customers;   /* m: how many have the tag */
	double *sums;         /* m x TENTHS: sums of raw values, by tenth */
	size_t *by_customers; /* m: tags by falling customers, then bytes */
};

/* O(nnz + m log m).  Rows were checked before. */
void tag_facts_begin(struct tag_facts *facts, const struct csr_matrix *matrix);
void tag_facts_end(struct tag_facts *facts);

/* The sum of all customers' values of the tag. */
double tag_facts_sum(const struct tag_facts *facts, size_t tag);

/* Write the members "tag" and "name" of the object that is open. */
void tag_facts_put_name(struct json_writer *writer,
			const struct csr_matrix *matrix,
			const struct display_names *labels, size_t tag);

/* Write {"tag", "name", "customers", "value"}. */
void tag_facts_put(struct json_writer *writer, const struct tag_facts *facts,
		   const struct csr_matrix *matrix,
		   const struct display_names *labels, size_t tag);

/* Write the member "as_active" of the object that is open: the customers of
 * the row's tenth, and for each tag of the row how many of them have it and
 * their mean value, zeros counted. */
void tag_facts_put_as_active(struct json_writer *writer,
			     const struct tag_facts *facts,
			     const struct csr_matrix *matrix, size_t row);

#endif
