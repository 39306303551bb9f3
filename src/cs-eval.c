/* cs-eval: is the similarity right?  Figures from two halves of one log, each
 * with an interval; and how many neighbours changed between two models. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/io.h"
#include "base/machine_limits.h"
#include "base/options.h"
#include "base/progress.h"
#include "evaluate/column_removal.h"
#include "evaluate/evaluation.h"
#include "evaluate/evaluation_report.h"
#include "evaluate/evaluation_warnings.h"
#include "evaluate/halves.h"
#include "evaluate/held_out_tags.h"
#include "evaluate/similarity_scan.h"
#include "evaluate/stability.h"
#include "evaluate/tuning.h"
#include "search/hub_scores.h"
#include "search/model_metric.h"
#include "search/search_query.h"

enum {
	KEY_METRIC = 256,
	KEY_ALPHA,
	KEY_HUB,
	KEY_COMPARE,
	KEY_OVERLAP,
	KEY_QUERIES,
	KEY_ROUNDS,
	KEY_SEED,
	KEY_FORMAT,
	KEY_REPORT,
	KEY_TUNE,
	KEY_RECIPE
};

static const char *const format_words[] = {"text", "tsv", "json", NULL};

static void set_metric(const char *word);

static enum metric metric;
static bool has_metric;
static unsigned format, threads;
static double alpha = -1; /* not said; then the default */
static struct option_list compared;
static bool overlap, tune, hub;
static size_t queries = 2000, rounds = 1000, seed = 1;
static const char *output_path, *report_path, *recipe_path;

static const struct option_row rows[] = {
	{"Similarities", KEY_METRIC, "metric", "M",
	 "combined, embedding, profile [combined]",
	 OPTION_TO_FUNCTION(set_metric)},
	{NULL, KEY_ALPHA, "alpha", "A", "of combined: weight of embeddings [1]",
	 OPTION_TO_REAL(alpha, 0, 1)},
	{NULL, KEY_HUB, "hub", NULL, "measure the order of cs-knn --hub, too",
	 OPTION_TO_FLAG(hub, true)},
	{NULL, KEY_COMPARE, "compare", "MODEL",
	 "against MODEL, whose HALF comes next", OPTION_TO_LIST(compared)},
	{NULL, KEY_OVERLAP, "overlap", NULL,
	 "how many neighbours changed from OLD to NEW",
	 OPTION_TO_FLAG(overlap, true)},
	{NULL, KEY_TUNE, "tune", NULL, "which model and similarity to use",
	 OPTION_TO_FLAG(tune, true)},
	{"Sample", KEY_QUERIES, "queries", "N", "ask about N customers [2000]",
	 OPTION_TO_INTEGER(queries, 1, 1000000)},
	{NULL, KEY_ROUNDS, "rounds", "N", "of the bootstrap [1000]",
	 OPTION_TO_INTEGER(rounds, 40, 100000)},
	{NULL, KEY_SEED, "seed", "N", "of the sample and the bootstrap [1]",
	 OPTION_TO_INTEGER(seed, 0, INT64_MAX)},
	{"Output", KEY_FORMAT, "format", "F", "text, tsv, json [text]",
	 OPTION_TO_CHOICE(format, format_words)},
	OPTION_OUTPUT_TO(NULL, output_path),
	{NULL, KEY_REPORT, "report", "FILE", "write FILE as JSON, too",
	 OPTION_TO_FILE(report_path)},
	{NULL, KEY_RECIPE, "recipe", "FILE", "of --tune, write lines for make",
	 OPTION_TO_FILE(recipe_path)},
	OPTION_THREADS_TO(threads),
	OPTION_COMMON};

static const struct options_text text = {
	.name = "cs-eval",
	.usage =
		"cs-eval [OPTION]... MODEL [HALF] [--compare MODEL HALF]...\n"
		"       cs-eval --tune [OPTION]... MODEL HALF [--compare MODEL "
		"HALF]...\n"
		"       cs-eval --overlap [OPTION]... OLD NEW",
	.purpose =
		"Measure whether similar customers are alike: MODEL is of half "
		"A of a log, and\n"
		"HALF is half B as \"cs-matrix --as MODEL\" makes it, or with "
		"columns of its own;\n"
		"standard input without a HALF, or for \"-\".",
	.footer =
		"exit: 0 done; 2 wrong use, input or output\n"
		"  cs-aggregate --half A views.csv | cs-matrix | cs-svd -o "
		"a.bin\n"
		"  cs-aggregate --half B views.csv | cs-matrix --as a.bin -o "
		"b.bin\n"
		"  cs-eval a.bin b.bin\n"
		"The manual page, cs-eval(1), says what each figure means and "
		"does not show.",
	.rows = rows,
};

/* ----------------------------------------------------------------- methods */

/* METRIC_DOT is no similarity of this program. */
static void set_metric(const char *word)
{
	if (!metric_from_word(word, &metric) || metric == METRIC_DOT)
		die_usage("--metric: \"%s\": expected combined, embedding or "
			  "profile",
			  word);
	has_metric = true;
}

static bool can_combine(const struct model *model)
{
	return model_check_metric(model, METRIC_COMBINED) == NULL;
}

static struct scan_method method_of(const struct model *model,
				    enum scan_metric which)
{
	return (struct scan_method){
		.metric = which, .alpha = alpha, .k = model->k};
}

static enum scan_metric scan_metric_of(enum metric which)
{
	return which == METRIC_COMBINED  ? SCAN_COMBINED
	       : which == METRIC_PROFILE ? SCAN_PROFILE
					 : SCAN_EMBEDDING;
}

/* That of --metric, or of cs-knn where none is chosen. */
static enum metric chosen_metric(const struct model *model)
{
	if (!has_metric)
		return model_default_metric(model);
	if (metric == METRIC_COMBINED && !can_combine(model))
		die_usage("--metric combined: %s was made with --center or "
			  "--scale; expected embedding or profile",
			  model->input.name);
	return metric;
}

static void name_method(char *name, size_t room,
			const struct scan_method *method)
{
	static const char *const words[] = {
		[SCAN_ACTIVITY] = "activity alone",
		[SCAN_POPULARITY] = "popularity",
		[SCAN_PROFILE] = "rows (profile)",
		[SCAN_EMBEDDING] = "embedding",
		[SCAN_COMBINED] = "combined",
	};

	if (method->metric == SCAN_COMBINED)
		snprintf(name, room, "combined, alpha %g", method->alpha);
	else
		snprintf(name, room, "%s", words[method->metric]);
}

/* -------------------------------------------------------------- evaluation */

struct work {
	struct half_pair *pairs; /* the subject's, then those compared */
	size_t pair_count;
	struct population population;
	struct evaluation evaluation;
	struct evaluation_report report;
	size_t *against;
	struct removal removals[REMOVALS];
	struct held_out_tags tags;
};

static size_t add_row(struct work *work, size_t pair, enum scan_metric which)
{
	struct evaluation *evaluation = &work->evaluation;
	struct evaluated *row = &evaluation->rows[evaluation->count];
	const char *path = work->pairs[pair].model.input.name;
	const char *slash = strrchr(path, '/');
	char name[48];

	row->pair = &work->pairs[pair];
	row->method = method_of(&row->pair->model, which);
	name_method(name, sizeof name, &row->method);
	if (pair == 0)
		snprintf(row->name, sizeof row->name, "%s", name);
	else
		snprintf(row->name, sizeof row->name, "%.40s (%.20s)",
			 slash != NULL ? slash + 1 : path, name);
	return evaluation->count++;
}

/* The subject's similarity in the order of cs-knn --hub. */
static size_t add_hub_row(struct work *work, enum metric subject)
{
	const struct model *model = &work->pairs[0].model;
	size_t at = add_row(work, 0, scan_metric_of(subject));
	struct evaluated *row = &work->evaluation.rows[at];
	struct hub_scores scores = {.metric = subject, .alpha = alpha};
	size_t used = strlen(row->name);

	snprintf(row->name + used, sizeof row->name - used, ", hub");
	row->hub = alloc(model->matrix.n, sizeof *row->hub);
	die_if(hub_scores_find(&scores, model, threads, row->hub));
	row->method.hub = row->hub;
	return at;
}

/* The subject first, then others of its model, then models compared. */
static void add_rows(struct work *work)
{
	const struct model *model = &work->pairs[0].model;
	enum metric subject = chosen_metric(model);
	enum scan_metric first = scan_metric_of(subject);
	static const enum scan_metric others[] = {SCAN_PROFILE, SCAN_EMBEDDING,
						  SCAN_COMBINED, SCAN_ACTIVITY,
						  SCAN_POPULARITY};
	struct evaluation_report *report = &work->report;

	work->evaluation.rows =
		alloc(work->pair_count + 7, sizeof *work->evaluation.rows);
	work->against = alloc(work->pair_count + 2, sizeof *work->against);
	add_row(work, 0, first);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		if (others[i] == first ||
		    (others[i] == SCAN_COMBINED && !can_combine(model)))
			continue;
		size_t row = add_row(work, 0, others[i]);
		if (others[i] == SCAN_PROFILE)
			work->against[report->against_count++] =
				report->rows_row = row;
	}
	if (hub)
		work->against[report->against_count++] =
			add_hub_row(work, subject);
	for (size_t pair = 1; pair < work->pair_count; pair++)
		work->against[report->against_count++] =
			add_row(work, pair,
				scan_metric_of(model_default_metric(
					&work->pairs[pair].model)));
	report->against = work->against;
}

static void open_pairs(struct work *work, char **operands, size_t count)
{
	/* Without a HALF it is standard input, where there is but one. */
	bool piped = count == 1 && compared.count == 0;

	if (!piped && count != compared.count + 2)
		die_usage("expected a MODEL and its HALF, and for each "
			  "--compare MODEL one HALF more");
	work->pair_count = compared.count + 1;
	work->pairs = alloc(work->pair_count, sizeof *work->pairs);
	die_if(half_pair_open(&work->pairs[0], operands[0],
			      piped ? "-" : operands[1], threads));
	die_if(population_find(&work->population, &work->pairs[0], queries,
			       seed));
	for (size_t i = 1; i < work->pair_count; i++) {
		struct half_pair *pair = &work->pairs[i];
		die_if(half_pair_open(pair, compared.texts[i - 1],
				      operands[i + 1], threads));
		if (pair->same_columns != work->pairs[0].same_columns)
			die("%s: it was %sfolded into %s, unlike %s",
			    pair->held.input.name,
			    pair->same_columns ? "" : "not ",
			    pair->model.input.name,
			    work->pairs[0].held.input.name);
		population_match(&work->population, &work->pairs[0], pair);
	}
}

static void write_evaluation(struct output *output, struct work *work)
{
	struct evaluation_report *report = &work->report;

	struct output file;

	evaluation_warnings_add(report);
	if (report_path != NULL) {
		output_open(&file, report_path);
		evaluation_write_json(&file, report);
		output_close(&file);
	}
	switch ((enum evaluation_format)format) {
	case FORMAT_TEXT:
		evaluation_write_text(output, report);
		break;
	case FORMAT_TSV:
		evaluation_write_tsv(output, report);
		break;
	case FORMAT_JSON:
		evaluation_write_json(output, report);
		break;
	}
	for (size_t i = 0; format != FORMAT_TEXT && !options_quiet &&
			   i < report->warning_count;
	     i++)
		warn("%s", report->warnings[i]);
	evaluation_report_free(report);
}

static void set_report(struct work *work)
{
	struct evaluation_report *report = &work->report;

	report->evaluation = &work->evaluation;
	report->pair = &work->pairs[0];
	report->rounds = rounds;
	report->seed = seed;
	report->removals = work->removals;
}

static void close_work(struct work *work)
{
	evaluation_free(&work->evaluation);
	population_free(&work->population);
	for (size_t i = 0; i < work->pair_count; i++)
		half_pair_close(&work->pairs[i]);
	free(work->pairs);
	free(work->against);
}

/* The figures of all similarities, and of the default against each. */
static void write_tuned(struct output *output, struct work *work,
			const struct tuning *tuning)
{
	struct evaluation_report *report = &work->report;

	if (format == FORMAT_TEXT) {
		tuning_write(output, tuning);
		return;
	}
	set_report(work);
	report->against_count = work->evaluation.count - 1;
	work->against = alloc(report->against_count, sizeof *work->against);
	for (size_t i = 0; i < report->against_count; i++)
		work->against[i] = i + 1;
	report->against = work->against;
	if (format == FORMAT_TSV)
		evaluation_write_tsv(output, report);
	else
		evaluation_write_json(output, report);
}

static void tune_models(struct output *output, char **operands, size_t count)
{
	struct work work = {0};
	struct evaluation *evaluation = &work.evaluation;
	struct tuning tuning;
	struct output recipe;

	if (report_path != NULL)
		die_usage("--report: it is not written by --tune, whose "
			  "--format json has the same");
	open_pairs(&work, operands, count);
	for (size_t i = 0; i < work.pair_count; i++)
		if (!can_combine(&work.pairs[i].model))
			die("%s: it was made with --center or --scale, and "
			    "cannot be tuned",
			    work.pairs[i].model.input.name);
	evaluation->rows = tuning_make_rows(work.pairs, work.pair_count,
					    &evaluation->count);
	progress_begin("queries", (uint64_t)work.pair_count * 2 *
					  work.population.query_count);
	evaluation_run(evaluation, &work.population, &work.pairs[0], rounds,
		       seed, threads);
	progress_end();
	tuning_choose(&tuning, evaluation);
	write_tuned(output, &work, &tuning);
	if (recipe_path != NULL) {
		output_open(&recipe, recipe_path);
		tuning_write_recipe(&recipe, &tuning);
		output_close(&recipe);
	}
	tuning_free(&tuning);
	close_work(&work);
}

static void evaluate(struct output *output, char **operands, size_t count)
{
	struct work work = {0};
	struct evaluation *evaluation = &work.evaluation;

	open_pairs(&work, operands, count);
	add_rows(&work);
	progress_begin("queries", 0);
	evaluation_run(evaluation, &work.population, &work.pairs[0], rounds,
		       seed, threads);
	set_report(&work);
	if (evaluation->ranked) {
		die_if(held_out_tags_measure(
			&work.tags, &work.pairs[0], &work.population,
			evaluation->nearest, rounds, seed, threads));
		work.report.tags = &work.tags;
		work.report.removal_count =
			column_removal_try(&work.pairs[0], &work.population,
					   threads, work.removals);
	}
	progress_end();
	write_evaluation(output, &work);
	close_work(&work);
}

/* ----------------------------------------------------------------- overlap */

static void compare_models(struct output *output, char **operands, size_t count)
{
	struct half_pair old, new;
	struct population population;
	struct stability stability;
	struct scan_method methods[2];

	if (count != 2 || compared.count > 0 || report_path != NULL)
		die_usage(
			"--overlap: expected two models, OLD and NEW, and neither "
			"--compare nor --report");
	die_if(half_pair_open_models(&old, &new, operands[0], operands[1],
				     threads));
	die_if(population_find(&population, &old, queries, seed));
	population_match(&population, &old, &new);
	methods[0] = method_of(&old.model,
			       scan_metric_of(chosen_metric(&old.model)));
	methods[1] = method_of(&new.model,
			       scan_metric_of(chosen_metric(&new.model)));
	progress_begin("queries", 2 * population.query_count);
	stability_find(&stability, &old, &new, &population, &methods[0],
		       &methods[1], threads);
	progress_end();
	stability_write(output, &stability, &old, &population,
			(enum evaluation_format)format);
	population_free(&population);
	half_pair_close(&new);
	half_pair_close(&old);
}

/* An option that would do nothing is refused, as by cs-knn. */
static void check_similarity(void)
{
	bool said = alpha >= 0;

	if (tune && (said || has_metric))
		die_usage("--tune: it tries every similarity, and goes with "
			  "neither --metric nor --alpha");
	if (said && has_metric && metric != METRIC_COMBINED)
		die_usage("--alpha: of --metric combined, not of --metric %s",
			  metric_words[metric]);
	if (!said)
		alpha = DEFAULT_ALPHA;
}

int main(int argc, char **argv)
{
	struct output output;

	threads = machine_limits_processors();
	char **operands = options_read(&text, argc, argv);
	size_t count = (size_t)(argc - optind);

	check_similarity();
	output_open(&output, output_path);
	if (overlap && tune)
		die_usage("--overlap and --tune: one at a time");
	if (hub && (overlap || tune))
		die_usage("--hub: it goes with neither --overlap nor --tune");
	if (recipe_path != NULL && !tune)
		die_usage("--recipe: it is written by --tune");
	if (tune)
		tune_models(&output, operands, count);
	else if (overlap)
		compare_models(&output, operands, count);
	else
		evaluate(&output, operands, count);
	output_close(&output);
	free(compared.texts);
	return STATUS_DONE;
}
