#include "events/plain_merge.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/ordered_work.h"
#include "events/profile_lines.h"

/* BATCH: bytes of all files that are read at a time, about; LEAST: of each file
 * at least.  PIECE: bytes that a thread merges at a time, about. */
enum { BATCH = 1 << 22, LEAST = 1 << 16, PIECE = 1 << 18 };

/* Lines of a file that wait to be merged. */
struct waiting {
	const char *bytes;
	size_t size;
	bool all;     /* no bytes follow */
	size_t limit; /* bytes up to the last customer of the batch */
	/* Merged: */
	size_t done, lines;
	struct string_slice customer, tag; /* of the last line */
};

/* What a thread merges a piece with. */
struct merger {
	struct profile_lines *lines; /* of each file */
	size_t *next;                /* customer of each file */
	struct output output;        /* in memory */
	struct run_writer writer;    /* to output */
	struct customer_sums sums;
	bool plain; /* all lines of the piece were parsed, no sum is too large
		     */
};

/* Customers of all files, in pieces. */
struct batch {
	size_t files, pieces;
	struct waiting *waiting; /* of each file */
	size_t *cuts; /* pieces + 1 times files: where each piece begins */
	struct merger *mergers;
	bool stopped;             /* a piece is for profile_reader_next */
	struct run_writer writer; /* as that of sums, with nothing written */
	struct customer_sums *sums;
	void (*write)(void *context, const void *bytes, size_t size);
	void *context;
};

/* -------------------------------------------------------------- the pieces */

/* Read lines of all files, and set the limit of each to the least of their last
 * customers.  False where there are none that can be merged. */
static bool read_lines(struct batch *batch, struct profile_reader *profiles)
{
	size_t size = BATCH / batch->files, total = 0;
	struct string_slice last = {0};

	for (size_t i = 0; i < batch->files; i++) {
		struct waiting *file = &batch->waiting[i];

		*file = (struct waiting){0};
		file->size = profile_reader_lines(profiles, i,
						  size > LEAST ? size : LEAST,
						  &file->bytes, &file->all);
		if (file->size == 0 && !file->all)
			return false;
		total += file->size;
		if (file->all)
			continue;
		struct string_slice own =
			profile_lines_customer_before(file->bytes, file->size);
		if (last.text == NULL ||
		    string_table_compare(own.text, own.length, last.text,
					 last.length) < 0)
			last = own;
	}
	for (size_t i = 0; i < batch->files; i++) {
		struct waiting *file = &batch->waiting[i];

		file->limit = last.text != NULL && file->size > 0
				      ? profile_lines_above(file->bytes, 0,
							    file->size, &last)
				      : file->size;
	}
	return total > 0;
}

/* The file that has most bytes in the batch; *total becomes those of all. */
static const struct waiting *largest_file(const struct batch *batch,
					  size_t *total)
{
	const struct waiting *largest = &batch->waiting[0];

	*total = 0;
	for (size_t i = 0; i < batch->files; i++) {
		*total += batch->waiting[i].limit;
		if (batch->waiting[i].limit > largest->limit)
			largest = &batch->waiting[i];
	}
	return largest;
}

/* Cut the batch at customers of the file that has most of it. */
static void cut_pieces(struct batch *batch)
{
	size_t total, files = batch->files;
	const struct waiting *largest = largest_file(batch, &total);

	batch->pieces = total / PIECE + 1;
	batch->cuts = alloc(alloc_product(batch->pieces + 1, files),
			    sizeof *batch->cuts);
	for (size_t piece = 1; piece < batch->pieces; piece++) {
		size_t at = profile_lines_boundary(
			largest->bytes, largest->limit,
			largest->limit / batch->pieces * piece);
		const size_t *before = batch->cuts + (piece - 1) * files;
		struct string_slice last = {0};
		if (at > 0)
			last = profile_lines_customer_before(largest->bytes,
							     at);
		for (size_t i = 0; i < files; i++)
			batch->cuts[piece * files + i] = profile_lines_above(
				batch->waiting[i].bytes, before[i],
				batch->waiting[i].limit, &last);
	}
	for (size_t i = 0; i < files; i++)
		batch->cuts[batch->pieces * files + i] =
			batch->waiting[i].limit;
}

/* ----------------------------------------------------------------- merging */

static bool parse_piece(const struct batch *batch, size_t piece,
			struct merger *merger)
{
	const size_t *cuts = batch->cuts + piece * batch->files;

	for (size_t i = 0; i < batch->files; i++) {
		merger->next[i] = 0;
		if (!profile_lines_parse(&merger->lines[i],
					 batch->waiting[i].bytes + cuts[i],
					 cuts[batch->files + i] - cuts[i]))
			return false;
	}
	return true;
}

/* The least of the files' next customers; NULL where none has any. */
static const struct string_slice *next_customer(const struct batch *batch,
						const struct merger *merger)
{
	const struct string_slice *least = NULL;

	for (size_t i = 0; i < batch->files; i++) {
		const struct profile_lines *lines = &merger->lines[i];
		const struct string_slice *name;

		if (merger->next[i] == lines->customers)
			continue;
		name = &lines->names[merger->next[i]];
		if (least == NULL ||
		    string_table_compare(name->text, name->length, least->text,
					 least->length) < 0)
			least = name;
	}
	return least;
}

/* Add the rows that the files have of the customer. */
static void add_rows(const struct batch *batch, struct merger *merger,
		     const struct string_slice *customer)
{
	for (size_t i = 0; i < batch->files; i++) {
		const struct profile_lines *lines = &merger->lines[i];
		size_t next = merger->next[i];

		if (next == lines->customers ||
		    string_table_compare(lines->names[next].text,
					 lines->names[next].length,
					 customer->text, customer->length) != 0)
			continue;
		for (size_t row = next > 0 ? lines->ends[next - 1] : 0;
		     row < lines->ends[next]; row++)
			customer_sums_add(
				&merger->sums,
				&(struct customer_row){lines->tags[row],
						       lines->events[row],
						       lines->values[row]});
		merger->next[i]++;
	}
}

/* Make what a thread needs, at its first piece. */
static void begin_merger(const struct batch *batch, struct merger *merger)
{
	merger->lines = alloc(batch->files, sizeof *merger->lines);
	merger->next = alloc(batch->files, sizeof *merger->next);
	output_memory(&merger->output);
	merger->sums.writer = &merger->writer;
	merger->sums.names = batch->sums->names;
}

/* Counts are those of the piece alone: it may not be taken. */
static void merge_piece(void *shared, size_t piece, unsigned thread)
{
	const struct batch *batch = shared;
	struct merger *merger = &batch->mergers[thread];
	const struct string_slice *customer;

	if (merger->lines == NULL)
		begin_merger(batch, merger);
	merger->writer = batch->writer;
	merger->writer.output = &merger->output;
	merger->sums.lines = merger->sums.forgotten = 0;
	merger->output.held = 0;
	merger->plain = parse_piece(batch, piece, merger);
	while (merger->plain &&
	       (customer = next_customer(batch, merger)) != NULL) {
		add_rows(batch, merger, customer);
		merger->plain =
			customer_sums_write(&merger->sums, customer->text,
					    customer->length) == NULL;
	}
}

/* Write a piece in its turn, unless one before it was not. */
static void take_piece(void *shared, size_t piece, unsigned thread)
{
	struct batch *batch = shared;
	struct merger *merger = &batch->mergers[thread];
	struct customer_sums *sums = batch->sums;

	batch->stopped = batch->stopped || !merger->plain;
	if (batch->stopped)
		return;
	batch->write(batch->context, merger->output.buffer,
		     merger->output.held);
	sums->lines += merger->sums.lines;
	sums->forgotten += merger->sums.forgotten;
	sums->writer->users += merger->writer.users;
	sums->writer->pairs += merger->writer.pairs;
	doubtful_names_merge(&sums->writer->doubtful, &merger->writer.doubtful);
	for (size_t i = 0; i < batch->files; i++) {
		const struct profile_lines *lines = &merger->lines[i];
		struct waiting *file = &batch->waiting[i];

		if (lines->pairs == 0)
			continue;
		file->done = batch->cuts[(piece + 1) * batch->files + i];
		file->lines += lines->pairs;
		file->customer = lines->names[lines->customers - 1];
		file->tag = lines->tags[lines->pairs - 1];
	}
}

/* Pass over what was merged; where nothing was, no file is in order. */
static void skip_lines(struct batch *batch, struct profile_reader *profiles)
{
	bool any = false;

	for (size_t i = 0; i < batch->files; i++) {
		const struct waiting *file = &batch->waiting[i];

		if (file->done == 0)
			continue;
		profile_reader_skip(profiles, i, file->done, file->lines,
				    &file->customer, &file->tag);
		any = true;
	}
	batch->stopped = batch->stopped || !any;
}

static void add_tags(struct string_table *all, const struct string_table *tags)
{
	for (size_t i = 0; i < tags->count; i++)
		string_table_add(all, string_table_text(tags, i),
				 string_table_length(tags, i));
}

static void free_mergers(struct batch *batch, unsigned threads)
{
	for (unsigned t = 0; t < threads; t++) {
		struct merger *merger = &batch->mergers[t];

		if (merger->lines == NULL)
			continue;
		add_tags(&batch->sums->tags, &merger->sums.tags);
		for (size_t i = 0; i < batch->files; i++)
			profile_lines_free(&merger->lines[i]);
		free(merger->lines);
		free(merger->next);
		free(merger->output.buffer);
		customer_sums_free(&merger->sums);
	}
	free(batch->mergers);
}

void plain_merge(struct profile_reader *profiles, unsigned threads,
		 struct customer_sums *sums,
		 void (*write)(void *context, const void *bytes, size_t size),
		 void *context)
{
	struct batch batch = {.files = profiles->file_count,
			      .sums = sums,
			      .write = write,
			      .context = context};

	batch.writer = *sums->writer;
	batch.writer.users = batch.writer.pairs = 0;
	batch.writer.doubtful = (struct doubtful_names){0};
	batch.waiting = alloc(batch.files, sizeof *batch.waiting);
	batch.mergers = alloc(threads, sizeof *batch.mergers);
	while (!batch.stopped && read_lines(&batch, profiles)) {
		cut_pieces(&batch);
		ordered_work_run(threads, batch.pieces, merge_piece, take_piece,
				 &batch);
		free(batch.cuts);
		skip_lines(&batch, profiles);
	}
	free_mergers(&batch, threads);
	free(batch.waiting);
}
