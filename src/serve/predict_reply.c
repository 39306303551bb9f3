#include "serve/predict_reply.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "explain/summary_builder.h"
#include "text/json_writer.h"
#include "explain/summary_json.h"

const char answer_json[] = "application/json";
const char answer_csv[] = "text/csv; charset=utf-8";

/* Of HTTP. */
enum { OK = 200, INTERNAL_ERROR = 500 };

/* ---------------------------------------------------------------- searching */

bool answer_joins(const struct answer *a, const struct answer *b)
{
	return a->ask.loaded == b->ask.loaded &&
	       a->ask.metric == b->ask.metric && a->ask.allowed == NULL &&
	       b->ask.allowed == NULL && !a->ask.has_least && !b->ask.has_least;
}

static void add_query(struct answer *answer, const float *vector, size_t self,
		      size_t asked)
{
	answer->queries[answer->count++] =
		(struct query){.vector = vector, .self = self, .asked = asked};
}

/* The queries of the customers that there are. */
static void make_queries(struct answer *answer)
{
	const struct ask *ask = &answer->ask;
	const struct model *model = ask->loaded->model;

	answer->queries = alloc(ask->count + 1, sizeof *answer->queries);
	answer->found = alloc(ask->count + 1, sizeof *answer->found);
	if (ask->whose == WHOSE_GUEST)
		add_query(answer, ask->guest.model.embedding, NEAREST_NONE, 0);
	if (ask->whose == WHOSE_AUDIENCE)
		add_query(answer, ask->audience.model.embedding, NEAREST_NONE,
			  0);
	for (size_t i = 0; i < ask->count; i++) {
		size_t row = ask->customers[i].row;

		if (row != NEAREST_NONE)
			add_query(answer, model->embedding + row * model->k,
				  row, row);
	}
}

/* Hand each answer its part of what was found for all. */
static void share(struct answer *const answers[], size_t count,
		  struct found *found, size_t zeros)
{
	for (size_t i = 0; i < count; i++) {
		struct answer *answer = answers[i];

		for (size_t q = 0; q < answer->count; q++) {
			answer->found[q] = *found++;
			if (answer->found[q].count > answer->ask.limit)
				answer->found[q].count = answer->ask.limit;
		}
		answer->zeros = zeros;
	}
}

static const char *search_all(struct answer *const answers[], size_t count,
			      const struct query *queries, size_t total,
			      struct found *found, unsigned threads,
			      size_t *zeros)
{
	const struct ask *first = &answers[0]->ask;
	struct search search = {
		.d = first->loaded->model->k,
		.metric = first->metric,
		.least = first->least,
		.allowed = first->allowed,
		.count_matching = first->has_least,
		.quiet = true,
		.threads = threads,
	};

	for (size_t i = 0; i < count; i++)
		if (search.limit < answers[i]->ask.limit)
			search.limit = answers[i]->ask.limit;
	return shards_search(&first->loaded->shards, &search, queries, total,
			     found, zeros);
}

void answer_search(struct answer *const answers[], size_t count,
		   unsigned threads)
{
	size_t total = 0, zeros = 0;
	struct query *queries;
	struct found *found;
	const char *error = NULL;

	for (size_t i = 0; i < count; i++) {
		make_queries(answers[i]);
		total += answers[i]->count;
	}
	queries = alloc(total, sizeof *queries);
	found = alloc(total, sizeof *found);
	total = 0;
	for (size_t i = 0; i < count; i++)
		for (size_t q = 0; q < answers[i]->count; q++)
			queries[total++] = answers[i]->queries[q];
	if (total > 0)
		error = search_all(answers, count, queries, total, found,
				   threads, &zeros);
	if (error == NULL)
		share(answers, count, found, zeros);
	for (size_t i = 0; i < count && error != NULL; i++)
		ask_fail(&answers[i]->ask, INTERNAL_ERROR, NULL, "%s", error);
	free(queries);
	free(found);
}

void answer_end(struct answer *answer)
{
	nearest_free(answer->found, answer->found ? answer->count : 0);
	free(answer->found);
	free(answer->queries);
	free(answer->body.buffer);
	ask_end(&answer->ask);
}

/* ------------------------------------------------------------------- errors */

void answer_error(struct output *body, const char *error, const char *field)
{
	output_text(body, "{\"error\": ");
	quote_json(body, error, strlen(error));
	output_text(body, ", \"field\": ");
	if (field != NULL)
		quote_json(body, field, strlen(field));
	else
		output_text(body, "null");
	output_text(body, "}\n");
}

static void write_error(struct answer *answer)
{
	answer->status = answer->ask.status;
	answer->type = answer_json;
	answer->body.held = 0;
	answer_error(&answer->body, answer->ask.error, answer->ask.field);
}

/* ---------------------------------------------------------------------- CSV */

/* A field by RFC 4180. */
static void put_field(struct output *body, const char *text)
{
	if (strpbrk(text, "\",\r\n") == NULL) {
		output_text(body, text);
		return;
	}
	output_text(body, "\"");
	for (const char *quote; (quote = strchr(text, '"')) != NULL;
	     text = quote + 1) {
		output_write(body, text, (size_t)(quote - text) + 1);
		output_text(body, "\"");
	}
	output_text(body, text);
	output_text(body, "\"");
}

/* "0.29 DIAPERS + 0.08 SOUP + 0.34 (other)" */
static void put_reason(struct answer *answer, const struct member *member)
{
	struct output text;

	output_memory(&text);
	for (size_t i = 0; i < member->count; i++) {
		const struct item *item = &member->items[i];
		const char *label = labels_find(&answer->labels->tags,
						item->tag, strlen(item->tag));

		output_print(&text, "%s ", item->text);
		output_text(&text, label ? label : item->tag);
		output_text(&text, " + ");
	}
	output_print(&text, "%s (other)", member->other);
	output_write(&text, "", 1);
	put_field(&answer->body, (const char *)text.buffer);
	free(text.buffer);
}

static void write_csv(struct answer *answer, const struct summary *s)
{
	const struct label_set *who = &answer->labels->customers;
	struct output *body = &answer->body;

	for (size_t i = 0; i < s->member_count; i++) {
		const struct member *member = &s->members[i];

		if (answer->ask.batch) {
			put_field(body, s->query);
			output_text(body, ",");
		}
		put_field(body, member->name);
		if (who->given) {
			const char *label = labels_find(who, member->name,
							strlen(member->name));
			output_text(body, ",");
			put_field(body, label ? label : "");
		}
		output_print(body, ",%s,", member->similarity);
		put_reason(answer, member);
		output_print(body, ",%s,%s\r\n", answer->ask.loaded->id,
			     answer->ask.loaded->made);
	}
}

static void write_csv_header(struct answer *answer)
{
	output_print(&answer->body,
		     "%scustomer%s,similarity,reason,model,"
		     "date\r\n",
		     answer->ask.batch ? "query," : "",
		     answer->labels->customers.given ? ",name" : "");
}

/* --------------------------------------------------------------------- JSON */

/* Take back the last bytes, which are the ones given. */
static void take_back(struct output *body, const char *bytes)
{
	body->held -= strlen(bytes);
}

/* The names of a list, and of what holds it. */
static void put_list(struct output *body, const json_t *list)
{
	size_t i;
	json_t *value;

	output_text(body, "[");
	json_array_foreach(list, i, value)
	{
		output_text(body, i ? ", " : "");
		quote_json(body, json_string_value(value),
			   json_string_length(value));
	}
	output_text(body, "]");
}

/* Tags of the guest's profile that the model lacks. */
static void put_unknown_tags(struct answer *answer)
{
	const struct texts *tags = &answer->ask.loaded->model->matrix.tags;
	json_t *profile = json_object_get(answer->ask.body, "profile"), *value;
	const char *tag, *between = "";

	take_back(&answer->body, "}\n");
	output_text(&answer->body, ", \"unknown_tags\": [");
	json_object_foreach(profile, tag, value)
	{
		if (texts_find(tags, tag, strlen(tag)) != SIZE_MAX)
			continue;
		output_text(&answer->body, between);
		quote_json(&answer->body, tag, strlen(tag));
		between = ", ";
	}
	output_text(&answer->body, "]}\n");
}

static void put_audience(struct answer *answer)
{
	take_back(&answer->body, "}\n");
	output_print(&answer->body,
		     ", \"audience\": {\"seeds\": %zu, \"unknown\": ",
		     answer->ask.audience.seeds);
	put_list(&answer->body, answer->ask.lacking);
	output_text(&answer->body, "}}\n");
}

/* ----------------------------------------------------------------- writing */

static const struct model *asked_model(const struct answer *answer)
{
	const struct ask *ask = &answer->ask;

	return ask->whose == WHOSE_GUEST      ? &ask->guest.model
	       : ask->whose == WHOSE_AUDIENCE ? &ask->audience.model
					      : ask->loaded->model;
}

/* Describe the answer to query q. */
static const char *describe(struct answer *answer, struct describe *tool,
			    size_t q, struct summary *summary)
{
	const struct ask *ask = &answer->ask;
	const struct model *asked = asked_model(answer);
	const struct note note = {
		.metric = ask->metric == METRIC_DOT ? "dot" : "cosine",
		.without_signal = answer->zeros,
		.asked = ask->limit,
		.min_similarity = ask->has_least ? &ask->least : NULL,
	};
	const char *error;

	if (ask->whose == WHOSE_AUDIENCE || answer->csv)
		error = describe_list(tool, &note, asked, &answer->queries[q],
				      &answer->found[q], summary);
	else
		error = describe_query(tool, &note, asked, &answer->queries[q],
				       &answer->found[q], summary);
	if (error == NULL)
		summary->silent = answer->found[q].zero;
	return error;
}

static const char *write_query(struct answer *answer, struct describe *tool,
			       size_t q)
{
	struct summary summary;
	const char *error = describe(answer, tool, q, &summary);

	if (error != NULL)
		return error;
	if (answer->csv)
		write_csv(answer, &summary);
	else if (answer->ask.whose == WHOSE_AUDIENCE)
		report_list_json(&summary, answer->labels, &answer->body);
	else
		report_json(&summary, answer->labels, &answer->body);
	summary_free(&summary);
	return NULL;
}

/* A customer of a list that there is not. */
static void put_missing(struct output *body, const struct asked *asked)
{
	output_text(body, "{\"customer\": ");
	quote_json(body, asked->name, asked->length);
	output_text(body, ", \"error\": \"no such customer\"}\n");
}

static const char *write_batch(struct answer *answer, struct describe *tool)
{
	struct output *body = &answer->body;
	const char *error = NULL;
	size_t q = 0;

	output_text(body, "{\"answers\": [");
	for (size_t i = 0; i < answer->ask.count && error == NULL; i++) {
		const struct asked *asked = &answer->ask.customers[i];

		output_text(body, i ? ", " : "");
		if (asked->row == NEAREST_NONE)
			put_missing(body, asked);
		else
			error = write_query(answer, tool, q++);
		take_back(body, error ? "" : "\n");
	}
	output_text(body, "]}\n");
	return error;
}

static const char *write_all(struct answer *answer, struct describe *tool)
{
	const char *error = NULL;

	if (answer->csv)
		write_csv_header(answer);
	else if (answer->ask.batch)
		return write_batch(answer, tool);
	for (size_t q = 0; q < answer->count && error == NULL; q++)
		error = write_query(answer, tool, q);
	if (error != NULL || answer->csv)
		return error;
	if (answer->ask.whose == WHOSE_GUEST)
		put_unknown_tags(answer);
	else if (answer->ask.whose == WHOSE_AUDIENCE)
		put_audience(answer);
	return NULL;
}

void answer_write(struct answer *answer)
{
	struct loaded *loaded = answer->ask.loaded;
	enum metric metric = answer->ask.metric;

	output_memory(&answer->body);
	if (answer->ask.error == NULL) {
		struct describe tool = loaded_borrow(loaded, metric);
		const char *error = write_all(answer, &tool);

		loaded_return(loaded, metric, tool);
		if (error != NULL)
			ask_fail(&answer->ask, INTERNAL_ERROR, NULL, "%s",
				 error);
	}
	answer->status = OK;
	answer->type = answer->csv ? answer_csv : answer_json;
	if (answer->ask.error != NULL)
		write_error(answer);
}

/* ---------------------------------------------------------- without search */

void answer_profile(struct answer *answer)
{
	struct loaded *loaded = answer->ask.loaded;
	struct describe tool = loaded_borrow(loaded, METRIC_COSINE);
	const struct note note = {.metric = "cosine",
				  .without_signal = loaded->silent};
	struct summary summary;
	const char *error =
		describe_alone(&tool, &note, loaded->model,
			       answer->ask.customers[0].row, &summary);

	loaded_return(loaded, METRIC_COSINE, tool);
	output_memory(&answer->body);
	answer->status = OK;
	answer->type = answer_json;
	if (error != NULL) {
		ask_fail(&answer->ask, INTERNAL_ERROR, NULL, "%s", error);
		write_error(answer);
		return;
	}
	report_profile_json(&summary, answer->labels, &answer->body);
	summary_free(&summary);
}

static void put_pair(struct output *body, const char *before, const char *key,
		     const char *text)
{
	output_print(body, "%s\"%s\": ", before, key);
	quote_json(body, text, strlen(text));
}

void answer_model(struct output *body, const struct loaded *loaded)
{
	const struct model *model = loaded->model;
	const struct matrix *matrix = &model->matrix;

	put_pair(body, "{", "id", loaded->id);
	put_pair(body, ", ", "date", loaded->made);
	output_print(body,
		     ", \"customers\": %zu, \"without_signal\": %zu, "
		     "\"tags\": %zu, \"dimensions\": %zu, "
		     "\"median_pair\": %.3f, \"top_percent_pair\": %.3f, "
		     "\"pair_quantiles\": [",
		     matrix->n, loaded->silent, matrix->m, model->k,
		     model->median_pair, model->top_pair);
	for (size_t i = 0; i < LOADED_QUANTILES; i++)
		output_print(body, "%s[%g, %.5f]", i ? ", " : "",
			     loaded_shares[i], loaded->quantiles[i]);
	put_pair(body, "], \"columns\": {", "customer", matrix->customer);
	put_pair(body, ", ", "tag", matrix->tag);
	put_pair(body, ", ", "value", matrix->value);
	output_text(body, "}}\n");
}

/* --------------------------------------------------------------- customers */

struct listing {
	struct output *body;
	const struct loaded *loaded;
	const struct labels *labels;
	size_t count, limit;
	bool more;
};

/* Tags that the customer has. */
static size_t held(const struct matrix *matrix, size_t row)
{
	size_t count = 0;

	for (int64_t i = matrix->indptr[row]; i < matrix->indptr[row + 1]; i++)
		count += matrix->raw[i] > 0;
	return count;
}

static void put_customer(struct listing *listing, size_t row)
{
	const struct matrix *matrix = &listing->loaded->model->matrix;
	size_t length;
	const char *name = texts_at(&matrix->users, row, &length);
	const char *label =
		labels_find(&listing->labels->customers, name, length);

	if (listing->count == listing->limit) {
		listing->more = true;
		return;
	}
	output_text(listing->body, listing->count++ ? ", " : "");
	output_text(listing->body, "{\"customer\": ");
	quote_json(listing->body, name, length);
	output_text(listing->body, ", \"name\": ");
	if (label != NULL)
		quote_json(listing->body, label, strlen(label));
	else
		output_text(listing->body, "null");
	output_print(listing->body, ", \"tags\": %zu}", held(matrix, row));
}

/* The first row whose name is not below the text. */
static size_t first_from(const struct texts *users, const char *text,
			 size_t length)
{
	size_t low = 0, high = users->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2, size;
		const char *name = texts_at(users, middle, &size);

		if (names_compare(name, size, text, length) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool begins(const struct texts *users, size_t row, const char *prefix,
		   size_t length)
{
	size_t size;
	const char *name = texts_at(users, row, &size);

	return size >= length && memcmp(name, prefix, length) == 0;
}

/* The first label that is not below the prefix, case aside. */
static size_t first_label(const struct loaded *loaded, const char *prefix,
			  size_t length)
{
	size_t low = 0, high = loaded->labelled_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strncasecmp(loaded->labelled[middle].label, prefix,
				length) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void answer_customers(struct output *body, const struct loaded *loaded,
		      const struct labels *labels, const char *prefix,
		      size_t length, size_t limit)
{
	const struct texts *users = &loaded->model->matrix.users;
	struct listing listing = {.body = body,
				  .loaded = loaded,
				  .labels = labels,
				  .limit = limit};

	output_text(body, "{\"customers\": [");
	for (size_t row = first_from(users, prefix, length);
	     row < users->count && !listing.more &&
	     begins(users, row, prefix, length);
	     row++)
		put_customer(&listing, row);
	/* With an empty prefix all are there already. */
	for (size_t i = first_label(loaded, prefix, length);
	     length > 0 && i < loaded->labelled_count && !listing.more &&
	     strncasecmp(loaded->labelled[i].label, prefix, length) == 0;
	     i++)
		if (!begins(users, loaded->labelled[i].row, prefix, length))
			put_customer(&listing, loaded->labelled[i].row);
	output_print(body, "], \"more\": %s}\n",
		     listing.more ? "true" : "false");
}
