#include "events/spill_runs.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/string_table.h"
#include "base/tempfile.h"

/* READ_SIZE: bytes of a run that are read at a time.  MAX_WAYS: runs that are
 * merged at a time, at most; a row costs the logarithm of that.  VARINT: bytes
 * of the longest varint.  FLUSH: bytes that are held before they are written.
 */
enum { READ_SIZE = 1 << 16, MAX_WAYS = 1024, VARINT = 19, FLUSH = 1 << 20 };

__extension__ typedef unsigned __int128 varint_value;

/* ------------------------------------------------------------------ writing */

static unsigned char *put_varint(unsigned char *at, varint_value value)
{
	for (; value >= 0x80; value >>= 7)
		*at++ = (unsigned char)(value & 0x7f) | 0x80;
	*at++ = (unsigned char)value;
	return at;
}

static void put_text(struct run_writer *writer, const char *text, size_t length)
{
	unsigned char bytes[VARINT];

	output_write(writer->output, bytes,
		     (size_t)(put_varint(bytes, length) - bytes));
	output_write(writer->output, text, length);
}

static void put_run(struct run_writer *writer, const char *tag, size_t length,
		    uint64_t events, decimal value)
{
	varint_value zigzag =
		(varint_value)value << 1 ^ (value < 0 ? ~(varint_value)0 : 0);
	unsigned char bytes[2 * VARINT], *at;

	put_text(writer, tag, length);
	at = put_varint(bytes, events);
	at = put_varint(at, zigzag);
	output_write(writer->output, bytes, (size_t)(at - bytes));
}

static char *put_bytes(char *at, const char *bytes, size_t size)
{
	memcpy(at, bytes, size);
	return at + size;
}

static char *put_count(char *at, uint64_t value)
{
	return at + number_whole(at, value);
}

/* A line of a profile. */
static void put_line(struct run_writer *writer, const char *tag, size_t length,
		     uint64_t events, decimal value)
{
	size_t most = writer->user_length + writer->prefix_length + length +
		      2 * NUMBER_TEXT;
	char room[512], *line = most <= sizeof room ? room : alloc(most, 1);
	char *at = put_bytes(line, writer->user, writer->user_length);

	*at++ = '\t';
	if (writer->prefix_length > 0)
		at = put_bytes(at, writer->prefix, writer->prefix_length);
	at = put_bytes(at, tag, length);
	*at++ = '\t';
	at = put_count(at, events);
	*at++ = '\t';
	at = writer->valued ? at + decimal_write(at, value)
			    : put_count(at, events);
	*at++ = '\n';
	output_write(writer->output, line, (size_t)(at - line));
	if (line != room)
		free(line);
}

const char *pair_sums_add(struct pair_sums *sums, uint64_t events,
			  decimal value)
{
	if (events > INT64_MAX - sums->events)
		return "events that add up to 2^63 or more";
	sums->events += events;
	return decimal_add(&sums->value, value) == DECIMAL_FINE
		       ? NULL
		       : "values that add up to 10^29 or more: scale the "
			 "column";
}

void run_writer_user(struct run_writer *writer, const char *user, size_t length)
{
	writer->user = user;
	writer->user_length = length;
	writer->users++;
	writer->user_events = 0;
	if (writer->kind == RUN_WRITER_RUN)
		put_text(writer, user, length);
}

void run_writer_pair(struct run_writer *writer, const char *tag, size_t length,
		     uint64_t events, decimal value)
{
	writer->pairs++;
	writer->user_events += events;
	if (writer->kind == RUN_WRITER_RUN)
		put_run(writer, tag, length, events, value);
	if (writer->kind == RUN_WRITER_PROFILE) {
		put_line(writer, tag, length, events, value);
		doubtful_names_add_tag(&writer->doubtful, tag, length, events);
	}
}

void run_writer_end_user(struct run_writer *writer)
{
	if (writer->kind == RUN_WRITER_RUN)
		output_write(writer->output, "", 1);
	else if (writer->kind == RUN_WRITER_PROFILE)
		doubtful_names_add_user(&writer->doubtful, writer->user,
					writer->user_length,
					writer->user_events);
}

/* ----------------------------------------------------------- the file of runs
 */

void spill_runs_begin(struct spill_runs *runs)
{
	if (runs->size == 0)
		runs->fd = tempfile_open();
	runs->runs = alloc_grow(runs->runs, &runs->capacity, runs->count + 1,
				sizeof *runs->runs);
	runs->runs[runs->count].begin = runs->size;
}

void spill_runs_add(struct spill_runs *runs, const void *bytes, size_t size)
{
	tempfile_write(runs->fd, bytes, size);
	runs->size += (off_t)size;
}

void spill_runs_end(struct spill_runs *runs)
{
	spill_runs_add(runs, "", 1);
	runs->runs[runs->count++].end = runs->size;
}

void spill_runs_free(struct spill_runs *runs)
{
	if (runs->size > 0)
		close(runs->fd);
	free(runs->runs);
	*runs = (struct spill_runs){0};
}

/* ------------------------------------------------------------------ reading */

/* A text that grows. */
struct text {
	char *bytes;
	size_t length, room;
};

/* A run that is read, and its next row. */
struct run_reader {
	int fd;
	off_t at, end;         /* of what is not yet read of the file */
	unsigned char *buffer; /* READ bytes, of which [next, held) are new */
	size_t next, held;
	struct text user, tag;
	uint64_t events;
	decimal value;
};

static void refill(struct run_reader *reader)
{
	off_t left = reader->end - reader->at;
	size_t want = left < READ_SIZE ? (size_t)left : READ_SIZE;
	ssize_t got;

	do
		got = pread(reader->fd, reader->buffer, want, reader->at);
	while (got < 0 && errno == EINTR);
	if (got <= 0)
		die("temporary file: %s",
		    got < 0 ? strerror(errno) : "cut short");
	reader->at += got;
	reader->held = (size_t)got;
	reader->next = 0;
}

static unsigned char get_byte(struct run_reader *reader)
{
	if (reader->next == reader->held)
		refill(reader);
	return reader->buffer[reader->next++];
}

static varint_value get_varint(struct run_reader *reader)
{
	varint_value value = 0;
	unsigned char byte;
	unsigned shift = 0;

	do {
		if (shift >= 8 * sizeof value)
			die("temporary file: damaged");
		byte = get_byte(reader);
		value |= (varint_value)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	return value;
}

/* The next text; false where its length is 0. */
static bool get_text(struct run_reader *reader, struct text *text)
{
	varint_value stated = get_varint(reader);
	size_t length = (size_t)stated, done = 0;
	size_t left = (size_t)(reader->end - reader->at) + reader->held -
		      reader->next;

	if (stated > left)
		die("temporary file: damaged");
	text->length = length;
	text->bytes = alloc_grow(text->bytes, &text->room, length + 1, 1);
	while (done < length) {
		if (reader->next == reader->held)
			refill(reader);
		size_t part = reader->held - reader->next;
		if (part > length - done)
			part = length - done;
		memcpy(text->bytes + done, reader->buffer + reader->next, part);
		reader->next += part;
		done += part;
	}
	return length > 0;
}

/* The next row; false at the end of the run. */
static bool advance(struct run_reader *reader, bool within)
{
	if (!within || !get_text(reader, &reader->tag)) {
		if (!get_text(reader, &reader->user))
			return false;
		get_text(reader, &reader->tag);
	}
	varint_value events = get_varint(reader), zigzag = get_varint(reader);
	reader->events = (uint64_t)events;
	reader->value = (decimal)(zigzag >> 1 ^ -(zigzag & 1));
	return true;
}

/* ------------------------------------------------------------------- merging
 */

struct run_merge {
	struct run_reader *readers;
	size_t count;
	size_t *heap; /* of readers, the least row first */
	size_t size;  /* how many have a row */
};

static int by_text(const struct text *a, const struct text *b)
{
	return string_table_compare(a->bytes, a->length, b->bytes, b->length);
}

/* True where reader i of the heap has the lesser row. */
static bool less(const struct run_merge *merge, size_t i, size_t j)
{
	const struct run_reader *a = &merge->readers[merge->heap[i]];
	const struct run_reader *b = &merge->readers[merge->heap[j]];
	int order = by_text(&a->user, &b->user);

	return (order ? order : by_text(&a->tag, &b->tag)) < 0;
}

static void sift(struct run_merge *merge, size_t i)
{
	for (size_t child; (child = 2 * i + 1) < merge->size; i = child) {
		if (child + 1 < merge->size && less(merge, child + 1, child))
			child++;
		if (!less(merge, child, i))
			return;
		size_t swap = merge->heap[i];
		merge->heap[i] = merge->heap[child];
		merge->heap[child] = swap;
	}
}

static void merge_begin(struct run_merge *merge, const struct spill_runs *runs,
			size_t first, size_t count)
{
	merge->readers = alloc(count, sizeof *merge->readers);
	merge->heap = alloc(count, sizeof *merge->heap);
	merge->count = count;
	merge->size = 0;
	for (size_t i = 0; i < count; i++) {
		struct run_reader *reader = &merge->readers[i];
		*reader = (struct run_reader){.fd = runs->fd,
					      .at = runs->runs[first + i].begin,
					      .end = runs->runs[first + i].end,
					      .buffer = alloc(READ_SIZE, 1)};
		if (advance(reader, false))
			merge->heap[merge->size++] = i;
	}
	for (size_t i = merge->size; i-- > 0;)
		sift(merge, i);
}

/* Go on to the next row of all. */
static void merge_next(struct run_merge *merge)
{
	if (!advance(&merge->readers[merge->heap[0]], true))
		merge->heap[0] = merge->heap[--merge->size];
	sift(merge, 0);
}

static void merge_end(struct run_merge *merge)
{
	for (size_t i = 0; i < merge->count; i++) {
		free(merge->readers[i].buffer);
		free(merge->readers[i].user.bytes);
		free(merge->readers[i].tag.bytes);
	}
	free(merge->readers);
	free(merge->heap);
}

static void copy(struct text *to, const struct text *from)
{
	to->bytes = alloc_grow(to->bytes, &to->room, from->length + 1, 1);
	memcpy(to->bytes, from->bytes, from->length);
	to->length = from->length;
}

/* Sum the rows of the next tag of the customer, and write the sum. */
static void merge_pair(struct run_merge *merge, const struct text *user,
		       struct text *tag, struct run_writer *writer)
{
	const struct run_reader *minimum = &merge->readers[merge->heap[0]];
	struct pair_sums sums = {0};
	const char *error = NULL;

	copy(tag, &minimum->tag);
	do {
		if (error == NULL)
			error = pair_sums_add(&sums, minimum->events,
					      minimum->value);
		merge_next(merge);
		minimum = &merge->readers[merge->heap[0]];
	} while (merge->size > 0 && by_text(&minimum->tag, tag) == 0 &&
		 by_text(&minimum->user, user) == 0);
	if (error != NULL)
		die("customer %.*s, tag %.*s: %s", (int)user->length,
		    user->bytes, (int)tag->length, tag->bytes, error);
	run_writer_pair(writer, tag->bytes, tag->length, sums.events,
			sums.value);
}

/* Merge the runs [first, first + count) into the writer, whose output, in
 * memory, is added to a run of into, unless that is NULL. */
static void merge_some(const struct spill_runs *runs, size_t first,
		       size_t count, struct run_writer *writer,
		       struct spill_runs *into)
{
	struct text user = {0}, tag = {0};
	struct output *output = writer->output;
	struct run_merge merge;

	merge_begin(&merge, runs, first, count);
	while (merge.size > 0) {
		copy(&user, &merge.readers[merge.heap[0]].user);
		run_writer_user(writer, user.bytes, user.length);
		do {
			merge_pair(&merge, &user, &tag, writer);
			if (into != NULL && output->held > FLUSH) {
				spill_runs_add(into, output->buffer,
					       output->held);
				output->held = 0;
			}
		} while (merge.size > 0 &&
			 by_text(&merge.readers[merge.heap[0]].user, &user) ==
				 0);
		run_writer_end_user(writer);
	}
	merge_end(&merge);
	free(user.bytes);
	free(tag.bytes);
}

/* One pass: merge each so many runs into one. */
static void reduce(struct spill_runs *runs, size_t ways)
{
	struct spill_runs reduced = {0};
	struct output output;
	struct run_writer writer = {.kind = RUN_WRITER_RUN, .output = &output};

	output_memory(&output);
	for (size_t i = 0; i < runs->count; i += ways) {
		spill_runs_begin(&reduced);
		merge_some(runs, i,
			   runs->count - i < ways ? runs->count - i : ways,
			   &writer, &reduced);
		spill_runs_add(&reduced, output.buffer, output.held);
		output.held = 0;
		spill_runs_end(&reduced);
	}
	free(output.buffer);
	spill_runs_free(runs);
	*runs = reduced;
}

void spill_runs_merge(struct spill_runs *runs, struct run_writer *writer,
		      size_t memory)
{
	size_t ways = memory / READ_SIZE;

	ways = ways < 2 ? 2 : ways > MAX_WAYS ? MAX_WAYS : ways;
	while (runs->count > ways)
		reduce(runs, ways);
	if (runs->count > 0)
		merge_some(runs, 0, runs->count, writer, NULL);
	spill_runs_free(runs);
}
