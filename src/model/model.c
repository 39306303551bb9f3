#include "model/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/number.h"
#include "base/string_table.h"
#include "model/shard_files.h"

const char *const scale_words[] = {
	[SCALE_US] = "us", [SCALE_SQRT] = "sqrt", [SCALE_U] = "u", NULL};
const char *const center_words[] = {[CENTER_NONE] = "none",
				    [CENTER_ROW] = "row",
				    [CENTER_COLUMN] = "column",
				    NULL};

static const char *read_choices(struct model *model)
{
	int scale = 0, center = 0;
	const char *error = safetensors_word(&model->file, "svd.scale",
					     scale_words, &scale);

	if (error == NULL)
		error = safetensors_word(&model->file, "svd.center",
					 center_words, &center);
	if (error != NULL)
		return error;
	model->scale = (enum scale)scale;
	model->center = (enum center)center;
	return NULL;
}

static const char *check_finite(const char *name, const double *values,
				size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!isfinite(values[i]))
			return error_text(
				"tensor %s is damaged: item %zu is not "
				"finite",
				name, i);
	return NULL;
}

/* View a tensor of doubles whose every item is looked at: checksum too. */
static const char *view_doubles(struct model *model, const char *name,
				unsigned dims, size_t rows, size_t columns,
				const double **values)
{
	const struct tensor *tensor;
	const char *error;

	error = safetensors_need(&model->file, name, DTYPE_F64, dims, rows,
				 columns, &tensor);
	if (error == NULL)
		error = safetensors_verify(&model->file, tensor);
	if (error != NULL)
		return error;
	*values = tensor->bytes;
	return check_finite(name, *values, rows * columns);
}

/* Models of earlier versions have none. */
static const char *view_captured(struct model *model)
{
	const struct tensor *tensor;
	const char *error;

	if (safetensors_find(&model->file, "captured") == NULL)
		return NULL;
	error = safetensors_need(&model->file, "captured", DTYPE_F32, 1,
				 model->matrix.n, 1, &tensor);
	if (error == NULL)
		model->captured = tensor->bytes;
	return error;
}

static const char *view(struct model *model)
{
	const struct tensor *tensor;
	const double *pairs;
	const char *error;
	size_t n = model->matrix.n, m = model->matrix.m;

	error = read_choices(model);
	if (error == NULL)
		error = safetensors_need(&model->file, "embedding", DTYPE_F32,
					 2, n, UINT64_MAX, &tensor);
	if (error != NULL)
		return error;
	model->embedding = tensor->bytes;
	size_t k = model->k = tensor->shape[1];
	if (k > m)
		return "tensor embedding has more columns than there are tags";
	error = view_doubles(model, "components", 2, m, k, &model->components);
	if (error == NULL)
		error = view_doubles(model, "sigma", 1, k, 1, &model->sigma);
	if (error == NULL)
		error = view_doubles(model, "residual", 1, k, 1,
				     &model->residual);
	if (error == NULL && model->center == CENTER_COLUMN)
		error = view_doubles(model, "tags.mean", 1, m, 1, &model->mean);
	if (error == NULL)
		error = view_doubles(model, "pairs", 1, 2, 1, &pairs);
	if (error == NULL)
		error = view_captured(model);
	if (error != NULL)
		return error;
	for (size_t i = 0; i < k; i++)
		if (model->sigma[i] <= 0)
			return "tensor sigma is damaged: expected numbers "
			       "above zero";
	model->median_pair = pairs[0];
	model->top_pair = pairs[1];
	return NULL;
}

/* Map the file and read its header. */
static const char *open_file(struct model *model, const char *path,
			     const char *(*map)(struct input *))
{
	bool joined = shard_files_is_directory(path);
	const char *error;

	*model = (struct model){.shift = 1};
	if (joined) {
		error = joined_shards_open(&model->joined, &model->input, path,
					   map);
		map = input_try_map;
		if (error == NULL) {
			joined_shards_free(model->joined);
			model->joined = NULL;
		}
	} else {
		error = input_try(&model->input, path);
	}
	if (error == NULL)
		error = map(&model->input);
	if (error != NULL)
		return error;
	error = safetensors_read(&model->file, model->input.bytes,
				 model->input.size);
	/* The shards were verified while they were joined. */
	model->file.checked = joined;
	return error;
}

static const char *open_matrix(struct model *model, const char *path,
			       const char *(*map)(struct input *))
{
	const char *error = open_file(model, path, map);

	return error != NULL ? error
			     : csr_matrix_view(&model->matrix, &model->file);
}

const char *model_refuse_matrix(const struct model *model)
{
	return safetensors_find(&model->file, "embedding") != NULL
		       ? NULL
		       : "a matrix, expected a model: cs-svd makes one of it";
}

static const char *open_model(struct model *model, const char *path,
			      const char *(*map)(struct input *))
{
	const char *error = open_matrix(model, path, map);

	if (error == NULL)
		error = model_refuse_matrix(model);
	if (error == NULL)
		error = view(model);
	return error;
}

const char *model_open(struct model *model, const char *path)
{
	return open_model(model, path, input_try_map);
}

const char *model_open_verified(struct model *model, const char *path,
				unsigned threads)
{
	const char *error = model_open(model, path);

	return error != NULL ? error
			     : safetensors_verify_all(&model->file, threads);
}

const char *model_open_matrix(struct model *model, const char *path,
			      unsigned threads)
{
	const char *error = open_file(model, path, input_try_map);

	if (error == NULL && safetensors_find(&model->file, "sigma") != NULL)
		error = "a model already, expected a matrix";
	if (error == NULL)
		error = safetensors_verify_all(&model->file, threads);
	if (error == NULL)
		error = csr_matrix_view(&model->matrix, &model->file);
	return error;
}

const char *model_open_copy(struct model *model, const char *path)
{
	const char *error = open_model(model, path, input_try_copy);

	return error != NULL ? error : safetensors_verify_all(&model->file, 1);
}

const char *model_open_any(struct model *model, const char *path)
{
	const char *error = open_matrix(model, path, input_try_map);

	if (error == NULL &&
	    safetensors_find(&model->file, "embedding") != NULL)
		error = view(model);
	return error;
}

/* Open a file, compare its checksums and visit it. */
static const char *
open_visited(struct model *model, const char *path, unsigned threads,
	     const char *(*visit)(const struct model *, void *), void *context)
{
	const char *error = model_open_any(model, path);

	if (error == NULL)
		error = safetensors_verify_all(&model->file, threads);
	if (error == NULL && visit != NULL)
		error = visit(model, context);
	return error;
}

/* The same for a shard, which the error then names. */
static const char *
open_shard(struct model *model, const char *path, unsigned threads,
	   const char *(*visit)(const struct model *, void *), void *context)
{
	const char *error = open_visited(model, path, threads, visit, context);

	return error == NULL
		       ? NULL
		       : error_text("%s: %s", strrchr(path, '/') + 1, error);
}

/* Visit the shards from the second on. */
static const char *
visit_others(const struct joined_shards *joined, unsigned threads,
	     const char *(*visit)(const struct model *, void *), void *context)
{
	const char *error = NULL;

	for (size_t i = 1; i < joined_shards_count(joined) && error == NULL;
	     i++) {
		struct model other;

		error = open_shard(&other, joined_shards_path(joined, i),
				   threads, visit, context);
		model_close(&other);
	}
	return error;
}

const char *
model_open_columns(struct model *model, const char *path, unsigned threads,
		   const char *(*visit)(const struct model *, void *),
		   void *context)
{
	struct joined_shards *joined = NULL;
	const char *error;

	if (!shard_files_is_directory(path))
		return open_visited(model, path, threads, visit, context);
	*model = (struct model){.shift = 1};
	error = joined_shards_check(&joined, path);
	if (error == NULL)
		error = open_shard(model, joined_shards_path(joined, 0),
				   threads, visit, context);
	if (error == NULL && visit != NULL)
		error = visit_others(joined, threads, visit, context);
	model->input.name = path;
	joined_shards_free(joined);
	return error;
}

void model_close(struct model *model)
{
	safetensors_free(&model->file);
	joined_shards_free(model->joined);
	input_close(&model->input);
	*model = (struct model){0};
}

double model_norm_squared(const struct model *model)
{
	const char *text = safetensors_option(&model->file, "svd.energy");
	double square;

	return text != NULL && number_real(text, &square) ? square : 0;
}

double model_share(const struct model *model, size_t triplet)
{
	double sigma = model->sigma[triplet];
	double square = model_norm_squared(model);

	return square > 0 ? sigma * sigma / square : 0;
}

void model_id(const struct model *model, char id[17])
{
	const char *set = safetensors_option(&model->file, "shard.set");

	if (set != NULL && strlen(set) == 16)
		memcpy(id, set, 17);
	else
		safetensors_id(&model->file, id);
}

size_t model_find(const struct model *model, const char *name, size_t length)
{
	return text_array_find(&model->matrix.users, name, length);
}

/* ------------------------------------------------------------- near names */

enum { NEAR = 3, NEAR_LENGTH = 64 };

struct near {
	size_t row;
	unsigned distance;
};

/* Levenshtein's edit distance, or limit + 1 where it is above the limit; b is
 * at most NEAR_LENGTH long (Wagner and Fischer, JACM 21, 1974). */
static unsigned edit_distance(const char *a, size_t a_length, const char *b,
			      size_t b_length, unsigned limit)
{
	unsigned row[NEAR_LENGTH + 1];

	for (size_t j = 0; j <= b_length; j++)
		row[j] = (unsigned)j;
	for (size_t i = 0; i < a_length; i++) {
		unsigned corner = row[0], minimum = ++row[0];
		for (size_t j = 0; j < b_length; j++) {
			unsigned change = corner + (a[i] != b[j]);
			corner = row[j + 1];
			unsigned other =
				1 + (corner < row[j] ? corner : row[j]);
			row[j + 1] = change < other ? change : other;
			if (row[j + 1] < minimum)
				minimum = row[j + 1];
		}
		if (minimum > limit)
			return limit + 1;
	}
	return row[b_length];
}

/* Insert into the list of at most NEAR, nearest first; rows come ascending,
 * so that equals stay in the order of bytes. */
static size_t insert_near(struct near *list, size_t count, struct near one)
{
	size_t place = count;

	while (place > 0 && list[place - 1].distance > one.distance)
		place--;
	if (place == NEAR)
		return count;
	if (count < NEAR)
		count++;
	for (size_t i = count - 1; i > place; i--)
		list[i] = list[i - 1];
	list[place] = one;
	return count;
}

/* True where both are the same but for zeros before them, which spreadsheets
 * take away: "42" and "00042". */
static bool is_same_number(const char *a, size_t a_length, const char *b,
			   size_t b_length)
{
	while (a_length > 1 && *a == '0')
		a++, a_length--;
	while (b_length > 1 && *b == '0')
		b++, b_length--;
	return a_length == b_length && memcmp(a, b, a_length) == 0;
}

char *model_near(const struct model *model, const char *name, size_t length,
		 char *text, size_t room)
{
	const struct text_array *users = &model->matrix.users;
	unsigned limit = length > 6 ? 3 : (unsigned)(length + 2) / 3;
	struct near list[NEAR];
	size_t count = 0, used = 0;

	text[0] = '\0';
	if (length > NEAR_LENGTH)
		return text;
	for (size_t i = 0; i < users->count; i++) {
		size_t size;
		const char *user = text_array_at(users, i, &size);
		bool same = is_same_number(user, size, name, length);
		if (!same && (size > length + limit || size + limit < length))
			continue;
		unsigned most =
			count == NEAR ? list[NEAR - 1].distance - 1 : limit;
		unsigned distance =
			same ? 1
			     : edit_distance(user, size, name, length, most);
		if (distance <= most)
			count = insert_near(list, count,
					    (struct near){i, distance});
	}
	for (size_t i = 0; i < count && used < room; i++) {
		size_t size;
		const char *user = text_array_at(users, list[i].row, &size);
		used += (size_t)snprintf(text + used, room - used, "%s%.*s",
					 i ? ", " : "", (int)size, user);
	}
	return text;
}
