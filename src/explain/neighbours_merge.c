#include "explain/neighbours_merge.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "explain/neighbours_tsv.h"
#include "base/number.h"
#include "text/tsv.h"

/* One line, its texts back to back, each with a zero byte after it. */
struct merge_line {
	double similarity;
	char *name, *printed, *why; /* name is what is freed */
	size_t length;              /* of the name */
};

struct merge_list {
	struct merge_line *lines;
	size_t count, room;
};

/* ---------------------------------------------------------------- reading */

static const char *read_header(struct neighbours_merge *merge,
			       const struct tsv_reader *table)
{
	bool why;

	if (!neighbours_is_header(table, &why))
		return tsv_error(table,
				 "no header of neighbours: expected query, "
				 "rank, neighbour, similarity[, why]");
	if (merge->begun && why != merge->why)
		return tsv_error(table,
				 "a header %s why, expected one as in the "
				 "files before",
				 why ? "with" : "without");
	merge->begun = true;
	merge->why = why;
	return NULL;
}

static struct merge_line copy_line(const struct tsv_reader *table,
				   double similarity)
{
	const struct tsv_field *fields = table->fields;
	size_t name = fields[2].length + 1, printed = fields[3].length + 1;
	size_t why = table->count > 4 ? fields[4].length + 1 : 0;
	struct merge_line line = {.similarity = similarity,
				  .name = alloc(name + printed + why, 1),
				  .length = fields[2].length};

	line.printed = line.name + name;
	line.why = line.printed + printed;
	memcpy(line.name, fields[2].text, name);
	memcpy(line.printed, fields[3].text, printed);
	if (why > 0)
		memcpy(line.why, fields[4].text, why);
	return line;
}

static const char *read_line(struct neighbours_merge *merge,
			     const struct tsv_reader *table)
{
	const struct tsv_field *fields = table->fields;
	double similarity;
	int64_t rank;

	if (table->count != (merge->why ? 5 : 4) ||
	    !number_integer(fields[1].text, 1, INT64_MAX, &rank))
		return tsv_error(table,
				 "expected a neighbour in %d fields (lines "
				 "with # cannot be merged: cs-knn "
				 "--no-profiles)",
				 merge->why ? 5 : 4);
	if (!number_real(fields[3].text, &similarity) ||
	    fabs(similarity) > (double)FLT_MAX)
		return tsv_error(table, "similarity \"%s\": expected a number",
				 fields[3].text);
	size_t before = merge->queries.count;
	size_t query = string_table_add(&merge->queries, fields[0].text,
					fields[0].length);
	merge->lists = alloc_grow(merge->lists, &merge->room, query + 1,
				  sizeof *merge->lists);
	struct merge_list *list = &merge->lists[query];
	if (query == before)
		*list = (struct merge_list){0};
	list->lines = alloc_grow(list->lines, &list->room, list->count + 1,
				 sizeof *list->lines);
	list->lines[list->count++] = copy_line(table, similarity);
	return NULL;
}

const char *neighbours_merge_read(struct neighbours_merge *merge,
				  const char *path)
{
	struct tsv_reader table = {0};
	const char *error;

	tsv_open(&table, path);
	error = tsv_next(&table) ? read_header(merge, &table)
				 : error_text("%s: empty, expected neighbours",
					      table.name);
	while (error == NULL && tsv_next(&table))
		error = read_line(merge, &table);
	tsv_close(&table);
	return error;
}

/* ---------------------------------------------------------------- writing */

static int by_name(const void *a, const void *b)
{
	const struct merge_line *x = a, *y = b;

	return string_table_compare(x->name, x->length, y->name, y->length);
}

static int by_rank(const void *a, const void *b)
{
	const struct merge_line *x = a, *y = b;

	if (x->similarity != y->similarity)
		return x->similarity > y->similarity ? -1 : 1;
	return by_name(a, b);
}

/* Drop neighbours that are there twice, and sort the others by rank.  An
 * error text where one is there with two similarities. */
static const char *sort_lines(const struct neighbours_merge *merge,
			      size_t query)
{
	struct merge_list *list = &merge->lists[query];
	const char *error = NULL;
	size_t kept = 0;

	qsort(list->lines, list->count, sizeof *list->lines, by_name);
	for (size_t i = 0; i < list->count; i++) {
		struct merge_line *line = &list->lines[i], *last;

		last = kept ? &list->lines[kept - 1] : NULL;
		if (last == NULL || by_name(last, line) != 0) {
			list->lines[kept++] = *line;
			continue;
		}
		if (error == NULL && last->similarity != line->similarity)
			error = error_text(
				"customer %s has the neighbour %s twice, with "
				"%s and %s",
				string_table_text(&merge->queries, query),
				line->name, last->printed, line->printed);
		free(line->name);
	}
	list->count = kept;
	qsort(list->lines, kept, sizeof *list->lines, by_rank);
	return error;
}

static void write_line(const struct neighbours_merge *merge,
		       struct output *output, size_t query, size_t rank,
		       const struct merge_line *line)
{
	tsv_write_field(output, string_table_text(&merge->queries, query),
			string_table_length(&merge->queries, query));
	output_print(output, "\t%zu\t", rank);
	tsv_write_field(output, line->name, line->length);
	output_print(output, "\t%s", line->printed);
	if (merge->why) {
		output_text(output, "\t");
		tsv_write_field(output, line->why, strlen(line->why));
	}
	output_text(output, "\n");
}

const char *neighbours_merge_write(struct neighbours_merge *merge,
				   struct output *output, size_t limit,
				   size_t *written)
{
	*written = 0;
	for (size_t query = 0; query < merge->queries.count; query++) {
		struct merge_list *list = &merge->lists[query];
		const char *error = sort_lines(merge, query);

		if (error != NULL)
			return error;
		for (size_t i = 0; i < list->count && i < limit; i++) {
			if ((*written)++ == 0)
				neighbours_write_header(output, merge->why);
			write_line(merge, output, query, i + 1,
				   &list->lines[i]);
		}
	}
	return NULL;
}

void neighbours_merge_free(struct neighbours_merge *merge)
{
	for (size_t query = 0; query < merge->queries.count; query++) {
		for (size_t i = 0; i < merge->lists[query].count; i++)
			free(merge->lists[query].lines[i].name);
		free(merge->lists[query].lines);
	}
	free(merge->lists);
	string_table_free(&merge->queries);
	*merge = (struct neighbours_merge){0};
}

const char *neighbours_merge_files(char *const *paths, size_t count,
				   struct output *output, size_t limit,
				   size_t *written)
{
	struct neighbours_merge merge = {0};
	const char *error = NULL;

	for (size_t i = 0; i < count && error == NULL; i++)
		error = neighbours_merge_read(&merge, paths[i]);
	if (count == 0)
		error = neighbours_merge_read(&merge, NULL);
	if (error == NULL)
		error = neighbours_merge_write(&merge, output, limit, written);
	neighbours_merge_free(&merge);
	return error;
}
