/* neighbour_report: warnings about queries with no or few neighbours: one for
 * each query, or one for all of them. */
#ifndef EXPLAIN_NEIGHBOUR_REPORT_H
#define EXPLAIN_NEIGHBOUR_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "model/model.h"
#include "search/search_query.h"

struct neighbour_report {
	/* Set by the caller: */
	const struct model *model;       /* whose name the warnings bear */
	const struct model *query_model; /* whose rows are the queries */
	bool in_total; /* count the queries and warn at the end, once */
	bool by_index; /* only some cells were searched */
	bool filtered; /* an option left customers out */
	bool has_min_similarity;
	double min_similarity; /* as given, where it is */
	size_t count;          /* the limit of neighbours */
	bool quiet;            /* only say where there are none */
	/* Set by the functions: */
	bool missed; /* a query that was named has no neighbours */
	size_t zero; /* in total: queries that are zero vectors */
	size_t few;  /* in total: others with fewer neighbours than count */
	bool alone;  /* in total: some of these share nothing with others */
};

/* Look at the result of a query, row query of query_model, and warn where it
 * has fewer neighbours than the limit, or where the last of them is tied with
 * others. */
void neighbour_report_add(struct neighbour_report *report, size_t query,
			  const struct search_result *result);

/* Warn of those that were counted. */
void neighbour_report_end(const struct neighbour_report *report);

#endif
