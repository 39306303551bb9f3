#include "serve/predict_reply.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "explain/summary_builder.h"
#include "text/json_writer.h"
#include "explain/summary_json.h"

const char predict_reply_json[] = "application/json";
const char predict_reply_csv[] = "text/csv; charset=utf-8";

/* Of HTTP. */
enum { OK = 200, INTERNAL_ERROR = 500 };

/* ---------------------------------------------------------------- searching */

bool predict_reply_joins(const struct predict_reply *a,
			 const struct predict_reply *b)
{
	return a->ask.loaded == b->ask.loaded &&
	       a->ask.metric == b->ask.metric && a->ask.alpha == b->ask.alpha &&
	       a->ask.allowed == NULL && b->ask.allowed == NULL &&
	       !a->ask.has_least && !b->ask.has_least;
}

/* Add a query: a row of the model, or the one row of another. */
static void add_query(struct predict_reply *answer, const struct model *model,
		      size_t row, size_t self)
{
	struct search_query *query = &answer->queries[answer->count];
	const struct sharded_model *shards = &answer->ask.loaded->shards;

	/* Rows were checked when the model was loaded, or the query made. */
	if (sharded_model_query(shards, model, row, query) != NULL)
		return;
	query->self = self;
	query->asked = row;
	answer->count++;
}

/* The queries of the customers that there are. */
static void make_queries(struct predict_reply *answer)
{
	const struct predict_request *ask = &answer->ask;

	answer->queries = alloc(ask->count + 1, sizeof *answer->queries);
	answer->found = alloc(ask->count + 1, sizeof *answer->found);
	if (ask->whose == WHOSE_GUEST)
		add_query(answer, &ask->guest.model, 0, ROW_NONE);
	if (ask->whose == WHOSE_AUDIENCE)
		add_query(answer, &ask->audience.model, 0, ROW_NONE);
	for (size_t i = 0; i < ask->count; i++) {
		size_t row = ask->customers[i].row;

		if (row != ROW_NONE)
			add_query(answer, ask->loaded->model, row, row);
	}
}

/* Hand each answer its part of what was found for all. */
static void share(struct predict_reply *const answers[], size_t count,
		  struct search_result *found, size_t zeros)
{
	for (size_t i = 0; i < count; i++) {
		struct predict_reply *answer = answers[i];

		for (size_t q = 0; q < answer->count; q++) {
			answer->found[q] = *found++;
			if (answer->found[q].count > answer->ask.limit)
				answer->found[q].count = answer->ask.limit;
		}
		answer->zeros = zeros;
	}
}

static const char *search_all(struct predict_reply *const answers[],
			      size_t count, const struct search_query *queries,
			      size_t total, struct search_result *found,
			      unsigned threads, size_t *zeros)
{
	const struct predict_request *first = &answers[0]->ask;
	struct exact_search search = {
		.d = first->loaded->model->k,
		.metric = first->metric,
		.alpha = first->alpha,
		.min_score = first->least,
		.allowed = first->allowed,
		.count_matching = first->has_least,
		.quiet = true,
		.threads = threads,
	};

	for (size_t i = 0; i < count; i++)
		if (search.limit < answers[i]->ask.limit)
			search.limit = answers[i]->ask.limit;
	return sharded_model_search(&first->loaded->shards, &search, queries,
				    total, found, zeros);
}

void predict_reply_search(struct predict_reply *const answers[], size_t count,
			  unsigned threads)
{
	size_t total = 0, zeros = 0;
	struct search_query *queries;
	struct search_result *found;
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
		predict_request_fail(&answers[i]->ask, INTERNAL_ERROR, NULL,
				     "%s", error);
	free(queries);
	free(found);
}

void predict_reply_end(struct predict_reply *answer)
{
	search_results_free(answer->found, answer->found ? answer->count : 0);
	free(answer->found);
	free(answer->queries);
	free(answer->body.buffer);
	predict_request_end(&answer->ask);
}

/* ------------------------------------------------------------------- errors */

void predict_reply_error(struct output *body, const char *error,
			 const char *field)
{
	output_text(body, "{\"error\": ");
	json_write_string(body, error, strlen(error));
	output_text(body, ", \"field\": ");
	if (field != NULL)
		json_write_string(body, field, strlen(field));
	else
		output_text(body, "null");
	output_text(body, "}\n");
}

static void write_error(struct predict_reply *answer)
{
	answer->status = answer->ask.status;
	answer->type = predict_reply_json;
	answer->body.held = 0;
	predict_reply_error(&answer->body, answer->ask.error,
			    answer->ask.field);
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
static void put_reason(struct predict_reply *answer, const struct summary *s,
		       const struct summary_neighbour *neighbour)
{
	struct output text;

	output_memory(&text);
	for (size_t i = 0; i < neighbour->count; i++) {
		const char *tag =
			summary_tag_name(s, neighbour->contributions[i].tag);
		const char *label = display_names_find(&answer->labels->tags,
						       tag, strlen(tag));

		output_print(&text, "%.6f ",
			     neighbour->contributions[i].amount);
		output_text(&text, label ? label : tag);
		output_text(&text, " + ");
	}
	output_print(&text, "%s (other)", neighbour->other);
	output_write(&text, "", 1);
	put_field(&answer->body, (const char *)text.buffer);
	free(text.buffer);
}

static void write_csv(struct predict_reply *answer, const struct summary *s)
{
	const struct display_name_set *who = &answer->labels->customers;
	struct output *body = &answer->body;

	for (size_t i = 0; i < s->neighbour_count; i++) {
		const struct summary_neighbour *neighbour = &s->neighbours[i];

		if (answer->ask.batch) {
			put_field(body, s->query);
			output_text(body, ",");
		}
		put_field(body, neighbour->name);
		if (who->given) {
			const char *label = display_names_find(
				who, neighbour->name, strlen(neighbour->name));
			output_text(body, ",");
			put_field(body, label ? label : "");
		}
		output_print(body, ",%.9g,", neighbour->similarity);
		put_reason(answer, s, neighbour);
		output_print(body, ",%s,%s\r\n", answer->ask.loaded->id,
			     answer->ask.loaded->made);
	}
}

static void write_csv_header(struct predict_reply *answer)
{
	output_print(&answer->body,
		     "%scustomer%s,similarity,reason,model,"
		     "date\r\n",
		     answer->ask.batch ? "query," : "",
		     answer->labels->customers.given ? ",name" : "");
}

/* --------------------------------------------------------------------- JSON */

/* Tags of the new customer's profile that the model lacks. */
static void put_unknown_tags(struct json_writer *json,
			     const struct predict_request *ask)
{
	const struct text_array *tags = &ask->loaded->model->matrix.tags;
	json_t *profile = json_object_get(ask->body, "profile"), *value;
	const char *tag;

	json_put_array(json, "unknown_tags");
	json_object_foreach(profile, tag, value)
	{
		if (text_array_find(tags, tag, strlen(tag)) == SIZE_MAX)
			json_put_text(json, NULL, tag);
	}
	json_put_end(json);
}

static void put_audience(struct json_writer *json,
			 const struct predict_request *ask)
{
	size_t i;
	json_t *name;

	json_put_object(json, "audience");
	json_put_count(json, "seeds", ask->audience.customers);
	json_put_array(json, "unknown");
	json_array_foreach(ask->lacking, i, name)
	{
		json_put_string(json, NULL, json_string_value(name),
				json_string_length(name));
	}
	json_put_end(json);
	json_put_end(json);
}

/* ----------------------------------------------------------------- writing */

static const struct model *asked_model(const struct predict_reply *answer)
{
	const struct predict_request *ask = &answer->ask;

	return ask->whose == WHOSE_GUEST      ? &ask->guest.model
	       : ask->whose == WHOSE_AUDIENCE ? &ask->audience.model
					      : ask->loaded->model;
}

/* Describe the answer to query q. */
static const char *describe(struct predict_reply *answer,
			    struct summary_builder *tool, size_t q,
			    struct summary *summary)
{
	const struct predict_request *ask = &answer->ask;
	const struct model *asked = asked_model(answer);
	struct query_metadata metadata = {
		.without_signal = answer->zeros,
		.asked = ask->limit,
		.min_similarity = ask->has_least ? &ask->least : NULL,
	};
	const char *error;

	served_model_describe(ask->loaded, ask->metric, ask->alpha, &metadata);
	if (ask->whose == WHOSE_AUDIENCE || answer->csv)
		error = summary_builder_list(tool, &metadata, asked,
					     &answer->queries[q],
					     &answer->found[q], summary);
	else
		error = summary_builder_query(tool, &metadata, asked,
					      &answer->queries[q],
					      &answer->found[q], summary);
	if (error == NULL)
		summary->zero_vector = answer->found[q].zero;
	return error;
}

/* Write the answer to query q as CSV, or as a JSON object. */
static const char *write_query(struct predict_reply *answer,
			       struct summary_builder *tool, size_t q,
			       struct json_writer *json)
{
	const struct predict_request *ask = &answer->ask;
	struct summary summary;
	const char *error = describe(answer, tool, q, &summary);

	if (error != NULL)
		return error;
	if (answer->csv) {
		write_csv(answer, &summary);
		summary_free(&summary);
		return NULL;
	}
	json_put_object(json, NULL);
	if (ask->whose == WHOSE_AUDIENCE) {
		summary_json_put_list(json, &summary, answer->labels);
		put_audience(json, ask);
	} else {
		summary_json_put(json, &summary, answer->labels);
	}
	if (ask->whose == WHOSE_GUEST)
		put_unknown_tags(json, ask);
	json_put_end(json);
	summary_free(&summary);
	return NULL;
}

/* A customer of a list that there is not. */
static void put_missing(struct json_writer *json, const struct asked *asked)
{
	json_put_object(json, NULL);
	json_put_string(json, "customer", asked->name, asked->length);
	json_put_text(json, "error", "no such customer");
	json_put_end(json);
}

static const char *write_batch(struct predict_reply *answer,
			       struct summary_builder *tool,
			       struct json_writer *json)
{
	const char *error = NULL;
	size_t q = 0;

	json_put_object(json, NULL);
	json_put_array(json, "answers");
	for (size_t i = 0; i < answer->ask.count && error == NULL; i++) {
		const struct asked *asked = &answer->ask.customers[i];

		if (asked->row == ROW_NONE)
			put_missing(json, asked);
		else
			error = write_query(answer, tool, q++, json);
	}
	json_put_end(json);
	json_put_end(json);
	return error;
}

static const char *write_all(struct predict_reply *answer,
			     struct summary_builder *tool)
{
	struct json_writer json;
	const char *error = NULL;

	json_writer_init(&json, &answer->body, JSON_STYLE_SPACED);
	if (answer->csv)
		write_csv_header(answer);
	if (answer->ask.batch && !answer->csv)
		error = write_batch(answer, tool, &json);
	else
		for (size_t q = 0; q < answer->count && error == NULL; q++)
			error = write_query(answer, tool, q, &json);
	if (!answer->csv)
		output_text(&answer->body, "\n");
	return error;
}

void predict_reply_write(struct predict_reply *answer)
{
	struct served_model *loaded = answer->ask.loaded;
	enum metric metric = answer->ask.metric;

	output_memory(&answer->body);
	if (answer->ask.error == NULL) {
		struct summary_builder tool =
			served_model_borrow(loaded, metric);
		const struct contributions *shared = tool.top.contributions;
		struct contributions contributions = *shared;
		const char *error;

		/* All but alpha are the model's. */
		contributions.alpha = answer->ask.alpha;
		tool.top.contributions = &contributions;
		error = write_all(answer, &tool);
		tool.top.contributions = shared;
		served_model_return(loaded, metric, tool);
		if (error != NULL)
			predict_request_fail(&answer->ask, INTERNAL_ERROR, NULL,
					     "%s", error);
	}
	answer->status = OK;
	answer->type = answer->csv ? predict_reply_csv : predict_reply_json;
	if (answer->ask.error != NULL)
		write_error(answer);
}

/* ---------------------------------------------------------- without search */

void predict_reply_profile(struct predict_reply *answer)
{
	struct served_model *loaded = answer->ask.loaded;
	struct summary_builder tool =
		served_model_borrow(loaded, loaded->metric);
	struct query_metadata metadata = {.without_signal = loaded->silent};
	struct summary summary;
	struct json_writer json;
	const char *error;

	served_model_describe(loaded, loaded->metric, DEFAULT_ALPHA, &metadata);
	error = summary_builder_alone(&tool, &metadata, loaded->model,
				      answer->ask.customers[0].row, &summary);

	served_model_return(loaded, loaded->metric, tool);
	output_memory(&answer->body);
	answer->status = OK;
	answer->type = predict_reply_json;
	if (error != NULL) {
		predict_request_fail(&answer->ask, INTERNAL_ERROR, NULL, "%s",
				     error);
		write_error(answer);
		return;
	}
	json_writer_init(&json, &answer->body, JSON_STYLE_SPACED);
	json_put_object(&json, NULL);
	summary_json_put_profile(&json, &summary, answer->labels);
	json_put_end(&json);
	output_text(&answer->body, "\n");
	summary_free(&summary);
}

static void put_pair(struct output *body, const char *before, const char *key,
		     const char *text)
{
	output_print(body, "%s\"%s\": ", before, key);
	json_write_string(body, text, strlen(text));
}

void predict_reply_model(struct output *body, const struct served_model *loaded)
{
	const struct model *model = loaded->model;
	const struct csr_matrix *matrix = &model->matrix;

	struct query_metadata metadata = {0};

	served_model_describe(loaded, loaded->metric, DEFAULT_ALPHA, &metadata);
	put_pair(body, "{", "id", loaded->id);
	put_pair(body, ", ", "date", loaded->made);
	output_print(
		body,
		", \"customers\": %zu, \"without_signal\": %zu, "
		"\"tags\": %zu, \"dimensions\": %zu, "
		"\"metric\": \"%s\", \"median_pair\": %.3f, \"top_percent_pair\": %.3f, "
		"\"pair_quantiles\": [",
		matrix->n, loaded->silent, matrix->m, model->k, metadata.metric,
		metadata.median_pair, metadata.top_pair);
	for (size_t i = 0; i < SERVED_MODEL_QUANTILES; i++)
		output_print(body, "%s[%g, %.5f]", i ? ", " : "",
			     served_model_shares[i],
			     loaded->quantiles[loaded->metric][i]);
	put_pair(body, "], \"columns\": {", "customer", matrix->customer);
	put_pair(body, ", ", "tag", matrix->tag);
	put_pair(body, ", ", "value", matrix->value);
	output_text(body, "}}\n");
}

/* --------------------------------------------------------------- customers */

struct listing {
	struct output *body;
	const struct served_model *loaded;
	const struct display_names *labels;
	size_t count, limit;
	bool more;
};

/* Tags that the customer has. */
static size_t held(const struct csr_matrix *matrix, size_t row)
{
	size_t count = 0;

	for (int64_t i = matrix->indptr[row]; i < matrix->indptr[row + 1]; i++)
		count += matrix->raw[i] > 0;
	return count;
}

static void put_customer(struct listing *listing, size_t row)
{
	const struct csr_matrix *matrix = &listing->loaded->model->matrix;
	size_t length;
	const char *name = text_array_at(&matrix->users, row, &length);
	const char *label =
		display_names_find(&listing->labels->customers, name, length);

	if (listing->count == listing->limit) {
		listing->more = true;
		return;
	}
	output_text(listing->body, listing->count++ ? ", " : "");
	output_text(listing->body, "{\"customer\": ");
	json_write_string(listing->body, name, length);
	output_text(listing->body, ", \"name\": ");
	if (label != NULL)
		json_write_string(listing->body, label, strlen(label));
	else
		output_text(listing->body, "null");
	output_print(listing->body, ", \"tags\": %zu}", held(matrix, row));
}

/* The first row whose name is not below the text. */
static size_t first_from(const struct text_array *users, const char *text,
			 size_t length)
{
	size_t low = 0, high = users->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2, size;
		const char *name = text_array_at(users, middle, &size);

		if (string_table_compare(name, size, text, length) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool begins(const struct text_array *users, size_t row,
		   const char *prefix, size_t length)
{
	size_t size;
	const char *name = text_array_at(users, row, &size);

	return size >= length && memcmp(name, prefix, length) == 0;
}

/* The first label that is not below the prefix, case aside. */
static size_t first_label(const struct served_model *loaded, const char *prefix,
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

void predict_reply_customers(struct output *body,
			     const struct served_model *loaded,
			     const struct display_names *labels,
			     const char *prefix, size_t length, size_t limit)
{
	const struct text_array *users = &loaded->model->matrix.users;
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
