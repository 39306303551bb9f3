#include "explain/result_writer.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "explain/neighbours_profiles.h"
#include "explain/top_contributions.h"
#include "explain/neighbours_json.h"
#include "explain/neighbours_tsv.h"
#include "text/json_writer.h"
#include "text/tsv.h"
#include "base/thread_pool.h"

/* How many results a thread writes in one piece; pieces for each thread before
 * they are put together. */
enum { PIECE = 32, PIECES = 16 };

const char *const output_format_words[] = {[OUTPUT_TSV] = "tsv",
					   [OUTPUT_JSON] = "json",
					   [OUTPUT_IDS] = "ids",
					   NULL};

/* What one thread writes with. */
struct result_worker {
	const struct result_writer *writer;
	struct output *output; /* of the piece in hand, in memory */
	char **error;          /* of the piece in hand */
	struct top_contributions top;
	struct profile_writer profiles;
	struct model_metadata metadata;
};

/* Some pieces, written by all threads: a text for each. */
struct result_batch {
	struct result_writer *writer;
	const struct search_query *queries;
	const struct search_result *results;
	size_t count;
};

/* True where error is NULL; else the piece's first is kept, to be told when
 * all threads are done. */
static bool is_fine(struct result_worker *worker, const char *error)
{
	if (error != NULL && *worker->error == NULL)
		*worker->error = alloc_text(error, strlen(error));
	return error == NULL;
}

/* Write the #profile line of a row of the queries, or of a neighbour. */
static void write_profile(struct result_worker *worker,
			  const struct model *model, size_t row)
{
	bool is_customer = model == worker->writer->model;

	model = sharded_model_resolve(worker->writer->shards, model, &row);
	is_fine(worker,
		profile_writer_write_profile(&worker->profiles, worker->output,
					     model, row, is_customer));
}

/* The name of a customer; what is none is damage. */
static const char *name_of(struct result_worker *worker,
			   const struct model *model, size_t row,
			   size_t *length)
{
	const char *name = text_array_at(&model->matrix.users, row, length);

	if (*length == 0)
		is_fine(worker,
			error_text("tensor users.offsets is damaged: row "
				   "%zu",
				   row));
	return name;
}

/* A similar customer, with the reasons where they are wanted. */
static struct neighbour make_neighbour(struct result_worker *worker,
				       struct hit hit,
				       struct reason reasons[TOP_CONTRIBUTIONS])
{
	struct neighbour neighbour = {.reasons = reasons};

	is_fine(worker,
		worker->writer->options.why
			? top_contributions_hit(&worker->top, hit, &neighbour)
			: top_contributions_name(&worker->top, hit,
						 &neighbour));
	return neighbour;
}

/* Have the processor load the names of the hits. */
static void prefetch_names(const struct result_worker *worker,
			   const struct search_result *result)
{
	const struct text_array *names = &worker->writer->model->matrix.users;
	size_t length;

	for (size_t i = 0; i < result->count; i++)
		__builtin_prefetch(&names->offsets[result->hits[i].row]);
	for (size_t i = 0; i < result->count; i++)
		__builtin_prefetch(
			text_array_at(names, result->hits[i].row, &length));
}

static void write_tsv(struct result_worker *worker, size_t row,
		      const struct search_result *result)
{
	size_t length;
	const char *name =
		name_of(worker, worker->writer->query_model, row, &length);

	for (size_t i = 0; i < result->count; i++) {
		struct reason reasons[TOP_CONTRIBUTIONS];
		struct neighbour neighbour =
			make_neighbour(worker, result->hits[i], reasons);

		neighbours_write(worker->output, name, length, i + 1,
				 &neighbour, worker->writer->options.why);
	}
}

static void write_json_why(struct json_writer *json,
			   struct neighbour *neighbour)
{
	neighbours_round(neighbour);
	json_put_array(json, "why");
	for (size_t i = 0; i < neighbour->reason_count; i++) {
		const struct reason *reason = &neighbour->reasons[i];

		json_put_object(json, NULL);
		json_put_string(json, "tag", reason->tag, reason->length);
		json_put_fixed(json, "contribution", reason->contribution,
			       NEIGHBOURS_CONTRIBUTION_DECIMALS);
		json_put_end(json);
	}
	json_put_end(json);
	json_put_number(json, "other", neighbour->other);
}

static void write_json(struct result_worker *worker, size_t row,
		       const struct search_result *result)
{
	struct json_writer json;
	size_t length;
	const char *name =
		name_of(worker, worker->writer->query_model, row, &length);

	json_writer_init(&json, worker->output, JSON_STYLE_COMPACT);
	json_put_object(&json, NULL);
	json_put_string(&json, "query", name, length);
	json_put_array(&json, "neighbours");
	for (size_t i = 0; i < result->count; i++) {
		struct reason reasons[TOP_CONTRIBUTIONS];
		struct neighbour neighbour =
			make_neighbour(worker, result->hits[i], reasons);

		json_put_object(&json, NULL);
		json_put_count(&json, "rank", i + 1);
		json_put_string(&json, "customer", neighbour.name,
				neighbour.length);
		neighbours_json_put_similarity(&json, neighbour.similarity);
		if (worker->writer->options.why)
			write_json_why(&json, &neighbour);
		json_put_end(&json);
	}
	json_put_end(&json);
	neighbours_json_put_tied(&json, search_result_listed_tied(result),
				 (int64_t)result->tied);
	json_put_end(&json);
	output_text(worker->output, "\n");
}

static void write_ids(struct result_worker *worker,
		      const struct search_result *result)
{
	for (size_t i = 0; i < result->count; i++) {
		size_t length;
		const char *name = name_of(worker, worker->writer->model,
					   result->hits[i].row, &length);

		tsv_write_field(worker->output, name, length);
		output_text(worker->output, "\n");
	}
}

static void write_model(struct result_worker *worker, size_t row,
			const struct search_result *result)
{
	const struct result_writer *writer = worker->writer;
	struct query_metadata query = writer->options.metadata;

	query.captured = sharded_model_captured(writer->shards,
						writer->query_model, row);
	query.candidates = result->candidates;
	query.matching = result->matching;
	query.tied = result->tied;
	model_metadata_set_query(&worker->metadata, &query);
	neighbours_metadata_write_model(worker->output, &worker->metadata);
}

static void write_profiles(struct result_worker *worker,
			   const struct search_query *query,
			   const struct search_result *result)
{
	const struct result_writer *writer = worker->writer;

	write_profile(worker, writer->query_model, query->row);
	for (size_t i = 0; i < result->count; i++)
		if (result->hits[i].row != query->self)
			write_profile(worker, writer->model,
				      result->hits[i].row);
	is_fine(worker,
		profile_writer_write_tags(&worker->profiles, worker->output));
}

static void write_answer(struct result_worker *worker,
			 const struct search_query *query,
			 const struct search_result *result)
{
	size_t row = query->row;

	prefetch_names(worker, result);
	if (worker->writer->options.format == OUTPUT_IDS) {
		write_ids(worker, result);
		return;
	}
	if (worker->writer->options.why &&
	    !is_fine(worker,
		     top_contributions_query(&worker->top,
					     worker->writer->query_model, row)))
		return;
	if (worker->writer->options.why)
		top_contributions_prefetch(&worker->top, result->hits,
					   result->count);
	if (worker->writer->options.format == OUTPUT_JSON) {
		write_json(worker, row, result);
		return;
	}
	if (worker->writer->options.profiles)
		write_model(worker, row, result);
	write_tsv(worker, row, result);
	if (worker->writer->options.profiles)
		write_profiles(worker, query, result);
}

static void write_piece(void *shared, size_t piece, unsigned thread)
{
	struct result_batch *batch = shared;
	struct result_worker *worker = &batch->writer->each[thread];
	size_t first = piece * PIECE;

	worker->output = &batch->writer->texts[piece];
	worker->error = &batch->writer->errors[piece];
	for (size_t i = first; i < first + PIECE && i < batch->count; i++)
		if (batch->results[i].count > 0)
			write_answer(worker, &batch->queries[i],
				     &batch->results[i]);
}

/* Texts by all threads, then one after another to the output. */
static const char *write_batch(struct result_batch *batch,
			       struct output *output)
{
	struct result_writer *writer = batch->writer;
	size_t pieces = (batch->count + PIECE - 1) / PIECE;

	thread_pool_run(writer->threads, pieces, write_piece, batch);
	for (size_t i = 0; i < pieces; i++)
		if (writer->errors[i] != NULL)
			return writer->errors[i];
	for (size_t i = 0; i < pieces; i++) {
		struct output *text = &writer->texts[i];

		if (text->held > 0 && !writer->begun) {
			writer->begun = true;
			if (writer->options.format == OUTPUT_TSV)
				neighbours_write_header(output,
							writer->options.why);
		}
		output_write(output, text->buffer, text->held);
		text->held = 0;
	}
	return NULL;
}

const char *result_writer_write(struct result_writer *writer,
				struct output *output,
				const struct search_batch *searched)
{
	size_t count = searched->count;
	struct result_batch batch = {.writer = writer};
	size_t most = (size_t)PIECES * writer->threads * PIECE;
	const char *error = NULL;

	for (size_t done = 0; done < count && error == NULL;
	     done += batch.count) {
		batch.queries = searched->queries + done;
		batch.results = searched->results + done;
		batch.count = count - done < most ? count - done : most;
		error = write_batch(&batch, output);
	}
	return error;
}

void result_writer_begin(struct result_writer *writer,
			 const struct sharded_model *shards,
			 const struct model *query_model,
			 const struct output_options *options,
			 enum metric metric, unsigned threads)
{
	const struct model *model = &shards->whole;

	*writer = (struct result_writer){
		.shards = shards,
		.model = model,
		.query_model = query_model,
		.options = *options,
		.threads = threads,
		.each = alloc(threads, sizeof *writer->each),
		.texts = alloc((size_t)PIECES * threads, sizeof *writer->texts),
		.errors = alloc((size_t)PIECES * threads, sizeof(char *)),
	};
	contributions_begin(&writer->contributions, model, metric,
			    options->alpha);
	for (unsigned i = 0; i < threads; i++) {
		writer->each[i].writer = writer;
		top_contributions_begin(&writer->each[i].top, shards,
					&writer->contributions);
		profile_writer_init(&writer->each[i].profiles, model);
		model_metadata_init(&writer->each[i].metadata, model,
				    &options->metadata);
	}
	for (size_t i = 0; i < (size_t)PIECES * threads; i++)
		output_memory(&writer->texts[i]);
}

void result_writer_end(struct result_writer *writer)
{
	for (unsigned i = 0; i < writer->threads; i++) {
		profile_writer_free(&writer->each[i].profiles);
		model_metadata_free(&writer->each[i].metadata);
		top_contributions_end(&writer->each[i].top);
	}
	for (size_t i = 0; i < (size_t)PIECES * writer->threads; i++) {
		free(writer->texts[i].buffer);
		free(writer->errors[i]);
	}
	free(writer->each);
	free(writer->texts);
	free(writer->errors);
	contributions_end(&writer->contributions);
	*writer = (struct result_writer){0};
}
