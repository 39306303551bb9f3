#include "serve/served_segments.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "explain/contrast_report.h"

/* As in cs-contrast. */
enum { MIN_GROUP = 10, MIN_MEMBERS = 3 };

/* Sort rows by segment. */
static void sort_rows(struct served_segments *s, size_t n)
{
	size_t *next = alloc(s->count + 1, sizeof *next);

	s->rows = alloc(n + 1, sizeof *s->rows);
	s->first = alloc(s->count + 1, sizeof *s->first);
	for (size_t row = 0; row < n; row++)
		if (s->segment[row] == SEGMENTS_NONE)
			s->unassigned++;
		else
			s->first[s->segment[row] + 1]++;
	for (size_t i = 0; i < s->count; i++)
		s->first[i + 1] += s->first[i];
	memcpy(next, s->first, s->count * sizeof *next);
	for (size_t row = 0; row < n; row++)
		if (s->segment[row] != SEGMENTS_NONE)
			s->rows[next[s->segment[row]]++] = row;
	free(next);
}

/* Insert a row among the most similar of its segment. */
static void add_typical(struct served_segment *segment, float *similarity,
			uint32_t row, float own)
{
	size_t at = segment->typical_count;

	while (at > 0 && similarity[at - 1] < own)
		at--;
	if (at == SERVED_SEGMENTS_TYPICAL)
		return;
	if (segment->typical_count < SERVED_SEGMENTS_TYPICAL)
		segment->typical_count++;
	for (size_t i = segment->typical_count - 1; i > at; i--) {
		segment->typical[i] = segment->typical[i - 1];
		similarity[i] = similarity[i - 1];
	}
	segment->typical[at] = row;
	similarity[at] = own;
}

/* The most similar of each segment, where the file says how similar they are;
 * equal ones by name.  place: of each row in the file. */
static void find_typical(struct served_segments *s, const uint32_t *place)
{
	for (size_t i = 0; i < s->count; i++) {
		float similarity[SERVED_SEGMENTS_TYPICAL];

		for (size_t j = s->first[i]; j < s->first[i + 1]; j++) {
			float own = s->file.similarity[place[s->rows[j]]];

			if (isfinite(own))
				add_typical(&s->about[i], similarity,
					    (uint32_t)s->rows[j], own);
		}
	}
}

/* A sum of the segment of each of n rows, and of their names. */
static uint64_t sum_of(const struct served_segments *s, size_t n)
{
	const struct string_table *names = &s->file.names;
	uint64_t sum = XXH3_64bits(s->segment, n * sizeof *s->segment);

	for (size_t i = 0; i < s->count; i++)
		sum = XXH3_64bits_withSeed(string_table_text(names, i),
					   string_table_length(names, i), sum);
	return sum;
}

static const char *load(struct served_segments *s, const char *path,
			const struct model *model,
			const struct display_names *labels, unsigned threads)
{
	const struct contrast_options options = {.min_group = MIN_GROUP,
						 .min_members = MIN_MEMBERS,
						 .rate = CONTRAST_RATE,
						 .threads = threads};
	const struct display_name_set *names =
		labels->tags.given ? &labels->tags : NULL;
	size_t n = model->matrix.n;
	const char *error = segments_read(&s->file, path);
	uint32_t *place;

	if (error != NULL)
		return error;
	s->count = s->file.names.count;
	s->descriptive = s->file.model[0] != '\0';
	s->segment = alloc(n + 1, sizeof *s->segment);
	place = alloc(n + 1, sizeof *place);
	if (segments_match(&s->file, &model->matrix, s->segment, place).known ==
	    0) {
		free(place);
		return error_text("%s: none of its customers is in the model",
				  path);
	}
	s->sum = sum_of(s, n);
	sort_rows(s, n);
	s->about = alloc(s->count + 1, sizeof *s->about);
	find_typical(s, place);
	free(place);
	struct contrast_group *contrast = alloc(s->count + 1, sizeof *contrast);
	error = contrast_compute(&model->matrix, s->segment, s->count, &options,
				 contrast);
	if (error != NULL) {
		free(contrast);
		return error;
	}
	s->contrast = contrast;
	for (size_t i = 0; i < s->count; i++)
		s->about[i].name =
			contrast_name(&model->matrix, &contrast[i], names);
	return NULL;
}

struct served_segments *served_segments_open(const char *path,
					     const struct model *model,
					     const struct display_names *labels,
					     unsigned threads,
					     const char **error)
{
	struct served_segments *segments = alloc(1, sizeof *segments);

	*error = load(segments, path, model, labels, threads);
	if (*error == NULL)
		return segments;
	served_segments_close(segments);
	return NULL;
}

void served_segments_close(struct served_segments *segments)
{
	if (segments == NULL)
		return;
	for (size_t i = 0; i < segments->count && segments->about != NULL; i++)
		free(segments->about[i].name);
	if (segments->contrast != NULL)
		contrast_free(segments->contrast, segments->count);
	free(segments->about);
	free(segments->contrast);
	free(segments->segment);
	free(segments->rows);
	free(segments->first);
	segments_free(&segments->file);
	free(segments);
}

size_t served_segments_find(const struct served_segments *segments,
			    const char *name, size_t length)
{
	size_t found = string_table_find(&segments->file.names, name, length);

	return found == STRING_TABLE_NONE ? SIZE_MAX : found;
}
