#include "model/captured.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"

/* |mean|^2 of the columns, or 0 where they are not centred. */
static double mean_energy(const struct model *model)
{
	double sum = 0;

	if (model->center == CENTER_COLUMN)
		for (size_t tag = 0; tag < model->matrix.m; tag++)
			sum += model->mean[tag] * model->mean[tag];
	return sum;
}

/* |b|^2 of a checked row. */
static double row_energy(const struct model *model, size_t row,
			 double mean_square)
{
	const struct csr_matrix *a = &model->matrix;
	double square = 0, sum = 0, product = 0;

	for (int64_t i = a->indptr[row]; i < a->indptr[row + 1]; i++) {
		double value = (double)a->values[i];

		square += value * value;
		sum += value;
		if (model->center == CENTER_COLUMN)
			product += value * model->mean[a->indices[i]];
	}
	if (model->center == CENTER_ROW)
		return square - sum * sum / (double)a->m;
	if (model->center == CENTER_NONE)
		return square;
	return square - 2 * model->shift * product +
	       model->shift * model->shift * mean_square;
}

/* What makes an item of the embedding one of U S. */
static double unscaled(const struct model *model, size_t j)
{
	switch (model->scale) {
	case SCALE_SQRT:
		return sqrt(model->sigma[j]);
	case SCALE_U:
		return model->sigma[j];
	case SCALE_US:
		break;
	}
	return 1;
}

static float share_of(const struct model *model, size_t row, const float *x,
		      double mean_square)
{
	double held = 0, energy;

	if (csr_matrix_check_row(&model->matrix, row) != NULL)
		return NAN;
	if (!csr_matrix_has_weight(&model->matrix, row))
		return 0;
	for (size_t j = 0; j < model->k; j++) {
		double item = (double)x[j] * unscaled(model, j);

		held += item * item;
	}
	energy = row_energy(model, row, mean_square);
	if (!(energy > 0))
		return 0;
	return held < energy ? (float)(held / energy) : 1;
}

void captured_shares(const struct model *model, size_t first, size_t count,
		     const float *x, float *shares)
{
	double mean_square = mean_energy(model);

	for (size_t i = 0; i < count; i++)
		shares[i] = share_of(model, first + i, x + i * model->k,
				     mean_square);
}

static int compare_floats(const void *a, const void *b)
{
	const float *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

const char *
captured_distribution_find(struct captured_distribution *distribution,
			   const struct model *model)
{
	float *shares = alloc(model->matrix.n, sizeof *shares);
	const char *error = NULL;
	size_t count = 0;

	*distribution = (struct captured_distribution){0};
	if (model->captured != NULL)
		memcpy(shares, model->captured,
		       model->matrix.n * sizeof *shares);
	else
		captured_shares(model, 0, model->matrix.n, model->embedding,
				shares);
	for (size_t row = 0; row < model->matrix.n && error == NULL; row++) {
		error = csr_matrix_check_row(&model->matrix, row);
		if (error == NULL && csr_matrix_has_weight(&model->matrix, row))
			shares[count++] = shares[row];
	}
	if (error == NULL && count > 0) {
		qsort(shares, count, sizeof *shares, compare_floats);
		distribution->customers = count;
		while (distribution->low < count &&
		       (double)shares[distribution->low] < CAPTURED_LOW)
			distribution->low++;
		distribution->tenth = (double)shares[(count - 1) / 10];
		distribution->median = (double)shares[(count - 1) / 2];
		distribution->ninetieth = (double)shares[(count - 1) * 9 / 10];
	}
	free(shares);
	return error;
}

void captured_percent(char text[NUMBER_TEXT], double share)
{
	double percent = 100 * share;

	if (percent > 0 && percent < 0.01)
		snprintf(text, NUMBER_TEXT, "less than 0.01");
	else if (percent >= 10)
		number_fixed(text, percent, 0);
	else
		number_write(text, percent, 2);
}

const char *captured_check(const struct model *model)
{
	/* Other orders of summation, in a model of another maker, differ. */
	static const double rounding = 1e-6;
	double mean_square = mean_energy(model);

	for (size_t row = 0; model->captured != NULL && row < model->matrix.n;
	     row++) {
		double share = (double)share_of(
			model, row, model->embedding + row * model->k,
			mean_square);
		double stored = (double)model->captured[row];

		if (!(fabs(stored - share) <= rounding))
			return error_text("tensor captured is damaged: item "
					  "%zu is %g, and its row says %g",
					  row, stored, share);
	}
	return NULL;
}
