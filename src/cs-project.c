/* cs-project: customers who were not there when a model was made, folded into
 * it: the rows of their matrix times the model's components.
 *
 * A row's embedding is worked out as cs-svd does it (linalg/projection.h), so a
 * customer of the model gets the bytes that stand there. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/json_memory.h"
#include "base/number.h"
#include "events/customer_names.h"
#include "linalg/embedding_writer.h"
#include "linalg/projection.h"
#include "model/fold_in.h"
#include "model/csr_matrix.h"
#include "model/model.h"
#include "base/options.h"
#include "base/progress.h"
#include "model/model_verify.h"
#include "model/model_writer.h"
#include "model/row_removal.h"
#include "model/shard_files.h"
#include "model/shard_removal.h"
#include "base/io.h"
#include "base/machine_limits.h"

enum { KEY_FORGET = 256, KEY_PSEUDONYM, KEY_SHARDS };

static struct choices {
	const char *forget, *key; /* files, or NULL */
	const char *output;       /* NULL: standard output */
	bool shards;              /* output is a directory, as MODEL */
	unsigned threads;
} choices;

static const struct option_row rows[] = {
	{"Customers", KEY_FORGET, "forget", "FILE",
	 "write MODEL without the customers in FILE",
	 OPTION_TO_FILE(choices.forget)},
	{NULL, KEY_PSEUDONYM, "pseudonym", "KEYFILE",
	 "those of MODEL are pseudonyms by this key",
	 OPTION_TO_FILE(choices.key)},
	{NULL, KEY_SHARDS, "shards", NULL,
	 "MODEL is a directory of shards: so is -o DIR",
	 OPTION_TO_FLAG(choices.shards, true)},
	OPTION_OUTPUT_TO("Output", choices.output),
	OPTION_THREADS_TO(choices.threads),
	OPTION_COMMON};

static const struct options_text text = {
	.name = "cs-project",
	.usage = "cs-project [OPTION]... MODEL [MATRIX]\n"
		 "       cs-project --forget FILE [OPTION]... [MODEL]\n"
		 "       cs-project --forget FILE --shards -o DIR MODEL",
	.purpose =
		"Fold customers into a model: embed a matrix that \"cs-matrix "
		"--as MODEL\" made.\n"
		"What comes out is a model of theirs, for \"cs-knn --queries\". "
		" Without MATRIX,\n"
		"or for \"-\", standard input is read.",
	.footer = "exit: 0 done; 2 wrong use, input or output\n"
		  "  cs-matrix --as emb.bin new.tsv | cs-project emb.bin -o "
		  "new.bin\n"
		  "  cs-knn --queries new.bin emb.bin\n"
		  "  cs-project --forget gone.txt emb.bin -o kept.bin\n"
		  "The manual page, cs-project(1), has the rest.",
	.rows = rows,
};

struct work {
	struct model model;
	struct model matrix; /* what is embedded */
	struct tensor_writer writer;
};

static void check(const struct model *model, const char *error)
{
	if (error != NULL)
		die("%s: %s", model->input.name, error);
}

static void read_files(struct work *work, const char *model, const char *matrix)
{
	check(&work->model, model_open_columns(&work->model, model,
					       choices.threads, NULL, NULL));
	check(&work->model, model_refuse_matrix(&work->model));
	check(&work->matrix,
	      model_open_matrix(&work->matrix, matrix, choices.threads));
	check(&work->matrix, csr_matrix_check_rows(&work->matrix.matrix));
	check(&work->matrix, fold_in_compare(&work->model, &work->matrix));
}

/* The model's options but for those of an index, of a shard and of customers
 * who left it, and the matrix's own. */
static json_t *describe(const struct work *work)
{
	json_t *metadata = alloc_check(json_object()), *value;
	const char *key;
	char id[17];

	json_object_foreach(work->model.file.metadata, key,
			    value) if (strncmp(key, "index.", 6) != 0 &&
				       strncmp(key, "shard.", 6) != 0 &&
				       strncmp(key, "forget.", 7) != 0)
		json_check(json_object_set(metadata, key, value));
	json_object_foreach(work->matrix.file.metadata, key, value)
		json_check(json_object_set(metadata, key, value));
	model_id(&work->model, id);
	metadata_set(metadata, "project.version", "%s", options_version);
	metadata_set(metadata, "project.model", "%s", id);
	return metadata;
}

static void write_model(struct work *work, struct output *output)
{
	const struct model *model = &work->model;
	double pairs[2] = {model->median_pair, model->top_pair};
	json_t *metadata = describe(work);
	const struct model_contents contents = {
		.matrix = &work->matrix.file,
		.metadata = metadata,
		.n = work->matrix.matrix.n,
		.m = work->matrix.matrix.m,
		.k = model->k,
		.mean = model->mean,
		.components = model->components,
		.ld = model->k,
		.sigma = model->sigma,
	};
	struct model described = *model;
	struct embedding_writer embedding;
	struct projection projection;

	described.matrix = work->matrix.matrix;
	model_writer_begin(&work->writer, output, &contents);
	embedding_writer_begin(&embedding, &work->writer, NULL, &described, 0,
			       SIZE_MAX);
	projection_model(&projection, model);
	progress_begin("customers", work->matrix.matrix.n);
	projection_embed_all(&projection, &work->matrix.matrix, choices.threads,
			     NULL, embedding_writer_rows, &embedding);
	progress_end();
	embedding_writer_end(&embedding, true);
	tensor_writer_put(&work->writer, model->residual,
			  model->k * sizeof(double));
	tensor_writer_put(&work->writer, pairs, sizeof pairs);
	tensor_writer_end(&work->writer);
	projection_end(&projection);
	json_decref(metadata);
}

/* The operands: MODEL, then MATRIX or NULL. */
static char **read_options(int argc, char **argv)
{
	choices.threads = machine_limits_processors();

	char **paths = options_read(&text, argc, argv);
	size_t count = (size_t)(argv + argc - paths);
	if (choices.key != NULL && choices.forget == NULL)
		die_usage("--pseudonym: it is for the names of --forget FILE");
	if (choices.forget != NULL && count > 1)
		die_usage("%s: with --forget there is one MODEL, or matrix",
			  paths[1]);
	if (choices.shards &&
	    (choices.forget == NULL || count != 1 || choices.output == NULL))
		die_usage("--shards: with --forget FILE, -o DIR and the "
			  "directory of a MODEL");
	if (choices.forget != NULL)
		return paths;
	if (count < 1 || count > 2)
		die_usage("expected a MODEL, and a MATRIX or none");
	if (strcmp(paths[0], "-") == 0 &&
	    (count == 1 || strcmp(paths[1], "-") == 0))
		die_usage("only one of MODEL and MATRIX can be standard input");
	return paths;
}

/* Say who left. */
static void report(size_t gone, size_t stay, size_t names)
{
	char left[NUMBER_TEXT], others[NUMBER_TEXT], all[NUMBER_TEXT];

	notice("%s customers left, of %s names in %s; %s stay",
	       number_commas(left, gone), number_commas(all, names),
	       choices.forget, number_commas(others, stay));
}

/* Say how an index that the model has is made again. */
static void report_index(const struct model *model)
{
	if (safetensors_find(&model->file, "index.embedding") != NULL)
		notice("the index is left out: cs-index --as %s makes it again",
		       model->input.name);
}

/* The customers of --forget, as MODEL names them. */
static void read_forgotten(struct customer_names *names)
{
	if (choices.key != NULL)
		customer_names_read_key(names, choices.key);
	customer_names_read_forgotten(names, choices.forget);
	customer_names_hash_forgotten(names);
}

/* Write the shards of a directory without these customers. */
static void forget_in_shards(const char *directory)
{
	struct customer_names names = {0};
	struct shard_removal removal;

	if (!shard_files_is_directory(directory))
		die("%s: no directory: --shards is for a model in shards",
		    directory);
	read_forgotten(&names);
	die_if(shard_removal_write(&removal, directory, choices.output, &names,
				   options_version));
	report(removal.gone, removal.stay, names.forgotten_listed);
	customer_names_free(&names);
}

/* Write the model, or matrix, without the customers of --forget. */
static void forget(const char *path, struct output *output)
{
	struct customer_names names = {0};
	struct model_verification verification;
	struct model model;

	read_forgotten(&names);
	check(&model, model_open_any(&model, path));
	check(&model, model_verify(&model, &verification));
	bool *gone = alloc(model.matrix.n, sizeof *gone);
	size_t count = row_removal_mark(&model.matrix, &names, gone);
	if (count == model.matrix.n)
		die("%s: nobody is left: all of its customers are in %s",
		    model.input.name, choices.forget);
	row_removal_write(&model, gone, options_version, output);
	report(count, model.matrix.n - count, names.forgotten_listed);
	report_index(&model);
	free(gone);
	model_close(&model);
	customer_names_free(&names);
}

int main(int argc, char **argv)
{
	char **paths = read_options(argc, argv);
	struct work work = {0};
	struct output output;

	if (choices.shards) {
		forget_in_shards(paths[0]);
		return STATUS_DONE;
	}
	output_open(&output, choices.output);
	if (output_terminal(&output))
		die("a model is binary and standard output is a terminal: "
		    "use > FILE or -o FILE");
	if (choices.forget != NULL) {
		forget(paths[0], &output);
	} else {
		read_files(&work, paths[0], paths[1]);
		write_model(&work, &output);
		model_close(&work.matrix);
		model_close(&work.model);
	}
	output_close(&output);
	return STATUS_DONE;
}
