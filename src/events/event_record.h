/* event_record: events as records of 16 bytes that are sorted and summed. */
#ifndef EVENTS_EVENT_RECORD_H
#define EVENTS_EVENT_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/decimal.h"

/* One event, in 16 bytes: indices of its names in the thread's dictionaries,
 * and its value in 10^-9.  A value of EVENT_RECORD_LARGE or more in magnitude
 * is two records, of which one counts no event, has the bit EVENT_RECORD_HIGH
 * in its tag, and its value in 2^EVENT_RECORD_SHIFT * 10^-9.
 *
 * Once names have ranks, the indices are replaced by a key that sorts: from
 * high bits to low the rank of the customer, that of the tag, and the bit
 * EVENT_RECORD_HIGH.
 */
struct event_record {
	union {
		struct {
			uint32_t user, tag;
		};
		uint64_t key;
	};
	int64_t value;
};
#define EVENT_RECORD_HIGH  (UINT32_C(1) << 31)
#define EVENT_RECORD_LARGE (INT64_C(1) << 62)
enum { EVENT_RECORD_SHIFT = 40 };

/* Move records, in place, to their parts: part p is [begin[p], begin[p + 1]),
 * and is that of the records with key >> shift == p, of which there must be as
 * many.  begin has parts + 1 items. */
void event_records_partition(struct event_record *records, const size_t *begin,
			     size_t parts, unsigned shift);

/* Sort count records by the low bits of their keys.  spare has room for as
 * many; the result is in one of the two arrays, which is returned. */
struct event_record *event_records_sort(struct event_record *records,
					struct event_record *spare,
					size_t count, unsigned bits);

/* Sum the records of the customer and tag of record i, of end sorted ones: how
 * many events they are and the exact sum of their values.  Returns the index
 * after them. */
size_t event_records_sum(const struct event_record *records, size_t i,
			 size_t end, uint64_t *events, decimal *value);

#endif
