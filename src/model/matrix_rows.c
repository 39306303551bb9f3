#include "model/matrix_rows.h"

#include <stdlib.h>

#include "base/alloc.h"

static size_t profile_row(const struct matrix_builder *builder, size_t i)
{
	return builder->row ? builder->row[i] : i;
}

size_t matrix_rows_read(struct matrix_builder *builder, size_t row)
{
	size_t pairs, count = 0;
	const struct stored_pair *pair =
		profile_store_row(&builder->profiles, row, &pairs);
	bool ascending = true;
	int32_t last = -1;

	builder->entries =
		alloc_grow(builder->entries, &builder->entry_capacity, pairs,
			   sizeof *builder->entries);
	for (size_t i = 0; i < pairs; i++) {
		int32_t column = builder->column[pair[i].tag];
		if (column < 0)
			continue;
		builder->entries[count++] = (struct matrix_entry){
			column,
			profile_store_raw(&builder->profiles, &pair[i])};
		ascending = ascending && column > last;
		last = column;
	}
	/* They ascend but for several files and for names with escapes. */
	if (!ascending)
		matrix_entry_sort(builder->entries, count);
	return count;
}

const struct matrix_entry *matrix_builder_row(struct matrix_builder *builder,
					      size_t i, size_t *count)
{
	*count = matrix_rows_read(builder, profile_row(builder, i));
	return builder->entries;
}

const double *matrix_builder_values(struct matrix_builder *builder,
				    size_t count)
{
	builder->values = alloc_grow(builder->values, &builder->value_capacity,
				     count, sizeof *builder->values);
	weighting_row(builder->options->damp, builder->options->norm,
		      builder->weight, builder->entries, count,
		      builder->values);
	return builder->values;
}

unsigned matrix_rows_threads(const struct matrix_builder *builder)
{
	return builder->options->threads > 0 ? builder->options->threads : 1;
}

void matrix_rows_view(struct matrix_builder *view,
		      struct matrix_builder *builder)
{
	profile_store_map(&builder->profiles);
	*view = *builder;
	view->entries = NULL;
	view->values = NULL;
	view->entry_capacity = view->value_capacity = 0;
}

void matrix_rows_end_view(struct matrix_builder *view)
{
	free(view->entries);
	free(view->values);
}

const char *matrix_builder_customer(struct matrix_builder *builder, size_t i,
				    size_t *length)
{
	return profile_store_name(&builder->profiles, profile_row(builder, i),
				  length);
}

const char *matrix_builder_tag(struct matrix_builder *builder, size_t column,
			       size_t *length)
{
	const struct string_table *tags = &builder->profiles.tags;

	if (builder->options->fold_in != NULL)
		return text_array_at(
			&builder->options->fold_in->model.matrix.tags, column,
			length);
	if (builder->options->whole != NULL) {
		*length = builder->options->whole->tags[column].length;
		return builder->options->whole->tags[column].text;
	}
	*length = string_table_length(tags, builder->column_tag[column]);
	return string_table_text(tags, builder->column_tag[column]);
}

size_t matrix_builder_file(const struct matrix_builder *builder, size_t column)
{
	if (builder->options->whole != NULL)
		return (size_t)builder->options->whole->file[column];
	return builder->profiles.tag_file[builder->column_tag[column]];
}
