#include "evaluate/evaluation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

const double evaluation_repeated_least = 0.05;

const char *const figure_names[FIGURES] = {
	[FIGURE_MRR] = "mrr",
	[FIGURE_ACCURACY] = "accuracy_1",
	[FIGURE_RECALL] = "recall_10",
	[FIGURE_MEDIAN] = "median_rank",
	[FIGURE_MATCHED_MRR] = "matched_mrr",
	[FIGURE_MATCHED_ACCURACY] = "matched_accuracy_1",
	[FIGURE_MATCHED_RECALL] = "matched_recall_10",
	[FIGURE_MATCHED_MEDIAN] = "matched_median_rank",
	[FIGURE_BY_TENTH] = "agreement_by_tenth",
	[FIGURE_BY_BOTH] = "agreement_by_both",
};

/* Columns of the bootstrap, for each row: of ranks among all and among the
 * tenth (MATCHED further on), and sums of agreement. */
enum column {
	COLUMN_MRR,
	COLUMN_ACCURACY,
	COLUMN_RECALL,
	MATCHED,
	COLUMN_FOUND = 2 * MATCHED,
	COLUMN_TENTH,
	COLUMN_BOTH,
	COLUMNS
};

/* ------------------------------------------------------------------ values */

static double *values_of(const struct evaluation *evaluation, size_t row,
			 size_t column)
{
	return evaluation->values +
	       (row * COLUMNS + column) * evaluation->population->query_count;
}

static void set_ranks(struct evaluation *evaluation, size_t row)
{
	size_t queries = evaluation->population->query_count;

	for (size_t matched = 0; matched < 2; matched++)
		for (size_t q = 0; q < queries; q++) {
			double rank =
				evaluation
					->ranks[(row * 2 + matched) * queries +
						q];
			size_t at = matched * MATCHED;
			values_of(evaluation, row, at + COLUMN_MRR)[q] =
				1 / rank;
			values_of(evaluation, row, at + COLUMN_ACCURACY)[q] =
				rank <= 1;
			values_of(evaluation, row, at + COLUMN_RECALL)[q] =
				rank <= SCAN_NEAREST;
		}
}

static void set_agreement(struct evaluation *evaluation,
			  const struct agreement *agreement, size_t row)
{
	size_t queries = evaluation->population->query_count;

	for (size_t q = 0; q < queries; q++) {
		struct agreement_sums sums =
			agreement_of(agreement, q,
				     evaluation->nearest +
					     (row * queries + q) * SCAN_NEAREST,
				     SCAN_NEAREST);
		values_of(evaluation, row, COLUMN_FOUND)[q] = sums.found;
		values_of(evaluation, row, COLUMN_TENTH)[q] = sums.by_tenth;
		values_of(evaluation, row, COLUMN_BOTH)[q] = sums.by_both;
	}
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Skewness of the number of lists that each of the population stands in
 * (Radovanovic et al., J. Machine Learning Research 11, 2010). */
static void set_hubness(struct evaluation *evaluation, size_t row)
{
	struct evaluated *evaluated = &evaluation->rows[row];
	size_t queries = evaluation->population->query_count;
	size_t all = queries * SCAN_NEAREST, count = 0;
	double n = (double)evaluation->population->n, mean, square, cube;
	uint32_t *ids = alloc(all, sizeof *ids);

	for (size_t i = 0; i < all; i++) {
		uint32_t id = evaluation->nearest[row * all + i];
		if (id != UINT32_MAX)
			ids[count++] = id;
	}
	qsort(ids, count, sizeof *ids, by_number);
	mean = (double)count / n;
	/* Those who stand in no list, corrected as others are counted. */
	square = n * mean * mean;
	cube = -n * mean * mean * mean;
	evaluated->most_near = 0;
	for (size_t i = 0, end; i < count; i = end) {
		for (end = i; end < count && ids[end] == ids[i];)
			end++;
		double d = (double)(end - i) - mean;
		square += d * d - mean * mean;
		cube += d * d * d + mean * mean * mean;
		if (end - i > evaluated->most_near)
			evaluated->most_near = end - i;
	}
	evaluated->hubness = square > 0 ? cube / n / pow(square / n, 1.5) : 0;
	free(ids);
}

/* ----------------------------------------------------------------- figures */

struct figure_of {
	size_t row, other; /* other: SIZE_MAX for the figure itself */
	enum figure figure;
	double queries;
};

static double ratio(double a, double b)
{
	return b > 0 || b < 0 ? a / b : 0;
}

static double figure_value(size_t row, enum figure figure, double queries,
			   const double *sums, const double *medians)
{
	const double *of = sums + row * COLUMNS;

	switch (figure) {
	case FIGURE_MEDIAN:
		return medians[row * 2];
	case FIGURE_MATCHED_MEDIAN:
		return medians[row * 2 + 1];
	case FIGURE_BY_TENTH:
		return ratio(of[COLUMN_FOUND], of[COLUMN_TENTH]);
	case FIGURE_BY_BOTH:
		return ratio(of[COLUMN_FOUND], of[COLUMN_BOTH]);
	case FIGURE_MRR:
	case FIGURE_ACCURACY:
	case FIGURE_RECALL:
		return of[COLUMN_MRR + (figure - FIGURE_MRR)] / queries;
	default:
		return of[MATCHED + (figure - FIGURE_MATCHED_MRR)] / queries;
	}
}

static double relative_change(double value, double other)
{
	static const double most = 1000;

	if (other > 0 || other < 0)
		return fmin(value / other - 1, most);
	return value > 0 ? most : value < 0 ? -most : 0;
}

static double figure_of_draw(const void *context, const double *sums,
			     const double *medians)
{
	const struct figure_of *of = context;
	double value =
		figure_value(of->row, of->figure, of->queries, sums, medians);

	if (of->other == SIZE_MAX)
		return value;
	double other =
		figure_value(of->other, of->figure, of->queries, sums, medians);
	return of->figure >= FIGURE_BY_TENTH ? relative_change(value, other)
					     : value - other;
}

struct interval evaluation_difference(const struct evaluation *evaluation,
				      size_t a, size_t b, enum figure figure)
{
	struct figure_of of = {a, b, figure,
			       (double)evaluation->population->query_count};

	return bootstrap_interval(&evaluation->bootstrap, figure_of_draw, &of);
}

static double harmonic(size_t n)
{
	double sum = 0;

	for (size_t i = n; i > 0; i--)
		sum += 1 / (double)i;
	return sum;
}

/* The same of a random order of so many. */
static double chance_among(size_t n, enum figure figure)
{
	double size = (double)n;

	switch (figure) {
	case FIGURE_MRR:
		return harmonic(n) / size;
	case FIGURE_ACCURACY:
		return 1 / size;
	case FIGURE_RECALL:
		return n < SCAN_NEAREST ? 1 : SCAN_NEAREST / size;
	case FIGURE_MEDIAN:
		return (size + 1) / 2;
	default:
		return 1;
	}
}

double evaluation_chance(const struct population *population,
			 enum figure figure)
{
	double of_tenth[10], sum = 0;

	if (figure < FIGURE_MATCHED_MRR || figure >= FIGURE_BY_TENTH)
		return chance_among(population->n, figure);
	for (size_t t = 0; t < 10; t++)
		of_tenth[t] =
			population->tenth_size[t] == 0
				? 0
				: chance_among(population->tenth_size[t],
					       figure - FIGURE_MATCHED_MRR);
	for (size_t q = 0; q < population->query_count; q++)
		sum += of_tenth[population->tenth[population->queries[q]]];
	return sum / (double)population->query_count;
}

/* ---------------------------------------------------------------- the whole */

/* Ranks and neighbours of rows [first, end), which are of one pair. */
static void scan_rows(struct evaluation *evaluation, size_t first, size_t end,
		      unsigned threads)
{
	size_t queries = evaluation->population->query_count;
	size_t count = end - first;
	const struct half_pair *pair = evaluation->rows[first].pair;
	struct scan_method *methods = alloc(count, sizeof *methods);
	double *ranks = alloc(2 * count * queries, sizeof *ranks);
	struct similarity_scan scan;

	for (size_t i = 0; i < count; i++)
		methods[i] = evaluation->rows[first + i].method;
	similarity_scan_begin(&scan, pair, evaluation->population, methods,
			      count, NULL, threads);
	scan_nearest(&scan, methods, count,
		     evaluation->nearest + first * queries * SCAN_NEAREST);
	if (evaluation->ranked)
		scan_ranks(&scan, methods, count, ranks,
			   ranks + count * queries);
	for (size_t i = 0; evaluation->ranked && i < count; i++)
		for (size_t matched = 0; matched < 2; matched++)
			memcpy(evaluation->ranks +
				       ((first + i) * 2 + matched) * queries,
			       ranks + (matched * count + i) * queries,
			       queries * sizeof *ranks);
	similarity_scan_end(&scan);
	free(methods);
	free(ranks);
}

bool evaluation_has(const struct evaluation *evaluation, enum figure figure)
{
	return figure < FIGURE_BY_TENTH ? evaluation->ranked
					: evaluation->close;
}

static void find_figures(struct evaluation *evaluation)
{
	struct figure_of of = {
		.other = SIZE_MAX,
		.queries = (double)evaluation->population->query_count};

	for (of.row = 0; of.row < evaluation->count; of.row++)
		for (int f = 0; f < FIGURES; f++) {
			of.figure = (enum figure)f;
			evaluation->rows[of.row].figures[f] =
				bootstrap_interval(&evaluation->bootstrap,
						   figure_of_draw, &of);
		}
}

void evaluation_run(struct evaluation *evaluation,
		    const struct population *population,
		    const struct half_pair *held, size_t rounds, uint64_t seed,
		    unsigned threads)
{
	size_t queries = population->query_count, count = evaluation->count;
	struct agreement agreement;

	evaluation->population = population;
	evaluation->ranked = population->repeated >= evaluation_repeated_least;
	agreement_begin(&agreement, held, population);
	evaluation->close = agreement.grand > 0;
	evaluation->values =
		alloc(count * COLUMNS * queries, sizeof *evaluation->values);
	evaluation->ranks =
		alloc(count * 2 * queries, sizeof *evaluation->ranks);
	evaluation->nearest = alloc(count * queries * SCAN_NEAREST,
				    sizeof *evaluation->nearest);
	for (size_t first = 0, end; first < count; first = end) {
		for (end = first;
		     end < count && evaluation->rows[end].pair ==
					    evaluation->rows[first].pair;)
			end++;
		scan_rows(evaluation, first, end, threads);
	}
	for (size_t row = 0; row < count; row++) {
		if (evaluation->ranked)
			set_ranks(evaluation, row);
		set_agreement(evaluation, &agreement, row);
		set_hubness(evaluation, row);
	}
	agreement_end(&agreement);
	evaluation->bootstrap = (struct bootstrap){.values = evaluation->values,
						   .columns = count * COLUMNS,
						   .ranks = evaluation->ranks,
						   .medians = count * 2,
						   .customers = queries,
						   .rounds = rounds,
						   .seed = seed,
						   .threads = threads};
	bootstrap_run(&evaluation->bootstrap);
	find_figures(evaluation);
}

void evaluation_free(struct evaluation *evaluation)
{
	bootstrap_free(&evaluation->bootstrap);
	for (size_t i = 0; i < evaluation->count; i++)
		free(evaluation->rows[i].hub);
	free(evaluation->rows);
	free(evaluation->values);
	free(evaluation->ranks);
	free(evaluation->nearest);
	*evaluation = (struct evaluation){0};
}
