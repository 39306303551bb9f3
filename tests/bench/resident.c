/* resident: single queries, one after another, in a process that has its model
 * loaded, as a side of a row (see README.md).
 *
 * usage: resident MODEL QUERIES exact | codes | RECALL
 *
 * exact: nearest.h, with an index or without; codes: the index's bytes, exact,
 * too; RECALL: the cells that have it.  Customers ask, evenly spaced; QUERIES
 * times, each on all threads.  Writes the rows found, a line a query. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "die.h"
#include "index.h"
#include "shards.h"
#include "team.h"

enum { NEIGHBOURS = 11 };

static const char *search_one(const struct shards *shards, const char *how,
			      const struct search *search,
			      const struct query *query, struct found *found)
{
	const struct index *index = &shards->indexes[0];
	size_t zeros;

	if (strcmp(how, "exact") == 0)
		return nearest_search(search, query, 1, found, &zeros);
	return index_search(index, search, query, 1,
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

int main(int argc, char **argv)
{
	struct shards shards;
	struct found *found;
	size_t queries;

	if (argc != 4)
		die("usage: resident MODEL QUERIES exact | codes | RECALL");
	check(shards_open(&shards, &argv[1], 1));
	queries = strtoul(argv[2], NULL, 10);
	found = alloc(queries, sizeof *found);
	const struct model *model = &shards.whole;
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
	/* Whatever is read for the first time is read before. */
	check(format_verify_all(&model->file, 1));
	puts("ready");
	fflush(stdout);
	getchar();
	for (size_t i = 0; i < queries; i++) {
		size_t row = i * model->matrix.n / queries;
		const struct query query = {
			.vector = model->embedding + row * model->k,
			.self = row,
			.asked = row,
		};

		check(search_one(&shards, argv[3], &search, &query, &found[i]));
	}
	puts("done");
	fflush(stdout);
	for (size_t i = 0; i < queries; i++) {
		for (size_t j = 0; j < found[i].count; j++)
			fprintf(stderr, "%u ", found[i].hits[j].row);
		fputs("\n", stderr);
	}
	nearest_free(found, queries);
	free(found);
	shards_close(&shards);
	return 0;
}
