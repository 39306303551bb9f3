#include "base/date.h"

#include <string.h>
#include <time.h>

/* What is left to read. */
struct cursor {
	const char *at, *end;
};

static bool at_end(const struct cursor *cursor)
{
	return cursor->at == cursor->end;
}

static bool is_digit(const struct cursor *cursor)
{
	return !at_end(cursor) && *cursor->at >= '0' && *cursor->at <= '9';
}

static bool skip_byte(struct cursor *cursor, char byte)
{
	if (at_end(cursor) || *cursor->at != byte)
		return false;
	cursor->at++;
	return true;
}

static bool skip_word(struct cursor *cursor, const char *word)
{
	size_t length = strlen(word);

	if ((size_t)(cursor->end - cursor->at) < length ||
	    memcmp(cursor->at, word, length) != 0)
		return false;
	cursor->at += length;
	return true;
}

/* Read exactly so many digits. */
static bool read_digits(struct cursor *cursor, int count, int *number)
{
	*number = 0;
	for (int i = 0; i < count; i++) {
		if (!is_digit(cursor))
			return false;
		*number = 10 * *number + (*cursor->at++ - '0');
	}
	return true;
}

/* Days from 1970-01-01 to a day of the Gregorian calendar: of full eras of 400
 * years, which have 146,097 days, years that begin in March. */
static int64_t days_from_civil(int year, int month, int day)
{
	int64_t y = year - (month <= 2), era = y / 400, of_era = y % 400;
	int64_t of_year =
		(153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 +
	       of_year - 719468;
}

static bool is_day(int year, int month, int day)
{
	static const int most[] = {31, 29, 31, 30, 31, 30,
				   31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return year >= 1 && month >= 1 && month <= 12 && day >= 1 &&
	       day <= most[month - 1] - (month == 2 && !leap);
}

static bool read_day(struct cursor *cursor, int64_t *milliseconds)
{
	int year, month, day;
	char between = 0;

	if (!read_digits(cursor, 4, &year))
		return false;
	if (!at_end(cursor) && (*cursor->at == '-' || *cursor->at == '/'))
		between = *cursor->at++;
	if (!read_digits(cursor, 2, &month) ||
	    (between != 0 && !skip_byte(cursor, between)) ||
	    !read_digits(cursor, 2, &day) || !is_day(year, month, day))
		return false;
	*milliseconds = days_from_civil(year, month, day) * 86400000;
	return true;
}

/* Decimals of a second, as milliseconds; finer ones are cut off. */
static int64_t read_decimals(struct cursor *cursor)
{
	int64_t sum = 0, unit = 100;

	for (; is_digit(cursor); cursor->at++, unit /= 10)
		sum += unit * (*cursor->at - '0');
	return sum;
}

static bool read_clock(struct cursor *cursor, int64_t *milliseconds)
{
	int hour, minute, second = 0;
	bool single = cursor->end - cursor->at > 1 && cursor->at[1] == ':';

	if (!read_digits(cursor, single ? 1 : 2, &hour) ||
	    !skip_byte(cursor, ':') || !read_digits(cursor, 2, &minute) ||
	    (skip_byte(cursor, ':') && !read_digits(cursor, 2, &second)) ||
	    hour > 23 || minute > 59 || second > 60)
		return false;
	*milliseconds += ((hour * 60 + minute) * 60 + second) * INT64_C(1000);
	if (skip_byte(cursor, '.') || skip_byte(cursor, ',')) {
		if (!is_digit(cursor))
			return false;
		*milliseconds += read_decimals(cursor);
	}
	return true;
}

static bool read_zone(struct cursor *cursor, int64_t *milliseconds)
{
	bool east = skip_byte(cursor, '+');
	int hours, minutes = 0;

	if (!east && !skip_byte(cursor, '-'))
		return at_end(cursor) || skip_byte(cursor, 'Z') ||
		       skip_word(cursor, "UTC") || skip_word(cursor, "GMT");
	if (!read_digits(cursor, 2, &hours) ||
	    ((skip_byte(cursor, ':') || is_digit(cursor)) &&
	     !read_digits(cursor, 2, &minutes)) ||
	    hours > 23 || minutes > 59)
		return false;
	*milliseconds +=
		(east ? -60000 : 60000) * (INT64_C(60) * hours + minutes);
	return true;
}

static bool read_calendar(struct cursor cursor, int64_t *milliseconds)
{
	if (!read_day(&cursor, milliseconds))
		return false;
	if (at_end(&cursor))
		return true;
	if (!skip_byte(&cursor, 'T') && !skip_byte(&cursor, ' '))
		return false;
	if (!read_clock(&cursor, milliseconds))
		return false;
	while (skip_byte(&cursor, ' '))
		;
	return read_zone(&cursor, milliseconds) && at_end(&cursor);
}

/* 202601311015 and 20260131101530, of years from 1900 to 2099.  As milliseconds
 * the former would be of 1976, and the latter after 2500. */
static bool read_compact(struct cursor cursor, int64_t *milliseconds)
{
	ptrdiff_t length = cursor.end - cursor.at;
	int century, hour, minute, second = 0;
	struct cursor first = cursor;

	if ((length != 12 && length != 14) ||
	    !read_digits(&first, 2, &century) ||
	    (century != 19 && century != 20) ||
	    !read_day(&cursor, milliseconds) ||
	    !read_digits(&cursor, 2, &hour) ||
	    !read_digits(&cursor, 2, &minute) ||
	    (length == 14 && !read_digits(&cursor, 2, &second)) || hour > 23 ||
	    minute > 59 || second > 60)
		return false;
	*milliseconds += ((hour * 60 + minute) * 60 + second) * INT64_C(1000);
	return at_end(&cursor);
}

/* Time since 1970: seconds, or by how large the number is milli-, micro- or
 * nanoseconds; smaller numbers may be years, or days of some calendar. */
static bool read_number(struct cursor cursor, int64_t *milliseconds)
{
	const int64_t least = 100000000, least_milliseconds = 1000 * least;
	int64_t number = 0;

	for (; is_digit(&cursor); cursor.at++) {
		if (number > (INT64_MAX - 9) / 10)
			return false;
		number = 10 * number + (*cursor.at - '0');
	}
	if (number < least)
		return false;
	if (number < least_milliseconds) {
		number *= 1000;
		if (skip_byte(&cursor, '.'))
			number += read_decimals(&cursor);
	} else if (skip_byte(&cursor, '.')) {
		read_decimals(&cursor);
	}
	/* In milliseconds these would be of the year 5138 and later. */
	while (number >= 1000 * least_milliseconds)
		number /= 1000;
	*milliseconds = number;
	return at_end(&cursor);
}

bool date_read(const char *text, size_t length, int64_t *milliseconds)
{
	struct cursor cursor = {text, text + length};

	while (skip_byte(&cursor, ' '))
		;
	while (cursor.end > cursor.at && cursor.end[-1] == ' ')
		cursor.end--;
	return read_calendar(cursor, milliseconds) ||
	       read_compact(cursor, milliseconds) ||
	       read_number(cursor, milliseconds);
}

bool date_read_format(const char *format, const char *text, size_t length,
		      int64_t *milliseconds)
{
	struct tm parts = {.tm_mday = 1, .tm_year = 70};
	char whole[128];
	const char *end;

	if (length >= sizeof whole)
		return false;
	memcpy(whole, text, length);
	whole[length] = '\0';
	end = strptime(whole, format, &parts);
	if (end == NULL || *end != '\0' ||
	    !is_day(parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday))
		return false;
	*milliseconds = (days_from_civil(parts.tm_year + 1900, parts.tm_mon + 1,
					 parts.tm_mday) *
				 86400 +
			 parts.tm_hour * 3600 + parts.tm_min * 60 +
			 parts.tm_sec - parts.tm_gmtoff) *
			1000;
	return true;
}

void date_write(char text[DATE_ROOM], int64_t milliseconds)
{
	time_t seconds = (time_t)(milliseconds / 1000);
	struct tm parts = {0};

	seconds -= milliseconds % 1000 < 0;
	gmtime_r(&seconds, &parts);
	*text = '\0';
	strftime(text, DATE_ROOM, "%Y-%m-%dT%H:%M:%SZ", &parts);
}
