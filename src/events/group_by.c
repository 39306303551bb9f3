#include "events/group_by.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/ordered_work.h"
#include "base/string_table.h"
#include "base/thread_pool.h"
#include "events/event_record.h"
#include "events/thread_events.h"

enum {
	PART = 1 << 14,  /* records of a part, about: they fit the cache */
	PARTS = 1 << 10, /* at most: each is a stream that is written to */
	AHEAD = 4,       /* customers whose names are prefetched */
	FLUSH = 1 << 20 /* bytes of a part that are held before they are written
			 */
};

/* What a thread sorts a part with. */
struct sorter {
	struct event_record *records,
		*spare;           /* as many as the largest part has */
	struct run_writer writer; /* to output */
	struct output output;     /* in memory */
};

/* The records of all threads, being sorted and written. */
struct sorting {
	struct group_by *groups;
	struct string_table names[NAME_KINDS]; /* of all threads */
	uint32_t *order[NAME_KINDS];           /* the names by rank */
	unsigned tag_bits;      /* of a key, with that of EVENT_RECORD_HIGH */
	unsigned user_bits;     /* a customer's part is its rank >> this */
	size_t parts, largest;  /* how many; records of the largest */
	struct sorter *sorters; /* of each thread */
	/* Parts are written in their order, to the writer or to a run. */
	struct run_writer *writer;
	struct spill_runs *run;
	struct ordered_turn turn; /* of the part that is written next */
};

/* ----------------------------------------------------------------- records */

void group_by_begin(struct group_by *groups, unsigned threads, size_t limit)
{
	*groups = (struct group_by){.threads = threads, .limit = limit};
	groups->states = alloc(threads, sizeof *groups->states);
}

void group_by_users(struct group_by *groups, unsigned thread,
		    const struct string_slice *list, size_t count,
		    uint32_t *indices)
{
	string_table_add_all(
		&groups->states[thread].dictionaries[NAMES_OF_USERS].names,
		list, count, indices);
}

void group_by_tags(struct group_by *groups, unsigned thread,
		   const struct string_slice *list, size_t count,
		   uint32_t *indices)
{
	string_table_add_all(
		&groups->states[thread].dictionaries[NAMES_OF_TAGS].names, list,
		count, indices);
}

static void append(struct thread_events *thread, struct event_record record)
{
	if (thread->count == thread->capacity)
		thread->records =
			alloc_grow(thread->records, &thread->capacity,
				   thread->count + 1, sizeof *thread->records);
	thread->records[thread->count++] = record;
}

void group_by_add(struct group_by *groups, unsigned thread, uint32_t user,
		  uint32_t tag, decimal value)
{
	struct thread_events *state = &groups->states[thread];

	if (value >= EVENT_RECORD_LARGE || value <= -EVENT_RECORD_LARGE) {
		decimal high = value >> EVENT_RECORD_SHIFT;
		append(state,
		       (struct event_record){{{user, tag | EVENT_RECORD_HIGH}},
					     (int64_t)high});
		value -= high * ((decimal)1 << EVENT_RECORD_SHIFT);
	}
	append(state, (struct event_record){{{user, tag}}, (int64_t)value});
}

bool group_by_full(struct group_by *groups, unsigned thread)
{
	struct thread_events *state = &groups->states[thread];
	size_t bytes = 0;

	state->bytes = thread_events_bytes(state);
	for (unsigned i = 0; i < groups->threads; i++)
		bytes += groups->states[i].bytes;
	return bytes > groups->limit;
}

/* -------------------------------------------------------- ranks and parts */

/* How many bits hold the numbers below count. */
static unsigned bits_of(size_t count)
{
	return count > 1 ? 64 - (unsigned)__builtin_clzll(count - 1) : 0;
}

/* Choose the number of parts: customers are cut by the high bits of their rank,
 * into at most PARTS parts of about PART records. */
static void plan_parts(struct sorting *sorting)
{
	struct group_by *groups = sorting->groups;
	size_t users = sorting->names[NAMES_OF_USERS].count, records = 0, most;

	for (unsigned t = 0; t < groups->threads; t++)
		records += groups->states[t].count;
	most = records / PART + 1;
	most = most < PARTS ? most : PARTS;
	while (((users - 1) >> sorting->user_bits) >= most)
		sorting->user_bits++;
	sorting->parts = ((users - 1) >> sorting->user_bits) + 1;
	sorting->tag_bits = bits_of(sorting->names[NAMES_OF_TAGS].count) + 1;
}

/* Set the keys of a thread's records, and count those of part p in
 * begin[p + 1], so that a running sum makes of counts where parts begin. */
static void make_keys(const struct sorting *sorting,
		      struct thread_events *state)
{
	const uint32_t *user_rank = state->dictionaries[NAMES_OF_USERS].rank;
	const uint32_t *tag_rank = state->dictionaries[NAMES_OF_TAGS].rank;

	for (size_t i = 0; i < state->count; i++) {
		struct event_record *record = &state->records[i];
		uint64_t user = user_rank[record->user];
		uint64_t tag = tag_rank[record->tag & ~EVENT_RECORD_HIGH];
		uint64_t high = record->tag / EVENT_RECORD_HIGH;
		record->key = user << sorting->tag_bits | tag << 1 | high;
		size_t part =
			record->key >> (sorting->tag_bits + sorting->user_bits);
		state->begin[part + 1]++;
	}
	for (int kind = 0; kind < NAME_KINDS; kind++)
		free(state->dictionaries[kind].rank);
}

/* Move a thread's records to their parts. */
static void make_parts(void *shared, size_t piece, unsigned thread)
{
	struct sorting *sorting = shared;
	struct thread_events *state = &sorting->groups->states[piece];
	size_t parts = sorting->parts;

	(void)thread;
	state->begin = alloc(parts + 1, sizeof *state->begin);
	make_keys(sorting, state);
	for (size_t part = 0; part < parts; part++)
		state->begin[part + 1] += state->begin[part];
	event_records_partition(state->records, state->begin, parts,
				sorting->tag_bits + sorting->user_bits);
}

/* How many records a part has, of all threads. */
static size_t part_size(const struct sorting *sorting, size_t part)
{
	const struct group_by *groups = sorting->groups;
	size_t size = 0;

	for (unsigned t = 0; t < groups->threads; t++)
		size += groups->states[t].begin[part + 1] -
			groups->states[t].begin[part];
	return size;
}

/* ------------------------------------------------------- sorting and summing
 */

/* Write what is in memory; the caller has waited for its part's turn. */
static void write_out(struct sorting *sorting, struct output *output)
{
	if (sorting->run != NULL)
		spill_runs_add(sorting->run, output->buffer, output->held);
	else
		output_write(sorting->writer->output, output->buffer,
			     output->held);
	output->held = 0;
}

/* Prefetch the names of customers that come next, which stand anywhere. */
static void prefetch_names(const struct sorting *sorting, uint64_t user)
{
	const struct string_table *users = &sorting->names[NAMES_OF_USERS];
	const uint32_t *order = sorting->order[NAMES_OF_USERS];

	if (user + 2 * AHEAD < users->count)
		__builtin_prefetch(&users->offsets[order[user + 2 * AHEAD]]);
	if (user + AHEAD < users->count)
		__builtin_prefetch(
			string_table_text(users, order[user + AHEAD]));
}

static void write_part(struct sorting *sorting, size_t part,
		       struct sorter *sorter,
		       const struct event_record *records, size_t count)
{
	const struct string_table *users = &sorting->names[NAMES_OF_USERS];
	const struct string_table *tags = &sorting->names[NAMES_OF_TAGS];
	uint64_t tag_mask = (UINT64_C(1) << (sorting->tag_bits - 1)) - 1;
	struct run_writer *writer = &sorter->writer;
	uint64_t last = UINT64_MAX;

	for (size_t i = 0; i < count;) {
		uint64_t user = records[i].key >> sorting->tag_bits, events;
		size_t tag = sorting->order[NAMES_OF_TAGS]
					   [records[i].key >> 1 & tag_mask];
		decimal value;
		if (user != last) {
			size_t index = sorting->order[NAMES_OF_USERS][user];
			prefetch_names(sorting, user);
			if (last != UINT64_MAX)
				run_writer_end_user(writer);
			run_writer_user(writer, string_table_text(users, index),
					string_table_length(users, index));
			last = user;
		}
		i = event_records_sum(records, i, count, &events, &value);
		run_writer_pair(writer, string_table_text(tags, tag),
				string_table_length(tags, tag), events, value);
		if (sorter->output.held > FLUSH) {
			ordered_turn_wait(&sorting->turn, part);
			write_out(sorting, &sorter->output);
		}
	}
	if (count > 0)
		run_writer_end_user(writer);
}

/* Copy the records of a part, of all threads; returns how many. */
static size_t copy_part(const struct sorting *sorting, size_t part,
			struct event_record *records)
{
	const struct group_by *groups = sorting->groups;
	size_t count = 0;

	for (unsigned t = 0; t < groups->threads; t++) {
		const struct thread_events *state = &groups->states[t];
		size_t size = state->begin[part + 1] - state->begin[part];
		if (size > 0)
			memcpy(records + count,
			       state->records + state->begin[part],
			       size * sizeof *records);
		count += size;
	}
	return count;
}

static void begin_sorter(const struct sorting *sorting, struct sorter *sorter)
{
	sorter->records =
		alloc_resize(NULL, sorting->largest, sizeof *sorter->records);
	sorter->spare =
		alloc_resize(NULL, sorting->largest, sizeof *sorter->spare);
	output_memory(&sorter->output);
	sorter->writer = *sorting->writer;
	sorter->writer.output = &sorter->output;
	sorter->writer.users = sorter->writer.pairs = 0;
	sorter->writer.doubtful = (struct doubtful_names){0};
}

/* Sort a part, sum it, and write it when its turn has come. */
static void finish_part(void *shared, size_t part, unsigned thread)
{
	struct sorting *sorting = shared;
	struct sorter *sorter = &sorting->sorters[thread];

	if (sorter->records == NULL)
		begin_sorter(sorting, sorter);
	size_t count = copy_part(sorting, part, sorter->records);
	const struct event_record *sorted =
		event_records_sort(sorter->records, sorter->spare, count,
				   sorting->user_bits + sorting->tag_bits);
	write_part(sorting, part, sorter, sorted, count);
	ordered_turn_wait(&sorting->turn, part);
	write_out(sorting, &sorter->output);
	ordered_turn_pass(&sorting->turn);
}

/* The names of a kind in order, as the pairs of one customer of a run. */
static void list_names(const struct sorting *sorting, int kind,
		       struct spill_runs *runs)
{
	const struct string_table *names = &sorting->names[kind];
	struct output output;
	struct run_writer writer = {.kind = RUN_WRITER_RUN, .output = &output};

	output_memory(&output);
	spill_runs_begin(runs);
	run_writer_user(&writer, "-", 1);
	for (size_t i = 0; i < names->count; i++) {
		size_t index = sorting->order[kind][i];
		run_writer_pair(&writer, string_table_text(names, index),
				string_table_length(names, index), 0, 0);
		if (output.held > FLUSH) {
			spill_runs_add(runs, output.buffer, output.held);
			output.held = 0;
		}
	}
	run_writer_end_user(&writer);
	spill_runs_add(runs, output.buffer, output.held);
	spill_runs_end(runs);
	free(output.buffer);
}

/* Sort all records and write them to the writer, or as a run where run is set;
 * no records and names are left then.  Returns the number of tags. */
static uint64_t sort_and_write(struct group_by *groups,
			       struct run_writer *writer,
			       struct spill_runs *run)
{
	unsigned threads = groups->threads;
	struct sorting sorting = {.groups = groups,
				  .writer = writer,
				  .run = run,
				  .turn = ORDERED_TURN_FIRST};

	for (int kind = 0; kind < NAME_KINDS; kind++)
		sorting.order[kind] = thread_events_rank(
			groups->states, threads, kind, &sorting.names[kind]);
	uint64_t tags = sorting.names[NAMES_OF_TAGS].count;
	if (run != NULL)
		list_names(&sorting, NAMES_OF_TAGS, &groups->tag_runs);
	plan_parts(&sorting);
	thread_pool_run(threads, threads, make_parts, &sorting);
	for (size_t part = 0; part < sorting.parts; part++) {
		size_t size = part_size(&sorting, part);
		sorting.largest =
			size > sorting.largest ? size : sorting.largest;
	}
	sorting.sorters = alloc(threads, sizeof *sorting.sorters);
	thread_pool_run(threads, sorting.parts, finish_part, &sorting);
	for (unsigned t = 0; t < threads; t++) {
		writer->users += sorting.sorters[t].writer.users;
		writer->pairs += sorting.sorters[t].writer.pairs;
		doubtful_names_merge(&writer->doubtful,
				     &sorting.sorters[t].writer.doubtful);
		free(sorting.sorters[t].records);
		free(sorting.sorters[t].spare);
		free(sorting.sorters[t].output.buffer);
		thread_events_discard(&groups->states[t]);
	}
	for (int kind = 0; kind < NAME_KINDS; kind++) {
		string_table_free(&sorting.names[kind]);
		free(sorting.order[kind]);
	}
	free(sorting.sorters);
	return tags;
}

static bool is_empty(const struct group_by *groups)
{
	for (unsigned t = 0; t < groups->threads; t++)
		if (groups->states[t].count > 0)
			return false;
	return true;
}

void group_by_spill(struct group_by *groups)
{
	struct run_writer writer = {.kind = RUN_WRITER_RUN};

	if (is_empty(groups))
		return;
	spill_runs_begin(&groups->runs);
	sort_and_write(groups, &writer, &groups->runs);
	spill_runs_end(&groups->runs);
}

struct group_by_counts group_by_write(struct group_by *groups,
				      struct run_writer *profile)
{
	struct group_by_counts counts = {0};

	if (groups->runs.count > 0) {
		struct run_writer count = {.kind = RUN_WRITER_COUNT};
		group_by_spill(groups);
		spill_runs_merge(&groups->tag_runs, &count, groups->limit);
		spill_runs_merge(&groups->runs, profile, groups->limit);
		counts.tags = count.pairs;
	} else if (!is_empty(groups)) {
		counts.tags = sort_and_write(groups, profile, NULL);
	}
	counts.users = profile->users;
	counts.pairs = profile->pairs;
	return counts;
}

void group_by_end(struct group_by *groups)
{
	for (unsigned t = 0; t < groups->threads; t++)
		thread_events_free(&groups->states[t]);
	free(groups->states);
	spill_runs_free(&groups->runs);
	spill_runs_free(&groups->tag_runs);
	*groups = (struct group_by){0};
}
