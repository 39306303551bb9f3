#include "explain/contributions.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/alloc.h"

/* Four sums, of columns j mod 4, so that additions overlap. */
static double product(const double *a, const double *b, size_t k)
{
	double sums[4] = {0};
	size_t j = 0;

	for (; j + 4 <= k; j += 4)
		for (size_t l = 0; l < 4; l++)
			sums[l] += a[j + l] * b[j + l];
	for (; j < k; j++)
		sums[j % 4] += a[j] * b[j];
	return (sums[0] + sums[2]) + (sums[1] + sums[3]);
}

static double diagonal_of(enum scale scale, double sigma)
{
	switch (scale) {
	case SCALE_SQRT:
		return 1 / sqrt(sigma);
	case SCALE_U:
		return 1 / sigma;
	default:
		return 1;
	}
}

void contributions_begin(struct contributions *context,
			 const struct model *model, enum metric metric,
			 double alpha)
{
	size_t k = model->k;

	*context = (struct contributions){
		.model = model,
		.metric = metric,
		.alpha = alpha,
	};
	context->diagonal = alloc(k, sizeof(double));
	for (size_t j = 0; j < k; j++)
		context->diagonal[j] =
			diagonal_of(model->scale, model->sigma[j]);
	if (model->center == CENTER_NONE)
		return;
	context->center = alloc(k, sizeof(double));
	for (size_t tag = 0; tag < model->matrix.m; tag++) {
		double mean = model->mean ? model->mean[tag] : 1;

		for (size_t j = 0; j < k; j++)
			context->center[j] +=
				mean * model->components[tag * k + j];
	}
}

void contributions_end(struct contributions *context)
{
	free(context->diagonal);
	free(context->center);
	*context = (struct contributions){0};
}

void contribution_side_begin(struct contribution_side *side,
			     const struct contributions *context)
{
	*side = (struct contribution_side){0};
	side->scaled = alloc(context->model->k, sizeof(double));
}

void contribution_side_end(struct contribution_side *side)
{
	free(side->scaled);
	free(side->own);
	*side = (struct contribution_side){0};
}

/* How much of context.center the row lost: its mean over all tags, or, where
 * that is of means already, once for each row that it is the sum of. */
static double shift_of(const struct contribution_side *side,
		       const struct model *model)
{
	double sum = 0;

	if (model->center != CENTER_ROW)
		return model->shift;
	for (size_t i = 0; i < side->row.count; i++)
		sum += (double)side->row.values[i];
	return sum / (double)model->matrix.m;
}

const char *contributions_view_row(const struct csr_matrix *matrix, size_t row,
				   struct sparse_row *view)
{
	const char *error = csr_matrix_check_row(matrix, row);
	if (error != NULL)
		return error;
	view->tags = matrix->indices + matrix->indptr[row];
	view->values = matrix->values + matrix->indptr[row];
	view->count = (size_t)(matrix->indptr[row + 1] - matrix->indptr[row]);
	view->square = row_square(view->values, view->count);
	return NULL;
}

static struct similarity similarity_of(const struct contributions *context)
{
	return (struct similarity){.profile = context->metric == METRIC_PROFILE,
				   .alpha = context->alpha};
}

/* How much the products of the rows and of the embeddings count. */
static struct score_factors factors_of(const struct contributions *context,
				       const struct contribution_side *query,
				       const struct contribution_side *other)
{
	const struct similarity similarity = similarity_of(context);

	if (metric_compares_rows(context->metric))
		return combined_factors(&similarity, &query->score,
					&other->score);
	return (struct score_factors){
		.embedding = 1 / (query->length * other->length)};
}

const char *contribution_side_set(struct contribution_side *side,
				  const struct contributions *context,
				  const struct model *model, size_t row)
{
	const struct csr_matrix *matrix = &model->matrix;
	const float *embedding = model->embedding + row * model->k;
	const char *error = contributions_view_row(matrix, row, &side->row);

	if (error != NULL)
		return error;
	side->prepared = false;
	for (size_t j = 0; j < model->k; j++)
		side->scaled[j] = (double)embedding[j] * context->diagonal[j];
	side->length = context->metric == METRIC_EMBEDDING
			       ? sqrt(dot_square_norm(embedding, model->k))
			       : 1;
	side->shift = shift_of(side, model);
	if (metric_compares_rows(context->metric)) {
		const struct similarity similarity = similarity_of(context);

		side->score = score_side_make(
			&similarity, side->row.square,
			embedding_dot(embedding, embedding, model->k));
	}
	return NULL;
}

void contribution_side_prepare(struct contribution_side *side,
			       const struct contributions *context)
{
	const struct model *model = context->model;

	side->own = alloc_grow(side->own, &side->own_room, side->row.count,
			       sizeof *side->own);
	for (size_t i = 0; i < side->row.count; i++)
		side->own[i] =
			product(model->components +
					(size_t)side->row.tags[i] * model->k,
				side->scaled, model->k);
	side->prepared = true;
}

/* What the centring took from every tag, of both sides. */
static double center_sum(const struct contributions *context,
			 const struct contribution_side *query,
			 const struct contribution_side *other)
{
	size_t k = context->model->k;

	return -(query->shift * product(context->center, other->scaled, k) +
		 other->shift * product(context->center, query->scaled, k));
}

/* Both halves of a tag that one side has at place q of its tags, or the other
 * at place x of its, or both; *both becomes the product of their values. */
static double tag_sum(const struct contributions *context,
		      const struct contribution_side *query,
		      const struct contribution_side *other, size_t tag,
		      size_t *q, size_t *x, double *both)
{
	size_t k = context->model->k;
	const double *loadings = context->model->components + tag * k;
	double of_query = 0, of_other = 0, sum = 0;
	const double *own = NULL;

	if (*q < query->row.count && (size_t)query->row.tags[*q] == tag) {
		if (query->prepared)
			own = &query->own[*q];
		of_query = (double)query->row.values[(*q)++];
		sum += of_query * product(loadings, other->scaled, k);
	}
	if (*x < other->row.count && (size_t)other->row.tags[*x] == tag) {
		of_other = (double)other->row.values[(*x)++];
		sum += of_other *
		       (own ? *own : product(loadings, query->scaled, k));
	}
	*both = of_query * of_other;
	return sum;
}

static size_t next_tag(const struct contribution_side *query,
		       const struct contribution_side *other, size_t q,
		       size_t x)
{
	size_t of_query =
		q < query->row.count ? (size_t)query->row.tags[q] : SIZE_MAX;
	size_t of_other =
		x < other->row.count ? (size_t)other->row.tags[x] : SIZE_MAX;

	return of_query < of_other ? of_query : of_other;
}

const char *contributions_compute(const struct contributions *context,
				  const struct contribution_side *query,
				  const struct contribution_side *other,
				  struct contribution *parts, size_t *count)
{
	struct score_factors factors = factors_of(context, query, other);
	double half = 0.5 * factors.embedding;
	struct contribution *part = parts;

	if (context->center != NULL && half != 0)
		*part++ = (struct contribution){
			CONTRIBUTIONS_CENTER,
			half * center_sum(context, query, other),
		};
	for (size_t q = 0, x = 0;
	     q < query->row.count || x < other->row.count;) {
		size_t tag = next_tag(query, other, q, x);
		double both, sum = tag_sum(context, query, other, tag, &q, &x,
					   &both);

		sum = half * sum + factors.row * both;
		if (half == 0 && both == 0)
			continue;
		*part++ = (struct contribution){tag, sum};
	}
	*count = (size_t)(part - parts);
	for (size_t i = 0; i < *count; i++)
		if (!isfinite(parts[i].amount))
			return "a tag's part of a similarity is not finite";
	return NULL;
}

/* Larger magnitude first; CONTRIBUTIONS_CENTER, whose name is empty, before
 * every tag, and tags ascend by bytes. */
static bool part_before(const struct contribution *a,
			const struct contribution *b)
{
	if (fabs(a->amount) != fabs(b->amount))
		return fabs(a->amount) > fabs(b->amount);
	return a->tag + 1 < b->tag + 1;
}

size_t contributions_largest(struct contribution *parts, size_t count,
			     size_t limit)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		struct contribution part = parts[i];
		size_t place = kept < limit ? kept : limit;

		while (place > 0 && part_before(&part, &parts[place - 1]))
			place--;
		if (place == limit)
			continue;
		kept += kept < limit;
		for (size_t j = kept - 1; j > place; j--)
			parts[j] = parts[j - 1];
		parts[place] = part;
	}
	return kept;
}
