/* resident: queries in a process that has its model loaded, as a side of a job
 * (see README.md).
 *
 * usage: resident MODEL QUERIES | all  exact | codes | combined | every |
 * RECALL
 *
 * By embeddings, exact: search/exact_search.h; codes: the index's bytes, exact,
 * too; RECALL: the cells that have it.  By rows and embeddings together, both
 * on one thread: combined: search/combined_search.h with its inverted index;
 * every: without, the score of every customer.  The queries are customers,
 * evenly spaced: QUERIES of them one after another, on all threads unless said
 * otherwise, or all of them at once.  Writes the rows found, a line a query, to
 * standard error, and before them, for combined, the time and the memory of the
 * index. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/machine_limits.h"
#include "search/exact_search.h"
#include "search/ivf_index.h"
#include "search/ivf_search.h"
#include "search/row_search.h"
#include "search/sharded_model.h"

enum { NEIGHBOURS = 11, WARM = 3 };

/* Answer queries that come together. */
static const char *answer(const struct sharded_model *shards, const char *how,
			  const struct search_options *search,
			  struct search_batch *batch)
{
	const struct ivf_index *index = &shards->indexes[0];

	if (search->metric == METRIC_COMBINED)
		return row_search_run(&shards->models[0], shards->rows_by_tag,
				      shards->workspace, search, batch);
	if (strcmp(how, "exact") == 0)
		return exact_search_run(search, batch);
	return ivf_search_run(
		index, search,
		strcmp(how, "codes") == 0
			? 0
			: ivf_index_probes(index, strtod(how, NULL)),
		NULL, batch);
}

static struct search_query *make_queries(const struct sharded_model *shards,
					 size_t count)
{
	const struct model *model = &shards->whole;
	struct search_query *queries = alloc(count, sizeof *queries);

	for (size_t i = 0; i < count; i++) {
		size_t row = i * model->matrix.n / count;

		queries[i] = (struct search_query){.self = row, .row = row};
		die_if(sharded_model_query(shards, model, row, &queries[i]));
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

/* Resident memory of this process that is not of a file, in bytes. */
static double anonymous_memory(void)
{
	FILE *status = fopen("/proc/self/status", "r");
	char line[256];
	double kilobytes = 0;

	while (status != NULL && fgets(line, sizeof line, status) != NULL)
		if (strncmp(line, "RssAnon:", 8) == 0)
			kilobytes = strtod(line + 8, NULL);
	if (status != NULL)
		fclose(status);
	return kilobytes * 1024;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Build the inverted index; say how long that takes and how much it holds, as
 * a share of the model's rows: 8 bytes an entry, 8 a row. */
static void index_rows(struct sharded_model *shards)
{
	const struct csr_matrix *matrix = &shards->whole.matrix;
	double sparse = 8 * (double)matrix->nnz + 8 * (double)matrix->n;
	double begin = seconds(), before = anonymous_memory();

	die_if(sharded_model_index_rows(shards, machine_limits_processors()));
	double held = anonymous_memory() - before;
	fprintf(stderr, "# index: %.2f s, %.0f MB, %.2f of the rows' %.0f MB\n",
		seconds() - begin, held / 1e6, held / sparse, sparse / 1e6);
}

int main(int argc, char **argv)
{
	struct sharded_model shards;

	if (argc != 4)
		die("usage: resident MODEL QUERIES | all  exact | codes | "
		    "combined | every | RECALL");
	die_if(sharded_model_open(&shards, &argv[1], 1, false));
	const struct model *model = &shards.whole;
	bool by_rows = strcmp(argv[3], "combined") == 0 ||
		       strcmp(argv[3], "every") == 0;
	bool all = strcmp(argv[2], "all") == 0;
	size_t count = all ? model->matrix.n : strtoul(argv[2], NULL, 10);
	size_t together = all ? count : 1;
	struct search_query *queries = make_queries(&shards, count);
	struct search_result *found = alloc(count, sizeof *found);
	const struct search_options search = {
		.rows = model->embedding,
		.n = model->matrix.n,
		.d = model->k,
		.metric = by_rows ? METRIC_COMBINED : METRIC_EMBEDDING,
		.alpha = DEFAULT_ALPHA,
		.limit = NEIGHBOURS,
		.min_score = -INFINITY,
		.with_self = true,
		.quiet = true,
		.threads = by_rows ? 1 : machine_limits_processors(),
	};
	/* Whatever is read, or asked for, for the first time is so before: a
	 * rival has searched to find its least effort. */
	die_if(safetensors_verify_all(&model->file, 1));
	if (strcmp(argv[3], "combined") == 0)
		index_rows(&shards);
	struct search_batch batch = {queries, together, found, 0};
	for (size_t i = 0; i < WARM; i++) {
		die_if(answer(&shards, argv[3], &search, &batch));
		search_results_free(found, together);
	}
	puts("ready");
	fflush(stdout);
	getchar();
	for (size_t i = 0; i < count; i += together) {
		batch.queries = queries + i;
		batch.results = found + i;
		die_if(answer(&shards, argv[3], &search, &batch));
	}
	puts("done");
	fflush(stdout);
	write_rows(found, count);
	search_results_free(found, count);
	free(found);
	free(queries);
	sharded_model_close(&shards);
	return 0;
}
