#include "explain/query_row.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "model/weighting.h"

/* A deed whose tag is known. */
struct profile_entry {
	size_t tag;
	double raw;
};

static int by_tag(const void *a, const void *b)
{
	const struct profile_entry *x = a, *y = b;

	return (x->tag > y->tag) - (x->tag < y->tag);
}

/* Find the entries, ascending by tag. */
static struct profile_entry *find_entries(struct guest *guest,
					  const struct fold_in *fold,
					  const struct deed *deeds,
					  size_t count)
{
	const struct text_array *tags = &fold->model.matrix.tags;
	struct profile_entry *entries = alloc(count, sizeof *entries);

	for (size_t i = 0; i < count; i++) {
		size_t tag =
			text_array_find(tags, deeds[i].tag, deeds[i].length);
		/* A flag is 1, whatever is said. */
		double raw = fold->value == VALUE_ONE ? 1 : deeds[i].value;

		if (tag != SIZE_MAX)
			entries[guest->known++] =
				(struct profile_entry){tag, raw};
		else if (guest->unknown == NULL)
			guest->unknown = deeds[i].tag;
	}
	if (guest->known > 1)
		qsort(entries, guest->known, sizeof *entries, by_tag);
	return entries;
}

static void set_row(struct guest *guest, const struct fold_in *fold,
		    const struct profile_entry *entries)
{
	size_t count = guest->known;
	double *values = alloc(count, sizeof *values);
	uint64_t active = 0;

	guest->indices = alloc(count, sizeof *guest->indices);
	guest->values = alloc(count, sizeof *guest->values);
	guest->raw = alloc(count, sizeof *guest->raw);
	for (size_t i = 0; i < count; i++)
		values[i] = weighting_damp(fold->damp, entries[i].raw) *
			    fold->model.matrix.weight[entries[i].tag];
	weighting_normalize(fold->norm, values, count);
	for (size_t i = 0; i < count; i++) {
		guest->indices[i] = (int32_t)entries[i].tag;
		guest->values[i] = (float)values[i];
		guest->raw[i] = (float)entries[i].raw;
		active += guest->raw[i] > 0;
	}
	guest->tenth = fold_in_tenth(fold, active);
	free(values);
}

/* The model of the one row. */
static void set_model(struct guest *guest)
{
	struct csr_matrix *matrix = &guest->model.matrix;

	guest->bounds[1] = (int64_t)guest->known;
	matrix->n = 1;
	matrix->nnz = guest->known;
	matrix->indptr = guest->bounds;
	matrix->indices = guest->indices;
	matrix->values = guest->values;
	matrix->raw = guest->raw;
	matrix->tenth = &guest->tenth;
	matrix->users =
		(struct text_array){guest->texts, (const unsigned char *)"", 1};
	guest->model.embedding = guest->embedding;
}

void guest_make(struct guest *guest, const struct fold_in *fold,
		const struct projection *embed, const struct deed *deeds,
		size_t count)
{
	struct profile_entry *entries;
	double *t = alloc_aligned(embed->ld, sizeof *t);

	*guest = (struct guest){.model = fold->model};
	entries = find_entries(guest, fold, deeds, count);
	guest->embedding = alloc(embed->k, sizeof *guest->embedding);
	set_row(guest, fold, entries);
	set_model(guest);
	projection_row(embed, &guest->model.matrix, 0, t);
	projection_scale(embed, &guest->model.matrix, 0, t, guest->embedding);
	free(entries);
	free(t);
}

void guest_free(struct guest *guest)
{
	free(guest->indices);
	free(guest->values);
	free(guest->raw);
	free(guest->embedding);
	*guest = (struct guest){0};
}
