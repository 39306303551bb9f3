#include "serve/predict_reply.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bitset.h"
#include "base/utf8.h"
#include "explain/summary_builder.h"
#include "serve/group_tags.h"
#include "serve/reply_csv.h"
#include "serve/tag_facts.h"
#include "serve/tag_reply.h"
#include "serve/segments_reply.h"
#include "text/json_writer.h"
#include "explain/summary_json.h"

const char predict_reply_json[] = "application/json";
const char predict_reply_csv[] = "text/csv; charset=utf-8";

enum { SHARED_TAGS = 12 }; /* of a group, at most */

/* Of HTTP. */
enum { OK = 200, NOT_FOUND = 404, INTERNAL_ERROR = 500 };

void predict_reply_trim(struct predict_reply *reply)
{
	search_results_free(reply->results, reply->results ? reply->count : 0);
	free(reply->results);
	free(reply->queries);
	predict_request_trim(&reply->request);
	reply->results = NULL;
	reply->queries = NULL;
	reply->count = 0;
}

void predict_reply_end(struct predict_reply *reply)
{
	predict_reply_trim(reply);
	free(reply->body.buffer);
	served_model_discard(reply->builder);
	predict_request_end(&reply->request);
	reply->builder = NULL;
	reply->body = (struct output){0};
}

void predict_reply_fail(struct predict_reply *reply)
{
	predict_reply_end(reply);
	reply->failed = true;
}

void predict_reply_error(struct output *body, const char *error,
			 const char *field)
{
	struct json_writer writer;

	json_writer_init(&writer, body, JSON_STYLE_SPACED);
	json_put_object(&writer, NULL);
	json_put_text(&writer, "error", error);
	json_put_text(&writer, "field", field);
	json_put_end(&writer);
	output_text(body, "\n");
}

static void write_error(struct predict_reply *reply)
{
	reply->status = reply->request.status;
	reply->type = predict_reply_json;
	reply->body.held = 0;
	predict_reply_error(&reply->body, reply->request.error,
			    reply->request.field);
}

/* Tags of the new customer's profile that the model lacks. */
static void put_unknown_tags(struct json_writer *json,
			     const struct predict_request *request)
{
	const struct text_array *tags = &request->served->model->matrix.tags;
	json_t *profile = json_object_get(request->body, "profile"), *value;
	const char *tag;

	json_put_array(json, "unknown_tags");
	json_object_foreach(profile, tag, value)
	{
		if (text_array_find_shown(tags, tag, strlen(tag)) == SIZE_MAX)
			json_put_text(json, NULL, tag);
	}
	json_put_end(json);
}

/* Ids that the model lacks. */
static void put_unknown(struct json_writer *json, const json_t *names)
{
	size_t i;
	json_t *name;

	json_put_array(json, "unknown");
	json_array_foreach(names, i, name)
	{
		json_put_string(json, NULL, json_string_value(name),
				json_string_length(name));
	}
	json_put_end(json);
}

/* What the customers of the audience and those found have in common. */
static void put_shares(struct json_writer *json,
		       const struct predict_reply *reply, size_t q)
{
	const struct served_model *served = reply->request.served;
	const struct search_result *result = &reply->results[q];
	uint64_t *found = bitset_new(served->model->matrix.n);

	for (size_t i = 0; i < result->count; i++)
		bitset_set(found, result->hits[i].row);
	group_tags_put(json, "seeds_share", served, reply->labels,
		       reply->request.seeds, SIZE_MAX, SHARED_TAGS);
	group_tags_put(json, "found_share", served, reply->labels, found,
		       SIZE_MAX, SHARED_TAGS);
	free(found);
}

static void put_audience(struct json_writer *json,
			 const struct predict_reply *reply, size_t q)
{
	const struct predict_request *request = &reply->request;

	json_put_object(json, "audience");
	json_put_count(json, "seeds", request->row.customers);
	put_unknown(json, request->unknown);
	if (!request->without_why)
		put_shares(json, reply, q);
	json_put_end(json);
}

/* What became of the ids in a list, where the model lacks some. */
static void put_list(struct json_writer *json, const char *field,
		     const struct request_list *list)
{
	if (list->known == list->given)
		return;
	json_put_object(json, field);
	json_put_count(json, "given", list->given);
	json_put_count(json, "known", list->known);
	put_unknown(json, list->unknown);
	json_put_end(json);
}

/* How much of an exact search's neighbours the index finds. */
static void put_recall(struct json_writer *json,
		       const struct predict_request *request)
{
	double measured;
	size_t cells;

	if (request->recall <= 0)
		return;
	cells = predict_request_cells(request, &measured);
	json_put_object(json, "index");
	json_put_fixed(json, "recall", measured, 4);
	json_put_count(json, "cells", cells);
	json_put_count(json, "of", request->served->shards.indexes[0].cells);
	json_put_end(json);
}

static void put_search_facts(struct json_writer *json,
			     const struct predict_request *request)
{
	put_recall(json, request);
	put_list(json, "among", &request->among);
	put_list(json, "not", &request->without);
}

static const struct model *query_model_of(const struct predict_reply *reply)
{
	const struct predict_request *request = &reply->request;

	return request->kind == REQUEST_CUSTOMERS ? request->served->model
						  : &request->row.model;
}

/* Is nothing wanted of the neighbours but who they are? */
static bool lists_only(const struct predict_request *request)
{
	return request->kind == REQUEST_GROUP || request->without_why;
}

/* Describe the reply to query q. */
static const char *describe(struct predict_reply *reply,
			    struct summary_builder *builder, size_t q,
			    struct summary *summary)
{
	const struct predict_request *request = &reply->request;
	const struct model *query_model = query_model_of(reply);
	struct query_metadata metadata = {
		.without_signal = reply->zeros,
		.limit = request->limit,
		.min_similarity = request->has_min_similarity
					  ? &request->min_similarity
					  : NULL,
	};
	const char *error;

	served_model_describe(request->served, request->metric, request->alpha,
			      &metadata);
	if (request->without_why)
		error = summary_builder_names(builder, &metadata, query_model,
					      &reply->queries[q],
					      &reply->results[q], summary);
	else if (lists_only(request) || reply->csv)
		error = summary_builder_list(builder, &metadata, query_model,
					     &reply->queries[q],
					     &reply->results[q], summary);
	else
		error = summary_builder_query(builder, &metadata, query_model,
					      &reply->queries[q],
					      &reply->results[q], summary);
	if (error == NULL)
		summary->zero_vector = reply->results[q].zero;
	return error;
}

static struct reply_csv csv_of(struct predict_reply *reply)
{
	return (struct reply_csv){.body = &reply->body,
				  .labels = reply->labels,
				  .served = reply->request.served,
				  .safe = reply->safe,
				  .batch = reply->request.batch};
}

/* Write the reply to query q as CSV, or as a JSON object. */
static const char *write_query(struct predict_reply *reply,
			       struct summary_builder *builder, size_t q,
			       struct json_writer *json)
{
	const struct predict_request *request = &reply->request;
	struct summary summary;
	const char *error = describe(reply, builder, q, &summary);

	if (error != NULL)
		return error;
	if (reply->csv) {
		const struct reply_csv csv = csv_of(reply);

		reply_csv_write(&csv, &summary);
		summary_free(&summary);
		return NULL;
	}
	json_put_object(json, NULL);
	if (lists_only(request))
		summary_json_put_list(json, &summary, reply->labels);
	else
		summary_json_put(json, &summary, reply->labels);
	if (request->kind == REQUEST_GROUP)
		put_audience(json, reply, q);
	if (request->kind == REQUEST_PROFILE)
		put_unknown_tags(json, request);
	if (request->kind == REQUEST_CUSTOMERS &&
	    request->served->segments != NULL)
		segments_reply_put(json, request->served,
				   reply->queries[q].self);
	if (!request->batch)
		put_search_facts(json, request);
	json_put_end(json);
	summary_free(&summary);
	return NULL;
}

/* A customer of a list that there is not. */
static void put_missing(struct json_writer *json,
			const struct request_customer *customer)
{
	json_put_object(json, NULL);
	json_put_string(json, "customer", customer->name, customer->length);
	json_put_text(json, "error", "no such customer");
	json_put_end(json);
}

static const char *write_batch(struct predict_reply *reply,
			       struct summary_builder *builder,
			       struct json_writer *json)
{
	const char *error = NULL;
	size_t q = 0;

	json_put_object(json, NULL);
	json_put_array(json, "answers");
	for (size_t i = 0; i < reply->request.count && error == NULL; i++) {
		const struct request_customer *customer =
			&reply->request.customers[i];

		if (customer->row == ROW_NONE)
			put_missing(json, customer);
		else
			error = write_query(reply, builder, q++, json);
	}
	json_put_end(json);
	put_search_facts(json, &reply->request);
	json_put_end(json);
	return error;
}

static const char *write_all(struct predict_reply *reply,
			     struct summary_builder *builder)
{
	struct json_writer json;
	const char *error = NULL;

	const struct reply_csv csv = csv_of(reply);

	json_writer_init(&json, &reply->body, JSON_STYLE_SPACED);
	if (reply->csv)
		reply_csv_write_header(&csv);
	if (reply->request.batch && !reply->csv)
		error = write_batch(reply, builder, &json);
	else
		for (size_t q = 0; q < reply->count && error == NULL; q++)
			error = write_query(reply, builder, q, &json);
	if (!reply->csv)
		output_text(&reply->body, "\n");
	return error;
}

static void borrow_builder(struct predict_reply *reply, enum metric metric)
{
	reply->builder = served_model_borrow(reply->request.served, metric);
	reply->builder_metric = metric;
}

void predict_reply_return(struct predict_reply *reply)
{
	if (reply->builder != NULL)
		served_model_return(reply->request.served,
				    reply->builder_metric, reply->builder);
	reply->builder = NULL;
}

static const char *write_with_builder(struct predict_reply *reply)
{
	struct served_model *served = reply->request.served;
	enum metric metric = reply->request.metric;
	struct contributions contributions = served->reasons[metric];
	struct summary_builder *builder;
	const char *error;

	borrow_builder(reply, metric);
	builder = &reply->builder->summary;
	/* All but alpha are the model's. */
	contributions.alpha = reply->request.alpha;
	builder->top.contributions = &contributions;
	error = write_all(reply, builder);
	builder->top.contributions = &served->reasons[metric];
	return error;
}

void predict_reply_write(struct predict_reply *reply)
{
	output_memory(&reply->body);
	if (reply->request.error == NULL) {
		const char *error = write_with_builder(reply);

		if (error != NULL)
			predict_request_fail(&reply->request, INTERNAL_ERROR,
					     NULL, "%s", error);
	}
	reply->status = OK;
	reply->type = reply->csv ? predict_reply_csv : predict_reply_json;
	if (reply->request.error != NULL)
		write_error(reply);
}

void predict_reply_profile(struct predict_reply *reply)
{
	struct served_model *served = reply->request.served;
	struct query_metadata metadata = {.without_signal =
						  served->zero_vectors};
	struct summary summary;
	struct json_writer json;
	const char *error;

	served_model_describe(served, served->metric, served->alpha, &metadata);
	borrow_builder(reply, served->metric);
	error = summary_builder_alone(
		&reply->builder->summary, &metadata, served->model,
		reply->request.customers[0].row, &summary);
	if (error != NULL) {
		predict_request_fail(&reply->request, INTERNAL_ERROR, NULL,
				     "%s", error);
		return;
	}
	output_memory(&reply->body);
	reply->status = OK;
	reply->type = predict_reply_json;
	json_writer_init(&json, &reply->body, JSON_STYLE_SPACED);
	json_put_object(&json, NULL);
	summary_json_put_profile(&json, &summary, reply->labels);
	tag_facts_put_as_active(&json, &served->facts, &served->model->matrix,
				reply->request.customers[0].row);
	json_put_end(&json);
	output_text(&reply->body, "\n");
	summary_free(&summary);
}

void predict_reply_tag(struct predict_reply *reply, const char *id,
		       size_t length)
{
	output_memory(&reply->body);
	reply->status = OK;
	reply->type = predict_reply_json;
	if (tag_reply_write(&reply->body, reply->request.served, reply->labels,
			    id, length))
		return;
	free(reply->body.buffer);
	reply->body = (struct output){0};
	predict_request_fail(&reply->request, NOT_FOUND, "tag", "no tag %.*s",
			     (int)utf8_cut(id, length, 200), id);
}
