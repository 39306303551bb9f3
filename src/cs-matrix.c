/* cs-matrix: make a sparse, weighted matrix of customers x tags of profiles
 * (model/matrix_builder, model/matrix_writer). */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/io.h"
#include "base/machine_limits.h"
#include "base/number.h"
#include "base/options.h"
#include "model/fold_in.h"
#include "model/matrix_builder.h"
#include "model/matrix_metadata.h"
#include "model/matrix_writer.h"
#include "model/tally.h"
#include "model/tally_builder.h"
#include "model/tally_merge.h"
#include "model/weighting.h"

enum {
	KEY_VALUE = 256,
	KEY_DAMP,
	KEY_WEIGHT,
	KEY_NORM,
	KEY_WEIGHTS,
	KEY_MIN_USERS,
	KEY_MIN_TAGS,
	KEY_BLOCK,
	KEY_ATTRIBUTES,
	KEY_AS,
	KEY_TALLY,
	KEY_MERGE
};

static struct {
	struct matrix_options matrix;
	double *weights; /* weight_count, of --weights, or NULL */
	size_t weight_count;
	const char *output;
	const char *fold_in; /* a model to fold into or a tally, or NULL */
	bool merge;          /* FILEs are tallies */
} choices = {.matrix = {.value = VALUE_AUTO,
			.damp = DAMP_SQRT,
			.weight = WEIGHT_SMOOTH,
			.norm = NORM_L2,
			.min_users = 1}};

/* "1,0.5": a weight for each file. */
static void read_weights(const char *argument)
{
	const char *rest = argument;
	size_t capacity = 0;

	free(choices.weights);
	choices.weights = NULL;
	choices.weight_count = 0;
	for (;;) {
		char one[NUMBER_TEXT];
		size_t length = strcspn(rest, ",");
		double value = 0;
		snprintf(one, sizeof one, "%.*s", (int)length, rest);
		if (length >= sizeof one || !number_real(one, &value) ||
		    value < MATRIX_MIN_WEIGHT || value > MATRIX_MAX_WEIGHT)
			die_usage("--weights: \"%s\": expected numbers from %g "
				  "to %g, with commas between",
				  argument, MATRIX_MIN_WEIGHT,
				  MATRIX_MAX_WEIGHT);
		choices.weights = alloc_grow(choices.weights, &capacity,
					     choices.weight_count + 1,
					     sizeof *choices.weights);
		choices.weights[choices.weight_count++] = value;
		if (rest[length] == '\0')
			return;
		rest += length + 1;
	}
}

/* "PREFIX=SHARE": the last = stands before the share. */
static void read_block(const char *argument)
{
	const char *equals = strrchr(argument, '='), *error;
	size_t count = choices.matrix.blocks.count;
	double value = 0;

	if (equals == NULL || !number_real(equals + 1, &value) ||
	    value < MATRIX_MIN_WEIGHT || value > MATRIX_MAX_WEIGHT)
		die_usage("--block \"%s\": expected a text that tags begin "
			  "with, =, and a number from %g to %g",
			  argument, MATRIX_MIN_WEIGHT, MATRIX_MAX_WEIGHT);
	/* Kept to the end. */
	error = tag_prefixes_add(
		&choices.matrix.blocks,
		alloc_text(argument, (size_t)(equals - argument)));
	if (error != NULL)
		die_usage("--block: %s", error);
	choices.matrix.block_shares[count] = value;
}

static void read_attributes(const char *argument)
{
	const char *error;

	if (*argument == '\0')
		die_usage("--attributes: expected a text that tags begin with");
	error = tag_prefixes_add(&choices.matrix.attributes, argument);
	if (error != NULL)
		die_usage("--attributes: %s", error);
}

static const struct option_row rows[] = {
	{"Values", KEY_VALUE, "value", "V",
	 "mean, sum, events, one, auto [auto]",
	 OPTION_TO_CHOICE(choices.matrix.value, value_words)},
	{NULL, KEY_DAMP, "damp", "D", "none, log (of 1 + it), sqrt [sqrt]",
	 OPTION_TO_CHOICE(choices.matrix.damp, damp_words)},
	{"Weights", KEY_WEIGHT, "weight", "W",
	 "none, idf, sqrt-idf, smooth [smooth]",
	 OPTION_TO_CHOICE(choices.matrix.weight, weight_words)},
	{NULL, KEY_WEIGHTS, "weights", "W,W,...",
	 "of each of several FILEs [1,1,...]",
	 OPTION_TO_FUNCTION(read_weights)},
	{NULL, KEY_BLOCK, "block", "PREFIX=S", "share S for tags that begin so",
	 OPTION_TO_FUNCTION(read_block)},
	{NULL, KEY_NORM, "norm", "N", "of a row: none, l2 [l2]",
	 OPTION_TO_CHOICE(choices.matrix.norm, norm_words)},
	{NULL, KEY_ATTRIBUTES, "attributes", "PREFIX",
	 "tags that begin so are shown, not compared",
	 OPTION_TO_FUNCTION(read_attributes)},
	{"Selection", KEY_MIN_USERS, "min-users", "N",
	 "tags of at least N customers [1]",
	 OPTION_TO_INTEGER(choices.matrix.min_users, 1, INT64_MAX)},
	{NULL, KEY_MIN_TAGS, "min-tags", "N",
	 "then customers of at least N tags [0]",
	 OPTION_TO_INTEGER(choices.matrix.min_tags, 0, INT64_MAX)},
	{"Folding in", KEY_AS, "as", "MODEL",
	 "columns, weights and options are MODEL's",
	 OPTION_TO_FILE(choices.fold_in)},
	{"Shards", KEY_TALLY, "tally", NULL,
	 "count for --merge, instead of a matrix",
	 OPTION_TO_FLAG(choices.matrix.tally, true)},
	{NULL, KEY_MERGE, "merge", NULL,
	 "add up tallies: --as takes the sum as MODEL",
	 OPTION_TO_FLAG(choices.merge, true)},
	{"Memory", 'S', "buffer-size", "SIZE",
	 "of rows in memory [64M, or a quarter of all]",
	 OPTION_TO_SIZE(choices.matrix.memory)},
	OPTION_OUTPUT_TO("Output", choices.output),
	OPTION_THREADS_TO(choices.matrix.threads),
	OPTION_COMMON};

static const struct options_text text = {
	.name = "cs-matrix",
	.usage = "cs-matrix [OPTION]... [FILE]...\n"
		 "       cs-matrix --merge [OPTION]... TALLY...",
	.purpose =
		"Make profiles (from cs-aggregate) a sparse, weighted matrix "
		"of customers by\n"
		"tags.  Several FILEs are blocks of columns side by side, each "
		"scaled to the\n"
		"same size; without one, or for \"-\", standard input is read.",
	.footer =
		"exit: 0 done; 1 --as: a customer has no tag of MODEL; --merge: "
		"shards are to be\n"
		"  tallied --as the sum first; 2 wrong use, input or output\n"
		"  cs-matrix profiles.tsv | cs-svd -o emb.bin\n"
		"  cs-matrix --weights 1,0.5 views.tsv interests.tsv -o "
		"both.bin\n"
		"The manual page, cs-matrix(1), has the rest.",
	.rows = rows,
};

/* How many files there are; with --weights there must be one for each. */
static size_t count_files(char **paths)
{
	size_t count = 0, files;

	while (paths[count] != NULL)
		count++;
	files = count > 0 ? count : 1;
	if (choices.matrix.blocks.count > 0 && files > 1)
		die_usage("--block: it divides one FILE, and there are %zu: "
			  "give --weights",
			  files);
	if (choices.weights == NULL)
		return count;
	if (files == 1)
		die_usage("--weights: it weighs several files, and there is "
			  "one");
	if (choices.weight_count != files)
		die_usage("--weights: %zu weights for %zu files",
			  choices.weight_count, files);
	return count;
}

/* Options that --as and --merge take from a file must not be given. */
static void refuse_options(const char *why)
{
	static const int of_model[] = {KEY_VALUE,    KEY_DAMP,
				       KEY_WEIGHT,   KEY_NORM,
				       KEY_WEIGHTS,  KEY_MIN_USERS,
				       KEY_MIN_TAGS, KEY_ATTRIBUTES,
				       KEY_BLOCK,    0};
	const char *given = options_given(of_model);

	if (given != NULL)
		die_usage("%s: %s", given, why);
}

/* Open the model of --as, and take its options. */
static void open_fold_in(struct fold_in *fold_in)
{
	const char *error;

	if (choices.matrix.tally)
		die("%s: a matrix or a model, expected with --tally a sum of "
		    "tallies",
		    choices.fold_in);
	error = fold_in_open(fold_in, choices.fold_in);
	if (error != NULL)
		die("%s: %s", fold_in->model.input.name, error);
	choices.matrix.value = fold_in->value;
	choices.matrix.damp = fold_in->damp;
	choices.matrix.norm = fold_in->norm;
	choices.matrix.fold_in = fold_in;
}

/* Open the tally of --as, and take its options; files: of this shard, side by
 * side. */
static void open_whole(struct tally *whole, size_t files)
{
	const char *error = tally_open(whole, choices.fold_in);
	size_t of_whole = 0;

	if (error == NULL)
		error = tally_check_whole(whole);
	if (error == NULL)
		error = matrix_metadata_read(&whole->format, &choices.matrix,
					     &choices.weights, &of_whole);
	if (error == NULL && files != of_whole)
		error = error_text("it is of %zu files side by side, and there "
				   "are %zu",
				   of_whole, files);
	if (error == NULL && choices.matrix.tally &&
	    whole->stage == TALLY_TENTHS)
		error = "it has all counts: without --tally it makes matrices "
			"of shards";
	if (error == NULL && !choices.matrix.tally &&
	    whole->stage < TALLY_TENTHS)
		error = "it lacks counts yet: tally the shards --as it, and "
			"--merge those";
	if (error == NULL)
		error = tally_use(whole, choices.matrix.value,
				  choices.matrix.min_users);
	if (error != NULL)
		die("%s: %s", choices.fold_in, error);
	choices.matrix.whole = whole;
}

/* Show which value was chosen for --value auto. */
static void show_value(const struct profile_store *profiles)
{
	if (choices.matrix.value != VALUE_AUTO ||
	    profiles->value == VALUE_AUTO || options_quiet)
		return;
	if (profiles->weighted)
		warn("--value %s: events have weights",
		     value_words[profiles->value]);
	else
		warn("--value %s: %.1f %% of pairs have more than one event",
		     value_words[profiles->value], 100 * profiles->repeated);
}

/* Report the customers who have nothing that is compared. */
static void warn_bare(const struct matrix_builder *builder)
{
	if (builder->bare > 0 && !options_quiet)
		warn("%zu of %zu customers have attributes alone, and are like "
		     "no one: --min-tags 1 leaves them out",
		     builder->bare, builder->n);
}

/* Name the customers who have no tag that the model of --as knows: the first
 * ten, and how many there are. */
static void warn_unknown_rows(struct matrix_builder *builder, const char *model)
{
	enum { SHOWN = 10 };
	char unknown[NUMBER_TEXT], all[NUMBER_TEXT];

	for (size_t i = 0; i < builder->unknown_rows && i < SHOWN; i++) {
		size_t length;
		const char *name = profile_store_name(
			&builder->profiles, builder->unknown_row[i], &length);
		warn("customer %.*s has no tag that %s knows, and is left out",
		     (int)length, name, model);
	}
	if (builder->unknown_rows > SHOWN)
		warn("%s of %s customers have none, and are left out",
		     number_commas(unknown, builder->unknown_rows),
		     number_commas(all, builder->n + builder->unknown_rows));
}

/* Name the tags and the customers that the model of --as does not know. */
static void warn_unknown(struct matrix_builder *builder, const char *model)
{
	const struct string_table *tags = &builder->profiles.tags;

	if (builder->unknown_tags > 0 && !options_quiet)
		warn("%zu of %zu tags (%zu pairs) are not in %s and are left "
		     "out: the first is %s",
		     builder->unknown_tags, tags->count, builder->unknown_pairs,
		     model, string_table_text(tags, builder->first_unknown));
	warn_unknown_rows(builder, model);
}

/* Add up tallies; returns the exit status. */
static enum status merge(char **paths, size_t count)
{
	struct tally sum;
	struct output output;
	const char *error;

	refuse_options("with --merge it is that of the tallies");
	if (choices.fold_in != NULL || choices.matrix.tally)
		die_usage("--merge: it goes with neither --as nor --tally");
	if (options_given((const int[]){'S', 0}) != NULL)
		die_usage("--buffer-size: a tally has no rows: it does not go "
			  "with --merge");
	if (count == 0)
		die_usage("--merge: which tallies?");
	output_open(&output, choices.output);
	error = tally_merge(&sum, paths, count, choices.matrix.threads);
	die_if(error);
	tally_write(&sum, &output);
	output_close(&output);
	enum status status =
		sum.stage == TALLY_TENTHS ? STATUS_DONE : STATUS_NOT_FOUND;
	tally_close(&sum);
	return status;
}

static void write_result(struct matrix_builder *builder, struct output *output)
{
	struct tally tally;

	if (!choices.matrix.tally) {
		matrix_writer_write(builder, options_version, output);
		return;
	}
	tally_builder_set(&tally, builder, options_version);
	tally_write(&tally, output);
	tally_builder_free(&tally);
}

int main(int argc, char *argv[])
{
	struct fold_in fold_in = {0};
	struct tally whole = {0};
	struct matrix_builder builder;
	struct output output;
	char **paths;
	size_t count;
	const char *error;

	choices.matrix.threads = machine_limits_processors();
	choices.matrix.memory = machine_limits_buffer(64 << 20);
	paths = options_read(&text, argc, argv);
	count = count_files(paths);

	if (choices.merge)
		return merge(paths, count);
	choices.matrix.weights = choices.weights;
	output_open(&output, choices.output);
	if (output_terminal(&output))
		die("a matrix is binary and standard output is a terminal: "
		    "use > FILE or -o FILE");
	if (choices.fold_in != NULL) {
		refuse_options("with --as it is the model's");
		if (tally_is(choices.fold_in))
			open_whole(&whole, count > 0 ? count : 1);
		else
			open_fold_in(&fold_in);
	}
	error = matrix_builder_build(&builder, &choices.matrix, paths, count);
	show_value(&builder.profiles);
	warn_unknown(&builder, fold_in.model.input.name);
	warn_bare(&builder);
	die_if(error);
	if (builder.n == 0 && choices.matrix.fold_in != NULL)
		exit(STATUS_NOT_FOUND);
	write_result(&builder, &output);
	output_close(&output);
	enum status status =
		builder.unknown_rows > 0 ? STATUS_NOT_FOUND : STATUS_DONE;
	matrix_builder_free(&builder);
	if (choices.matrix.fold_in != NULL)
		fold_in_close(&fold_in);
	tally_close(&whole);
	free(choices.weights);
	return status;
}
