#include "evaluate/tuning.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* How many rows of the table are shown. */
enum { SHOWN = 15, DEFAULT_DIMENSIONS = 64 };

static const double alphas[] = {0.33, 0.5, 0.75, 1};
static const double default_alpha = 1;
static const size_t dimensions[] = {16, 32, 64, 128, 256};

static const enum figure compared[TUNING_FIGURES] = {
	FIGURE_MATCHED_MRR, FIGURE_BY_TENTH, FIGURE_BY_BOTH};

/* -------------------------------------------------------------------- rows */

static const char *option_of(const struct half_pair *pair, const char *key)
{
	const char *value = safetensors_option(&pair->model.file, key);

	return value != NULL ? value : "unknown";
}

static void name_row(struct evaluated *row)
{
	const struct scan_method *method = &row->method;
	char similarity[32];

	if (method->metric == SCAN_PROFILE)
		snprintf(similarity, sizeof similarity, "profile");
	else if (method->metric == SCAN_EMBEDDING)
		snprintf(similarity, sizeof similarity, "embedding %zu",
			 method->k);
	else
		snprintf(similarity, sizeof similarity, "combined %g, %zu",
			 method->alpha, method->k);
	snprintf(row->name, sizeof row->name, "%.8s %.6s %.10s, %s",
		 option_of(row->pair, "matrix.value"),
		 option_of(row->pair, "matrix.damp"),
		 option_of(row->pair, "matrix.weight"), similarity);
}

static void add_row(struct evaluated *rows, size_t *count,
		    const struct half_pair *pair, enum scan_metric metric,
		    double alpha, size_t k)
{
	struct evaluated *row = &rows[(*count)++];

	row->pair = pair;
	row->method =
		(struct scan_method){.metric = metric, .alpha = alpha, .k = k};
	name_row(row);
}

static size_t at_most(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The first row, which is measured once. */
static bool is_default(const struct evaluated *rows,
		       const struct half_pair *pair, double alpha, size_t k)
{
	const struct evaluated *row = &rows[0];

	return row->pair == pair && row->method.k == k &&
	       row->method.alpha >= alpha && row->method.alpha <= alpha;
}

static void add_dimensions(struct evaluated *made, size_t *rows,
			   const struct half_pair *pair, size_t k)
{
	add_row(made, rows, pair, SCAN_EMBEDDING, 0, k);
	for (size_t a = 0; a < sizeof alphas / sizeof *alphas; a++)
		if (!is_default(made, pair, alphas[a], k))
			add_row(made, rows, pair, SCAN_COMBINED, alphas[a], k);
}

struct evaluated *tuning_make_rows(const struct half_pair *pairs, size_t count,
				   size_t *rows)
{
	size_t cuts = sizeof dimensions / sizeof *dimensions;
	size_t kinds = sizeof alphas / sizeof *alphas;
	struct evaluated *made =
		alloc(1 + count * (1 + cuts * (1 + kinds)), sizeof *made);

	*rows = 0;
	add_row(made, rows, &pairs[0], SCAN_COMBINED, default_alpha,
		at_most(pairs[0].model.k, DEFAULT_DIMENSIONS));
	for (size_t i = 0; i < count; i++) {
		size_t last = 0;
		add_row(made, rows, &pairs[i], SCAN_PROFILE, 0, 0);
		for (size_t c = 0; c < cuts; c++) {
			size_t k = at_most(pairs[i].model.k, dimensions[c]);
			if (k == last)
				break;
			last = k;
			add_dimensions(made, rows, &pairs[i], k);
		}
	}
	return made;
}

/* ------------------------------------------------------------------ choice */

static void compare_row(const struct evaluation *evaluation,
			struct tuning_row *row)
{
	double logs = 0;
	size_t used = 0;

	for (size_t f = 0; f < TUNING_FIGURES; f++) {
		enum figure figure = compared[f];
		double own = evaluation->rows[row->row].figures[figure].value;
		double other = evaluation->rows[0].figures[figure].value;
		if (!evaluation_has(evaluation, figure))
			continue;
		row->change[f] =
			evaluation_difference(evaluation, row->row, 0, figure);
		row->worse = row->worse || row->change[f].high < 0;
		row->better = row->better || row->change[f].low > 0;
		/* A row without agreement is last, not level. */
		if (other > 0)
			logs += own > 0 ? log(own / other) : -INFINITY;
		used++;
	}
	row->score = used > 0 ? exp(logs / (double)used) : 1;
}

static int by_score(const void *a, const void *b)
{
	const struct tuning_row *x = a, *y = b;

	if (x->score < y->score || x->score > y->score)
		return x->score > y->score ? -1 : 1;
	return (x->row > y->row) - (x->row < y->row);
}

void tuning_choose(struct tuning *tuning, const struct evaluation *evaluation)
{
	size_t best = SIZE_MAX;

	*tuning = (struct tuning){.evaluation = evaluation,
				  .count = evaluation->count};
	tuning->rows = alloc(tuning->count, sizeof *tuning->rows);
	for (size_t i = 0; i < tuning->count; i++) {
		tuning->rows[i].row = i;
		compare_row(evaluation, &tuning->rows[i]);
	}
	qsort(tuning->rows, tuning->count, sizeof *tuning->rows, by_score);
	for (size_t i = 0; i < tuning->count; i++) {
		const struct tuning_row *row = &tuning->rows[i];
		if (row->row == 0)
			tuning->best = i;
		if (best == SIZE_MAX && row->better && !row->worse &&
		    row->score > 1)
			best = i;
	}
	if (best != SIZE_MAX)
		tuning->best = best;
}

void tuning_free(struct tuning *tuning)
{
	free(tuning->rows);
	*tuning = (struct tuning){0};
}

/* ------------------------------------------------------------------ output */

static void put_row(struct output *output, const struct tuning *tuning,
		    size_t at)
{
	const struct evaluation *evaluation = tuning->evaluation;
	const struct tuning_row *row = &tuning->rows[at];
	const struct evaluated *evaluated = &evaluation->rows[row->row];

	output_print(output, "%-38.38s", evaluated->name);
	for (size_t f = 0; f < TUNING_FIGURES; f++) {
		const struct interval *change = &row->change[f];
		bool relative = compared[f] >= FIGURE_BY_TENTH;
		double scale = relative ? 100 : 1;
		int decimals = relative ? 1 : 3;
		if (!evaluation_has(evaluation, compared[f])) {
			output_text(output, "  -");
			continue;
		}
		output_print(output, "  %.3f %+.*f [%+.*f, %+.*f]",
			     evaluated->figures[compared[f]].value, decimals,
			     scale * change->value, decimals,
			     scale * change->low, decimals,
			     scale * change->high);
	}
	output_print(output, "  %s\n",
		     row->row == 0 ? "default"
		     : row->worse  ? "worse"
		     : row->better ? "better"
				   : "");
}

void tuning_write(struct output *output, const struct tuning *tuning)
{
	const struct evaluation *evaluation = tuning->evaluation;
	const struct tuning_row *best = &tuning->rows[tuning->best];

	output_print(output,
		     "%zu customers, %zu asked about, %zu similarities; the "
		     "best by the geometric mean of\n"
		     "MRR within the tenth of activity, agreement by tenth and "
		     "agreement by both sides,\n"
		     "each beside its change from the default (of agreements "
		     "in %%) [95 %% interval]\n",
		     evaluation->population->n,
		     evaluation->population->query_count, tuning->count);
	if (!evaluation->ranked)
		output_text(output, "ranks mean nothing here: no pair of "
				    "customer and tag repeats\n");
	if (!evaluation->close)
		output_text(output, "agreement means nothing here: customers "
				    "of half B are not alike on average\n");
	output_text(output, "\n");
	for (size_t i = 0; i < tuning->count; i++) {
		bool needed = i == tuning->best || tuning->rows[i].row == 0;
		if (i < SHOWN || needed)
			put_row(output, tuning, i);
	}
	if (best->row == 0)
		output_text(output,
			    "\nuse the default: nothing is significantly "
			    "better and in no figure worse\n");
	else
		output_print(output,
			     "\nuse %s: significantly better than the default, "
			     "and in no figure\nsignificantly worse; the "
			     "figures of the best of %zu are biased upwards\n",
			     evaluation->rows[best->row].name, tuning->count);
}

void tuning_write_recipe(struct output *output, const struct tuning *tuning)
{
	const struct evaluated *best =
		&tuning->evaluation->rows[tuning->rows[tuning->best].row];
	size_t k = best->method.metric == SCAN_PROFILE ? DEFAULT_DIMENSIONS
						       : best->method.k;

	output_print(output,
		     "# Written by make tune: %s.\n"
		     "matrix-tuned = --value %s --damp %s --weight %s --norm "
		     "%s\nsvd-tuned = -k %zu\nknn-tuned = ",
		     best->name, option_of(best->pair, "matrix.value"),
		     option_of(best->pair, "matrix.damp"),
		     option_of(best->pair, "matrix.weight"),
		     option_of(best->pair, "matrix.norm"), k);
	if (best->method.metric == SCAN_COMBINED)
		output_print(output, "--metric combined --alpha %g\n",
			     best->method.alpha);
	else
		output_print(output, "--metric %s\n",
			     best->method.metric == SCAN_PROFILE ? "profile"
								 : "embedding");
}
