#include "events/spill_runs.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/string_table.h"

/* What is read of a run at a time, and how many are merged at most at once:
 * each look at the least of them costs the logarithm. */
enum { READ = 1 << 16, WAYS = 1024, VARINT = 19, FLUSH = 1 << 20 };

__extension__ typedef unsigned __int128 wide;

/* ------------------------------------------------------------------- sinks */

static unsigned char *put_varint(unsigned char *at, wide value)
{
	for (; value >= 0x80; value >>= 7)
		*at++ = (unsigned char)(value & 0x7f) | 0x80;
	*at++ = (unsigned char)value;
	return at;
}

static void put_text(struct run_writer *sink, const char *text, size_t length)
{
	unsigned char bytes[VARINT];

	output_write(sink->output, bytes,
		     (size_t)(put_varint(bytes, length) - bytes));
	output_write(sink->output, text, length);
}

static void put_run(struct run_writer *sink, const char *tag, size_t length,
		    uint64_t events, decimal value)
{
	wide zigzag = (wide)value << 1 ^ (value < 0 ? ~(wide)0 : 0);
	unsigned char bytes[2 * VARINT], *at;

	put_text(sink, tag, length);
	at = put_varint(bytes, events);
	at = put_varint(at, zigzag);
	output_write(sink->output, bytes, (size_t)(at - bytes));
}

static char *put_bytes(char *at, const char *bytes, size_t size)
{
	memcpy(at, bytes, size);
	return at + size;
}

static char *put_integer(char *at, uint64_t value)
{
	char digits[20];
	size_t begin = sizeof digits;

	do
		digits[--begin] = (char)('0' + value % 10);
	while (value /= 10);
	return put_bytes(at, digits + begin, sizeof digits - begin);
}

/* A line of a profile. */
static void put_line(struct run_writer *sink, const char *tag, size_t length,
		     uint64_t events, decimal value)
{
	size_t most = sink->user_length + sink->prefix_length + length +
		      2 * NUMBER_TEXT;
	char room[512], *line = most <= sizeof room ? room : alloc(most, 1);
	char *at = put_bytes(line, sink->user, sink->user_length);

	*at++ = '\t';
	if (sink->prefix_length > 0)
		at = put_bytes(at, sink->prefix, sink->prefix_length);
	at = put_bytes(at, tag, length);
	*at++ = '\t';
	at = put_integer(at, events);
	*at++ = '\t';
	at = sink->valued ? at + decimal_write(at, value)
			  : put_integer(at, events);
	*at++ = '\n';
	output_write(sink->output, line, (size_t)(at - line));
	if (line != room)
		free(line);
}

void run_writer_user(struct run_writer *sink, const char *user, size_t length)
{
	sink->user = user;
	sink->user_length = length;
	sink->users++;
	if (sink->kind == RUN_WRITER_RUN)
		put_text(sink, user, length);
}

void run_writer_pair(struct run_writer *sink, const char *tag, size_t length,
		     uint64_t events, decimal value)
{
	sink->pairs++;
	if (sink->kind == RUN_WRITER_RUN)
		put_run(sink, tag, length, events, value);
	else if (sink->kind == RUN_WRITER_PROFILE)
		put_line(sink, tag, length, events, value);
}

void run_writer_end_user(struct run_writer *sink)
{
	if (sink->kind == RUN_WRITER_RUN)
		output_write(sink->output, "", 1);
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

/* A text of its own, that keeps its room. */
struct text {
	char *bytes;
	size_t length, room;
};

/* A run as it is read: the row that is next in it. */
struct reader {
	int fd;
	off_t at, end;         /* of what is not yet read of the file */
	unsigned char *buffer; /* READ bytes, of which [next, held) are new */
	size_t next, held;
	struct text user, tag;
	uint64_t events;
	decimal value;
};

static void refill(struct reader *reader)
{
	off_t left = reader->end - reader->at;
	size_t want = left < READ ? (size_t)left : READ;
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

static unsigned char get_byte(struct reader *reader)
{
	if (reader->next == reader->held)
		refill(reader);
	return reader->buffer[reader->next++];
}

static wide get_varint(struct reader *reader)
{
	wide value = 0;
	unsigned char byte;
	unsigned shift = 0;

	do {
		byte = get_byte(reader);
		value |= (wide)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	return value;
}

/* The next text; false where its length is 0. */
static bool get_text(struct reader *reader, struct text *text)
{
	size_t length = (size_t)get_varint(reader), done = 0;

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
static bool advance(struct reader *reader, bool within)
{
	if (!within || !get_text(reader, &reader->tag)) {
		if (!get_text(reader, &reader->user))
			return false;
		get_text(reader, &reader->tag);
	}
	wide events = get_varint(reader), zigzag = get_varint(reader);
	reader->events = (uint64_t)events;
	reader->value = (decimal)(zigzag >> 1 ^ -(zigzag & 1));
	return true;
}

/* ------------------------------------------------------------------- merging
 */

struct neighbours_merge {
	struct reader *readers;
	size_t count;
	size_t *heap; /* of readers, the least row first */
	size_t size;  /* how many have a row */
};

static int by_text(const struct text *a, const struct text *b)
{
	return string_table_compare(a->bytes, a->length, b->bytes, b->length);
}

/* True where reader i of the heap has the lesser row. */
static bool less(const struct neighbours_merge *merge, size_t i, size_t j)
{
	const struct reader *a = &merge->readers[merge->heap[i]];
	const struct reader *b = &merge->readers[merge->heap[j]];
	int order = by_text(&a->user, &b->user);

	return (order ? order : by_text(&a->tag, &b->tag)) < 0;
}

static void sift(struct neighbours_merge *merge, size_t i)
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

static void merge_begin(struct neighbours_merge *merge,
			const struct spill_runs *runs, size_t first,
			size_t count)
{
	merge->readers = alloc(count, sizeof *merge->readers);
	merge->heap = alloc(count, sizeof *merge->heap);
	merge->count = count;
	merge->size = 0;
	for (size_t i = 0; i < count; i++) {
		struct reader *reader = &merge->readers[i];
		*reader = (struct reader){.fd = runs->fd,
					  .at = runs->runs[first + i].begin,
					  .end = runs->runs[first + i].end,
					  .buffer = alloc(READ, 1)};
		if (advance(reader, false))
			merge->heap[merge->size++] = i;
	}
	for (size_t i = merge->size; i-- > 0;)
		sift(merge, i);
}

/* Pass over the least row. */
static void merge_next(struct neighbours_merge *merge)
{
	if (!advance(&merge->readers[merge->heap[0]], true))
		merge->heap[0] = merge->heap[--merge->size];
	sift(merge, 0);
}

static void merge_end(struct neighbours_merge *merge)
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

/* Sum the least rows that are of one tag of the customer, and pass them on. */
static void merge_pair(struct neighbours_merge *merge, const struct text *user,
		       struct text *tag, struct run_writer *sink)
{
	const struct reader *least = &merge->readers[merge->heap[0]];
	uint64_t events = 0;
	decimal value = 0;

	copy(tag, &least->tag);
	do {
		events += least->events;
		value += least->value;
		merge_next(merge);
		least = &merge->readers[merge->heap[0]];
	} while (merge->size > 0 && by_text(&least->tag, tag) == 0 &&
		 by_text(&least->user, user) == 0);
	run_writer_pair(sink, tag->bytes, tag->length, events, value);
}

/* Merge the runs [first, first + count) into the sink, which goes to a run of
 * into, unless that is NULL. */
static void merge_some(const struct spill_runs *runs, size_t first,
		       size_t count, struct run_writer *sink,
		       struct spill_runs *into)
{
	struct text user = {0}, tag = {0};
	struct output *output = sink->output;
	struct neighbours_merge merge;

	merge_begin(&merge, runs, first, count);
	while (merge.size > 0) {
		copy(&user, &merge.readers[merge.heap[0]].user);
		run_writer_user(sink, user.bytes, user.length);
		do {
			merge_pair(&merge, &user, &tag, sink);
			if (into != NULL && output->held > FLUSH) {
				spill_runs_add(into, output->buffer,
					       output->held);
				output->held = 0;
			}
		} while (merge.size > 0 &&
			 by_text(&merge.readers[merge.heap[0]].user, &user) ==
				 0);
		run_writer_end_user(sink);
	}
	merge_end(&merge);
	free(user.bytes);
	free(tag.bytes);
}

/* A pass: of each so many runs one. */
static void reduce(struct spill_runs *runs, size_t ways)
{
	struct spill_runs reduced = {0};
	struct output output;
	struct run_writer sink = {.kind = RUN_WRITER_RUN, .output = &output};

	output_memory(&output);
	for (size_t i = 0; i < runs->count; i += ways) {
		spill_runs_begin(&reduced);
		merge_some(runs, i,
			   runs->count - i < ways ? runs->count - i : ways,
			   &sink, &reduced);
		spill_runs_add(&reduced, output.buffer, output.held);
		output.held = 0;
		spill_runs_end(&reduced);
	}
	free(output.buffer);
	spill_runs_free(runs);
	*runs = reduced;
}

void spill_runs_merge(struct spill_runs *runs, struct run_writer *sink,
		      size_t memory)
{
	size_t ways = memory / READ;

	ways = ways < 2 ? 2 : ways > WAYS ? WAYS : ways;
	while (runs->count > ways)
		reduce(runs, ways);
	if (runs->count > 0)
		merge_some(runs, 0, runs->count, sink, NULL);
	spill_runs_free(runs);
}
