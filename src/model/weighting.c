#include "model/weighting.h"

#include <math.h>
#include <stdlib.h>

#include "model/safetensors.h"

const char *const value_words[] = {
	[VALUE_MEAN] = "mean", [VALUE_SUM] = "sum",   [VALUE_EVENTS] = "events",
	[VALUE_ONE] = "one",   [VALUE_AUTO] = "auto", NULL};
const char *const damp_words[] = {
	[DAMP_NONE] = "none", [DAMP_LOG] = "log", [DAMP_SQRT] = "sqrt", NULL};
const char *const weight_words[] = {[WEIGHT_NONE] = "none",
				    [WEIGHT_IDF] = "idf",
				    [WEIGHT_SQRT_IDF] = "sqrt-idf",
				    [WEIGHT_SMOOTH] = "smooth",
				    NULL};
const char *const norm_words[] = {[NORM_NONE] = "none", [NORM_L2] = "l2", NULL};

double weighting_value(enum value value, uint64_t events, decimal sum)
{
	switch (value) {
	case VALUE_MEAN:
		return decimal_double(sum) / (double)events;
	case VALUE_SUM:
		return decimal_double(sum);
	case VALUE_EVENTS:
		return (double)events;
	case VALUE_ONE:
	case VALUE_AUTO:
		break;
	}
	return 1;
}

double weighting_damp(enum damp damp, double x)
{
	switch (damp) {
	case DAMP_LOG:
		return copysign(log1p(fabs(x)), x);
	case DAMP_SQRT:
		return copysign(sqrt(fabs(x)), x);
	case DAMP_NONE:
		break;
	}
	return x;
}

double weighting_column(enum weight weight, size_t n, size_t users)
{
	if (users == 0)
		return 0;
	if (weight == WEIGHT_NONE)
		return 1;
	if (weight == WEIGHT_SMOOTH)
		return sqrt(log1p((double)n / (double)users));
	double idf = log((double)n / (double)users);
	return weight == WEIGHT_IDF ? idf : sqrt(idf);
}

static void normalize(double *values, size_t count)
{
	double squares = 0, length;

	for (size_t i = 0; i < count; i++)
		squares += values[i] * values[i];
	if (squares <= 0)
		return;
	length = sqrt(squares);
	for (size_t i = 0; i < count; i++)
		values[i] /= length;
}

const char *weighting_read(const struct safetensors *file, enum value *value,
			   enum damp *damp, enum norm *norm)
{
	int value_word, damp_word, norm_word;
	const char *error = safetensors_word(file, "matrix.value", value_words,
					     &value_word);

	if (error == NULL)
		error = safetensors_word(file, "matrix.damp", damp_words,
					 &damp_word);
	if (error == NULL)
		error = safetensors_word(file, "matrix.norm", norm_words,
					 &norm_word);
	if (error != NULL)
		return error;
	*value = (enum value)value_word;
	*damp = (enum damp)damp_word;
	*norm = (enum norm)norm_word;
	return NULL;
}

double weighting_entry(enum damp damp, const double *weight,
		       const struct matrix_entry *entry)
{
	return weighting_damp(damp, entry->raw) * weight[entry->column];
}

void weighting_row(enum damp damp, enum norm norm, const double *weight,
		   const struct matrix_entry *entries, size_t count,
		   double *values)
{
	for (size_t i = 0; i < count; i++)
		values[i] = weighting_entry(damp, weight, &entries[i]);
	if (norm == NORM_L2)
		normalize(values, count);
}

static int by_column(const void *a, const void *b)
{
	const struct matrix_entry *x = a, *y = b;

	return (x->column > y->column) - (x->column < y->column);
}

void matrix_entry_sort(struct matrix_entry *entries, size_t count)
{
	if (count > 1)
		qsort(entries, count, sizeof *entries, by_column);
}
