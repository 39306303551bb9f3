/* resident: queries in a process that has its model loaded, as a side of a row
 * (see README.md).
 *
 * usage: resident MODEL QUERIES | all  exact | codes | RECALL
 *
 * exact: nearest.h, with an index or without; codes: the index's bytes, exact,
 * too; RECALL: the cells that have it.  Customers ask, evenly spaced; QUERIES
 * times, one after another, each on all threads; or all of them at once.
 * Writes the rows found, a line a query, to standard error. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "search/ivf_index.h"
#include "search/sharded_model.h"
#include "base/thread_pool.h"

enum { NEIGHBOURS = 11, WARM = 3 };

/* Answer queries that come together. */
static const char *answer(const struct shards *shards, const char *how,
			  const struct search *search,
			  const struct query *queries, size_t count,
			  struct found *found)
{
	const struct index *index = &shards->indexes[0];
	size_t zeros;

	if (strcmp(how, "exact") == 0)
		return nearest_search(search, queries, count, found, &zeros);
	return index_search(index, search, queries, count,
			    strcmp(how, "codes") == 0
				    ? 0
				    : index_probes(index, strtod(how, NULL)),
			    NULL, found, &zeros);
}

static void check(const char *error)
{
	if (error != NULL)
		die("%s", error);
}

static struct query *make_queries(const struct model *model, size_t count)
{
	struct query *queries = alloc(count, sizeof *queries);

	for (size_t i = 0; i < count; i++) {
		size_t row = i * model->matrix.n / count;

		queries[i] = (struct query){
			.vector = model->embedding + row * model->k,
			.self = row,
			.asked = row,
		};
	}
	return queries;
}

static void write_rows(const struct found *found, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < found[i].count; j++)
			fprintf(stderr, "%u ", found[i].hits[j].row);
		fputs("\n", stderr);
	}
}

int main(int argc, char **argv)
{
	struct shards shards;

	if (argc != 4)
		die("usage: resident MODEL QUERIES | all  exact | codes | "
		    "RECALL");
	check(shards_open(&shards, &argv[1], 1));
	const struct model *model = &shards.whole;
	bool all = strcmp(argv[2], "all") == 0;
	size_t count = all ? model->matrix.n : strtoul(argv[2], NULL, 10);
	size_t together = all ? count : 1;
	struct query *queries = make_queries(model, count);
	struct found *found = alloc(count, sizeof *found);
	const struct search search = {
		.rows = model->embedding,
		.n = model->matrix.n,
		.d = model->k,
		.limit = NEIGHBOURS,
		.least = -INFINITY,
		.with_self = true,
		.quiet = true,
		.threads = team_processors(),
	};
	/* Whatever is read, or asked for, for the first time is so before: a
	 * rival has searched to find its least effort. */
	check(format_verify_all(&model->file, 1));
	for (size_t i = 0; i < WARM; i++) {
		check(answer(&shards, argv[3], &search, queries, together,
			     found));
		nearest_free(found, together);
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
	nearest_free(found, count);
	free(found);
	free(queries);
	shards_close(&shards);
	return 0;
}
