/* cs-dump: what a matrix or a model is; its parts as text or for numpy. */
#include <stdlib.h>

#include "base/errors.h"
#include "base/io.h"
#include "base/machine_limits.h"
#include "base/options.h"
#include "explain/model_description.h"
#include "model/model.h"
#include "model/model_parts.h"

enum { KEY_CHECK = 256, KEY_WHAT, KEY_FORMAT };

enum form { FORM_JSON, FORM_TSV, FORM_NPY, FORM_TEXT };
static const char *const form_words[] = {
	[FORM_JSON] = "json", [FORM_TSV] = "tsv", [FORM_NPY] = "npy", NULL};

static struct choices {
	enum model_part part; /* MODEL_PARTS: describe the whole */
	enum form form;
	bool check;
	const char *output; /* NULL: standard output */
} choices = {.part = MODEL_PARTS, .form = FORM_TEXT};

static const struct option_row rows[] = {
	{"Contents", KEY_CHECK, "check", NULL,
	 "check every byte, and parts against each other",
	 OPTION_TO_FLAG(choices.check, true)},
	{NULL, KEY_WHAT, "what", "W", "one of its parts, named in the manual",
	 OPTION_TO_CHOICE(choices.part, model_part_words)},
	{"Output", KEY_FORMAT, "format", "F",
	 "json; with --what: tsv, npy [text, tsv]",
	 OPTION_TO_CHOICE(choices.form, form_words)},
	OPTION_OUTPUT_TO(NULL, choices.output),
	OPTION_COMMON};

static const struct options_text text = {
	.name = "cs-dump",
	.usage = "cs-dump [OPTION]... [MODEL]",
	.purpose =
		"Write what a model (cs-svd) or a matrix (cs-matrix) "
		"is: sizes, options,\n"
		"singular values and their residuals; or, with --what, one of "
		"its parts.  Without\n"
		"MODEL, or for \"-\", standard input is read.",
	.footer = "exit: 0 done; 2 wrong use, input or output, or damaged\n"
		  "  cs-dump --check emb.bin\n"
		  "  cs-dump --what embedding --format npy emb.bin > emb.npy\n"
		  "The manual page, cs-dump(1), has the rest.",
	.rows = rows,
};

/* Refuse what cannot be written; a part is TSV where nothing else is said. */
static void check_choices(void)
{
	bool array =
		choices.part < MODEL_PARTS && model_part_is_array(choices.part);

	if (choices.part == MODEL_PARTS) {
		if (choices.form == FORM_TSV || choices.form == FORM_NPY)
			die_usage("--format %s: expected --what, too: a tensor "
				  "can be written so",
				  form_words[choices.form]);
		return;
	}
	if (choices.form == FORM_TEXT)
		choices.form = FORM_TSV;
	if (choices.form == FORM_JSON)
		die_usage("--what %s: it is written as tsv or npy; json "
			  "describes the whole, without --what",
			  model_part_words[choices.part]);
	if (choices.form == FORM_NPY && !array)
		die_usage("--what %s --format %s: sparse rows are no array; "
			  "--format tsv writes them",
			  model_part_words[choices.part],
			  form_words[choices.form]);
}

static void check(const struct model *model, const char *error)
{
	if (error != NULL)
		die("%s: %s", model->input.name, error);
}

static void write_part(const struct model *model, struct output *output)
{
	check(model, model_part_check(model, choices.part));
	if (choices.form == FORM_NPY)
		model_part_write_npy(model, choices.part, output);
	else
		check(model, model_part_write_tsv(model, choices.part, output));
}

static void describe(struct model_description *description,
		     struct output *output)
{
	check(description->model, model_description_measure(description));
	if (choices.form == FORM_JSON)
		model_description_write_json(description, output);
	else
		model_description_write_text(description, output);
}

int main(int argc, char *argv[])
{
	struct model_description description;
	struct model model;
	struct output output;
	char **models = options_read(&text, argc, argv);
	unsigned threads = machine_limits_processors();

	check_choices();
	if (models[0] != NULL && models[1] != NULL)
		die_usage("one model at a time: \"%s\" is too many", models[1]);
	output_open(&output, choices.output);
	if (choices.form == FORM_NPY && output_terminal(&output))
		die("an array is binary and standard output is a terminal: "
		    "use > FILE or -o FILE");

	check(&model, model_open_any(&model, models[0]));
	check(&model, model_description_begin(&description, &model,
					      choices.check ? threads : 0));
	if (choices.part < MODEL_PARTS)
		write_part(&model, &output);
	else
		describe(&description, &output);
	output_close(&output);
	model_close(&model);
	return STATUS_DONE;
}
