/* cs-index: a model with an index: customers by cell and as bytes, so that
 * cs-knn looks at fewer of them and at less of each.
 *
 * What is measured of its recall is written with it. */
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "search/kmeans.h"
#include "search/int8_quantization.h"
#include "base/errors.h"
#include "model/safetensors.h"
#include "search/ivf_index.h"
#include "search/inverted_lists.h"
#include "model/model.h"
#include "base/number.h"
#include "base/options.h"
#include "base/progress.h"
#include "search/recall.h"
#include "search/sharded_model.h"
#include "base/io.h"
#include "base/thread_pool.h"

enum { KEY_CELLS = 256, KEY_SEED, KEY_AS };

/* Blocks written at once, at most: some megabytes. */
enum { BATCH_BLOCKS = 256 };

/* Rows looked at in one piece. */
enum { PIECE_ROWS = 8192 };

static const struct option_row rows[] = {
	{"cells:", KEY_CELLS, "cells", "N", "how many [by customers]"},
	{NULL, KEY_SEED, "seed", "N", "of the sample they come from [1]"},
	{NULL, KEY_AS, "as", "INDEXED", "those of another model's index"},
	{"memory:", 'S', "buffer-size", "SIZE",
	 "more is read in passes [a quarter of all]"},
	OPTION_OUTPUT("output:"),
	OPTION_THREADS,
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

struct work {
	size_t cells; /* 0: by the customers */
	uint64_t seed;
	const char *as, *output_path;
	size_t memory; /* bytes of an embedding that may be read in any order */
	unsigned threads;
	struct model model, like;
	size_t signal;    /* customers that are to be in cells */
	float *centroids; /* cells x d */
	uint32_t *cell;   /* of each customer */
	struct inverted_lists layout;
	size_t batch;  /* blocks written at once */
	size_t window; /* blocks gathered at once, a multiple of batch; 0: none,
			  they are read where they stand */
	double *recall; /* cells x 2 */
	struct tensor_writer writer;
	float *scales, *residuals; /* of each place */
};

static void check(const struct model *model, const char *error)
{
	if (error != NULL)
		die("%s: %s", model->input.name, error);
}

/* ------------------------------------------------------------------ cells */

/* What is found in pieces of PIECE_ROWS rows of the embedding. */
struct census {
	const struct model *model;
	size_t *signal; /* of each piece: rows that are not zeros */
	size_t *wrong;  /* of each piece: the first row that is not finite, or n
			 */
};

static void count_piece(void *shared, size_t piece, unsigned thread)
{
	struct census *census = shared;
	const struct model *model = census->model;
	size_t n = model->matrix.n, row = piece * PIECE_ROWS;
	size_t end = n - row < PIECE_ROWS ? n : row + PIECE_ROWS;

	(void)thread;
	census->wrong[piece] = n;
	for (; row < end; row++) {
		double square = dot_square_norm(
			model->embedding + row * model->k, model->k);

		if (!isfinite(square)) {
			census->wrong[piece] = row;
			return;
		}
		census->signal[piece] += square != 0;
	}
}

/* Count the customers with signal; every row must be finite. */
static void count_signal(struct work *work)
{
	const struct model *model = &work->model;
	size_t pieces = (model->matrix.n + PIECE_ROWS - 1) / PIECE_ROWS;
	struct census census = {model, alloc(pieces, sizeof(size_t)),
				alloc(pieces, sizeof(size_t))};

	thread_pool_run(work->threads, pieces, count_piece, &census);
	for (size_t i = 0; i < pieces; i++) {
		if (census.wrong[i] < model->matrix.n)
			die("%s: row %zu of the embedding is not finite",
			    model->input.name, census.wrong[i]);
		work->signal += census.signal[i];
	}
	free(census.signal);
	free(census.wrong);
}

static void read_model(struct work *work, const char *path)
{
	struct model *model = &work->model;
	const char *error = model_open(model, path);

	if (error == NULL)
		error = safetensors_verify_all(&model->file, work->threads);
	check(model, error);
	count_signal(work);
	if (model->matrix.n == 0 || model->k == 0)
		die("%s: no customers, or no dimensions", model->input.name);
	if (model->k > INT8_MAX_COLUMNS)
		die("%s: %zu dimensions, an index has %d at most",
		    model->input.name, model->k, INT8_MAX_COLUMNS);
	if (model->matrix.n > INT32_MAX)
		die("%s: more than 2^31 - 1 customers", model->input.name);
}

/* Centroids of another model's index. */
static void take_centroids(struct work *work)
{
	struct model *like = &work->like;
	struct ivf_index index = {0};
	const char *error = model_open(like, work->as);

	if (error == NULL)
		error = safetensors_verify_all(&like->file, work->threads);
	if (error == NULL)
		error = ivf_index_exists(like)
				? ivf_index_view(&index, like)
				: "it has no index, expected one to be alike";
	check(like, error);
	if ((error = sharded_model_compare(&work->model, like)) != NULL)
		die("%s", error);
	work->cells = index.cells;
	work->centroids =
		alloc(alloc_product(index.cells, index.d), sizeof(float));
	memcpy(work->centroids, index.centroids,
	       index.cells * index.d * sizeof(float));
}

static void train(struct work *work)
{
	const struct model *model = &work->model;
	size_t n = model->matrix.n;

	if (work->cells == 0)
		work->cells = kmeans_count(n);
	if (work->cells > n)
		die_usage("--cells %zu: there are %zu customers", work->cells,
			  n);
	work->centroids =
		alloc(alloc_product(work->cells, model->k), sizeof(float));
	check(model, kmeans_train(model->embedding, n, model->k, work->seed,
				  work->threads, work->centroids, work->cells));
}

static void part(struct work *work)
{
	const struct model *model = &work->model;
	size_t n = model->matrix.n;

	if (work->as != NULL)
		take_centroids(work);
	else
		train(work);
	work->cell = alloc(n, sizeof *work->cell);
	progress_begin("customers", n);
	check(model,
	      kmeans_assign(work->centroids, work->cells, model->embedding, n,
			    model->k, work->threads, work->cell));
	progress_end();
	inverted_lists_make(&work->layout, work->cell, n, work->cells);
	/* Centroids of zeros are those of a model where no one has signal. */
	if (work->layout.nonzero != work->signal)
		die("%s: its cells are of customers without signal, and have "
		    "no room for those of %s",
		    work->like.input.name, model->input.name);
	work->recall = alloc(work->cells, 2 * sizeof *work->recall);
	const struct partitioned_search parted = {
		model->embedding, n,           model->k,
		work->centroids,  work->cells, work->cell};
	check(model,
	      recall_measure(&parted, work->seed, work->threads, work->recall));
}

/* ---------------------------------------------------------------- writing */

/* Some blocks, made by all threads. */
struct batch {
	struct work *work;
	size_t first;   /* block */
	uint8_t *codes; /* NULL: units are wanted */
	float *units;
};

static void make_block(void *shared, size_t piece, unsigned thread)
{
	struct batch *batch = shared;
	struct work *work = batch->work;
	size_t d = work->model.k, block = batch->first + piece;

	(void)thread;
	if (batch->units != NULL)
		inverted_lists_units(&work->layout, work->model.embedding, d,
				     block,
				     batch->units + piece * d * TILE_ROWS);
	else
		inverted_lists_codes(&work->layout, work->model.embedding, d,
				     block,
				     batch->codes + piece * int8_block_bytes(d),
				     work->scales + block * TILE_ROWS,
				     work->residuals + block * TILE_ROWS);
}

/* What is larger than memory is read in passes from begin to end, each for as
 * many blocks as a quarter of what there is holds. */
static void choose_window(struct work *work)
{
	size_t block = TILE_ROWS * work->model.k * sizeof(float);
	size_t window = work->memory / 4 / block;

	work->batch = BATCH_BLOCKS;
	if (work->memory >=
	    work->model.matrix.n * work->model.k * sizeof(float))
		return;
	if (window < BATCH_BLOCKS)
		work->batch = window ? window : 1;
	work->window = window / work->batch * work->batch;
	if (work->window == 0)
		work->window = 1;
}

/* Have the vectors of a batch at hand, and of those that follow. */
static void gather(struct work *work, size_t first)
{
	size_t rest = work->layout.blocks - first;

	if (work->window == 0 || first % work->window != 0)
		return;
	inverted_lists_gather(&work->layout, work->model.embedding,
			      work->model.matrix.n, work->model.k, first,
			      rest < work->window ? rest : work->window,
			      work->threads);
}

static void put_codes(struct work *work)
{
	size_t size = int8_block_bytes(work->model.k);
	struct batch batch = {.work = work};

	batch.codes = alloc(work->batch, size);
	for (size_t count; batch.first < work->layout.blocks;
	     batch.first += count) {
		count = work->layout.blocks - batch.first;
		if (count > work->batch)
			count = work->batch;
		gather(work, batch.first);
		thread_pool_run(work->threads, count, make_block, &batch);
		tensor_writer_put(&work->writer, batch.codes, count * size);
	}
	free(batch.codes);
}

static void put_units(struct work *work)
{
	size_t size = TILE_ROWS * work->model.k;
	struct batch batch = {.work = work};

	batch.units = alloc(alloc_product(work->batch, size), sizeof(float));
	for (size_t count; batch.first < work->layout.blocks;
	     batch.first += count) {
		count = work->layout.blocks - batch.first;
		if (count > work->batch)
			count = work->batch;
		gather(work, batch.first);
		thread_pool_run(work->threads, count, make_block, &batch);
		tensor_writer_put(&work->writer, batch.units,
				  count * size * sizeof(float));
	}
	free(batch.units);
}

/* What of the model is passed on: all but an index that it has. */
static size_t gram_pass_on(const struct work *work, struct tensor *tensors)
{
	size_t count = safetensors_pass_on(&work->model.file, tensors, 0),
	       kept = 0;

	for (size_t i = 0; i < count; i++)
		if (strncmp(tensors[i].name, "index.", 6) != 0)
			tensors[kept++] = tensors[i];
	return kept;
}

static json_t *describe(const struct work *work)
{
	json_t *metadata = json_deep_copy(work->model.file.metadata);

	metadata_set(metadata, "index.version", "%s", options_version);
	metadata_set(metadata, "index.cells", "%zu", work->cells);
	metadata_set(metadata, "index.signal", "%zu", work->layout.nonzero);
	if (work->as == NULL)
		metadata_set(metadata, "index.seed", "%llu",
			     (unsigned long long)work->seed);
	else
		json_object_del(metadata, "index.seed");
	return metadata;
}

static void put_index(struct work *work)
{
	size_t d = work->model.k, cells = work->cells;
	size_t places = work->layout.blocks * TILE_ROWS;
	unsigned char sum[8];

	choose_window(work);
	safetensors_sum(&work->model.file,
			safetensors_find(&work->model.file, "embedding"), sum);
	tensor_writer_put(&work->writer, sum, sizeof sum);
	tensor_writer_put(&work->writer, work->centroids,
			  cells * d * sizeof(float));
	tensor_writer_put(&work->writer, work->layout.starts,
			  (cells + 1) * sizeof(int64_t));
	tensor_writer_put(&work->writer, work->layout.rows,
			  places * sizeof(int32_t));
	work->scales = alloc(places, sizeof *work->scales);
	work->residuals = alloc(places, sizeof *work->residuals);
	put_codes(work);
	tensor_writer_put(&work->writer, work->scales, places * sizeof(float));
	tensor_writer_put(&work->writer, work->residuals,
			  places * sizeof(float));
	put_units(work);
	tensor_writer_put(&work->writer, work->recall,
			  cells * 2 * sizeof(double));
}

static void write_model(struct work *work, struct output *output)
{
	size_t d = work->model.k, cells = work->cells;
	size_t blocks = work->layout.blocks, places = blocks * TILE_ROWS;
	const struct tensor ours[] = {
		{"index.embedding", DTYPE_U8, 1, {8, 1}, NULL, 0, 0},
		{"index.centroids", DTYPE_F32, 2, {cells, d}, NULL, 0, 0},
		{"index.starts", DTYPE_I64, 1, {cells + 1, 1}, NULL, 0, 0},
		{"index.rows", DTYPE_I32, 1, {places, 1}, NULL, 0, 0},
		{"index.codes",
		 DTYPE_U8,
		 2,
		 {blocks, int8_block_bytes(d)},
		 NULL,
		 0,
		 0},
		{"index.scales", DTYPE_F32, 1, {places, 1}, NULL, 0, 0},
		{"index.residuals", DTYPE_F32, 1, {places, 1}, NULL, 0, 0},
		{"index.units",
		 DTYPE_F32,
		 2,
		 {blocks, d * TILE_ROWS},
		 NULL,
		 0,
		 0},
		{"index.recall", DTYPE_F64, 2, {cells, 2}, NULL, 0, 0},
	};
	size_t own = sizeof ours / sizeof *ours;
	struct tensor *all = alloc(work->model.file.count + own, sizeof *all);
	size_t passed = gram_pass_on(work, all);
	json_t *metadata = describe(work);

	memcpy(all + passed, ours, sizeof ours);
	tensor_writer_begin(&work->writer, output, metadata, all, passed + own);
	for (size_t i = 0; i < passed; i++)
		tensor_writer_pass(&work->writer, &work->model.file, &all[i]);
	put_index(work);
	tensor_writer_end(&work->writer);
	json_decref(metadata);
	free(all);
}

/* What share of the ten is found in how many cells. */
static void tell(const struct work *work)
{
	static const double wanted[] = {0.95, 0.99};
	const struct ivf_index index = {.cells = work->cells,
					.recall = work->recall};
	char n[NUMBER_TEXT];

	if (!options_chatty())
		return;
	warn("%s customers in %zu cells",
	     number_commas(n, work->layout.nonzero), work->cells);
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		size_t probes = ivf_index_probes(&index, wanted[i]);

		warn("of the ten nearest, %.3f are in the first %zu cells",
		     work->recall[2 * (probes - 1)], probes);
	}
}

/* ------------------------------------------------------------------- main */

static void read_options(struct work *work, int argc, char **argv)
{
	options_begin(&text, argc, argv);
	work->threads = thread_pool_processors();
	work->seed = 1;
	work->memory = (size_t)sysconf(_SC_PHYS_PAGES) / 4 *
		       (size_t)sysconf(_SC_PAGESIZE);
	for (int key; (key = options_next()) != -1;)
		switch (key) {
		case KEY_CELLS:
			work->cells = (size_t)options_integer(1, 1 << 20);
			break;
		case KEY_SEED:
			work->seed = (uint64_t)options_integer(0, INT64_MAX);
			break;
		case KEY_AS:
			work->as = options_once(work->as);
			break;
		case 'S':
			work->memory = options_size();
			break;
		case 'o':
			work->output_path = options_once(work->output_path);
			break;
		case 'j':
			work->threads = options_threads();
			break;
		}
	if (argc - optind > 1)
		die_usage("%s: expected one MODEL", argv[optind + 1]);
	if (work->as != NULL && work->cells > 0)
		die_usage("--cells: with --as they are INDEXED's");
	if (work->as != NULL && strcmp(work->as, "-") == 0)
		die_usage("--as: expected a file, not standard input");
}

static void end(struct work *work)
{
	inverted_lists_free(&work->layout);
	free(work->centroids);
	free(work->cell);
	free(work->recall);
	free(work->scales);
	free(work->residuals);
	if (work->as != NULL)
		model_close(&work->like);
	model_close(&work->model);
}

int main(int argc, char **argv)
{
	struct work work = {0};
	struct output output;

	read_options(&work, argc, argv);
	output_open(&output, work.output_path);
	if (output_terminal(&output))
		die("a model is binary and standard output is a terminal: "
		    "use > FILE or -o FILE");
	read_model(&work, argv[optind]);
	part(&work);
	write_model(&work, &output);
	output_close(&output);
	tell(&work);
	end(&work);
	return STATUS_DONE;
}
