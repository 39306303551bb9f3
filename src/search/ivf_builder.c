#include "search/ivf_builder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/progress.h"
#include "base/thread_pool.h"
#include "model/safetensors_writer.h"
#include "search/int8_quantization.h"
#include "search/ivf_index.h"
#include "search/kmeans.h"
#include "search/recall.h"

enum {
	/* Rows in a piece of work of the check. */
	PIECE_ROWS = 8192,
	/* The most blocks made and written at once: some megabytes. */
	BATCH_BLOCKS = 256
};

/* -------------------------------------------------------------- partition */

/* Results of pieces of PIECE_ROWS rows of the embedding. */
struct row_survey {
	const struct model *model;
	size_t *nonzero; /* of each piece: rows that are not zero vectors */
	size_t *bad; /* of each piece: the first row that is not finite, or n
		      */
};

static void count_piece(void *shared, size_t piece, unsigned thread)
{
	struct row_survey *survey = shared;
	const struct model *model = survey->model;
	size_t n = model->matrix.n, row = piece * PIECE_ROWS;
	size_t end = n - row < PIECE_ROWS ? n : row + PIECE_ROWS;

	(void)thread;
	survey->bad[piece] = n;
	for (; row < end; row++) {
		double square = dot_square_norm(
			model->embedding + row * model->k, model->k);

		if (!isfinite(square)) {
			survey->bad[piece] = row;
			return;
		}
		survey->nonzero[piece] += square != 0;
	}
}

/* Count the nonzero rows; NULL or an error text. */
static const char *survey_rows(const struct model *model, unsigned threads,
			       size_t *nonzero)
{
	size_t n = model->matrix.n;
	size_t pieces = (n + PIECE_ROWS - 1) / PIECE_ROWS, bad = n;
	struct row_survey survey = {model, alloc(pieces, sizeof(size_t)),
				    alloc(pieces, sizeof(size_t))};

	thread_pool_run(threads, pieces, count_piece, &survey);
	*nonzero = 0;
	for (size_t i = 0; i < pieces && bad == n; i++) {
		bad = survey.bad[i];
		*nonzero += survey.nonzero[i];
	}
	free(survey.nonzero);
	free(survey.bad);
	return bad == n ? NULL
			: error_text("%s: row %zu of the embedding is not "
				     "finite",
				     model->input.name, bad);
}

const char *ivf_builder_check(const struct model *model, unsigned threads,
			      size_t *nonzero)
{
	const char *error = survey_rows(model, threads, nonzero);
	const char *name = model->input.name;

	if (error != NULL)
		return error;
	if (model->matrix.n == 0 || model->k == 0)
		return error_text("%s: no customers, or no dimensions", name);
	if (model->k > INT8_MAX_COLUMNS)
		return error_text("%s: %zu dimensions, an index has %d at most",
				  name, model->k, INT8_MAX_COLUMNS);
	if (model->matrix.n > INT32_MAX)
		return error_text("%s: more than 2^31 - 1 customers", name);
	return NULL;
}

/* error, with the model's name before it. */
static const char *named(const struct model *model, const char *error)
{
	return error ? error_text("%s: %s", model->input.name, error) : NULL;
}

/* Copy the centroids of the other model's index. */
static const char *copy_centroids(struct ivf_builder *builder)
{
	struct ivf_index index = {0};
	const char *error =
		ivf_index_exists(builder->like)
			? ivf_index_view(&index, builder->like)
			: "it has no index, expected one to be alike";

	if (error != NULL)
		return named(builder->like, error);
	builder->cells = index.cells;
	builder->centroids =
		alloc(alloc_product(index.cells, index.d), sizeof(float));
	memcpy(builder->centroids, index.centroids,
	       index.cells * index.d * sizeof(float));
	return NULL;
}

static const char *train_centroids(struct ivf_builder *builder)
{
	const struct model *model = builder->model;

	if (builder->cells == 0)
		builder->cells = kmeans_count(model->matrix.n);
	builder->centroids =
		alloc(alloc_product(builder->cells, model->k), sizeof(float));
	return named(model,
		     kmeans_train(model->embedding, model->matrix.n, model->k,
				  builder->seed, builder->threads,
				  builder->centroids, builder->cells));
}

/* The cell of each row. */
static const char *assign_cells(struct ivf_builder *builder)
{
	const struct model *model = builder->model;
	size_t n = model->matrix.n;
	const char *error;

	builder->cell = alloc(n, sizeof *builder->cell);
	progress_begin("customers", n);
	error = kmeans_assign(builder->centroids, builder->cells,
			      model->embedding, n, model->k, builder->threads,
			      builder->cell);
	if (error == NULL)
		progress_end();
	return named(model, error);
}

static const char *measure_recall(struct ivf_builder *builder)
{
	const struct model *model = builder->model;
	const struct partitioned_search search = {
		model->embedding,   model->matrix.n, model->k,
		builder->centroids, builder->cells,  builder->cell};

	builder->recall = alloc(builder->cells, 2 * sizeof *builder->recall);
	return named(model, recall_measure(&search, builder->seed,
					   builder->threads, builder->recall));
}

const char *ivf_builder_make(struct ivf_builder *builder,
			     const struct model *model, size_t nonzero)
{
	const char *error;

	builder->model = model;
	error = builder->like ? copy_centroids(builder)
			      : train_centroids(builder);
	if (error == NULL)
		error = assign_cells(builder);
	if (error != NULL)
		return error;
	inverted_lists_make(&builder->lists, builder->cell, model->matrix.n,
			    builder->cells);
	/* Centroids are zero vectors where all rows of a model are. */
	if (builder->lists.nonzero != nonzero)
		return error_text(
			"%s: its cells are of customers without signal, and "
			"have no room for those of %s",
			builder->like ? builder->like->input.name
				      : model->input.name,
			model->input.name);
	return measure_recall(builder);
}

void ivf_builder_free(struct ivf_builder *builder)
{
	inverted_lists_free(&builder->lists);
	free(builder->centroids);
	free(builder->cell);
	free(builder->recall);
	*builder = (struct ivf_builder){0};
}

/* ---------------------------------------------------------------- writing */

/* An index being written. */
struct index_writer {
	const struct ivf_builder *builder;
	struct inverted_lists
		lists; /* the builder's, with gathered vectors of its own */
	size_t batch;  /* blocks made and written at once */
	size_t window; /* blocks gathered at once, a multiple of batch; 0: the
			  rows are read where they are stored */
	struct tensor_writer writer;
	float *scales, *residuals; /* TILE_ROWS blocks each */
};

/* Blocks that all threads make together. */
struct batch {
	struct index_writer *index;
	size_t first;   /* the first block */
	uint8_t *codes; /* NULL: units are wanted */
	float *units;
};

static void make_block(void *shared, size_t piece, unsigned thread)
{
	struct batch *batch = shared;
	struct index_writer *index = batch->index;
	size_t d = index->builder->model->k, block = batch->first + piece;

	(void)thread;
	if (batch->units != NULL)
		inverted_lists_units(&index->lists,
				     index->builder->model->embedding, d, block,
				     batch->units + piece * d * TILE_ROWS);
	else
		inverted_lists_codes(&index->lists,
				     index->builder->model->embedding, d, block,
				     batch->codes + piece * int8_block_bytes(d),
				     index->scales + block * TILE_ROWS,
				     index->residuals + block * TILE_ROWS);
}

/* Choose batch and window. An embedding larger than memory is read in
 * sequential passes, each for as many blocks as fit a quarter of memory. */
static void choose_window(struct index_writer *index)
{
	size_t block = TILE_ROWS * index->builder->model->k * sizeof(float);
	size_t window = index->builder->memory / 4 / block;

	index->batch = BATCH_BLOCKS;
	if (index->builder->memory >= index->builder->model->matrix.n *
					      index->builder->model->k *
					      sizeof(float))
		return;
	if (window < BATCH_BLOCKS)
		index->batch = window ? window : 1;
	index->window = window / index->batch * index->batch;
	if (index->window == 0)
		index->window = 1;
}

/* Gather the vectors of the window that begins with block first, if one does.
 */
static void gather_window(struct index_writer *index, size_t first)
{
	size_t rest = index->lists.blocks - first;

	if (index->window == 0 || first % index->window != 0)
		return;
	inverted_lists_gather(&index->lists, index->builder->model->embedding,
			      index->builder->model->matrix.n,
			      index->builder->model->k, first,
			      rest < index->window ? rest : index->window,
			      index->builder->threads);
}

/* Make all blocks, a batch at a time, in buffer, which has room for a batch of
 * size bytes each, and write them. */
static void write_blocks(struct index_writer *index, struct batch *batch,
			 void *buffer, size_t size)
{
	size_t blocks = index->lists.blocks;

	for (size_t count; batch->first < blocks; batch->first += count) {
		count = blocks - batch->first;
		if (count > index->batch)
			count = index->batch;
		gather_window(index, batch->first);
		thread_pool_run(index->builder->threads, count, make_block,
				batch);
		tensor_writer_put(&index->writer, buffer, count * size);
	}
	free(buffer);
}

static void write_codes(struct index_writer *index)
{
	size_t size = int8_block_bytes(index->builder->model->k);
	struct batch batch = {.index = index,
			      .codes = alloc(index->batch, size)};

	write_blocks(index, &batch, batch.codes, size);
}

static void write_units(struct index_writer *index)
{
	size_t size = TILE_ROWS * index->builder->model->k * sizeof(float);
	struct batch batch = {.index = index,
			      .units = alloc(index->batch, size)};

	write_blocks(index, &batch, batch.units, size);
}

static void write_index(struct index_writer *index)
{
	size_t d = index->builder->model->k, cells = index->builder->cells;
	size_t places = index->lists.blocks * TILE_ROWS;
	unsigned char sum[8];

	choose_window(index);
	safetensors_sum(
		&index->builder->model->file,
		safetensors_find(&index->builder->model->file, "embedding"),
		sum);
	tensor_writer_put(&index->writer, sum, sizeof sum);
	tensor_writer_put(&index->writer, index->builder->centroids,
			  cells * d * sizeof(float));
	tensor_writer_put(&index->writer, index->lists.starts,
			  (cells + 1) * sizeof(int64_t));
	tensor_writer_put(&index->writer, index->lists.rows,
			  places * sizeof(int32_t));
	index->scales = alloc(places, sizeof *index->scales);
	index->residuals = alloc(places, sizeof *index->residuals);
	write_codes(index);
	tensor_writer_put(&index->writer, index->scales,
			  places * sizeof(float));
	tensor_writer_put(&index->writer, index->residuals,
			  places * sizeof(float));
	write_units(index);
	tensor_writer_put(&index->writer, index->builder->recall,
			  cells * 2 * sizeof(double));
}

/* The tensors that the model keeps: all but those of an index that it has. */
static size_t kept_tensors(const struct model *model, struct tensor *tensors)
{
	size_t count = safetensors_pass_on(&model->file, tensors, 0), kept = 0;

	for (size_t i = 0; i < count; i++)
		if (!ivf_index_has_tensor(tensors[i].name))
			tensors[kept++] = tensors[i];
	return kept;
}

void ivf_builder_write(const struct ivf_builder *builder, const char *version,
		       struct output *output)
{
	const struct safetensors *file = &builder->model->file;
	struct index_writer index = {.builder = builder,
				     .lists = builder->lists};
	struct tensor *all =
		alloc(file->count + IVF_INDEX_TENSORS + 1, sizeof *all);
	size_t kept = kept_tensors(builder->model, all);
	json_t *metadata = alloc_check(json_deep_copy(file->metadata));

	ivf_index_describe(metadata, version, builder->cells,
			   builder->lists.nonzero,
			   builder->like ? NULL : &builder->seed);
	ivf_index_tensors(builder->cells, builder->lists.blocks,
			  builder->model->k, all + kept);
	size_t made = IVF_INDEX_TENSORS;
	json_object_del(metadata, "index.hub.metric");
	json_object_del(metadata, "index.hub.alpha");
	/* The id of joined shards (model/joined_shards.h) is not that of a file
	 * with more in it. */
	if (json_object_get(metadata, "shard.index") == NULL)
		json_object_del(metadata, "shard.set");
	if (builder->hub != NULL) {
		hub_scores_describe(builder->hub, metadata);
		all[kept + made++] =
			hub_scores_tensor(builder->model->matrix.n);
	}
	tensor_writer_begin(&index.writer, output, metadata, all, kept + made);
	for (size_t i = 0; i < kept; i++)
		tensor_writer_pass(&index.writer, file, &all[i]);
	write_index(&index);
	if (builder->hub != NULL)
		tensor_writer_put(&index.writer, builder->hub->means,
				  builder->model->matrix.n * sizeof(float));
	tensor_writer_end(&index.writer);
	json_decref(metadata);
	free(all);
	free(index.scales);
	free(index.residuals);
	free(index.lists.places);
	free(index.lists.gathered);
}
