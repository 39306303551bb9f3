#include "explain/result_writer.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "explain/top_contributions.h"
#include "explain/neighbours_tsv.h"
#include "text/json_writer.h"
#include "text/tsv.h"
#include "base/thread_pool.h"

/* How many answers a thread writes in one piece; pieces for each thread before
 * they are put together. */
enum { PIECE = 32, PIECES = 16 };

const char *const output_format_words[] = {[OUTPUT_TSV] = "tsv",
					   [OUTPUT_JSON] = "json",
					   [OUTPUT_IDS] = "ids",
					   NULL};

/* What a thread needs to write answers. */
struct pen {
	const struct result_writer *pens;
	struct output *output; /* of the piece in hand, in memory */
	char **error;          /* of the piece in hand */
	struct top_contributions explain;
	struct neighbours_metadata notes;
};

/* Some pieces, written by all threads: a text for each. */
struct sheets {
	struct result_writer *pens;
	const struct search_query *queries;
	const struct search_result *found;
	size_t count;
};

/* True where error is NULL; else the piece's first is kept, to be told when
 * all threads are done. */
static bool is_fine(struct pen *pen, const char *error)
{
	if (error != NULL && *pen->error == NULL)
		*pen->error = alloc_text(error, strlen(error));
	return error == NULL;
}

/* The #profile line of a row. */
static void write_profile(struct pen *pen, const struct model *model,
			  size_t row)
{
	model = sharded_model_resolve(pen->pens->shards, model, &row);
	is_fine(pen, neighbours_metadata_profile(&pen->notes, pen->output,
						 model, row));
}

/* The name of a customer; what is none is damage. */
static const char *name_of(struct pen *pen, const struct model *model,
			   size_t row, size_t *length)
{
	const char *name = text_array_at(&model->matrix.users, row, length);

	if (*length == 0)
		is_fine(pen, error_text("tensor users.offsets is damaged: row "
					"%zu",
					row));
	return name;
}

/* A similar customer, with the reasons where they are wanted. */
static struct neighbour make_neighbour(struct pen *pen, struct hit hit,
				       struct reason reasons[TOP_CONTRIBUTIONS])
{
	struct neighbour neighbour = {.reasons = reasons};

	is_fine(pen,
		pen->pens->manner.why
			? top_contributions_hit(&pen->explain, hit, &neighbour)
			: top_contributions_name(&pen->explain, hit,
						 &neighbour));
	return neighbour;
}

static void write_tsv(struct pen *pen, size_t row,
		      const struct search_result *found)
{
	size_t length;
	const char *name = name_of(pen, pen->pens->asked, row, &length);

	for (size_t i = 0; i < found->count; i++) {
		struct reason reasons[TOP_CONTRIBUTIONS];
		struct neighbour neighbour =
			make_neighbour(pen, found->hits[i], reasons);

		neighbours_write(pen->output, name, length, i + 1, &neighbour,
				 pen->pens->manner.why);
	}
}

static void write_json_why(struct output *output, struct neighbour *neighbour)
{
	neighbours_settle(neighbour);
	output_text(output, ",\"why\":[");
	for (size_t i = 0; i < neighbour->reason_count; i++) {
		const struct reason *reason = &neighbour->reasons[i];

		output_text(output, i ? ",{\"tag\":" : "{\"tag\":");
		json_write_string(output, reason->tag, reason->length);
		output_print(output, ",\"contribution\":%.6f}",
			     reason->contribution);
	}
	output_print(output, "],\"other\":%s", neighbour->other);
}

static void write_json(struct pen *pen, size_t row,
		       const struct search_result *found)
{
	struct output *output = pen->output;
	size_t length;
	const char *name = name_of(pen, pen->pens->asked, row, &length);

	output_text(output, "{\"query\":");
	json_write_string(output, name, length);
	output_text(output, ",\"neighbours\":[");
	for (size_t i = 0; i < found->count; i++) {
		struct reason reasons[TOP_CONTRIBUTIONS];
		struct neighbour neighbour =
			make_neighbour(pen, found->hits[i], reasons);

		output_print(output,
			     "%s{\"rank\":%zu,\"customer\":", i ? "," : "",
			     i + 1);
		json_write_string(output, neighbour.name, neighbour.length);
		output_print(output, ",\"similarity\":%.9g",
			     neighbour.similarity);
		if (pen->pens->manner.why)
			write_json_why(output, &neighbour);
		output_text(output, "}");
	}
	output_text(output, "]}\n");
}

static void write_ids(struct pen *pen, const struct search_result *found)
{
	for (size_t i = 0; i < found->count; i++) {
		size_t length;
		const char *name = name_of(pen, pen->pens->model,
					   found->hits[i].row, &length);

		tsv_write_field(pen->output, name, length);
		output_text(pen->output, "\n");
	}
}

static void write_note(struct pen *pen, const struct search_result *found)
{
	struct query_metadata note = pen->pens->manner.note;

	note.candidates = found->candidates;
	note.matching = found->matching;
	neighbours_metadata_model(&pen->notes, pen->output, &note);
}

static void write_profiles(struct pen *pen, const struct search_query *query,
			   const struct search_result *found)
{
	const struct result_writer *pens = pen->pens;

	write_profile(pen, pens->asked, query->asked);
	for (size_t i = 0; i < found->count; i++)
		if (found->hits[i].row != query->self)
			write_profile(pen, pens->model, found->hits[i].row);
	is_fine(pen, neighbours_metadata_tags(&pen->notes, pen->output));
}

static void write_answer(struct pen *pen, const struct search_query *query,
			 const struct search_result *found)
{
	size_t row = query->asked;

	if (pen->pens->manner.layout == OUTPUT_IDS) {
		write_ids(pen, found);
		return;
	}
	if (pen->pens->manner.why &&
	    !is_fine(pen, top_contributions_query(&pen->explain,
						  pen->pens->asked, row)))
		return;
	if (pen->pens->manner.layout == OUTPUT_JSON) {
		write_json(pen, row, found);
		return;
	}
	if (pen->pens->manner.profiles)
		write_note(pen, found);
	write_tsv(pen, row, found);
	if (pen->pens->manner.profiles)
		write_profiles(pen, query, found);
}

static void write_piece(void *shared, size_t piece, unsigned thread)
{
	struct sheets *sheets = shared;
	struct pen *pen = &sheets->pens->each[thread];
	size_t first = piece * PIECE;

	pen->output = &sheets->pens->texts[piece];
	pen->error = &sheets->pens->errors[piece];
	for (size_t i = first; i < first + PIECE && i < sheets->count; i++)
		if (sheets->found[i].count > 0)
			write_answer(pen, &sheets->queries[i],
				     &sheets->found[i]);
}

/* Texts by all threads, then one after another to the output. */
static const char *write_sheets(struct sheets *sheets, struct output *output)
{
	struct result_writer *pens = sheets->pens;
	size_t pieces = (sheets->count + PIECE - 1) / PIECE;

	thread_pool_run(pens->threads, pieces, write_piece, sheets);
	for (size_t i = 0; i < pieces; i++)
		if (pens->errors[i] != NULL)
			return pens->errors[i];
	for (size_t i = 0; i < pieces; i++) {
		struct output *text = &pens->texts[i];

		if (text->held > 0 && !pens->begun) {
			pens->begun = true;
			if (pens->manner.layout == OUTPUT_TSV)
				neighbours_write_header(output,
							pens->manner.why);
		}
		output_write(output, text->buffer, text->held);
		text->held = 0;
	}
	return NULL;
}

const char *result_writer_write(struct result_writer *pens,
				struct output *output,
				const struct search_query *queries,
				const struct search_result *found, size_t count)
{
	struct sheets sheets = {.pens = pens};
	size_t most = (size_t)PIECES * pens->threads * PIECE;
	const char *error = NULL;

	for (size_t done = 0; done < count && error == NULL;
	     done += sheets.count) {
		sheets.queries = queries + done;
		sheets.found = found + done;
		sheets.count = count - done < most ? count - done : most;
		error = write_sheets(&sheets, output);
	}
	return error;
}

void result_writer_begin(struct result_writer *pens,
			 const struct sharded_model *shards,
			 const struct model *asked,
			 const struct output_options *manner,
			 enum metric metric, unsigned threads)
{
	const struct model *model = &shards->whole;

	*pens = (struct result_writer){
		.shards = shards,
		.model = model,
		.asked = asked,
		.manner = *manner,
		.threads = threads,
		.each = alloc(threads, sizeof *pens->each),
		.texts = alloc((size_t)PIECES * threads, sizeof *pens->texts),
		.errors = alloc((size_t)PIECES * threads, sizeof(char *)),
	};
	contributions_begin(&pens->reasons, model, metric);
	pens->reasons.share = manner->share;
	for (unsigned i = 0; i < threads; i++) {
		pens->each[i].pens = pens;
		top_contributions_begin(&pens->each[i].explain, shards,
					&pens->reasons);
		neighbours_metadata_begin(&pens->each[i].notes, model);
	}
	for (size_t i = 0; i < (size_t)PIECES * threads; i++)
		output_memory(&pens->texts[i]);
}

void result_writer_end(struct result_writer *pens)
{
	for (unsigned i = 0; i < pens->threads; i++) {
		neighbours_metadata_end(&pens->each[i].notes);
		top_contributions_end(&pens->each[i].explain);
	}
	for (size_t i = 0; i < (size_t)PIECES * pens->threads; i++) {
		free(pens->texts[i].buffer);
		free(pens->errors[i]);
	}
	free(pens->each);
	free(pens->texts);
	free(pens->errors);
	contributions_end(&pens->reasons);
	*pens = (struct result_writer){0};
}
