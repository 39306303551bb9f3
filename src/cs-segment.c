/* cs-segment: the customers of a model in segments, as many as other events of
 * the same customers bear out. */
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/io.h"
#include "base/machine_limits.h"
#include "base/number.h"
#include "base/options.h"
#include "evaluate/segment_stability.h"
#include "explain/customer_segments.h"
#include "explain/segments.h"
#include "model/model.h"
#include "model/safetensors.h"
#include "search/segmentation.h"

enum { KEY_HALF = 256, KEY_CURVE, KEY_LIKE, KEY_RUNS, KEY_SEED };

static struct {
	size_t k; /* 0: by stability */
	size_t seed, runs;
	unsigned threads;
	struct option_list halves;
	const char *curve, *like, *output;
} choices = {.seed = 1, .runs = SEGMENTATION_RUNS};

static const struct option_row rows[] = {
	{"Number", 'k', "segments", "N", "make N segments",
	 OPTION_TO_INTEGER(choices.k, 1, SEGMENTATION_MAX_CENTRES)},
	{NULL, KEY_HALF, "half", "MODEL",
	 "of half A; again, of half B: choose N",
	 OPTION_TO_LIST(choices.halves)},
	{NULL, KEY_CURVE, "curve", "FILE",
	 "write how stable 2 to 40 segments are",
	 OPTION_TO_FILE(choices.curve)},
	{"Method", KEY_LIKE, "like", "OLD",
	 "number segments as OLD does [by size]", OPTION_TO_FILE(choices.like)},
	{NULL, KEY_RUNS, "runs", "N", "take the best of N runs [4]",
	 OPTION_TO_INTEGER(choices.runs, 1, 10000)},
	{NULL, KEY_SEED, "seed", "N", "of the runs and samples [1]",
	 OPTION_TO_INTEGER(choices.seed, 0, INT64_MAX)},
	OPTION_OUTPUT_TO("Output", choices.output),
	OPTION_THREADS_TO(choices.threads),
	OPTION_COMMON};

static const struct options_text text = {
	.name = "cs-segment",
	.usage = "cs-segment -k N [OPTION]... [MODEL]\n"
		 "       cs-segment --half A --half B [OPTION]... [MODEL]",
	.purpose =
		"Put the customers of a model (from cs-svd) in segments: a line "
		"each with the\n"
		"segment, the similarity to its centre, and by how much the "
		"next is less similar.\n"
		"Without MODEL, or for \"-\", standard input is read.",
	.footer = "exit: 0 done; 2 wrong use, input or output\n"
		  "  cs-segment -k 18 emb.bin > segments.tsv\n"
		  "  cs-segment --half a.bin --half b.bin --curve curve.tsv "
		  "emb.bin > segments.tsv\n"
		  "  cs-contrast --segments segments.tsv emb.bin\n"
		  "The manual page, cs-segment(1), has the rest.",
	.rows = rows,
};

static void open_model(struct model *model, const char *path)
{
	const char *error = model_open(model, path);

	if (error == NULL)
		error = safetensors_verify_all(&model->file, choices.threads);
	if (error != NULL)
		die("%s: %s", model->input.name, error);
}

static void report_stability(const struct segment_stability *stability)
{
	size_t best = stability->best - SEGMENT_STABILITY_MIN_K;

	if (stability->chosen == 1)
		notice("no stable segments: from one half to the other none of "
		       "2 to %zu agrees better than %.3f (adjusted Rand index; "
		       "below %.2f)",
		       stability->count + SEGMENT_STABILITY_MIN_K - 1,
		       stability->halves[best], SEGMENT_STABILITY_MIN_INDEX);
	else
		notice("%zu segments: agreement of halves %.3f (adjusted Rand "
		       "index); the best is %.3f, standard error %.3f, of %zu",
		       stability->chosen,
		       stability->halves[stability->chosen -
					 SEGMENT_STABILITY_MIN_K],
		       stability->halves[best], stability->error[best],
		       stability->best);
}

/* How many segments the halves bear out; writes the curve. */
static size_t choose_number(void)
{
	struct segment_stability stability;
	struct model halves[2];
	struct output curve;
	const char *error;

	for (size_t i = 0; i < 2; i++)
		open_model(&halves[i], choices.halves.texts[i]);
	error = segment_stability_find(&stability, &halves[0], &halves[1],
				       choices.seed, choices.threads);
	die_if(error);
	if (choices.curve != NULL) {
		output_open(&curve, choices.curve);
		segment_stability_write(&curve, &stability);
		output_close(&curve);
	}
	report_stability(&stability);
	for (size_t i = 0; i < 2; i++)
		model_close(&halves[i]);
	return stability.chosen;
}

/* Number the segments as in the older file. */
static void keep_numbers(struct customer_segments *segments,
			 const struct model *model)
{
	struct segments old = {0};
	const char *error = segments_read(&old, choices.like);

	die_if(error);
	error = customer_segments_like(segments, model, &old);
	if (error != NULL)
		die("%s: %s", choices.like, error);
	segments_free(&old);
}

static void report(const struct customer_segments *segments, size_t wanted)
{
	char weak[NUMBER_TEXT], none[NUMBER_TEXT];

	if (segments->k < wanted)
		notice("%zu segments, not %zu: there are no more different "
		       "customers",
		       segments->k, wanted);
	if (segments->weak > 0)
		notice("%s customers, of whom the dimensions hold less than a "
		       "tenth, are put by their rows",
		       number_commas(weak, segments->weak));
	if (segments->unassigned > 0)
		notice("%s customers are in no segment: they have no tag with "
		       "weight, or none that a segment has",
		       number_commas(none, segments->unassigned));
}

static char **read_options(int argc, char **argv)
{
	char **operands;

	choices.threads = machine_limits_processors();
	operands = options_read(&text, argc, argv);
	if (operands[0] != NULL && operands[1] != NULL)
		die_usage("%s: expected one MODEL", operands[1]);
	if (choices.k > 0 && choices.halves.count > 0)
		die_usage("--half: with -k the number is given");
	if (choices.k == 0 && choices.halves.count == 0)
		die_usage(
			"expected -k N, or --half A --half B, models of halves "
			"of the log, by which to choose it");
	if (choices.halves.count != 0 && choices.halves.count != 2)
		die_usage("--half: expected two, half A and half B");
	if (choices.curve != NULL && choices.k > 0)
		die_usage("--curve: it takes --half, not -k");
	return operands;
}

int main(int argc, char **argv)
{
	char **operands = read_options(argc, argv);
	struct customer_segments segments;
	struct model model;
	struct output output;
	const char *error;
	size_t k = choices.k;

	output_open(&output, choices.output);
	open_model(&model, operands[0]);
	if (k == 0)
		k = choose_number();
	error = customer_segments_find(&segments, &model, k, choices.runs,
				       choices.seed, choices.threads);
	if (error != NULL)
		die("%s: %s", model.input.name, error);
	if (choices.like != NULL)
		keep_numbers(&segments, &model);
	report(&segments, k);
	customer_segments_write(&output, &segments, &model, choices.seed);
	output_close(&output);
	customer_segments_free(&segments);
	free(choices.halves.texts);
	model_close(&model);
	return STATUS_DONE;
}
