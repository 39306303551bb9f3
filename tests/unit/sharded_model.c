/* sharded_model: rows of several files are numbered by name and resolved to
 * where they are stored, a name in two files is refused, and a search gives
 * what it gives for one file that has all rows. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "search/exact_search.h"
#include "search/sharded_model.h"
#include "search/sharded_search.h"
#include "cases.h"

enum { CASES = 300, MAX_ROWS = 90, MAX_SHARDS = 5, DIMENSIONS = 4, WIDTH = 4 };

/* Rows of one file; names are WIDTH digits, so that bytes sort as numbers. */
struct shard_rows {
	int64_t offsets[MAX_ROWS + 1];
	unsigned char names[MAX_ROWS * WIDTH + 1];
	float rows[MAX_ROWS * DIMENSIONS];
	size_t n;
};

static void add_row(struct shard_rows *shard, size_t number, const float *row)
{
	size_t n = shard->n++;

	snprintf((char *)shard->names + n * WIDTH, WIDTH + 1, "%04zu", number);
	shard->offsets[n + 1] = (int64_t)((n + 1) * WIDTH);
	memcpy(shard->rows + n * DIMENSIONS, row, DIMENSIONS * sizeof(float));
}

static void set_model(struct model *model, const struct shard_rows *shard)
{
	*model = (struct model){.k = DIMENSIONS, .embedding = shard->rows};
	model->input.name = "shard";
	model->matrix.n = shard->n;
	model->matrix.users =
		(struct text_array){shard->offsets, shard->names, shard->n};
}

/* What sharded_model_join made; the models are of this test. */
static void free_joined(struct sharded_model *shards)
{
	for (size_t s = 0; s < shards->count && shards->rows != NULL; s++)
		free(shards->rows[s]);
	free(shards->rows);
	free(shards->places);
	free(shards->offsets);
	free(shards->bytes);
	free(shards->name);
}

static int check_rows(const struct sharded_model *shards, const float *rows,
		      size_t n)
{
	const struct model *other = &shards->models[0];

	for (size_t i = 0; i < n; i++) {
		size_t row = i;
		const struct model *model =
			sharded_model_resolve(shards, &shards->whole, &row);

		if (memcmp(model->embedding + row * DIMENSIONS,
			   rows + i * DIMENSIONS,
			   DIMENSIONS * sizeof *rows) != 0)
			return fail("a row is resolved to another");
	}
	size_t row = 0;
	if (shards->count > 1 &&
	    (sharded_model_resolve(shards, other, &row) != other || row != 0))
		return fail("a row of another model is changed");
	return 0;
}

static int check_search(const struct sharded_model *shards, const float *rows,
			size_t n)
{
	struct search_options search = {.rows = rows,
					.n = n,
					.d = DIMENSIONS,
					.limit = 1 + chance(12),
					.min_score = -INFINITY,
					.quiet = true,
					.threads = 2};
	struct search_query queries[MAX_ROWS];
	struct search_result one[MAX_ROWS], many[MAX_ROWS];
	struct search_batch in_one = {queries, n, one, 0};
	struct search_batch in_many = {queries, n, many, 0};
	int failed = 0;

	for (size_t i = 0; i < n; i++)
		queries[i] = (struct search_query){
			.vector = rows + i * DIMENSIONS, .self = i, .row = i};
	if (exact_search_run(&search, &in_one) ||
	    sharded_search_run(shards, &search, &in_many))
		return fail("search refused");
	for (size_t i = 0; i < n; i++)
		failed |= one[i].count != many[i].count ||
			  one[i].candidates != many[i].candidates ||
			  memcmp(one[i].hits, many[i].hits,
				 one[i].count * sizeof *one[i].hits) != 0;
	failed |= in_one.zeros != in_many.zeros;
	search_results_free(one, n);
	search_results_free(many, n);
	return failed ? fail("other results than of one file") : 0;
}

static int run_case(void)
{
	static struct shard_rows each[MAX_SHARDS];
	struct model models[MAX_SHARDS] = {0};
	struct ivf_index indexes[MAX_SHARDS] = {0};
	float rows[MAX_ROWS * DIMENSIONS];
	size_t n = 1 + chance(MAX_ROWS), count = 2 + chance(MAX_SHARDS - 1);
	bool twice = chance(8) == 0;
	struct sharded_model shards = {
		.models = models, .count = count, .indexes = indexes};
	int failed = 0;

	memset(each, 0, sizeof each);
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < DIMENSIONS; j++)
			rows[i * DIMENSIONS + j] =
				i % 7 == 3 ? 0 : (float)chance(5) - 2;
		size_t s = chance(count);
		add_row(&each[s], i, rows + i * DIMENSIONS);
		if (twice && i == n / 2)
			add_row(&each[(s + 1) % count], i,
				rows + i * DIMENSIONS);
	}
	for (size_t s = 0; s < count; s++)
		set_model(&models[s], &each[s]);
	shards.whole = models[0];
	const char *error = sharded_model_join(&shards);
	if ((error != NULL) != twice)
		failed = fail(twice ? "a name in two files was accepted"
				    : "refused");
	if (error == NULL && !failed)
		failed = check_rows(&shards, rows, n) ||
			 check_search(&shards, rows, n);
	free_joined(&shards);
	return failed;
}

int main(int argc, char **argv)
{
	return run_cases(argc, argv, CASES, run_case);
}
