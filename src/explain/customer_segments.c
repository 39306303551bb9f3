#include "explain/customer_segments.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/number.h"
#include "explain/assignment.h"
#include "search/combined_score.h"
#include "search/dot_vectors.h"
#include "search/nearest_centre.h"
#include "search/segmentation.h"
#include "text/tsv.h"

static void begin(struct customer_segments *s, size_t n, size_t k)
{
	*s = (struct customer_segments){.n = n, .k = k};
	s->segment = alloc(n + 1, sizeof *s->segment);
	s->similarity = alloc(n + 1, sizeof *s->similarity);
	s->margin = alloc(n + 1, sizeof *s->margin);
	s->sizes = alloc(k + 1, sizeof *s->sizes);
	s->numbers = alloc(k + 1, sizeof *s->numbers);
}

void customer_segments_free(struct customer_segments *segments)
{
	free(segments->segment);
	free(segments->similarity);
	free(segments->margin);
	free(segments->sizes);
	free(segments->numbers);
	*segments = (struct customer_segments){0};
}

/* ------------------------------------------------------------ weak customers
 */

/* Mean rows of segments, scaled to length 1. */
struct mean_rows {
	const struct model *model;
	double *mean; /* k x m */
};

static double square_of_row(const struct csr_matrix *matrix, size_t row)
{
	int64_t begin = matrix->indptr[row];

	return row_square(matrix->values + begin,
			  (size_t)(matrix->indptr[row + 1] - begin));
}

/* Whether the dimensions hold little of a row that has something. */
static bool is_weak(const struct model *model, size_t row)
{
	double square = square_of_row(&model->matrix, row);

	return square > 0 &&
	       dot_square_norm(model->embedding + row * model->k, model->k) <
		       CUSTOMER_SEGMENTS_WEAK * square;
}

/* to += factor times the row */
static void add_row(double *to, const struct csr_matrix *matrix, size_t row,
		    double factor)
{
	for (int64_t i = matrix->indptr[row]; i < matrix->indptr[row + 1]; i++)
		to[matrix->indices[i]] += factor * (double)matrix->values[i];
}

static void make_means(struct mean_rows *means,
		       const struct customer_segments *s, const bool *weak)
{
	const struct csr_matrix *matrix = &means->model->matrix;
	size_t m = matrix->m;

	means->mean = alloc(alloc_product(s->k, m), sizeof *means->mean);
	for (size_t row = 0; row < s->n; row++)
		if (!weak[row] && s->segment[row] != SEGMENTS_NONE)
			add_row(means->mean + s->segment[row] * m, matrix, row,
				1 / sqrt(square_of_row(matrix, row)));
	for (size_t c = 0; c < s->k; c++) {
		double square = 0;

		for (size_t j = 0; j < m; j++)
			square +=
				means->mean[c * m + j] * means->mean[c * m + j];
		for (size_t j = 0; j < m && square > 0; j++)
			means->mean[c * m + j] /= sqrt(square);
	}
}

/* Assign a row to the segment of the nearest mean. */
static void assign_weak(struct customer_segments *s,
			const struct mean_rows *means, size_t row)
{
	const struct csr_matrix *matrix = &means->model->matrix;
	double length = sqrt(square_of_row(matrix, row));
	double first = 0, second = 0;

	s->segment[row] = SEGMENTS_NONE;
	for (size_t c = 0; c < s->k; c++) {
		int64_t begin = matrix->indptr[row];
		double cosine =
			row_dot(means->mean + c * matrix->m,
				matrix->indices + begin, matrix->values + begin,
				(size_t)(matrix->indptr[row + 1] - begin)) /
			length;

		if (cosine > first) {
			second = first;
			first = cosine;
			s->segment[row] = (uint32_t)c;
		} else if (cosine > second) {
			second = cosine;
		}
	}
	bool found = s->segment[row] != SEGMENTS_NONE;
	s->similarity[row] = found ? (float)first : NAN;
	s->margin[row] = found && s->k > 1 ? (float)(first - second) : NAN;
}

/* Only a row that is projected as it is has a share that the dimensions hold.
 */
static void assign_all_weak(struct customer_segments *s,
			    const struct model *model)
{
	struct mean_rows means = {.model = model};
	bool *weak = alloc(s->n + 1, sizeof *weak);

	if (model->center == CENTER_NONE && model->scale == SCALE_US)
		for (size_t row = 0; row < s->n; row++) {
			weak[row] = is_weak(model, row);
			s->weak += weak[row];
		}
	if (s->weak > 0)
		make_means(&means, s, weak);
	for (size_t row = 0; row < s->n && s->weak > 0; row++)
		if (weak[row])
			assign_weak(s, &means, row);
	free(means.mean);
	free(weak);
}

/* ----------------------------------------------------------------- segments */

struct size {
	size_t size;
	uint32_t segment;
};

static int by_size(const void *a, const void *b)
{
	const struct size *x = a, *y = b;

	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	return (x->segment > y->segment) - (x->segment < y->segment);
}

/* The largest segment comes first; one without customers is dropped. */
static void sort_segments(struct customer_segments *s)
{
	struct size *sizes = alloc(s->k + 1, sizeof *sizes);
	uint32_t *now = alloc(s->k + 1, sizeof *now);
	size_t kept = 0;

	for (size_t c = 0; c < s->k; c++)
		sizes[c].segment = (uint32_t)c;
	for (size_t row = 0; row < s->n; row++)
		if (s->segment[row] != SEGMENTS_NONE)
			sizes[s->segment[row]].size++;
		else
			s->unassigned++;
	qsort(sizes, s->k, sizeof *sizes, by_size);
	for (size_t c = 0; c < s->k; c++) {
		now[sizes[c].segment] = (uint32_t)c;
		s->sizes[c] = sizes[c].size;
		s->numbers[c] = c + 1;
		kept += sizes[c].size > 0;
	}
	for (size_t row = 0; row < s->n; row++)
		if (s->segment[row] != SEGMENTS_NONE)
			s->segment[row] = now[s->segment[row]];
	s->k = kept;
	free(sizes);
	free(now);
}

static const char *check_rows(const struct model *model)
{
	for (size_t row = 0; row < model->matrix.n; row++) {
		const char *error = csr_matrix_check_row(&model->matrix, row);

		if (error != NULL)
			return error;
		if (!isfinite(dot_square_norm(model->embedding + row * model->k,
					      model->k)))
			return error_text("row %zu of the embedding is not "
					  "finite",
					  row);
	}
	return NULL;
}

/* Leave out centres that no row is nearest to, as copies of another are: they
 * would be the next ones that margins are measured to.  True where there were
 * such. */
static bool drop_unused(struct customer_segments *s, float *centres, size_t d)
{
	bool *used = alloc(s->k + 1, sizeof *used);
	size_t kept = 0;

	for (size_t row = 0; row < s->n; row++)
		if (s->segment[row] != SEGMENTS_NONE)
			used[s->segment[row]] = true;
	for (size_t c = 0; c < s->k; c++)
		if (used[c])
			memmove(centres + kept++ * d, centres + c * d,
				d * sizeof *centres);
	bool dropped = kept < s->k;
	s->k = kept;
	free(used);
	return dropped;
}

/* Assign every row to the nearest centre; centres may become fewer. */
static void assign_all(struct customer_segments *s, const struct model *model,
		       float *centres, unsigned threads)
{
	struct centre_assignment assignment = {
		.centres = centres,
		.rows = model->embedding,
		.n = s->n,
		.d = model->k,
		.group = s->segment,
		.cosine = s->similarity,
		.margin = s->margin,
	};

	do {
		assignment.k = s->k;
		nearest_centre_assign(&assignment, threads);
	} while (drop_unused(s, centres, model->k));
}

const char *customer_segments_find(struct customer_segments *segments,
				   const struct model *model, size_t k,
				   size_t runs, uint64_t seed, unsigned threads)
{
	size_t n = model->matrix.n, d = model->k;
	const char *error = check_rows(model);
	struct row_sample sample;
	float *centres;

	if (error != NULL)
		return error;
	row_sample_draw(&sample, model->embedding, n, d, SEGMENTATION_SAMPLE,
			seed);
	if (sample.n == 0) {
		row_sample_free(&sample);
		return "no customer has a tag with weight";
	}
	if (k > sample.n)
		k = sample.n;
	begin(segments, n, k);
	centres = alloc(alloc_product(k, d), sizeof *centres);
	segmentation_train(&sample, k, runs, seed, threads, centres);
	assign_all(segments, model, centres, threads);
	assign_all_weak(segments, model);
	sort_segments(segments);
	free(centres);
	row_sample_free(&sample);
	return NULL;
}

/* ------------------------------------------------------------------ numbers */

/* The numbers that the old segments have; NULL, or an error text.  Those of new
 * segments follow the largest, and are read the next time. */
static const char *old_numbers(const struct segments *old, int64_t *numbers,
			       int64_t *largest)
{
	*largest = 0;
	for (size_t i = 0; i < old->names.count; i++) {
		const char *name = string_table_text(&old->names, i);

		if (!number_integer(name, 1, INT64_MAX / 2, &numbers[i]))
			return error_text("segment %s: expected whole numbers "
					  "from 1",
					  name);
		if (numbers[i] > *largest)
			*largest = numbers[i];
	}
	return NULL;
}

const char *customer_segments_like(struct customer_segments *segments,
				   const struct model *model,
				   const struct segments *old)
{
	size_t k = segments->k, n = old->names.count > k ? old->names.count : k;
	int64_t *numbers = alloc(n + 1, sizeof *numbers), largest;
	const char *error = old_numbers(old, numbers, &largest);
	uint32_t *group = alloc(segments->n + 1, sizeof *group);
	double *shared = alloc(alloc_product(n, n), sizeof *shared);
	size_t *column = alloc(n + 1, sizeof *column);

	segments_match(old, &model->matrix, group, NULL);
	for (size_t row = 0; row < segments->n; row++)
		if (group[row] != SEGMENTS_NONE &&
		    segments->segment[row] != SEGMENTS_NONE)
			shared[segments->segment[row] * n + group[row]]++;
	assignment_solve(shared, n, column);
	for (size_t c = 0; c < k && error == NULL; c++)
		segments->numbers[c] =
			column[c] < old->names.count &&
					shared[c * n + column[c]] > 0
				? (size_t)numbers[column[c]]
				: (size_t)++largest;
	free(numbers);
	free(group);
	free(shared);
	free(column);
	return error;
}

/* ------------------------------------------------------------------ writing */

static void put_number(struct output *output, float value)
{
	char text[NUMBER_TEXT];

	output_text(output, "\t");
	if (isfinite(value)) {
		number_write(text, (double)value, 9);
		output_text(output, text);
	}
}

void customer_segments_write(struct output *output,
			     const struct customer_segments *segments,
			     const struct model *model, uint64_t seed)
{
	const char *column = model->matrix.customer;
	char id[17], text[NUMBER_TEXT];

	model_id(model, id);
	if (column == NULL || strcmp(column, "#model") == 0)
		column = "customer";
	tsv_write_field(output, column, strlen(column));
	output_print(output,
		     "\tsegment\tsimilarity\tmargin\n"
		     "#model\tid=%s;customers=%zu;segments=%zu;seed=%llu\n",
		     id, segments->n, segments->k, (unsigned long long)seed);
	for (size_t row = 0; row < segments->n; row++) {
		size_t length;
		const char *name =
			text_array_at(&model->matrix.users, row, &length);

		tsv_write_field(output, name, length);
		output_text(output, "\t");
		if (segments->segment[row] != SEGMENTS_NONE) {
			number_whole(text,
				     segments->numbers[segments->segment[row]]);
			output_text(output, text);
		}
		put_number(output, segments->similarity[row]);
		put_number(output, segments->margin[row]);
		output_text(output, "\n");
	}
}
