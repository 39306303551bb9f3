#include "model/row_removal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "model/model_verify.h"
#include "model/safetensors_writer.h"
#include "text/tsv.h"

size_t row_removal_mark(const struct csr_matrix *matrix,
			const struct customer_names *names, bool *gone)
{
	char *escaped = NULL;
	size_t room = 0, count = 0;

	for (size_t i = 0; i < matrix->n; i++) {
		size_t length;
		const char *name = text_array_at(&matrix->users, i, &length);

		escaped = alloc_grow(escaped, &room, 2 * length + 1, 1);
		gone[i] = customer_names_is_forgotten(
			names, escaped, tsv_escape(escaped, name, length));
		count += gone[i];
	}
	free(escaped);
	return count;
}

/* A file being written. */
struct removal {
	const struct csr_matrix *matrix;
	const bool *gone;
	bool own; /* counts of customers are those of this file */
	size_t rows, pairs, name_bytes; /* that stay */
	struct tensor_writer writer;
};

/* What the items of a tensor are of. */
enum unit {
	UNIT_OTHER,       /* no customer: copied */
	UNIT_ROW,         /* a customer each */
	UNIT_PAIR,        /* a customer and a tag each */
	UNIT_NAME_BYTE,   /* bytes of customers' names */
	UNIT_PAIR_OFFSET, /* where the pairs of each customer begin */
	UNIT_NAME_OFFSET, /* where the name of each begins */
	UNIT_TAG_TENTHS,  /* customers by tag and tenth */
	UNIT_TENTHS       /* customers by tenth */
};

static enum unit unit_of(const struct tensor *tensor)
{
	static const struct {
		const char *name;
		enum unit unit;
	} units[] = {
		{"profile.indptr", UNIT_PAIR_OFFSET},
		{"profile.indices", UNIT_PAIR},
		{"profile.values", UNIT_PAIR},
		{"profile.raw", UNIT_PAIR},
		{"users.offsets", UNIT_NAME_OFFSET},
		{"users.bytes", UNIT_NAME_BYTE},
		{"users.tenth", UNIT_ROW},
		{"tags.tenths", UNIT_TAG_TENTHS},
		{"tenths", UNIT_TENTHS},
		{"embedding", UNIT_ROW},
		{"captured", UNIT_ROW},
	};

	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (strcmp(tensor->name, units[i].name) == 0)
			return units[i].unit;
	return UNIT_OTHER;
}

/* Where the items of row i begin, of units that are not offsets. */
static size_t item_of(const struct csr_matrix *matrix, enum unit unit, size_t i)
{
	if (unit == UNIT_PAIR)
		return (size_t)matrix->indptr[i];
	if (unit == UNIT_NAME_BYTE)
		return (size_t)matrix->users.offsets[i];
	return i;
}

/* The items of the rows that stay, run after run. */
static void put_items(struct removal *removal, const struct tensor *tensor,
		      enum unit unit)
{
	const struct csr_matrix *matrix = removal->matrix;
	size_t item = dtype_size(tensor->type) * tensor->shape[1];

	for (size_t i = 0, end; i < matrix->n; i = end) {
		for (end = i;
		     end < matrix->n && removal->gone[end] == removal->gone[i];)
			end++;
		size_t first = item_of(matrix, unit, i);

		if (!removal->gone[i])
			tensor_writer_put(
				&removal->writer,
				(const char *)tensor->bytes + first * item,
				(item_of(matrix, unit, end) - first) * item);
	}
}

/* Offsets of the rows that stay, from offsets of all. */
static void put_offsets(struct removal *removal, const int64_t *offsets)
{
	int64_t at = 0;

	tensor_writer_put(&removal->writer, &at, sizeof at);
	for (size_t i = 0; i < removal->matrix->n; i++) {
		if (removal->gone[i])
			continue;
		at += offsets[i + 1] - offsets[i];
		tensor_writer_put(&removal->writer, &at, sizeof at);
	}
}

/* Counts of customers, less those that are gone and have the tag. */
static void put_tag_tenths(struct removal *removal)
{
	const struct csr_matrix *matrix = removal->matrix;
	size_t size = alloc_product(matrix->m, TENTHS);
	int64_t *counts = alloc(size, sizeof *counts);

	memcpy(counts, matrix->tenths, size * sizeof *counts);
	for (size_t i = 0; i < matrix->n; i++)
		for (int64_t j = matrix->indptr[i];
		     removal->gone[i] && j < matrix->indptr[i + 1]; j++)
			if (matrix->raw[j] > 0)
				counts[(size_t)matrix->indices[j] * TENTHS +
				       matrix->tenth[i]]--;
	tensor_writer_put(&removal->writer, counts, size * sizeof *counts);
	free(counts);
}

static void put_tenths(struct removal *removal)
{
	const struct csr_matrix *matrix = removal->matrix;
	int64_t counts[TENTHS];

	memcpy(counts, matrix->tenth_size, sizeof counts);
	for (size_t i = 0; i < matrix->n; i++)
		counts[matrix->tenth[i]] -= removal->gone[i];
	tensor_writer_put(&removal->writer, counts, sizeof counts);
}

static void put_tensor(struct removal *removal, const struct safetensors *file,
		       const struct tensor *tensor)
{
	enum unit unit = unit_of(tensor);

	if (!removal->own && (unit == UNIT_TAG_TENTHS || unit == UNIT_TENTHS))
		unit = UNIT_OTHER;
	switch (unit) {
	case UNIT_OTHER:
		tensor_writer_pass(&removal->writer, file, tensor);
		break;
	case UNIT_ROW:
	case UNIT_PAIR:
	case UNIT_NAME_BYTE:
		put_items(removal, tensor, unit);
		break;
	case UNIT_PAIR_OFFSET:
	case UNIT_NAME_OFFSET:
		put_offsets(removal, tensor->bytes);
		break;
	case UNIT_TAG_TENTHS:
		put_tag_tenths(removal);
		break;
	case UNIT_TENTHS:
		put_tenths(removal);
		break;
	}
}

/* The tensors to write, all but those of an index; returns how many. */
static size_t choose_tensors(const struct removal *removal,
			     const struct safetensors *file,
			     struct tensor *tensors, struct tensor *old)
{
	size_t all = safetensors_pass_on(file, old, 0), count = 0;
	const uint64_t rows[] = {
		[UNIT_ROW] = removal->rows,
		[UNIT_PAIR] = removal->pairs,
		[UNIT_NAME_BYTE] = removal->name_bytes,
		[UNIT_PAIR_OFFSET] = removal->rows + 1,
		[UNIT_NAME_OFFSET] = removal->rows + 1,
	};

	for (size_t i = 0; i < all; i++) {
		enum unit unit = unit_of(&old[i]);

		if (strncmp(old[i].name, "index.", 6) == 0)
			continue;
		old[count] = tensors[count] = old[i];
		if (unit >= UNIT_ROW && unit <= UNIT_NAME_OFFSET)
			tensors[count].shape[0] = rows[unit];
		count++;
	}
	return count;
}

/* The metadata but for those of an index. */
static json_t *describe(const struct model *model, const char *version)
{
	json_t *metadata = alloc_check(json_object()), *value;
	const char *key;
	char id[17];

	json_object_foreach(model->file.metadata, key,
			    value) if (strncmp(key, "index.", 6) != 0)
		json_object_set(metadata, key, value);
	metadata_set(metadata, "project.version", "%s", version);
	safetensors_id(&model->file, id);
	if (model->embedding != NULL)
		metadata_set(metadata, "project.model", "%s", id);
	return metadata;
}

void row_removal_write(const struct model *model, const bool *gone,
		       const char *version, struct output *output)
{
	const struct csr_matrix *matrix = &model->matrix;
	struct removal removal = {.matrix = matrix,
				  .gone = gone,
				  .own = model_counts_its_own(model)};
	size_t count = model->file.count;
	struct tensor *tensors = alloc(count, sizeof *tensors);
	struct tensor *old = alloc(count, sizeof *old);
	json_t *metadata = describe(model, version);

	for (size_t i = 0; i < matrix->n; i++)
		if (!gone[i]) {
			removal.rows++;
			removal.pairs += (size_t)(matrix->indptr[i + 1] -
						  matrix->indptr[i]);
			removal.name_bytes +=
				(size_t)(matrix->users.offsets[i + 1] -
					 matrix->users.offsets[i]);
		}
	count = choose_tensors(&removal, &model->file, tensors, old);
	tensor_writer_begin(&removal.writer, output, metadata, tensors, count);
	for (size_t i = 0; i < count; i++)
		put_tensor(&removal, &model->file, &old[i]);
	tensor_writer_end(&removal.writer);
	json_decref(metadata);
	free(tensors);
	free(old);
}
