/* matrix_builder: counts, weights, tenths and rows of small profiles, against
 * those computed here from the definition. */
#include "model/matrix_builder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CUSTOMERS = 25 };

static int failures;

#define EXPECT(condition)                                                      \
	do {                                                                   \
		if (condition)                                                 \
			break;                                                 \
		printf("line %d: not %s\n", __LINE__, #condition);             \
		failures++;                                                    \
	} while (0)

static const struct matrix_options defaults = {.value = VALUE_SUM,
					       .damp = DAMP_NONE,
					       .weight = WEIGHT_IDF,
					       .norm = NORM_NONE,
					       .min_users = 1,
					       .memory = 1 << 20};

/* Customer i of 0..24 (c00, c01, ...) has tags t00..ti, each with value i + 1:
 * tag t has 25 - t customers, and customer i has i + 1 tags. */
static void write_profiles(const char *path, const char *prefix)
{
	FILE *file = fopen(path, "w");

	fprintf(file, "customer\ttag\tevents\tvalue\n");
	for (int i = 0; i < CUSTOMERS; i++)
		for (int t = 0; t <= i; t++)
			fprintf(file, "c%02d\t%st%02d\t1\t%d\n", i, prefix, t,
				i + 1);
	if (fclose(file) != 0)
		exit(2);
}

static void test_counts(void)
{
	char *paths[] = {(char[]){"one.tsv"}, NULL};
	struct matrix_builder b;
	const unsigned char *tenth;
	int64_t sum = 0;

	EXPECT(matrix_builder_build(&b, &defaults, paths, 1) == NULL);
	EXPECT(b.n == CUSTOMERS && b.m == CUSTOMERS);
	EXPECT(b.nnz == CUSTOMERS * (CUSTOMERS + 1) / 2);
	tenth = tempfile_bytes(&b.tenth);
	for (size_t i = 0; i < b.n; i++) {
		size_t count, length;
		const struct matrix_entry *row =
			matrix_builder_row(&b, i, &count);
		char name[32];
		EXPECT(count == i + 1 && row[i].column == (int32_t)i);
		EXPECT(fabs(b.weight[i] -
			    log(CUSTOMERS / (double)(CUSTOMERS - i))) < 1e-15);
		EXPECT(matrix_builder_values(&b, count)[i] ==
		       (double)(i + 1) * b.weight[i]);
		/* Customer i is the one of rank i by number of tags. */
		EXPECT(tenth[i] == i * TENTHS / CUSTOMERS);
		snprintf(name, sizeof name, "c%02zu", i);
		EXPECT(memcmp(matrix_builder_customer(&b, i, &length), name,
			      3) == 0 &&
		       length == 3);
		name[0] = 't';
		EXPECT(memcmp(matrix_builder_tag(&b, i, &length), name, 3) ==
			       0 &&
		       length == 3);
	}
	for (size_t t = 0; t < TENTHS; t++)
		sum += b.counts.tenth_size[t];
	EXPECT(sum == CUSTOMERS);
	/* The last tag has one customer, the last. */
	EXPECT(b.counts.tenths[(b.m - 1) * TENTHS + TENTHS - 1] == 1);
	EXPECT(b.counts.tenths[(b.m - 1) * TENTHS] == 0);
	matrix_builder_free(&b);
}

static void test_limits(void)
{
	char *paths[] = {(char[]){"one.tsv"}, NULL};
	struct matrix_options options = defaults;
	struct matrix_builder b;

	options.min_users = 20; /* tags t00 to t05 */
	options.min_tags = 3;   /* customers c02 to c24 */
	EXPECT(matrix_builder_build(&b, &options, paths, 1) == NULL);
	EXPECT(b.m == 6 && b.n == 23);
	EXPECT(b.nnz == 3 + 4 + 5 + 20 * 6);
	matrix_builder_free(&b);
	options.min_users = 26;
	EXPECT(matrix_builder_build(&b, &options, paths, 1) != NULL);
	matrix_builder_free(&b);
	options.min_users = 1;
	options.min_tags = 26;
	EXPECT(matrix_builder_build(&b, &options, paths, 1) != NULL);
	matrix_builder_free(&b);
}

/* Two files: each block has the norm of its weight. */
static void test_blocks(void)
{
	static const double weights[] = {1, 0.5};
	char *paths[] = {(char[]){"one.tsv"}, (char[]){"two.tsv"}, NULL};
	struct matrix_options options = defaults;
	struct matrix_builder b;
	double squares[2] = {0};

	options.weights = weights;
	EXPECT(matrix_builder_build(&b, &options, paths, 2) == NULL);
	EXPECT(b.m == 2 * CUSTOMERS && b.n == CUSTOMERS);
	for (size_t i = 0; i < b.n; i++) {
		size_t count;
		const struct matrix_entry *row =
			matrix_builder_row(&b, i, &count);
		const double *values = matrix_builder_values(&b, count);
		for (size_t j = 0; j < count; j++)
			/* Tags of the second file begin with "x". */
			squares[row[j].column >= CUSTOMERS] +=
				values[j] * values[j];
	}
	EXPECT(fabs(squares[0] - 1) < 1e-12);
	EXPECT(fabs(squares[1] - 0.25) < 1e-12);
	matrix_builder_free(&b);
}

/* A file without rows is refused by an error text that names it. */
static void test_empty(void)
{
	char *paths[] = {(char[]){"none.tsv"}, NULL};
	struct matrix_builder b;
	FILE *file = fopen("none.tsv", "w");
	const char *error;

	fprintf(file, "customer\ttag\tevents\tvalue\n");
	fclose(file);
	error = matrix_builder_build(&b, &defaults, paths, 1);
	EXPECT(error != NULL && strstr(error, "none.tsv") != NULL);
	matrix_builder_free(&b);
}

int main(void)
{
	write_profiles("one.tsv", "");
	write_profiles("two.tsv", "x");
	test_counts();
	test_limits();
	test_blocks();
	test_empty();
	return failures > 0;
}
