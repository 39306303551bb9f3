#include "serve/search_reply.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bitset.h"
#include "serve/model_reply.h"
#include "serve/name_fold.h"
#include "serve/tag_facts.h"
#include "text/json_writer.h"

/* A search of customers as it is written. */
struct search {
	struct json_writer writer;
	const struct served_model *served;
	const struct display_names *labels;
	struct name_pattern pattern;
	uint64_t *listed; /* of rows */
	size_t count, limit;
	bool more; /* one was left out */
};

/* Does the text, folded, hold the pattern: at its start, or elsewhere? */
static bool holds(struct search *search, const char *text, size_t length,
		  bool at_begin)
{
	const struct name_pattern *pattern = &search->pattern;
	bool begins;

	if (!name_pattern_matches(&search->pattern, text, length))
		return false;
	begins = pattern->length == 0 ||
		 memcmp(pattern->buffer, pattern->text, pattern->length) == 0;
	return begins == at_begin;
}

static void put_row(struct search *search, size_t row)
{
	if (bitset_test(search->listed, row))
		return;
	search->more = search->count == search->limit;
	if (search->more)
		return;
	bitset_set(search->listed, row);
	search->count++;
	model_reply_put_customer(&search->writer, search->served,
				 search->labels, row);
}

/* Customers by their names. */
static void put_named(struct search *search, bool at_begin)
{
	const struct served_model *served = search->served;

	for (size_t i = 0; i < served->labelled_count && !search->more; i++) {
		const struct customer_label *known = &served->labelled[i];

		if (holds(search, known->label, strlen(known->label), at_begin))
			put_row(search, known->row);
	}
}

static void put_by_id(struct search *search, bool at_begin)
{
	const struct text_array *users = &search->served->model->matrix.users;

	for (size_t row = 0; row < users->count && !search->more; row++) {
		size_t length;
		const char *id = text_array_at(users, row, &length);

		if (holds(search, id, length, at_begin))
			put_row(search, row);
	}
}

void search_reply_customers(struct output *body,
			    const struct served_model *served,
			    const struct display_names *labels,
			    const char *text, size_t length, size_t limit)
{
	struct search search = {
		.served = served, .labels = labels, .limit = limit};
	size_t row = text_array_find_shown(&served->model->matrix.users, text,
					   length);

	search.listed = bitset_new(served->model->matrix.n);
	name_pattern_init(&search.pattern, text, length);
	json_writer_init(&search.writer, body, JSON_STYLE_SPACED);
	json_put_object(&search.writer, NULL);
	json_put_array(&search.writer, "customers");
	if (row != SIZE_MAX)
		put_row(&search, row);
	if (search.pattern.length > 0) {
		put_named(&search, true);
		put_named(&search, false);
	}
	put_by_id(&search, true);
	put_by_id(&search, false);
	json_put_end(&search.writer);
	json_put_bool(&search.writer, "more", search.more);
	json_put_null(&search.writer, "next");
	json_put_end(&search.writer);
	output_text(body, "\n");
	name_pattern_free(&search.pattern);
	free(search.listed);
}

void search_reply_tags(struct output *body, const struct served_model *served,
		       const struct display_names *labels, const char *text,
		       size_t length, size_t limit)
{
	const struct text_array *tags = &served->model->matrix.tags;
	struct name_pattern pattern;
	size_t exact = text_array_find_shown(tags, text, length);
	struct json_writer writer;
	bool more = false;

	name_pattern_init(&pattern, text, length);
	json_writer_init(&writer, body, JSON_STYLE_SPACED);
	json_put_object(&writer, NULL);
	json_put_array(&writer, "tags");
	for (size_t i = 0, count = 0; i < tags->count && !more; i++) {
		size_t tag = served->facts.by_customers[i], size;
		const char *id = text_array_at(tags, tag, &size);
		const char *name = display_names_find(&labels->tags, id, size);

		if (tag != exact && !name_pattern_matches(&pattern, id, size) &&
		    (name == NULL ||
		     !name_pattern_matches(&pattern, name, strlen(name))))
			continue;
		more = count == limit;
		if (!more)
			tag_facts_put(&writer, &served->facts,
				      &served->model->matrix, labels, tag);
		count++;
	}
	json_put_end(&writer);
	json_put_bool(&writer, "more", more);
	json_put_end(&writer);
	output_text(body, "\n");
	name_pattern_free(&pattern);
}
