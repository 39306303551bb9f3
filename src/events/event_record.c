#include "events/event_record.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* DIGIT: bits of a digit of the radix sort, at most.  PASSES: digits of 64
 * bits, at most.  AHEAD: records between one that is moved to its part and the
 * one whose memory is prefetched, as there are too many parts for the processor
 * to see that each is filled in order. */
enum { DIGIT = 11, PASSES = 6, AHEAD = 8 };

/* An American flag sort (McIlroy, Bostic, McIlroy, "Engineering radix sort",
 * 1993). */
void event_records_partition(struct event_record *records, const size_t *begin,
			     size_t parts, unsigned shift)
{
	size_t *next = alloc(parts, sizeof *next);

	memcpy(next, begin, parts * sizeof *next);
	for (size_t part = 0; part < parts; part++)
		while (next[part] < begin[part + 1]) {
			struct event_record *record = &records[next[part]];
			size_t home = record->key >> shift;
			if (home == part) {
				next[part]++;
				continue;
			}
			struct event_record *other = &records[next[home]++];
			__builtin_prefetch(other + AHEAD, 1);
			struct event_record swap = *record;
			*record = *other;
			*other = swap;
		}
	free(next);
}

/* From the lowest digit up. */
struct event_record *event_records_sort(struct event_record *records,
					struct event_record *spare,
					size_t count, unsigned bits)
{
	uint32_t counts[PASSES][1 << DIGIT];
	unsigned passes = (bits + DIGIT - 1) / DIGIT;
	unsigned digit = passes ? (bits + passes - 1) / passes : 0;
	uint64_t mask = (UINT64_C(1) << digit) - 1;

	memset(counts, 0, passes * sizeof *counts);
	for (size_t i = 0; i < count; i++)
		for (unsigned pass = 0; pass < passes; pass++)
			counts[pass][records[i].key >> pass * digit & mask]++;
	for (unsigned pass = 0; pass < passes; pass++) {
		uint32_t *next = counts[pass], sum = 0;
		for (size_t i = 0; i <= mask; i++) {
			uint32_t own = next[i];
			next[i] = sum;
			sum += own;
		}
		for (size_t i = 0; i < count; i++)
			spare[next[records[i].key >> pass * digit & mask]++] =
				records[i];
		struct event_record *swap = records;
		records = spare;
		spare = swap;
	}
	return records;
}

size_t event_records_sum(const struct event_record *records, size_t i,
			 size_t end, uint64_t *events, decimal *value)
{
	uint64_t pair = records[i].key >> 1;

	*events = 0;
	*value = 0;
	for (; i < end && records[i].key >> 1 == pair; i++) {
		bool high = records[i].key & 1;
		*events += !high;
		*value += high ? (decimal)records[i].value *
					  ((decimal)1 << EVENT_RECORD_SHIFT)
			       : (decimal)records[i].value;
	}
	return i;
}
