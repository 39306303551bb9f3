/* neighbour_search: which customer a query is, by row or by name, and what that
 * leaves out of its neighbours; neighbour_report: what is counted of them. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "explain/neighbour_report.h"
#include "explain/neighbour_search.h"
#include "search/exact_search.h"

static int failed;

static void expect(bool right, const char *what)
{
	if (!right)
		printf("not so: %s\n", what);
	failed |= !right;
}

enum { DIMENSIONS = 2, CUSTOMERS = 4, QUERIES = 3 };

static const float rows[CUSTOMERS * DIMENSIONS] = {1, 0, 2, 1, 0, 3, 0, 0};
static const int64_t no_entries[CUSTOMERS + 1];
static const int64_t offsets[] = {0, 1, 2, 3, 4};
static const unsigned char names[] = "aceg";

/* The first and the last are customers by name, the last as it was. */
static const float query_rows[QUERIES * DIMENSIONS] = {5, 5, 1, 1, 0, 3};
static const unsigned char query_names[] = "abe";

static struct model make_model(const float *embedding, size_t n,
			       const unsigned char *bytes)
{
	struct model model = {.k = DIMENSIONS, .embedding = embedding};

	model.input.name = "model";
	model.matrix.n = n;
	model.matrix.indptr = no_entries;
	model.matrix.users = (struct text_array){offsets, bytes, n};
	return model;
}

static size_t self_of(const struct neighbour_search *search, size_t row)
{
	struct search_query query;
	const char *error = neighbour_search_query(search, row, &query);

	expect(error == NULL, "a query is made");
	return query.self;
}

static void check_self(struct neighbour_search search,
		       const struct model *queries)
{
	expect(self_of(&search, 2) == 2, "a row of the model is itself");
	search.query_model = queries;
	expect(self_of(&search, 0) == 0, "a query has the name of customer a");
	expect(self_of(&search, 1) == ROW_NONE, "no customer is called b");
	expect(self_of(&search, 2) == 2, "a query has the name of customer e");
	search.with_self = true;
	expect(self_of(&search, 0) == ROW_NONE, "a has another vector now");
	expect(self_of(&search, 2) == 2, "e has the same vector");
	search.group = true;
	expect(self_of(&search, 2) == ROW_NONE, "a group is no customer");
}

static void check_run(const struct neighbour_search *search)
{
	struct search_query queries[CUSTOMERS];
	struct search_result results[CUSTOMERS];
	struct neighbour_report report = {.query_model = search->query_model,
					  .model = search->query_model,
					  .in_total = true,
					  .count = search->count,
					  .quiet = true};
	struct search_batch batch = {queries, CUSTOMERS, results, 0};

	for (size_t row = 0; row < CUSTOMERS; row++)
		expect(neighbour_search_query(search, row, &queries[row]) ==
			       NULL,
		       "a query is made");
	const char *error = neighbour_search_run(search, &batch);
	expect(error == NULL, "the search succeeds");
	if (error != NULL)
		return;
	expect(batch.zeros == 1, "one row is a zero vector");
	expect(results[0].count == 1 && results[0].hits[0].row == 1,
	       "c is like a, and e shares nothing with it");
	expect(results[3].count == 0 && results[3].zero, "no one is like g");
	for (size_t row = 0; row < CUSTOMERS; row++)
		neighbour_report_add(&report, row, &results[row]);
	expect(report.zero == 1 && report.few == 3 && !report.missed,
	       "one zero vector, and three with fewer than three neighbours");
	report.in_total = false;
	neighbour_report_add(&report, 0, &results[0]);
	expect(!report.missed, "a has neighbours");
	search_results_free(results, CUSTOMERS);
}

/* With a least similarity, what shares nothing is a result, too. */
static void check_zeros(struct neighbour_search search)
{
	struct search_query query;
	struct search_result result;
	struct search_batch batch = {&query, 1, &result, 0};

	search.min_score = 0;
	expect(neighbour_search_query(&search, 0, &query) == NULL &&
		       neighbour_search_run(&search, &batch) == NULL,
	       "the search succeeds");
	expect(result.count == 2 && result.hits[0].row == 1 &&
		       result.hits[1].row == 2 && result.hits[1].score == 0,
	       "c, then e, for a");
	search_results_free(&result, 1);
}

int main(void)
{
	struct model model = make_model(rows, CUSTOMERS, names);
	struct model queries = make_model(query_rows, QUERIES, query_names);
	struct ivf_index index = {0};
	struct sharded_model shards = {
		.models = &model, .count = 1, .indexes = &index};

	shards.whole = model;
	const struct neighbour_search search = {.shards = &shards,
						.query_model = &shards.whole,
						.count = 3,
						.min_score = -INFINITY,
						.metric = METRIC_EMBEDDING,
						.threads = 1};

	check_self(search, &queries);
	check_run(&search);
	check_zeros(search);
	expect(neighbour_search_batch(&search) > 1000, "many in one call");
	return failed;
}
