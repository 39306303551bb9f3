/* date: points in time as logs write them, in milliseconds since 1970 in UTC.
 * Nothing here uses the locale or the time zone of the process. */
#ifndef BASE_DATE_H
#define BASE_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Read length bytes, all of them; false where they are no date.  Known are
 *
 * - 2026-01-31, 2026/01/31 and 20260131, and after them, with a T or a blank
 *   between, 10:15 (9:15, too), 10:15:30 or 10:15:30.25, and then Z, UTC, GMT,
 *   +01, +0100 or +01:00; or digits alone, 202601311015 or 20260131101530;
 * - a number of seconds since 1970, from 10^8 on, with decimals or without, or
 *   from 10^11 on of milliseconds, from 10^14 on of microseconds, and from
 * 10^17 on of nanoseconds.
 *
 * Without a zone it is UTC; a day alone is its beginning.  Years are 0001 to
 * 9999. */
bool date_read(const char *text, size_t length, int64_t *milliseconds);

/* The same in a format of strptime(3), in UTC; whole seconds. */
bool date_read_format(const char *format, const char *text, size_t length,
		      int64_t *milliseconds);

/* Write it as 2026-01-31T10:15:00Z, parts of seconds cut off; years are those
 * that date_read knows. */
enum { DATE_ROOM = 24 };
void date_write(char text[DATE_ROOM], int64_t milliseconds);

#endif
