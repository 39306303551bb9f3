#include "serve/segments_reply.h"

#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "explain/contrast_report.h"
#include "serve/served_segments.h"

/* Tags of each kind that are listed for a segment: among all, and alone. */
enum { FEW_TAGS = 5, MANY_TAGS = 50 };

static void put_segment_name(struct json_writer *writer, const char *key,
			     const struct served_segments *segments,
			     size_t segment)
{
	const char *name = string_table_text(&segments->file.names, segment);
	size_t length = string_table_length(&segments->file.names, segment);
	char again[NUMBER_TEXT];
	int64_t number;

	if (number_integer(name, 0, INT64_MAX, &number) &&
	    number_whole(again, (uint64_t)number) == length)
		json_put_number(writer, key, again);
	else
		json_put_string(writer, key, name, length);
}

void segments_reply_put(struct json_writer *writer,
			const struct served_model *served, size_t row)
{
	const struct served_segments *segments = served->segments;

	if (segments->segment[row] == SEGMENTS_NONE)
		json_put_null(writer, "segment");
	else
		put_segment_name(writer, "segment", segments,
				 segments->segment[row]);
}

static void put_tags(struct json_writer *writer, const char *key,
		     const struct served_model *served,
		     const struct display_names *labels,
		     const struct contrast_tag *tags, size_t count, size_t most)
{
	const struct display_name_set *names =
		labels->tags.given ? &labels->tags : NULL;

	json_put_array(writer, key);
	for (size_t i = 0; i < count && i < most; i++)
		contrast_put_tag(writer, &served->model->matrix, &tags[i],
				 names, most > FEW_TAGS);
	json_put_end(writer);
}

static void put_customer_id(struct json_writer *writer, const char *key,
			    const struct served_model *served, size_t row)
{
	size_t length;
	const char *id =
		text_array_at(&served->model->matrix.users, row, &length);

	json_put_string(writer, key, id, length);
}

/* What a segment is, in the object that is open. */
static void put_segment(struct json_writer *writer,
			const struct served_model *served,
			const struct display_names *labels, size_t segment,
			size_t most)
{
	const struct served_segments *segments = served->segments;
	const struct served_segment *about = &segments->about[segment];
	const struct contrast_group *group = &segments->contrast[segment];

	put_segment_name(writer, "segment", segments, segment);
	json_put_count(writer, "customers", group->customers);
	json_put_text(writer, "name", *about->name ? about->name : NULL);
	put_tags(writer, "over_represented", served, labels, group->more,
		 group->more_count, most);
	if (most > FEW_TAGS)
		put_tags(writer, "under_represented", served, labels,
			 group->fewer, group->fewer_count, most);
	json_put_array(writer, "typical");
	for (size_t i = 0; i < about->typical_count; i++)
		put_customer_id(writer, NULL, served, about->typical[i]);
	json_put_end(writer);
}

void segments_reply_write(struct output *body,
			  const struct served_model *served,
			  const struct display_names *labels)
{
	const struct served_segments *segments = served->segments;
	struct json_writer writer;

	json_writer_init(&writer, body, JSON_STYLE_SPACED);
	json_put_object(&writer, NULL);
	json_put_array(&writer, "segments");
	for (size_t i = 0; i < segments->count; i++) {
		json_put_object(&writer, NULL);
		put_segment(&writer, served, labels, i, FEW_TAGS);
		json_put_end(&writer);
	}
	json_put_end(&writer);
	json_put_count(&writer, "unassigned", segments->unassigned);
	json_put_bool(&writer, "descriptive", segments->descriptive);
	json_put_end(&writer);
	output_text(body, "\n");
}

void segments_reply_one(struct output *body, const struct served_model *served,
			const struct display_names *labels, size_t segment,
			size_t skip, size_t limit)
{
	const struct served_segments *segments = served->segments;
	size_t count = segments->first[segment + 1] - segments->first[segment];
	size_t begin = skip < count ? skip : count;
	size_t end = count - begin < limit ? count : begin + limit;
	struct json_writer writer;
	char next[NUMBER_TEXT];

	json_writer_init(&writer, body, JSON_STYLE_SPACED);
	json_put_object(&writer, NULL);
	put_segment(&writer, served, labels, segment, MANY_TAGS);
	json_put_array(&writer, "members");
	for (size_t i = begin; i < end; i++) {
		size_t row = segments->rows[segments->first[segment] + i];
		size_t length;
		const char *id = text_array_at(&served->model->matrix.users,
					       row, &length);

		json_put_object(&writer, NULL);
		put_customer_id(&writer, "customer", served, row);
		json_put_text(
			&writer, "name",
			display_names_find(&labels->customers, id, length));
		json_put_end(&writer);
	}
	json_put_end(&writer);
	json_put_bool(&writer, "more", end < count);
	snprintf(next, sizeof next, "%zu", end);
	json_put_text(&writer, "next", end < count ? next : NULL);
	json_put_bool(&writer, "descriptive", segments->descriptive);
	json_put_end(&writer);
	output_text(body, "\n");
}
