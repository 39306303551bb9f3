#include "linalg/shard_models.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "base/json_memory.h"
#include "base/output_directory.h"
#include "base/progress.h"
#include "linalg/embedding_writer.h"
#include "linalg/projection.h"
#include "linalg/ranks.h"
#include "linalg/similarity_quantiles.h"
#include "model/model_writer.h"
#include "model/safetensors_writer.h"
#include "model/shard_files.h"

/* Bytes of the tensor captured of a shard that stay in memory. */
enum { CAPTURED_MEMORY = 16 << 20 };

/* A model that is being written. */
struct written {
	struct output output;
	struct tensor_writer writer;
};

struct writing {
	struct shard_models *models;
	struct output_directory directory;
	struct written *written; /* of each shard */
	struct similarity_quantiles quantiles;
	struct projection projection;
	bool by_pass;  /* residuals come from the pass over the rows */
	int64_t *sums; /* ld / BLOCK_COLUMNS blocks of m rows: B^T (B V) in the
			  operator's unit */
	char id[17];   /* of the set */
};

/* Give the triplets of rank 0 to all. */
static void share_triplets(struct truncated_svd *svd, size_t m)
{
	size_t sizes[2] = {svd->k, svd->ld};

	ranks_share(sizes, sizeof sizes);
	if (ranks_self() != 0) {
		svd->k = sizes[0];
		svd->ld = sizes[1];
		svd->sigma = alloc(svd->k, sizeof *svd->sigma);
		svd->components = alloc_aligned(alloc_product(m, svd->ld),
						sizeof *svd->components);
	}
	ranks_share(svd->sigma, svd->k * sizeof *svd->sigma);
	ranks_share(svd->components, m * svd->ld * sizeof *svd->components);
}

static void open_directory(struct writing *writing)
{
	const char *path = writing->models->directory;
	struct output_directory *directory = &writing->directory;
	char name[4096] = "";

	if (ranks_self() == 0) {
		output_directory_open(directory, path);
		snprintf(name, sizeof name, "%s", directory->temporary);
	}
	ranks_share(name, sizeof name);
	if (ranks_self() != 0)
		output_directory_join(directory, path, name);
}

static void name_model(const struct writing *writing, size_t shard,
		       char name[32])
{
	int digits = snprintf(NULL, 0, "%zu", writing->models->set->count - 1);

	snprintf(name, 32, "%0*zu.bin", digits, shard);
}

static void begin_model(struct writing *writing, size_t i)
{
	const struct shard_models *models = writing->models;
	const struct shard *shard = &models->set->shards[i];
	const struct truncated_svd *svd = models->svd;
	struct written *written = &writing->written[i];
	json_t *metadata =
		alloc_check(json_deep_copy(shard->matrix.file.metadata));
	char name[32];

	json_check(json_object_update(metadata,
				      (json_t *)(uintptr_t)models->metadata));
	metadata_set(metadata, "shard.index", "%zu", i);
	metadata_set(metadata, "shard.count", "%zu", models->set->count);
	metadata_set(metadata, "shard.set", "%s", writing->id);
	name_model(writing, i, name);
	output_directory_add(&writing->directory, &written->output, name);
	const struct model_contents store = {.matrix = &shard->matrix.file,
					     .metadata = metadata,
					     .n = shard->matrix.matrix.n,
					     .m = shard->matrix.matrix.m,
					     .k = svd->k,
					     .components = svd->components,
					     .ld = svd->ld,
					     .sigma = svd->sigma};
	model_writer_begin(&written->writer, &written->output, &store);
	json_decref(metadata);
}

/* Project the rows of a shard; its part of B^T (B V) is rounded to integers, so
 * that the sum does not depend on ranks. */
static void project(struct writing *writing, size_t i, double *y)
{
	const struct shard_models *models = writing->models;
	const struct shard *shard = &models->set->shards[i];
	const struct model described = {.matrix = shard->matrix.matrix,
					.k = models->svd->k,
					.sigma = models->svd->sigma,
					.scale = models->scale,
					.shift = 1};
	struct embedding_writer embedding;
	size_t items = models->set->m * models->svd->ld;

	begin_model(writing, i);
	similarity_quantiles_skip(&writing->quantiles, shard->first);
	embedding_writer_begin(&embedding, &writing->written[i].writer,
			       &writing->quantiles, &described, shard->first,
			       CAPTURED_MEMORY);
	projection_embed_all(&writing->projection, &shard->matrix.matrix,
			     models->threads, writing->by_pass ? y : NULL,
			     embedding_writer_rows, &embedding);
	embedding_writer_end(&embedding, true);
	for (size_t j = 0; writing->by_pass && j < items; j++)
		writing->sums[j] += llrint(y[j] * models->gram->unit);
}

static void project_all(struct writing *writing)
{
	const struct shard_models *models = writing->models;
	const struct shard_set *set = models->set;
	const struct truncated_svd *svd = models->svd;
	double *y = alloc_aligned(alloc_product(set->m, svd->ld), sizeof *y);

	projection_begin(&writing->projection, svd, set->m, models->scale,
			 CENTER_NONE, NULL);
	similarity_quantiles_begin(&writing->quantiles, set->n, svd->k);
	progress_begin("customers", set->n);
	for (size_t i = 0; i < set->count; i++)
		if (set->matrices[i] != NULL)
			project(writing, i, y);
	progress_end();
	projection_end(&writing->projection);
	free(y);
}

/* The residuals of the triplets, in all ranks. */
static void find_residuals(struct writing *writing)
{
	struct shard_models *models = writing->models;
	const struct truncated_svd *svd = models->svd;
	size_t items = models->set->m * svd->ld;
	double *y = alloc(items, sizeof *y);

	models->residual = alloc(svd->k, sizeof *models->residual);
	ranks_sum(writing->sums, items);
	if (ranks_self() == 0) {
		for (size_t j = 0; j < items; j++)
			y[j] = (double)writing->sums[j] / models->gram->unit;
		truncated_svd_residual(svd, models->gram,
				       writing->by_pass ? y : NULL,
				       models->residual);
	}
	ranks_share(models->residual, svd->k * sizeof *models->residual);
	free(y);
}

static void end_models(struct writing *writing)
{
	static const double shares[2] = {0.5, 0.99};
	const struct shard_models *models = writing->models;
	double pairs[2] = {0};

	similarity_quantiles_join(&writing->quantiles);
	similarity_quantiles_end(&writing->quantiles, models->threads, shares,
				 2, pairs);
	ranks_share(pairs, sizeof pairs);
	for (size_t i = 0; i < models->set->count; i++) {
		struct written *written = &writing->written[i];
		if (models->set->matrices[i] == NULL)
			continue;
		tensor_writer_put(&written->writer, models->residual,
				  models->svd->k * sizeof *models->residual);
		tensor_writer_put(&written->writer, pairs, sizeof pairs);
		tensor_writer_end(&written->writer);
		output_close(&written->output);
	}
}

static void write_manifest(struct writing *writing)
{
	const struct shard_set *set = writing->models->set;
	json_t *shards = alloc_check(json_array());
	char name[32];

	for (size_t i = 0; i < set->count; i++) {
		name_model(writing, i, name);
		shard_files_describe(shards, name, (int64_t)set->shards[i].n);
	}
	shard_files_write(&writing->directory, writing->id, shards);
}

/* The directory appears when all ranks have written their models. */
static void close_directory(struct writing *writing)
{
	ranks_wait();
	if (ranks_self() == 0) {
		write_manifest(writing);
		output_directory_close(&writing->directory);
	}
	ranks_wait();
	if (ranks_self() != 0)
		output_directory_leave(&writing->directory);
}

/* An id of what was factored and found. */
static void set_id(struct writing *writing)
{
	const struct shard_models *models = writing->models;
	const struct truncated_svd *svd = models->svd;
	uint64_t hashes[2] = {
		models->set->content,
		XXH3_64bits(svd->components, models->set->m * svd->ld *
						     sizeof *svd->components)};

	snprintf(writing->id, sizeof writing->id, "%016llx",
		 (unsigned long long)XXH3_64bits(hashes, sizeof hashes));
}

const char *shard_models_write(struct shard_models *models)
{
	struct writing writing = {.models = models};
	struct truncated_svd *svd = models->svd;
	const char *error;

	share_triplets(svd, models->set->m);
	writing.by_pass = ranks_self() == 0 &&
			  !truncated_svd_gram_is_accurate(svd, models->gram);
	ranks_share(&writing.by_pass, sizeof writing.by_pass);
	set_id(&writing);
	open_directory(&writing);
	writing.written = alloc(models->set->count, sizeof *writing.written);
	writing.sums = alloc(alloc_product(models->set->m, svd->ld),
			     sizeof *writing.sums);
	project_all(&writing);
	find_residuals(&writing);
	error = truncated_svd_check_residuals(svd, models->residual,
					      models->tolerance);
	if (error == NULL) {
		end_models(&writing);
		close_directory(&writing);
	}
	free(writing.written);
	free(writing.sums);
	return error;
}
