/* cs-svd: a matrix made a model: components, singular values, embedding, and
 * the true residual of each triplet.
 *
 * The embedding is written as it is computed, chunk by chunk: what stays in
 * memory does not grow with the customers. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "linalg/dense.h"
#include "base/alloc.h"
#include "base/errors.h"
#include "linalg/gram_follower.h"
#include "linalg/ranks.h"
#include "linalg/shard_models.h"
#include "linalg/shard_set.h"
#include "linalg/svd_model.h"
#include "linalg/truncated_svd.h"
#include "model/fold_in.h"
#include "model/safetensors.h"
#include "model/csr_matrix.h"
#include "model/model.h"
#include "linalg/gram_operator.h"
#include "base/options.h"
#include "model/model_writer.h"
#include "base/io.h"
#include "base/machine_limits.h"

/* A residual of this share of its own singular value is worth a word. */
static const double DOUBTFUL = 0.1;

enum { KEY_TOL = 256, KEY_CENTER, KEY_SCALE, KEY_SEED, KEY_ALIGN, KEY_LEARN };

enum { DEFAULT_DIMENSIONS = 64 };

static struct choices {
	struct svd_options svd; /* k: 0 until it is known, where none is said */
	bool dimensions_said;
	enum center center;
	enum scale scale;
	unsigned threads;
	const char *output;       /* NULL: standard output */
	const char *align;        /* a model, or NULL */
	struct option_list learn; /* two matrices, or none */
} choices = {
	.svd = {.tolerance = 1e-3, .seed = 1},
};

static const struct option_row rows[] = {
	{"Decomposition", 'k', "dimensions", "N",
	 "how many singular triplets [64]",
	 OPTION_TO_INTEGER(choices.svd.k, 1, INT32_MAX)},
	{NULL, KEY_TOL, "tol", "T", "residual of each, of the largest [1e-3]",
	 OPTION_TO_REAL(choices.svd.tolerance, 1e-10, 1e-1)},
	{NULL, KEY_CENTER, "center", "C",
	 "none; row, column: less their means [none]",
	 OPTION_TO_CHOICE(choices.center, center_words)},
	{NULL, KEY_SCALE, "scale", "S",
	 "embedding: us (U S), sqrt (U S^1/2), u [us]",
	 OPTION_TO_CHOICE(choices.scale, scale_words)},
	{NULL, KEY_SEED, "seed", "N", "of the starting block [1]",
	 OPTION_TO_INTEGER(choices.svd.seed, 0, INT64_MAX)},
	{NULL, KEY_ALIGN, "align", "OLD", "rotate onto the embedding of OLD",
	 OPTION_TO_FILE(choices.align)},
	{NULL, KEY_LEARN, "learn", "HALF",
	 "weigh dimensions by two halves, one a --learn",
	 OPTION_TO_LIST(choices.learn)},
	{"Memory", 'S', "buffer-size", "SIZE",
	 "of the basis in memory [2G, or a quarter of all]",
	 OPTION_TO_SIZE(choices.svd.memory)},
	OPTION_OUTPUT_TO("Output", choices.output),
	OPTION_THREADS_TO(choices.threads),
	OPTION_COMMON};

static const struct options_text text = {
	.name = "cs-svd",
	.usage = "cs-svd [OPTION]... [MATRIX]\n"
		 "       cs-svd [OPTION]... -o DIR SHARD SHARD...",
	.purpose =
		"Make a matrix (from cs-matrix) a model by truncated singular value\n"
		"decomposition.  Every triplet states its true residual.  Without MATRIX, or\n"
		"for \"-\", standard input is read.",
	.footer =
		"exit: 0 done; 2 wrong use, input or output, or a tolerance not reached\n"
		"  cs-matrix profiles.tsv | cs-svd -k 128 -o emb.bin\n"
		"The manual page, cs-svd(1), has the rest.",
	.rows = rows,
};

struct work {
	struct model matrix; /* what is decomposed */
	struct gram_operator gram;
	struct truncated_svd svd;
	double *residual;   /* of each triplet */
	char aligned[17];   /* the id of the model of --align, or "" */
	char learnt[2][17]; /* those of the halves of --learn, or "" */
};

static void read_matrix(struct work *work, const char *path)
{
	struct csr_matrix *matrix = &work->matrix.matrix;
	const char *error =
		model_open_matrix(&work->matrix, path, choices.threads);

	if (error == NULL && (matrix->nnz == 0 || matrix->m == 0))
		error = "a matrix without entries";
	if (error == NULL)
		error = gram_operator_begin(&work->gram, matrix, choices.center,
					    choices.threads);
	if (error != NULL)
		die("%s: %s", work->matrix.input.name, error);
}

/* Why a matrix has nothing but zeros, and what helps. */
static const char *why_zero(const struct csr_matrix *matrix)
{
	bool weight = false, raw = false;

	for (size_t i = 0; i < matrix->m; i++)
		weight = weight || matrix->weight[i] > 0;
	for (size_t i = 0; i < matrix->nnz; i++)
		raw = raw || matrix->raw[i] != 0;
	if (!raw)
		return "every value is zero: no customer has a tag with "
		       "weight\n  the log's values are all zero: cs-matrix "
		       "--value events counts events instead";
	if (!weight)
		return "every value is zero: no customer has a tag with "
		       "weight\n  every customer has every tag, which "
		       "cs-matrix --weight idf takes for no information: "
		       "--weight smooth, or none";
	return "every value is zero: no customer has a tag with weight";
}

/* Fewer dimensions than were asked for; than the default's, unless there is one
 * for each tag. */
static void report_rank(const struct work *work)
{
	size_t wanted = choices.svd.k;
	bool said = choices.dimensions_said;

	if (options_quiet || work->svd.k >= wanted ||
	    (!said && work->svd.k == work->gram.m))
		return;
	warn("%s: rank %zu in double precision, less than the %zu dimensions "
	     "%s: the model has %zu",
	     work->matrix.input.name, work->svd.k, wanted,
	     said ? "asked for" : "of the default", work->svd.k);
}

static void find(struct work *work)
{
	const char *error =
		truncated_svd_find(&work->svd, &work->gram, &choices.svd);

	if (error != NULL)
		die("%s: %s", work->matrix.input.name, error);
	if (work->svd.k == 0)
		die("%s: %s", work->matrix.input.name,
		    work->gram.norm_squared > 0
			    ? "nothing is left once the means are taken off"
			    : why_zero(&work->matrix.matrix));
	/* No item of U S is above its singular value. */
	if (work->svd.sigma[0] > (double)FLT_MAX)
		die("%s: the largest singular value is %.2g, too large for an "
		    "embedding in single precision: divide the values by some "
		    "number",
		    work->matrix.input.name, work->svd.sigma[0]);
	report_rank(work);
}

static void open_half(struct work *work, struct model *half, size_t i)
{
	const char *error = model_open_matrix(half, choices.learn.texts[i],
					      choices.threads);

	if (error == NULL)
		error = csr_matrix_check_rows(&half->matrix);
	if (error == NULL)
		error = fold_in_compare(&work->matrix, half);
	if (error != NULL)
		die("--learn: %s: %s", half->input.name, error);
	safetensors_id(&half->file, work->learnt[i]);
}

/* Weigh the dimensions by the halves of --learn. */
static void learn(struct work *work, struct svd_model *model)
{
	struct model halves[2];

	for (size_t i = 0; i < 2; i++)
		open_half(work, &halves[i], i);
	const char *error =
		svd_model_weigh(model, &halves[0].matrix, &halves[1].matrix);
	if (error != NULL)
		die("--learn: %s, %s: %s", halves[0].input.name,
		    halves[1].input.name, error);
	for (size_t i = 0; i < 2; i++)
		model_close(&halves[i]);
}

/* Rotate the components onto those of --align. */
static void rotate(struct work *work, struct svd_model *model)
{
	struct model old;
	const char *error =
		model_open_verified(&old, choices.align, choices.threads);

	if (error == NULL)
		error = svd_model_align(model, &old);
	if (error != NULL)
		die("--align: %s: %s", old.input.name, error);
	model_id(&old, work->aligned);
	model_close(&old);
}

/* --------------------------------------------------------------- writing */

/* What is added to the metadata of the matrix. */
static void describe(const struct work *work, json_t *metadata)
{
	metadata_set(metadata, "svd.version", "%s", options_version);
	metadata_set(metadata, "svd.k", "%zu", choices.svd.k);
	metadata_set(metadata, "svd.tol", "%.17g", choices.svd.tolerance);
	metadata_set(metadata, "svd.center", "%s",
		     center_words[choices.center]);
	metadata_set(metadata, "svd.scale", "%s", scale_words[choices.scale]);
	metadata_set(metadata, "svd.seed", "%llu",
		     (unsigned long long)choices.svd.seed);
	if (work->learnt[0][0] != '\0')
		metadata_set(metadata, "svd.learn", "%s %s", work->learnt[0],
			     work->learnt[1]);
	if (work->aligned[0] != '\0')
		metadata_set(metadata, "svd.align", "%s", work->aligned);
	metadata_set(metadata, "svd.energy", "%.17g",
		     work->gram.centred_norm_squared);
}

/* A residual is relative to the largest triplet.  Where that is much larger
 * than another, the other may be far off within it. */
static void warn_doubtful(const struct work *work)
{
	const double *residual = work->residual;
	const double *sigma = work->svd.sigma;

	for (size_t j = 0; j < work->svd.k && !options_quiet; j++) {
		double share = residual[j] * sigma[0] / sigma[j];
		if (share > DOUBTFUL) {
			warn("%s: triplet %zu and those after it may be off "
			     "by %.0f %%, for the first is %.0f times as "
			     "large: give a smaller --tol, or rows scaled "
			     "alike (--norm l2)",
			     work->matrix.input.name, j + 1, 100 * share,
			     sigma[0] / sigma[j]);
			return;
		}
	}
}

static void report(const struct work *work)
{
	const double *residual = work->residual;
	const double *sigma = work->svd.sigma;
	double sum = 0;

	if (!options_verbose())
		return;
	fprintf(stderr, "%9s %12s %10s %10s\n", "triplet", "sigma", "share",
		"residual");
	for (size_t j = 0; j < work->svd.k; j++) {
		double share =
			sigma[j] * sigma[j] / work->gram.centred_norm_squared;
		sum += share;
		fprintf(stderr, "%9zu %12.6g %8.4f %% %10.1e\n", j + 1,
			sigma[j], 100 * share, residual[j]);
	}
	fprintf(stderr, "%9s %12s %8.4f %% in %u passes\n", "all", "",
		100 * sum, work->svd.passes + 1);
}

/* Report, in rank 0, and free what a factorization has. */
static void end_factorization(struct work *work, json_t *metadata)
{
	if (ranks_self() == 0) {
		warn_doubtful(work);
		report(work);
	}
	free(work->residual);
	json_decref(metadata);
	truncated_svd_free(&work->svd);
	gram_operator_end(&work->gram);
}

/* Factor the matrix of a file and write its model. */
static void factor_matrix(const char *path, struct output *output)
{
	struct work work = {0};
	struct svd_model model = {.matrix = &work.matrix,
				  .gram = &work.gram,
				  .svd = &work.svd,
				  .scale = choices.scale,
				  .center = choices.center,
				  .tolerance = choices.svd.tolerance,
				  .threads = choices.threads};
	json_t *metadata = alloc_check(json_object());

	read_matrix(&work, path);
	find(&work);
	if (choices.learn.count > 0)
		learn(&work, &model);
	if (choices.align != NULL)
		rotate(&work, &model);
	describe(&work, metadata);
	model.metadata = metadata;
	const char *error = svd_model_write(&model, output);
	if (error != NULL)
		die("%s: %s", work.matrix.input.name, error);
	work.residual = model.residual;
	end_factorization(&work, metadata);
	model_close(&work.matrix);
}

/* ---------------------------------------------------------------- shards */

static void refuse_for_shards(void)
{
	if (choices.center != CENTER_NONE || choices.align != NULL ||
	    choices.learn.count > 0)
		die_usage("--center, --align and --learn are for one matrix, "
			  "not for shards");
	if (choices.output == NULL || strcmp(choices.output, "-") == 0)
		die_usage("shards: their models are files of a directory: -o "
			  "DIR names it");
}

/* Find the triplets of all shards; in rank 0, which the others help. */
static void find_of_shards(struct work *work)
{
	if (ranks_self() == 0) {
		find(work);
		gram_follower_release();
	} else {
		options_quiet = true;
		gram_follower_run(&work->gram);
	}
}

/* Factor the matrices of several shards as one, by all ranks. */
static void factor_shards(char **paths, size_t count)
{
	struct work work = {.matrix.input.name = "shards"};
	struct shard_set set;
	struct shard_models models = {.set = &set,
				      .gram = &work.gram,
				      .svd = &work.svd,
				      .directory = choices.output,
				      .scale = choices.scale,
				      .tolerance = choices.svd.tolerance,
				      .threads = choices.threads};
	json_t *metadata = alloc_check(json_object());
	const char *error;

	refuse_for_shards();
	error = shard_set_open(&set, paths, count, choices.threads);
	if (error == NULL)
		error = gram_operator_begin_shards(&work.gram, set.matrices,
						   count, set.m,
						   choices.threads);
	if (error == NULL && (work.gram.nnz == 0 || set.m == 0))
		error = "shards: a matrix without entries";
	die_if(error);
	find_of_shards(&work);
	describe(&work, metadata);
	models.metadata = metadata;
	error = shard_models_write(&models);
	if (error != NULL)
		die("shards: %s", error);
	work.residual = models.residual;
	end_factorization(&work, metadata);
	shard_set_close(&set);
}

static void refuse_combinations(void)
{
	if ((choices.align != NULL || choices.learn.count > 0) &&
	    (choices.scale != SCALE_US || choices.center != CENTER_NONE))
		die_usage("%s: it goes with neither --scale nor --center",
			  choices.align != NULL ? "--align" : "--learn");
	if (choices.learn.count != 0 && choices.learn.count != 2)
		die_usage("--learn: expected it twice, with the two halves of "
			  "the events");
}

static size_t count_paths(char **paths)
{
	size_t count = 0;

	while (paths[count] != NULL)
		count++;
	return count;
}

int main(int argc, char *argv[])
{
	struct output output;

	choices.threads = machine_limits_processors();
	choices.svd.memory = machine_limits_buffer((size_t)2 << 30);
	char **paths = options_read(&text, argc, argv);
	choices.dimensions_said = choices.svd.k > 0;
	if (!choices.dimensions_said)
		choices.svd.k = DEFAULT_DIMENSIONS;
	size_t count = count_paths(paths);
	const char *error = dense_use_one_thread(argv);
	die_if(error);
	ranks_begin();
	if (count > 1) {
		factor_shards(paths, count);
		ranks_end();
		return STATUS_DONE;
	}
	if (ranks_count() > 1)
		die_usage("several processes share the shards, and there are "
			  "no shards");
	refuse_combinations();
	output_open(&output, choices.output);
	if (output_terminal(&output))
		die("a model is binary and standard output is a terminal: "
		    "use > FILE or -o FILE");

	factor_matrix(paths[0], &output);
	output_close(&output);
	ranks_end();
	return STATUS_DONE;
}
