/* exact_scan: exact search for few queries, by one pass over the rows as they
 * are stored: an approximate score for each row, and the exact score of those
 * that may enter a query's list. */
#ifndef SEARCH_EXACT_SCAN_H
#define SEARCH_EXACT_SCAN_H

#include <stddef.h>

#include "search/exact_job.h"

/* The most queries of a job; packing rows into tiles pays for more. */
enum { EXACT_SCAN_QUERIES = 4 };

/* Scan rows begin to end - 1, which are range number range of the job, for all
 * of its queries, and count the rows in job->piece_counts[range]. */
void exact_scan_range(struct exact_job *job, size_t range, size_t begin,
		      size_t end);

#endif
