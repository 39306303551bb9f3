#include "linalg/svd_model.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/json_memory.h"
#include "base/progress.h"
#include "linalg/alignment.h"
#include "linalg/embedding_writer.h"
#include "linalg/projection.h"
#include "linalg/similarity_quantiles.h"
#include "linalg/within_scatter.h"
#include "model/csr_matrix.h"
#include "model/model_writer.h"

/* Bytes of captured shares that stay in memory. */
enum { CAPTURED_MEMORY = 1 << 20 };

/* A model that is being written. */
struct writing {
	struct svd_model *model;
	struct tensor_writer writer;
	struct similarity_quantiles quantiles;
	struct embedding_writer embedding;
};

static void ignore_rows(void *context, size_t first, size_t count,
			const float *rows)
{
	(void)context;
	(void)first;
	(void)count;
	(void)rows;
}

/* Embed all rows, giving them to write, and find the residuals of the triplets
 * in the same pass, unless they are known.  write NULL: the residuals alone,
 * without a pass where B^T B gives them. */
static void embed(struct svd_model *model,
		  void (*write)(void *context, size_t first, size_t count,
				const float *rows),
		  void *context)
{
	const struct truncated_svd *svd = model->svd;
	const struct csr_matrix *matrix = &model->matrix->matrix;
	bool known = model->residual != NULL;
	struct projection projection;
	double *y = NULL;

	if (!known)
		model->residual = alloc(svd->k, sizeof *model->residual);
	if (!known && !truncated_svd_gram_is_accurate(svd, model->gram))
		y = alloc_aligned(alloc_product(matrix->m, svd->ld), sizeof *y);
	if (y != NULL || write != NULL) {
		projection_begin(&projection, svd, matrix->m, model->scale,
				 model->center, model->gram->column_mean);
		projection_embed_all(&projection, matrix, model->threads, y,
				     write != NULL ? write : ignore_rows,
				     context);
		projection_end(&projection);
	}
	if (!known)
		truncated_svd_residual(svd, model->gram, y, model->residual);
	free(y);
}

/* ------------------------------------------------------- other dimensions */

const char *svd_model_weigh(struct svd_model *model,
			    const struct csr_matrix *half_a,
			    const struct csr_matrix *half_b)
{
	embed(model, NULL, NULL);
	return within_scatter_weigh(model->svd, half_a, half_b);
}

const char *svd_model_align(struct svd_model *model, const struct model *old)
{
	const char *error = csr_matrix_check_rows(&old->matrix);

	if (error == NULL &&
	    (old->scale != SCALE_US || old->center != CENTER_NONE))
		error = "it was made with --scale or --center: it cannot be "
			"aligned with";
	if (error != NULL)
		return error;
	embed(model, NULL, NULL);
	return alignment_rotate(model->svd, &model->matrix->matrix, old);
}

/* --------------------------------------------------------------- writing */

static void begin_model(struct writing *writing, struct output *output)
{
	const struct svd_model *model = writing->model;
	const struct csr_matrix *matrix = &model->matrix->matrix;
	json_t *metadata =
		alloc_check(json_deep_copy(model->matrix->file.metadata));

	json_check(json_object_update(metadata,
				      (json_t *)(uintptr_t)model->metadata));
	const struct model_contents contents = {
		.matrix = &model->matrix->file,
		.metadata = metadata,
		.n = matrix->n,
		.m = matrix->m,
		.k = model->svd->k,
		.mean = model->gram->column_mean,
		.components = model->svd->components,
		.ld = model->svd->ld,
		.sigma = model->svd->sigma,
	};
	model_writer_begin(&writing->writer, output, &contents);
	json_decref(metadata);
}

static void write_embedding(struct writing *writing)
{
	struct svd_model *model = writing->model;
	const struct csr_matrix *matrix = &model->matrix->matrix;
	const struct model described = {.matrix = *matrix,
					.k = model->svd->k,
					.sigma = model->svd->sigma,
					.mean = model->gram->column_mean,
					.scale = model->scale,
					.center = model->center,
					.shift = 1};

	similarity_quantiles_begin(&writing->quantiles, matrix->n,
				   model->svd->k);
	embedding_writer_begin(&writing->embedding, &writing->writer,
			       &writing->quantiles, &described, 0,
			       CAPTURED_MEMORY);
	progress_begin("customers", matrix->n);
	embed(model, embedding_writer_rows, &writing->embedding);
	progress_end();
}

const char *svd_model_write(struct svd_model *model, struct output *output)
{
	static const double shares[2] = {0.5, 0.99};
	struct writing writing = {.model = model};
	double pairs[2];

	begin_model(&writing, output);
	write_embedding(&writing);
	const char *error = truncated_svd_check_residuals(
		model->svd, model->residual, model->tolerance);
	embedding_writer_end(&writing.embedding, error == NULL);
	similarity_quantiles_end(&writing.quantiles, model->threads, shares, 2,
				 pairs);
	if (error != NULL) {
		tensor_writer_discard(&writing.writer);
		return error;
	}
	tensor_writer_put(&writing.writer, model->residual,
			  model->svd->k * sizeof *model->residual);
	tensor_writer_put(&writing.writer, pairs, sizeof pairs);
	tensor_writer_end(&writing.writer);
	return NULL;
}
