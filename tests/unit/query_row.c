/* query_row: a folded customer and the mean of a group against their
 * definitions, and a copy that outlives the struct it was made of. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "explain/query_row.h"
#include "small_model.h"

static int failed;

static void expect(const char *what, double found, double expected)
{
	if (fabs(found - expected) <= 1e-6 * (1 + fabs(expected)))
		return;
	printf("%s: %.9g, expected %.9g\n", what, found, expected);
	failed = 1;
}

/* The row's embedding is that of its entries, centring aside. */
static void check_embedding(const struct model *row)
{
	for (size_t j = 0; j < SMALL_K; j++) {
		double sum = 0;

		for (size_t i = 0; i < row->matrix.nnz; i++)
			sum += (double)row->matrix.values[i] *
			       row->components[(size_t)row->matrix.indices[i] *
						       SMALL_K +
					       j];
		expect("embedding of the entries", (double)row->embedding[j],
		       sum);
	}
}

static void check_mean(const struct sharded_model *shards)
{
	const float *x = shards->whole.embedding;
	uint64_t customers = 1 << 0 | 1 << 2 | 1 << 4;
	struct query_row row, copy;
	size_t length;
	const char *name,
		*error = query_row_mean(&row, shards, METRIC_EMBEDDING,
					&customers, "group");

	if (error != NULL) {
		printf("%s\n", error);
		failed = 1;
		return;
	}
	copy = row;
	memset(&row, 0xff, sizeof row);
	expect("customers", (double)copy.customers, 2);
	expect("rows", (double)copy.model.matrix.n, 1);
	for (size_t j = 0; j < SMALL_K; j++)
		expect("mean of unit vectors", (double)copy.model.embedding[j],
		       ((double)x[j] / hypot((double)x[0], (double)x[1]) +
			(double)x[4 + j] / hypot((double)x[4], (double)x[5])) /
			       2);
	check_embedding(&copy.model);
	/* Tags 0 (10 and -10), 1 (5), 2 (40). */
	expect("entries", (double)copy.model.matrix.nnz, 3);
	expect("raw 0", (double)copy.model.matrix.raw[0], 0);
	expect("raw 1", (double)copy.model.matrix.raw[1], 2.5);
	expect("raw 2", (double)copy.model.matrix.raw[2], 20);
	name = text_array_at(&copy.model.matrix.users, 0, &length);
	if (length != 5 || memcmp(name, "group", 5) != 0)
		expect("length of the name", (double)length, 5);
	query_row_free(&copy);
	query_row_free(&copy);
}

static void check_zero(const struct sharded_model *shards)
{
	uint64_t customers = 1 << 4;
	struct query_row row;

	if (query_row_mean(&row, shards, METRIC_EMBEDDING, &customers, "") !=
	    NULL)
		failed = 1;
	expect("customers with a zero vector", (double)row.customers, 0);
	query_row_free(&row);
}

static void check_fold_in(const struct model *model)
{
	struct fold_in fold = {.model = *model,
			       .value = VALUE_SUM,
			       .damp = DAMP_NONE,
			       .norm = NORM_NONE,
			       .minimum = {0, 2}};
	const struct named_tag_value tags[] = {
		{"c", 1, 30}, {"x", 1, 7}, {"a", 1, 20}, {"y", 1, 1}};
	struct projection projection;
	struct query_row row, copy;

	for (size_t t = 2; t < TENTHS; t++)
		fold.minimum[t] = UINT64_MAX;
	projection_model(&projection, model);
	query_row_fold_in(&row, &fold, &projection, tags, 4);
	copy = row;
	memset(&row, 0xff, sizeof row);
	expect("known", (double)copy.known, 2);
	if (copy.unknown == NULL || strcmp(copy.unknown, "x") != 0)
		expect("first unknown tag", 0, 1);
	expect("first tag", copy.model.matrix.indices[0], 0);
	expect("its weighted value", (double)copy.model.matrix.values[0], 2);
	expect("its raw value", (double)copy.model.matrix.raw[0], 20);
	expect("second tag", copy.model.matrix.indices[1], 2);
	expect("its weighted value", (double)copy.model.matrix.values[1], 3);
	expect("tenth", copy.model.matrix.tenth[0], 1);
	check_embedding(&copy.model);
	query_row_free(&copy);
	projection_end(&projection);
}

/* A row whose indices fall is damaged, and named. */
static void check_damage(struct sharded_model shards)
{
	static const int32_t falling[] = {1, 0, 1, 0, 2, 2};
	uint64_t customers = 1;
	struct query_row row;
	const char *error;

	shards.whole.matrix.indices = falling;
	error = query_row_mean(&row, &shards, METRIC_EMBEDDING, &customers, "");
	if (error == NULL || strstr(error, "row 0") == NULL) {
		printf("damaged row: %s\n", error ? error : "no error");
		failed = 1;
	}
	query_row_free(&row);
}

int main(void)
{
	struct sharded_model shards = {.count = 1, .whole = small_model()};

	check_mean(&shards);
	check_zero(&shards);
	check_fold_in(&shards.whole);
	check_damage(shards);
	return failed;
}
