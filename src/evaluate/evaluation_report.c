#include "evaluate/evaluation_report.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/number.h"
#include "text/json_writer.h"
#include "text/tsv.h"

void evaluation_report_free(struct evaluation_report *report)
{
	for (size_t i = 0; i < report->warning_count; i++)
		free(report->warnings[i]);
	report->warning_count = 0;
}

/* -------------------------------------------------------------------- text */

enum { LABEL = 30 };

static void put_label(struct output *output, const char *label)
{
	output_print(output, "  %-*.*s", LABEL, LABEL, label);
}

/* "0.1164 [0.1040, 0.1279]" */
static void put_interval(struct output *output, const struct interval *interval,
			 int decimals)
{
	output_print(output, " %*.*f [%.*f, %.*f]", decimals + 3, decimals,
		     interval->value, decimals, interval->low, decimals,
		     interval->high);
}

static void put_ranks(struct output *output,
		      const struct evaluation *evaluation, int first)
{
	const struct population *population = evaluation->population;

	put_label(output, "chance");
	output_print(
		output, " %7.4f                   %6.1f %6.1f %8.0f\n",
		evaluation_chance(population, (enum figure)first),
		100 * evaluation_chance(population, (enum figure)(first + 1)),
		100 * evaluation_chance(population, (enum figure)(first + 2)),
		evaluation_chance(population, (enum figure)(first + 3)));
	for (size_t i = 0; i < evaluation->count; i++) {
		const struct interval *figures = evaluation->rows[i].figures;
		put_label(output, evaluation->rows[i].name);
		put_interval(output, &figures[first], 4);
		output_print(output, " %6.1f %6.1f %8.0f\n",
			     100 * figures[first + 1].value,
			     100 * figures[first + 2].value,
			     figures[first + 3].value);
	}
}

static void put_found_again(struct output *output,
			    const struct evaluation *evaluation)
{
	char n[NUMBER_TEXT];

	output_print(output,
		     "\nThe same customer found again among all %s: mean "
		     "reciprocal rank (MRR),\nfirst %% (the re-identification "
		     "rate), among the first ten %%, median rank\n",
		     number_commas(n, evaluation->population->n));
	put_ranks(output, evaluation, FIGURE_MRR);
	output_text(output, "\nThe same among customers of the same tenth of "
			    "activity\n");
	put_ranks(output, evaluation, FIGURE_MATCHED_MRR);
}

/* Skewness of a binomial count: what hubness is where neighbours are drawn at
 * random. */
static double random_hubness(const struct population *population)
{
	double p = SCAN_NEAREST / (double)(population->n - 1);
	double count = (double)population->query_count;

	return p < 1 ? (1 - 2 * p) / sqrt(count * p * (1 - p)) : 0;
}

/* Hubness alone, where agreements mean nothing. */
static void put_hubness(struct output *output,
			const struct evaluation *evaluation)
{
	output_text(output, "\nHubness of the ten neighbours of half A\n");
	put_label(output, "chance");
	output_print(output, " %6.2f\n",
		     random_hubness(evaluation->population));
	for (size_t i = 0; i < evaluation->count; i++) {
		put_label(output, evaluation->rows[i].name);
		output_print(output, " %6.2f\n", evaluation->rows[i].hubness);
	}
}

static void put_agreement(struct output *output,
			  const struct evaluation *evaluation)
{
	if (!evaluation->close) {
		put_hubness(output, evaluation);
		return;
	}
	output_text(
		output,
		"\nThe ten neighbours of half A, how alike on half B: times "
		"what is expected by\nthe neighbour's tenth of activity, and "
		"by both sides; hubness\n");
	put_label(output, "chance");
	output_print(output, " %6.3f                  %6.3f %25.2f\n", 1.0, 1.0,
		     random_hubness(evaluation->population));
	for (size_t i = 0; i < evaluation->count; i++) {
		const struct evaluated *row = &evaluation->rows[i];
		put_label(output, row->name);
		put_interval(output, &row->figures[FIGURE_BY_TENTH], 3);
		put_interval(output, &row->figures[FIGURE_BY_BOTH], 3);
		output_print(output, " %6.2f\n", row->hubness);
	}
}

static void put_change(struct output *output, const char *name,
		       const struct interval *change, bool relative)
{
	double scale = relative ? 100 : 1;
	int decimals = relative ? 1 : 4;
	const char *verdict = change->low > 0    ? "better"
			      : change->high < 0 ? "worse"
						 : "no difference shown";

	output_print(output, "    %-24s %+.*f%s [%+.*f, %+.*f] %s\n", name,
		     decimals, scale * change->value, relative ? " %" : "",
		     decimals, scale * change->low, decimals,
		     scale * change->high, verdict);
}

/* The figures of which differences are told in the table for people. */
static const struct {
	enum figure figure;
	const char *name;
} told[] = {
	{FIGURE_MRR, "MRR"},
	{FIGURE_MATCHED_MRR, "MRR, same tenth"},
	{FIGURE_BY_TENTH, "agreement, by tenth"},
	{FIGURE_BY_BOTH, "agreement, by both sides"},
};

static void put_differences(struct output *output,
			    const struct evaluation_report *report)
{
	const struct evaluation *evaluation = report->evaluation;

	for (size_t i = 0; i < report->against_count; i++) {
		output_print(output, "\n%s against %s\n",
			     evaluation->rows[0].name,
			     evaluation->rows[report->against[i]].name);
		for (size_t f = 0; f < sizeof told / sizeof *told; f++) {
			bool relative = told[f].figure >= FIGURE_BY_TENTH;
			if (!evaluation_has(evaluation, told[f].figure))
				continue;
			struct interval change = evaluation_difference(
				evaluation, 0, report->against[i],
				told[f].figure);
			put_change(output, told[f].name, &change, relative);
		}
	}
}

/* What a model was made by, of its metadata. */
static const char *const recipe_keys[] = {"matrix.value",  "matrix.damp",
					  "matrix.weight", "matrix.norm",
					  "svd.center",    "svd.scale"};
enum { RECIPE_KEYS = sizeof recipe_keys / sizeof *recipe_keys };

static const char *recipe_value(const struct model *model, size_t i)
{
	const char *value = safetensors_option(&model->file, recipe_keys[i]);

	return value != NULL ? value : "unknown";
}

static void put_recipe(struct output *output, const struct model *model)
{
	for (size_t i = 0; i < RECIPE_KEYS; i++)
		output_print(output, "%s %.12s, ",
			     strchr(recipe_keys[i], '.') + 1,
			     recipe_value(model, i));
	output_print(output, "%zu dimensions\n", model->k);
}

void evaluation_write_text(struct output *output,
			   const struct evaluation_report *report)
{
	const struct evaluation *evaluation = report->evaluation;
	const struct population *population = evaluation->population;
	char n[4][NUMBER_TEXT];

	put_recipe(output, &report->pair->model);
	output_print(output,
		     "%s customers in both halves (%s in half A alone, %s in "
		     "half B alone), %s asked\nabout; brackets are 95 %% "
		     "intervals over customers\n",
		     number_commas(n[0], population->n),
		     number_commas(n[1], population->only_a),
		     number_commas(n[2], population->only_b),
		     number_commas(n[3], population->query_count));
	if (report->pair->same_columns)
		output_print(output,
			     "%.1f %% of the pairs of customer and tag in half "
			     "B are in half A, too\n",
			     100 * population->repeated);
	if (evaluation->ranked)
		put_found_again(output, evaluation);
	put_agreement(output, evaluation);
	if (report->tags != NULL && report->tags->queries > 0)
		output_print(output,
			     "\nTags that a summary of half A lists: the "
			     "neighbours have them in half B %.2f\ntimes as "
			     "often as expected [%.2f, %.2f]; %.1f %% of such "
			     "tags [%.1f, %.1f] hold there:\nmore neighbours "
			     "have them than expected\n",
			     report->tags->times.value, report->tags->times.low,
			     report->tags->times.high,
			     100 * report->tags->hold.value,
			     100 * report->tags->hold.low,
			     100 * report->tags->hold.high);
	put_differences(output, report);
	if (report->warning_count > 0)
		output_text(output, "\n");
	for (size_t i = 0; i < report->warning_count; i++)
		output_print(output, "warning: %s\n", report->warnings[i]);
}

/* --------------------------------------------------------------------- TSV */

static void put_line(struct output *output, const char *name,
		     const char *against, const char *figure,
		     const struct interval *interval)
{
	tsv_write_field(output, name, strlen(name));
	output_text(output, "\t");
	tsv_write_field(output, against, strlen(against));
	if (interval == NULL)
		output_print(output, "\t%s\t\t\t\n", figure);
	else
		output_print(output, "\t%s\t%.9g\t%.9g\t%.9g\n", figure,
			     interval->value, interval->low, interval->high);
}

static void put_count(struct output *output, const char *figure, double value)
{
	put_line(output, "", "", figure,
		 &(struct interval){value, value, value});
}

void evaluation_write_tsv(struct output *output,
			  const struct evaluation_report *report)
{
	const struct evaluation *evaluation = report->evaluation;
	const struct population *population = evaluation->population;
	struct interval interval;

	output_text(output, "similarity\tagainst\tfigure\tvalue\tlow\thigh\n");
	put_count(output, "customers", (double)population->n);
	put_count(output, "queries", (double)population->query_count);
	put_count(output, "repeated_pairs", population->repeated);
	if (report->tags != NULL && report->tags->queries > 0) {
		put_line(output, evaluation->rows[0].name, "", "listed_tags",
			 &report->tags->times);
		put_line(output, evaluation->rows[0].name, "",
			 "listed_tags_that_hold", &report->tags->hold);
	}
	for (int f = 0; f < FIGURES; f++) {
		double chance = evaluation_chance(population, (enum figure)f);
		interval = (struct interval){chance, chance, chance};
		put_line(output, "chance", "", figure_names[f],
			 evaluation_has(evaluation, (enum figure)f) ? &interval
								    : NULL);
	}
	for (size_t i = 0; i < evaluation->count; i++) {
		const struct evaluated *row = &evaluation->rows[i];
		for (int f = 0; f < FIGURES; f++)
			put_line(output, row->name, "", figure_names[f],
				 evaluation_has(evaluation, (enum figure)f)
					 ? &row->figures[f]
					 : NULL);
		interval = (struct interval){row->hubness, row->hubness,
					     row->hubness};
		put_line(output, row->name, "", "hubness", &interval);
	}
	for (size_t i = 0; i < report->against_count; i++)
		for (int f = 0; f < FIGURES; f++) {
			size_t other = report->against[i];
			interval = evaluation_difference(evaluation, 0, other,
							 (enum figure)f);
			put_line(output, evaluation->rows[0].name,
				 evaluation->rows[other].name, figure_names[f],
				 evaluation_has(evaluation, (enum figure)f)
					 ? &interval
					 : NULL);
		}
}

/* -------------------------------------------------------------------- JSON */

static void put_json_interval(struct json_writer *json, const char *key,
			      const struct interval *interval)
{
	json_put_object(json, key);
	json_put_real(json, "value", interval->value, 9);
	json_put_real(json, "low", interval->low, 9);
	json_put_real(json, "high", interval->high, 9);
	json_put_end(json);
}

static void put_json_row(struct json_writer *json,
			 const struct evaluation *evaluation,
			 const struct evaluated *row)
{
	static const char *const metrics[] = {
		[SCAN_ACTIVITY] = "activity", [SCAN_POPULARITY] = "popularity",
		[SCAN_PROFILE] = "profile",   [SCAN_EMBEDDING] = "embedding",
		[SCAN_COMBINED] = "combined",
	};

	json_put_object(json, NULL);
	json_put_text(json, "name", row->name);
	json_put_text(json, "model", row->pair->model.input.name);
	json_put_text(json, "metric", metrics[row->method.metric]);
	if (row->method.metric == SCAN_COMBINED)
		json_put_real(json, "alpha", row->method.alpha, 9);
	if (row->method.metric >= SCAN_EMBEDDING)
		json_put_count(json, "dimensions", row->method.k);
	json_put_bool(json, "hub", row->method.hub != NULL);
	for (int f = 0; f < FIGURES; f++)
		if (evaluation_has(evaluation, (enum figure)f))
			put_json_interval(json, figure_names[f],
					  &row->figures[f]);
		else
			json_put_null(json, figure_names[f]);
	json_put_real(json, "hubness", row->hubness, 9);
	json_put_count(json, "most_frequent_neighbour", row->most_near);
	json_put_end(json);
}

static void put_json_differences(struct json_writer *json,
				 const struct evaluation_report *report)
{
	const struct evaluation *evaluation = report->evaluation;

	json_put_array(json, "differences");
	for (size_t i = 0; i < report->against_count; i++) {
		size_t other = report->against[i];
		json_put_object(json, NULL);
		json_put_text(json, "of", evaluation->rows[0].name);
		json_put_text(json, "against", evaluation->rows[other].name);
		for (int f = 0; f < FIGURES; f++) {
			if (!evaluation_has(evaluation, (enum figure)f))
				continue;
			struct interval interval = evaluation_difference(
				evaluation, 0, other, (enum figure)f);
			put_json_interval(json, figure_names[f], &interval);
		}
		json_put_end(json);
	}
	json_put_end(json);
}

static void put_json_counts(struct json_writer *json,
			    const struct evaluation_report *report)
{
	const struct evaluation *evaluation = report->evaluation;
	const struct population *population = evaluation->population;

	json_put_object(json, "recipe");
	for (size_t i = 0; i < RECIPE_KEYS; i++)
		json_put_text(json, recipe_keys[i],
			      recipe_value(&report->pair->model, i));
	json_put_count(json, "dimensions", report->pair->model.k);
	json_put_end(json);
	json_put_count(json, "customers", population->n);
	json_put_count(json, "only_in_half_a", population->only_a);
	json_put_count(json, "only_in_half_b", population->only_b);
	json_put_count(json, "queries", population->query_count);
	json_put_count(json, "neighbours", SCAN_NEAREST);
	json_put_count(json, "bootstrap_rounds", report->rounds);
	json_put_count(json, "seed", report->seed);
	json_put_real(json, "repeated_pairs", population->repeated, 9);
	json_put_bool(json, "ranks_void", !evaluation->ranked);
	json_put_bool(json, "agreement_void", !evaluation->close);
	json_put_object(json, "chance");
	for (int f = 0; f < FIGURES; f++)
		json_put_real(json, figure_names[f],
			      evaluation_chance(population, (enum figure)f), 9);
	json_put_real(json, "hubness", random_hubness(population), 9);
	json_put_end(json);
}

static void put_json_removals(struct json_writer *json,
			      const struct evaluation_report *report)
{
	json_put_array(json, "left_out");
	for (size_t i = 0; i < report->removal_count; i++) {
		const struct removal *removal = &report->removals[i];
		json_put_object(json, NULL);
		json_put_text(json,
			      removal->numbers  ? "tags_that_are"
			      : removal->family ? "tags_that_begin_with"
						: "tag",
			      removal->name);
		json_put_count(json, "tags", removal->tags);
		json_put_real(json, "share_of_similarity", removal->share, 9);
		json_put_real(json, "profile_mrr_without", removal->mrr, 9);
		json_put_end(json);
	}
	json_put_end(json);
}

void evaluation_write_json(struct output *output,
			   const struct evaluation_report *report)
{
	const struct evaluation *evaluation = report->evaluation;
	struct json_writer json;

	json_writer_init(&json, output, JSON_STYLE_INDENTED);
	json_put_object(&json, NULL);
	put_json_counts(&json, report);
	if (report->tags != NULL && report->tags->queries > 0) {
		put_json_interval(&json, "listed_tags", &report->tags->times);
		put_json_interval(&json, "listed_tags_that_hold",
				  &report->tags->hold);
	} else {
		json_put_null(&json, "listed_tags");
		json_put_null(&json, "listed_tags_that_hold");
	}
	json_put_array(&json, "similarities");
	for (size_t i = 0; i < evaluation->count; i++)
		put_json_row(&json, evaluation, &evaluation->rows[i]);
	json_put_end(&json);
	put_json_differences(&json, report);
	put_json_removals(&json, report);
	json_put_array(&json, "warnings");
	for (size_t i = 0; i < report->warning_count; i++)
		json_put_text(&json, NULL, report->warnings[i]);
	json_put_end(&json);
	json_put_end(&json);
	output_text(output, "\n");
}
