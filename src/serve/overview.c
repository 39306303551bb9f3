#include "serve/overview.h"

#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/errors.h"
#include "serve/tag_facts.h"
#include "text/json_writer.h"

enum {
	TOP_TAGS = 15,
	BINS = 64, /* of numbers of tags: 1, 2, 3 to 4, 5 to 8, ... */
	DIGITS = 6
};

/* The width of a bin of similarities. */
static const double step = 0.025;

/* The share of pairs below a similarity, between quantiles in proportion; the
 * quantiles ascend, and are of evenly spaced shares from 0 to 1. */
static double share_below(const double *quantiles, double similarity)
{
	size_t i = 0;
	double width;

	while (i < OVERVIEW_QUANTILES && quantiles[i] < similarity)
		i++;
	if (i == 0 || i == OVERVIEW_QUANTILES)
		return i == 0 ? 0 : 1;
	width = quantiles[i] - quantiles[i - 1];
	return ((double)i - 1 + (similarity - quantiles[i - 1]) / width) /
	       (OVERVIEW_QUANTILES - 1);
}

static void put_similarity(struct json_writer *writer,
			   const struct overview *overview)
{
	const double *quantiles = overview->quantiles;
	double low;
	size_t bins;

	low = step * floor(quantiles[0] / step);
	bins = (size_t)ceil((quantiles[OVERVIEW_QUANTILES - 1] - low) / step +
			    1e-9);
	json_put_object(writer, "similarity");
	json_put_text(writer, "metric", overview->metric);
	json_put_real(writer, "low", low, DIGITS);
	json_put_real(writer, "step", step, DIGITS);
	json_put_array(writer, "shares");
	for (size_t i = 0; i < bins || i == 0; i++) {
		double from = low + (double)i * step;
		double until = i + 1 < bins ? from + step : INFINITY;

		json_put_real(
			writer, NULL,
			share_below(quantiles, until) -
				(i > 0 ? share_below(quantiles, from) : 0),
			DIGITS);
	}
	json_put_end(writer);
	json_put_end(writer);
}

static void put_top_tags(struct json_writer *writer,
			 const struct overview *overview,
			 const struct display_names *labels)
{
	const struct csr_matrix *matrix = &overview->model->matrix;

	json_put_array(writer, "top_tags");
	for (size_t i = 0; i < TOP_TAGS && i < matrix->m; i++)
		tag_facts_put(writer, overview->facts, matrix, labels,
			      overview->facts->by_customers[i]);
	json_put_end(writer);
}

/* The bin of a number of tags: 0, 1, 2, 3 to 4, 5 to 8, ... */
static size_t bin_of(int64_t tags)
{
	size_t bin = 0;

	for (int64_t most = 0; most < tags; most = most == 0 ? 1 : 2 * most)
		bin++;
	return bin;
}

static int64_t most_of(size_t bin)
{
	return bin == 0 ? 0 : (int64_t)1 << (bin - 1);
}

static void put_activity(struct json_writer *writer,
			 const struct csr_matrix *matrix)
{
	size_t counts[BINS] = {0}, last = 0;

	for (size_t row = 0; row < matrix->n; row++) {
		int64_t tags = 0;
		size_t bin;

		for (int64_t i = matrix->indptr[row];
		     i < matrix->indptr[row + 1]; i++)
			tags += matrix->raw[i] > 0;
		bin = bin_of(tags);
		counts[bin]++;
		last = bin > last ? bin : last;
	}
	json_put_array(writer, "activity");
	for (size_t bin = 0; bin <= last; bin++) {
		if (bin == 0 && counts[bin] == 0)
			continue;
		json_put_object(writer, NULL);
		json_put_integer(writer, "from",
				 bin == 0 ? 0 : most_of(bin - 1) + 1);
		json_put_integer(writer, "to", most_of(bin));
		json_put_count(writer, "customers", counts[bin]);
		json_put_end(writer);
	}
	json_put_end(writer);
}

/* Copy the member of an object that is a date, or null; false where it is
 * neither. */
static bool read_date(const json_t *report, const char *key,
		      char text[DATE_ROOM])
{
	const json_t *date = json_object_get(report, key);
	int64_t time;

	*text = '\0';
	if (date == NULL || json_is_null(date))
		return true;
	if (!json_is_string(date) ||
	    !date_read(json_string_value(date), json_string_length(date),
		       &time))
		return false;
	date_write(text, time);
	return true;
}

const char *overview_read_events(struct overview_events *events,
				 const char *path)
{
	json_error_t wrong;
	json_t *report = json_load_file(path, JSON_REJECT_DUPLICATES, &wrong);
	const json_t *rows = json_object_get(report, "rows_used");
	bool right = json_is_integer(rows) && json_integer_value(rows) >= 0 &&
		     read_date(report, "first_event", events->first) &&
		     read_date(report, "last_event", events->last);

	if (right)
		events->rows = (uint64_t)json_integer_value(rows);
	json_decref(report);
	return right ? NULL
		     : error_text("%s: expected what cs-aggregate --report "
				  "writes",
				  path);
}

static void put_events(struct json_writer *writer,
		       const struct overview_events *events)
{
	if (events == NULL)
		return;
	json_put_object(writer, "events");
	json_put_count(writer, "rows", events->rows);
	json_put_text(writer, "first", *events->first ? events->first : NULL);
	json_put_text(writer, "last", *events->last ? events->last : NULL);
	json_put_end(writer);
}

void overview_write(struct output *body, const struct overview *overview,
		    const struct display_names *labels)
{
	const struct model *model = overview->model;
	struct json_writer writer;

	json_writer_init(&writer, body, JSON_STYLE_SPACED);
	json_put_object(&writer, NULL);
	json_put_text(&writer, "id", overview->id);
	json_put_count(&writer, "customers", model->matrix.n);
	json_put_count(&writer, "without_signal", overview->zero_vectors);
	json_put_count(&writer, "tags", model->matrix.m);
	json_put_count(&writer, "pairs", model->matrix.nnz);
	json_put_count(&writer, "dimensions", model->k);
	json_put_count(&writer, "segments", overview->segments);
	put_events(&writer, overview->events);
	put_similarity(&writer, overview);
	put_top_tags(&writer, overview, labels);
	put_activity(&writer, &model->matrix);
	json_put_array(&writer, "spectrum");
	for (size_t i = 0; i < model->k; i++)
		json_put_real(&writer, NULL, model->sigma[i], DIGITS);
	json_put_end(&writer);
	json_put_end(&writer);
	output_text(body, "\n");
}
