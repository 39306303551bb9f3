/* cs-dump: what a matrix or a model is; its tensors as text or for numpy. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/control_chars.h"
#include "model/captured.h"
#include "model/model_verify.h"
#include "base/errors.h"
#include "model/safetensors.h"
#include "search/ivf_index.h"
#include "model/model.h"
#include "model/npy.h"
#include "base/number.h"
#include "base/options.h"
#include "base/io.h"
#include "text/tsv.h"

enum { KEY_CHECK = 256, KEY_WHAT, KEY_FORMAT };

enum what {
	WHAT_USERS,
	WHAT_TAGS,
	WHAT_PROFILES,
	WHAT_EMBEDDING,
	WHAT_COMPONENTS,
	WHAT_SIGMA,
	WHAT_ALL /* not a tensor, but the whole described */
};
static const char *const what_words[] = {[WHAT_USERS] = "users",
					 [WHAT_TAGS] = "tags",
					 [WHAT_PROFILES] = "profiles",
					 [WHAT_EMBEDDING] = "embedding",
					 [WHAT_COMPONENTS] = "components",
					 [WHAT_SIGMA] = "sigma",
					 NULL};

enum form { FORM_JSON, FORM_TSV, FORM_NPY, FORM_TEXT };
static const char *const form_words[] = {
	[FORM_JSON] = "json", [FORM_TSV] = "tsv", [FORM_NPY] = "npy", NULL};

static struct choices {
	enum what what;
	enum form form;
	bool check;
	const char *output; /* NULL: standard output */
} choices = {.what = WHAT_ALL, .form = FORM_TEXT};

static const struct option_row rows[] = {
	{"what:", KEY_CHECK, "check", NULL, "look at every byte first",
	 OPTION_TO_FLAG(choices.check, true)},
	{NULL, KEY_WHAT, "what", "W", "one of its parts, named in the manual",
	 OPTION_TO_CHOICE(choices.what, what_words)},
	{"output:", KEY_FORMAT, "format", "F",
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

struct work {
	struct model model;
	struct ivf_index index; /* cells 0: it has none */
	double energy; /* ||B||_F^2 of what was decomposed; 0: unknown */
	struct captured_distribution captured;
	struct model_findings findings;
	struct output output;
};

/* ------------------------------------------------------------------ input */

/* Compare the tensors that --what writes with their checksums. */
static const char *verify(const struct work *work)
{
	static const char *const tensors[][6] = {
		[WHAT_USERS] = {"users.offsets", "users.bytes", "users.tenth",
				"profile.indptr", "profile.raw"},
		[WHAT_TAGS] = {"tags.offsets", "tags.bytes", "tags.weight",
			       "tags.tenths"},
		[WHAT_PROFILES] = {"users.offsets", "users.bytes",
				   "profile.indptr", "profile.indices",
				   "profile.values", "profile.raw"},
		[WHAT_EMBEDDING] = {"users.offsets", "users.bytes",
				    "embedding"},
		[WHAT_COMPONENTS] = {"tags.offsets", "tags.bytes"},
		[WHAT_SIGMA] = {NULL},
		[WHAT_ALL] = {NULL},
	};
	const struct safetensors *file = &work->model.file;
	const char *error = NULL;

	for (size_t i = 0; i < 6 && error == NULL; i++) {
		const char *name = tensors[choices.what][i];
		if (name != NULL)
			error = safetensors_verify(
				file, safetensors_find(file, name));
	}
	return error;
}

/* The names that --what writes, and the tags that rows name. */
static const char *check_names(const struct work *work)
{
	const struct csr_matrix *matrix = &work->model.matrix;
	const char *error = NULL;

	if (choices.what == WHAT_USERS || choices.what == WHAT_PROFILES ||
	    choices.what == WHAT_EMBEDDING)
		error = text_array_check(&matrix->users, "users");
	if (error == NULL &&
	    (choices.what == WHAT_TAGS || choices.what == WHAT_PROFILES ||
	     choices.what == WHAT_COMPONENTS))
		error = text_array_check(&matrix->tags, "tags");
	return error;
}

static void open_model(struct work *work, const char *path)
{
	struct model *model = &work->model;
	const char *energy, *error = model_open_any(model, path);

	if (error == NULL && choices.check)
		error = model_verify(model, &work->findings);
	if (error == NULL && model->embedding != NULL &&
	    ivf_index_exists(model))
		error = ivf_index_view(&work->index, model);
	if (error == NULL && model->embedding == NULL &&
	    choices.what >= WHAT_EMBEDDING && choices.what <= WHAT_SIGMA)
		error = error_text("a matrix, which has no %s: cs-svd makes a "
				   "model of it",
				   what_words[choices.what]);
	if (error == NULL)
		error = verify(work);
	if (error == NULL)
		error = check_names(work);
	if (error == NULL && model->embedding != NULL &&
	    choices.what == WHAT_ALL)
		error = captured_distribution_find(&work->captured, model);
	if (error != NULL)
		die("%s: %s", model->input.name, error);
	energy = safetensors_option(&model->file, "svd.energy");
	if (energy == NULL || !number_real(energy, &work->energy))
		work->energy = 0;
}

/* Row i, checked. */
static void check_row(const struct work *work, size_t row)
{
	const char *error = csr_matrix_check_row(&work->model.matrix, row);

	if (error != NULL)
		die("%s: %s", work->model.input.name, error);
}

/* The triplet's part of the energy, or 0. */
static double share(const struct work *work, size_t triplet)
{
	double sigma = work->model.sigma[triplet];

	return work->energy > 0 ? sigma * sigma / work->energy : 0;
}

/* How many tags the customer has: values above zero. */
static size_t tags_had(const struct csr_matrix *matrix, size_t row)
{
	size_t tags = 0;

	for (int64_t i = matrix->indptr[row]; i < matrix->indptr[row + 1]; i++)
		tags += matrix->raw[i] > 0;
	return tags;
}

/* How many customers have the tag. */
static int64_t customers_with(const struct csr_matrix *matrix, size_t tag)
{
	int64_t count = 0;

	for (size_t i = 0; i < TENTHS; i++)
		count += matrix->tenths[tag * TENTHS + i];
	return count;
}

/* ------------------------------------------------------------------- text */

/* A text out of the file, with no byte that could steer a terminal. */
static void put_plain(struct output *output, const char *plain)
{
	size_t length = strlen(plain);
	char *escaped = alloc(alloc_product(length, 4) + 1, 1);

	output_write(output, escaped,
		     control_chars_escape(escaped, plain, length));
	free(escaped);
}

static void put_count(struct output *output, const char *label, uint64_t count,
		      const char *column)
{
	char digits[NUMBER_TEXT];

	output_print(output, "%-11s%s (", label, number_commas(digits, count));
	put_plain(output, column);
	output_text(output, ")\n");
}

static void put_sizes(struct work *work)
{
	const struct csr_matrix *matrix = &work->model.matrix;
	struct output *output = &work->output;
	char digits[NUMBER_TEXT], id[17];
	double cells = (double)matrix->n * (double)matrix->m;

	safetensors_id(&work->model.file, id);
	output_print(output, "%-11s%s\n%-11s%s\n",
		     work->model.embedding ? "model" : "matrix",
		     work->model.input.name, "id", id);
	put_count(output, "customers", matrix->n, matrix->customer);
	put_count(output, "tags", matrix->m, matrix->tag);
	put_count(output, "pairs", matrix->nnz, matrix->value);
	if (cells > 0)
		output_print(output, "%-11s%.3g %% of all cells\n", "",
			     100 * (double)matrix->nnz / cells);
	output_print(output, "%-11s%s bytes\n", "size",
		     number_commas(digits, work->model.file.size));
}

static void put_options(struct work *work)
{
	const char *key, *label = "options";
	json_t *value;

	json_object_foreach(work->model.file.metadata, key, value)
	{
		output_print(&work->output, "%-11s", label);
		put_plain(&work->output, key);
		output_text(&work->output, " ");
		put_plain(&work->output, json_string_value(value));
		output_text(&work->output, "\n");
		label = "";
	}
}

static void put_triplets(struct work *work)
{
	const struct model *model = &work->model;
	struct output *output = &work->output;
	double sum = 0;

	output_print(output, "\n%7s %14s %9s %9s %9s\n", "triplet", "sigma",
		     "energy", "in all", "residual");
	for (size_t i = 0; i < model->k; i++) {
		double part = share(work, i);
		sum += part;
		output_print(output, "%7zu %14.8g %7.3f %% %7.3f %% %9.1e\n",
			     i + 1, model->sigma[i], 100 * part, 100 * sum,
			     model->residual[i]);
	}
}

static void put_captured(struct work *work)
{
	const struct captured_distribution *captured = &work->captured;
	char little[NUMBER_TEXT], all[NUMBER_TEXT];

	output_print(&work->output,
		     "%-11sof a customer the dimensions hold %.2g %% (median; "
		     "tenth of them %.2g %% or less);\n%-11sunder %g %% of %s "
		     "of %s\n",
		     "captured", 100 * captured->median, 100 * captured->tenth,
		     "", 100 * CAPTURED_LITTLE,
		     number_commas(little, captured->little),
		     number_commas(all, captured->customers));
}

static void put_decomposition(struct work *work)
{
	const struct model *model = &work->model;
	struct output *output = &work->output;
	double sum = 0;

	for (size_t i = 0; i < model->k; i++)
		sum += share(work, i);
	output_print(output,
		     "%-11s%zu dimensions hold %.2f %% of ||A||_F^2, which "
		     "is %.6g\n",
		     "energy", model->k, 100 * sum, work->energy);
	output_print(output,
		     "%-11stwo customers picked at random have %.2f; "
		     "one pair in a hundred %.2f or more\n",
		     "similarity", model->median_pair, model->top_pair);
	put_captured(work);
}

/* The recalls of an index that are told of. */
static const double recalls[] = {0.95, 0.99};
enum { RECALLS = sizeof recalls / sizeof *recalls };

static void put_index(struct work *work)
{
	const struct ivf_index *index = &work->index;
	struct output *output = &work->output;

	output_print(output, "%-11s%zu cells; of the ten nearest", "index",
		     index->cells);
	for (size_t i = 0; i < RECALLS; i++) {
		size_t probes = ivf_index_probes(index, recalls[i]);
		output_print(output, "%s %.3f are in the first %zu",
			     i ? "," : "", index->recall[2 * (probes - 1)],
			     probes);
	}
	output_text(output, "\n");
}

static void put_checked(struct work *work)
{
	struct output *output = &work->output;
	char n[NUMBER_TEXT], silent[NUMBER_TEXT];

	if (choices.check)
		output_print(output,
			     "%-11severy byte: %zu checksums, %s customers "
			     "(%s without signal)\n",
			     "checked", work->findings.sums,
			     number_commas(n, work->model.matrix.n),
			     number_commas(silent, work->findings.zero_rows));
	else
		output_print(output,
			     "%-11sheader and sizes; --check reads it all\n",
			     "checked");
}

static void write_text(struct work *work)
{
	put_sizes(work);
	if (work->model.embedding != NULL)
		put_decomposition(work);
	if (work->index.cells > 0)
		put_index(work);
	put_checked(work);
	put_options(work);
	if (work->model.embedding != NULL)
		put_triplets(work);
}

/* ------------------------------------------------------------------- JSON */

static void set(json_t *object, const char *key, json_t *value)
{
	if (value == NULL || json_object_set_new(object, key, value) != 0)
		die("out of memory");
}

static void append(json_t *array, json_t *value)
{
	if (value == NULL || json_array_append_new(array, value) != 0)
		die("out of memory");
}

static void set_sizes(json_t *object, const struct work *work)
{
	const struct csr_matrix *matrix = &work->model.matrix;
	char id[17];

	safetensors_id(&work->model.file, id);
	set(object, "kind",
	    json_string(work->model.embedding ? "model" : "matrix"));
	set(object, "id", json_string(id));
	set(object, "customers", json_integer((json_int_t)matrix->n));
	set(object, "tags", json_integer((json_int_t)matrix->m));
	set(object, "pairs", json_integer((json_int_t)matrix->nnz));
	set(object, "columns",
	    json_pack("{s:s,s:s,s:s}", "customer", matrix->customer, "tag",
		      matrix->tag, "value", matrix->value));
	if (!choices.check)
		return;
	set(object, "without_signal",
	    json_integer((json_int_t)work->findings.zero_rows));
}

static void set_decomposition(json_t *object, const struct work *work)
{
	const struct model *model = &work->model;
	json_t *triplets = json_array();
	double sum = 0;

	for (size_t i = 0; i < model->k; i++) {
		sum += share(work, i);
		append(triplets,
		       json_pack("{s:f,s:f,s:f}", "sigma", model->sigma[i],
				 "energy", share(work, i), "residual",
				 model->residual[i]));
	}
	set(object, "dimensions", json_integer((json_int_t)model->k));
	set(object, "energy",
	    json_pack("{s:f,s:f}", "all", work->energy, "held", sum));
	set(object, "captured",
	    json_pack("{s:f,s:f,s:f,s:I}", "tenth", work->captured.tenth,
		      "median", work->captured.median, "ninetieth",
		      work->captured.ninetieth, "under_one_percent",
		      (json_int_t)work->captured.little));
	set(object, "median_pair", json_real(model->median_pair));
	set(object, "top_percent_pair", json_real(model->top_pair));
	set(object, "triplets", triplets);
}

static void set_index(json_t *object, const struct ivf_index *index)
{
	json_t *list = json_array();

	for (size_t i = 0; i < RECALLS; i++) {
		size_t probes = ivf_index_probes(index, recalls[i]);
		const double *recall = index->recall + 2 * (probes - 1);
		append(list,
		       json_pack("{s:f,s:I,s:f,s:f}", "wanted", recalls[i],
				 "probes", (json_int_t)probes, "by_name",
				 recall[0], "by_similarity", recall[1]));
	}
	set(object, "index",
	    json_pack("{s:I,s:o}", "cells", (json_int_t)index->cells, "recall",
		      list));
}

static json_t *list_tensors(const struct safetensors *file)
{
	json_t *list = json_array();

	for (size_t i = 0; i < file->count; i++) {
		const struct tensor *tensor = &file->tensors[i];
		json_t *shape = json_array();
		for (unsigned j = 0; j < tensor->dims; j++)
			append(shape,
			       json_integer((json_int_t)tensor->shape[j]));
		append(list,
		       json_pack("{s:s,s:s,s:o,s:I}", "name", tensor->name,
				 "dtype", dtype_name(tensor->type), "shape",
				 shape, "bytes", (json_int_t)tensor->size));
	}
	return list;
}

static void write_json(struct work *work)
{
	json_t *object = json_object();

	set_sizes(object, work);
	if (work->model.embedding != NULL)
		set_decomposition(object, work);
	if (work->index.cells > 0)
		set_index(object, &work->index);
	set(object, "options", json_incref(work->model.file.metadata));
	set(object, "tensors", list_tensors(&work->model.file));
	char *written =
		json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
	if (written == NULL)
		die("out of memory");
	output_text(&work->output, written);
	output_text(&work->output, "\n");
	free(written);
	json_decref(object);
}

/* -------------------------------------------------------------------- TSV */

static void put_name(struct output *output, const char *name)
{
	tsv_write_field(output, name, strlen(name));
}

static void put_text(struct output *output, const struct text_array *texts,
		     size_t i)
{
	size_t length;
	const char *name = text_array_at(texts, i, &length);

	tsv_write_field(output, name, length);
}

/* A tab, and the number so that it reads back. */
static void put_number(struct output *output, double value, int digits)
{
	char written[NUMBER_TEXT];
	size_t length = number_write(written, value, digits);

	output_write(output, "\t", 1);
	output_write(output, written, length);
}

enum { FLOAT_DIGITS = 9, DOUBLE_DIGITS = 17 };

static void users_tsv(struct work *work)
{
	const struct csr_matrix *matrix = &work->model.matrix;
	struct output *output = &work->output;

	put_name(output, matrix->customer);
	output_text(output, "\ttags\ttenth\n");
	for (size_t i = 0; i < matrix->n; i++) {
		check_row(work, i);
		put_text(output, &matrix->users, i);
		output_print(output, "\t%zu\t%u\n", tags_had(matrix, i),
			     (unsigned)matrix->tenth[i]);
	}
}

static void tags_tsv(struct work *work)
{
	const struct csr_matrix *matrix = &work->model.matrix;
	struct output *output = &work->output;

	put_name(output, matrix->tag);
	output_text(output, "\tcustomers\tweight\n");
	for (size_t i = 0; i < matrix->m; i++) {
		put_text(output, &matrix->tags, i);
		output_print(output, "\t%lld",
			     (long long)customers_with(matrix, i));
		put_number(output, matrix->weight[i], DOUBLE_DIGITS);
		output_text(output, "\n");
	}
}

static void profile_reader_tsv(struct work *work)
{
	const struct csr_matrix *matrix = &work->model.matrix;
	struct output *output = &work->output;

	put_name(output, matrix->customer);
	output_text(output, "\t");
	put_name(output, matrix->tag);
	output_text(output, "\t");
	put_name(output, matrix->value);
	output_text(output, "\tweighted\n");
	for (size_t i = 0; i < matrix->n; i++) {
		check_row(work, i);
		for (int64_t j = matrix->indptr[i]; j < matrix->indptr[i + 1];
		     j++) {
			put_text(output, &matrix->users, i);
			output_text(output, "\t");
			put_text(output, &matrix->tags,
				 (size_t)matrix->indices[j]);
			put_number(output, matrix->raw[j], FLOAT_DIGITS);
			put_number(output, matrix->values[j], FLOAT_DIGITS);
			output_text(output, "\n");
		}
	}
}

/* The header of a row for each name, with a column for each dimension. */
static void put_dimensions(struct work *work, const char *name)
{
	put_name(&work->output, name);
	for (size_t i = 0; i < work->model.k; i++)
		output_print(&work->output, "\t%zu", i + 1);
	output_text(&work->output, "\n");
}

static void embedding_tsv(struct work *work)
{
	const struct model *model = &work->model;

	put_dimensions(work, model->matrix.customer);
	for (size_t i = 0; i < model->matrix.n; i++) {
		put_text(&work->output, &model->matrix.users, i);
		for (size_t j = 0; j < model->k; j++)
			put_number(&work->output,
				   model->embedding[i * model->k + j],
				   FLOAT_DIGITS);
		output_text(&work->output, "\n");
	}
}

static void components_tsv(struct work *work)
{
	const struct model *model = &work->model;

	put_dimensions(work, model->matrix.tag);
	for (size_t i = 0; i < model->matrix.m; i++) {
		put_text(&work->output, &model->matrix.tags, i);
		for (size_t j = 0; j < model->k; j++)
			put_number(&work->output,
				   model->components[i * model->k + j],
				   DOUBLE_DIGITS);
		output_text(&work->output, "\n");
	}
}

static void sigma_tsv(struct work *work)
{
	const struct model *model = &work->model;

	output_text(&work->output, "triplet\tsigma\tenergy\tresidual\n");
	for (size_t i = 0; i < model->k; i++) {
		output_print(&work->output, "%zu", i + 1);
		put_number(&work->output, model->sigma[i], DOUBLE_DIGITS);
		put_number(&work->output, share(work, i), DOUBLE_DIGITS);
		put_number(&work->output, model->residual[i], DOUBLE_DIGITS);
		output_text(&work->output, "\n");
	}
}

/* -------------------------------------------------------------------- npy */

static void users_npy(struct work *work)
{
	npy_texts(&work->output, &work->model.matrix.users);
}

static void tags_npy(struct work *work)
{
	npy_texts(&work->output, &work->model.matrix.tags);
}

static void put_tensor(struct work *work, const char *name)
{
	npy_tensor(&work->output, safetensors_find(&work->model.file, name));
}

static void embedding_npy(struct work *work)
{
	put_tensor(work, "embedding");
}

static void components_npy(struct work *work)
{
	put_tensor(work, "components");
}

static void sigma_npy(struct work *work)
{
	put_tensor(work, "sigma");
}

/* ---------------------------------------------------------------- options */

/* What is written for --what and --format; NULL: there is no such. */
static void (*const writers[][4])(struct work *work) = {
	[WHAT_USERS] = {[FORM_TSV] = users_tsv, [FORM_NPY] = users_npy},
	[WHAT_TAGS] = {[FORM_TSV] = tags_tsv, [FORM_NPY] = tags_npy},
	[WHAT_PROFILES] = {[FORM_TSV] = profile_reader_tsv},
	[WHAT_EMBEDDING] =
		{[FORM_TSV] = embedding_tsv, [FORM_NPY] = embedding_npy},
	[WHAT_COMPONENTS] =
		{[FORM_TSV] = components_tsv, [FORM_NPY] = components_npy},
	[WHAT_SIGMA] = {[FORM_TSV] = sigma_tsv, [FORM_NPY] = sigma_npy},
	[WHAT_ALL] = {[FORM_JSON] = write_json, [FORM_TEXT] = write_text},
};

/* Refuse what cannot be written; tsv is what --what gives. */
static void check_choices(void)
{
	if (choices.what != WHAT_ALL && choices.form == FORM_TEXT)
		choices.form = FORM_TSV;
	if (writers[choices.what][choices.form] != NULL)
		return;
	if (choices.what == WHAT_ALL)
		die_usage("--format %s: expected --what, too: a tensor can be "
			  "written so",
			  form_words[choices.form]);
	if (choices.form == FORM_JSON)
		die_usage("--what %s: it is written as tsv or npy; json "
			  "describes the whole, without --what",
			  what_words[choices.what]);
	die_usage("--what %s --format %s: sparse rows are no array; --format "
		  "tsv writes them",
		  what_words[choices.what], form_words[choices.form]);
}

int main(int argc, char *argv[])
{
	struct work work = {0};
	char **models = options_read(&text, argc, argv);

	check_choices();
	if (models[0] != NULL && models[1] != NULL)
		die_usage("one model at a time: \"%s\" is too many", models[1]);
	output_open(&work.output, choices.output);
	if (choices.form == FORM_NPY && output_terminal(&work.output))
		die("an array is binary and standard output is a terminal: "
		    "use > FILE or -o FILE");

	open_model(&work, models[0]);
	writers[choices.what][choices.form](&work);
	output_close(&work.output);
	model_close(&work.model);
	return STATUS_DONE;
}
