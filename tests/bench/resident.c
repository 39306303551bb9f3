/* resident: queries in a process that has its model loaded, as a side of a job
 * (see README.md).
 *
 * usage: resident MODEL QUERIES | all  exact | codes | RECALL
 *
 * exact: search/exact_search.h, with an index or without; codes: the index's
 * bytes, exact, too; RECALL: the cells that have it.  Customers ask, evenly
 * spaced; QUERIES times, one after another, each on all threads; or all of them
 * at once. Writes the rows found, a line a query, to standard error. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/machine_limits.h"
#include "search/exact_search.h"
#include "search/ivf_index.h"
#include "search/ivf_search.h"
#include "search/sharded_model.h"
#include "base/thread_pool.h"

enum { NEIGHBOURS = 11, WARM = 3 };

/* Answer queries that come together. */
static const char *answer(const struct sharded_model *shards, const char *how,
			  const struct exact_search *search,
			  const struct search_query *queries, size_t count,
			  struct search_result *found)
{
	const struct ivf_index *index = &shards->indexes[0];
	size_t zeros;

	if (strcmp(how, "exact") == 0)
		return exact_search_run(search, queries, count, found, &zeros);
	return ivf_search_run(
		index, search, queries, count,
		strcmp(how, "codes") == 0
			? 0
			: ivf_index_probes(index, strtod(how, NULL)),
		NULL, found, &zeros);
}

static void check(const char *error)
{
	if (error != NULL)
		die("%s", error);
}

static struct search_query *make_queries(const struct model *model,
					 size_t count)
{
	struct search_query *queries = alloc(count, sizeof *queries);

	for (size_t i = 0; i < count; i++) {
		size_t row = i * model->matrix.n / count;

		queries[i] = (struct search_query){
			.vector = model->embedding + row * model->k,
			.self = row,
			.asked = row,
		};
	}
	return queries;
}

static void write_rows(const struct search_result *found, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < found[i].count; j++)
			fprintf(stderr, "%u ", found[i].hits[j].row);
		fputs("\n", stderr);
	}
}

int main(int argc, char **argv)
{
	struct sharded_model shards;

	if (argc != 4)
		die("usage: resident MODEL QUERIES | all  exact | codes | "
		    "RECALL");
	check(sharded_model_open(&shards, &argv[1], 1));
	const struct model *model = &shards.whole;
	bool all = strcmp(argv[2], "all") == 0;
	size_t count = all ? model->matrix.n : strtoul(argv[2], NULL, 10);
	size_t together = all ? count : 1;
	struct search_query *queries = make_queries(model, count);
	struct search_result *found = alloc(count, sizeof *found);
	const struct exact_search search = {
		.rows = model->embedding,
		.n = model->matrix.n,
		.d = model->k,
		.limit = NEIGHBOURS,
		.min_score = -INFINITY,
		.with_self = true,
		.quiet = true,
		.threads = machine_limits_processors(),
	};
	/* Whatever is read, or asked for, for the first time is so before: a
	 * rival has searched to find its least effort. */
	check(safetensors_verify_all(&model->file, 1));
	for (size_t i = 0; i < WARM; i++) {
		check(answer(&shards, argv[3], &search, queries, together,
			     found));
		search_results_free(found, together);
	}
	puts("ready");
	fflush(stdout);
	getchar();
	for (size_t i = 0; i < count; i += together)
		check(answer(&shards, argv[3], &search, queries + i, together,
			     found + i));
	puts("done");
	fflush(stdout);
	write_rows(found, count);
	search_results_free(found, count);
	free(found);
	free(queries);
	sharded_model_close(&shards);
	return 0;
}
