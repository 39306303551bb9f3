/* neighbours_json: members of JSON that the lists of cs-knn and summaries have
 * alike. */
#ifndef EXPLAIN_NEIGHBOURS_JSON_H
#define EXPLAIN_NEIGHBOURS_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "text/json_writer.h"

/* "similarity", rounded as in explain/neighbours_tsv.h. */
void neighbours_json_put_similarity(struct json_writer *writer,
				    double similarity);

/* "tied": where the list ends among `of` customers who are equally similar,
 * how many of them are listed; nothing where `of` is 0. */
void neighbours_json_put_tied(struct json_writer *writer, size_t listed,
			      int64_t of);

#endif
