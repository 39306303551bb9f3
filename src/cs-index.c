/* cs-index: a model with an index: customers by cell and as bytes, so that
 * cs-knn looks at fewer of them and at less of each.
 *
 * What is measured of its recall is written with it. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/io.h"
#include "base/machine_limits.h"
#include "base/number.h"
#include "base/options.h"
#include "base/progress.h"
#include "model/model.h"
#include "model/safetensors.h"
#include "search/hub_scores.h"
#include "search/ivf_builder.h"
#include "search/ivf_index.h"
#include "search/model_metric.h"
#include "search/sharded_model.h"

static struct {
	size_t cells; /* 0: by the customers */
	size_t seed;
	size_t memory; /* bytes of an embedding that may be read in any order */
	unsigned threads;
	bool hub;
	const char *as, *output;
} choices = {.seed = 1};

enum { KEY_CELLS = 256, KEY_SEED, KEY_AS, KEY_HUB };

static const struct option_row rows[] = {
	{"Cells", KEY_CELLS, "cells", "N", "how many [by customers]",
	 OPTION_TO_INTEGER(choices.cells, 1, 1 << 20)},
	{NULL, KEY_SEED, "seed", "N", "of the sample they come from [1]",
	 OPTION_TO_INTEGER(choices.seed, 0, INT64_MAX)},
	{NULL, KEY_AS, "as", "INDEXED", "those of another model's index",
	 OPTION_TO_FILE(choices.as)},
	{NULL, KEY_HUB, "hub", NULL, "what \"cs-knn --hub\" takes",
	 OPTION_TO_FLAG(choices.hub, true)},
	{"Memory", 'S', "buffer-size", "SIZE",
	 "more is read in passes [a quarter of all]",
	 OPTION_TO_SIZE(choices.memory)},
	OPTION_OUTPUT_TO("Output", choices.output),
	OPTION_THREADS_TO(choices.threads),
	OPTION_COMMON};

static const struct options_text text = {
	.name = "cs-index",
	.usage = "cs-index [OPTION]... [MODEL]",
	.purpose =
		"Add an index to a model (from cs-svd or cs-project): customers "
		"by cell, for\n"
		"\"cs-knn --recall\", and as bytes, by which exact answers for "
		"one come faster.\n"
		"Without MODEL, or for \"-\", standard input is read.",
	.footer = "exit: 0 done; 2 wrong use, input or output\n"
		  "  cs-index emb.bin -o fast.bin\n"
		  "  cs-knn --all --recall .99 --no-why fast.bin > "
		  "neighbours.tsv\n"
		  "The manual page, cs-index(1), has the rest.",
	.rows = rows,
};

/* ------------------------------------------------------------------- main */

/* Open a model, and verify all of its bytes. */
static void open_model(struct model *model, const char *path)
{
	const char *error = model_open_verified(model, path, choices.threads);

	if (error != NULL)
		die("%s: %s", model->input.name, error);
}

/* What share of the ten is found in how many cells. */
static void report(const struct ivf_builder *builder)
{
	static const double wanted[] = {0.95, 0.99};
	const struct ivf_index index = {.cells = builder->cells,
					.recall = builder->recall};
	char n[NUMBER_TEXT];

	if (!options_verbose())
		return;
	warn("%s customers in %zu cells",
	     number_commas(n, builder->lists.nonzero), builder->cells);
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		size_t probes = ivf_index_probes(&index, wanted[i]);

		warn("of the ten nearest, %.3f are in the first %zu cells",
		     builder->recall[2 * (probes - 1)], probes);
	}
}

/* How near each customer's own neighbours are, by the model's metric. */
static void find_hubs(struct ivf_builder *builder, const struct model *model,
		      struct hub_scores *hub, float *means)
{
	hub->metric = model_default_metric(model);
	progress_begin("nearest", model->matrix.n);
	const char *error = hub_scores_find(hub, model, choices.threads, means);
	progress_end();
	if (error != NULL)
		die("%s: %s", model->input.name, error);
	builder->hub = hub;
}

/* The operand: MODEL, or NULL. */
static const char *read_options(int argc, char **argv)
{
	choices.threads = machine_limits_processors();
	choices.memory = machine_limits_buffer(SIZE_MAX);
	char **models = options_read(&text, argc, argv);
	if (models[0] != NULL && models[1] != NULL)
		die_usage("%s: expected one MODEL", models[1]);
	if (choices.as != NULL && choices.cells > 0)
		die_usage("--cells: with --as they are INDEXED's");
	if (choices.as != NULL && strcmp(choices.as, "-") == 0)
		die_usage("--as: expected a file, not standard input");
	return models[0];
}

int main(int argc, char **argv)
{
	struct ivf_builder builder;
	struct model model, like = {0};
	struct hub_scores hub = {.alpha = DEFAULT_ALPHA};
	struct output output;
	size_t nonzero;

	const char *path = read_options(argc, argv);
	builder = (struct ivf_builder){.cells = choices.cells,
				       .seed = choices.seed,
				       .memory = choices.memory,
				       .threads = choices.threads,
				       .like = choices.as ? &like : NULL};
	output_open(&output, choices.output);
	if (output_terminal(&output))
		die("a model is binary and standard output is a terminal: "
		    "use > FILE or -o FILE");
	open_model(&model, path);
	die_if(ivf_builder_check(&model, choices.threads, &nonzero));
	if (choices.cells > model.matrix.n)
		die_usage("--cells %zu: there are %zu customers", choices.cells,
			  model.matrix.n);
	if (choices.as != NULL) {
		open_model(&like, choices.as);
		die_if(sharded_model_compare(&model, &like));
	}
	float *means = alloc(choices.hub ? model.matrix.n : 0, sizeof *means);
	die_if(ivf_builder_make(&builder, &model, nonzero));
	if (choices.hub)
		find_hubs(&builder, &model, &hub, means);
	ivf_builder_write(&builder, options_version, &output);
	output_close(&output);
	report(&builder);
	ivf_builder_free(&builder);
	free(means);
	if (choices.as != NULL)
		model_close(&like);
	model_close(&model);
	return STATUS_DONE;
}
