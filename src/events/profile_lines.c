#include "events/profile_lines.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* The digits of a number of events that is parsed here. */
enum { EVENT_DIGITS = 18 };

/* A line that is being parsed. */
struct line {
	struct string_slice customer, tag;
	bool same;        /* the customer is that of the line before */
	const char *next; /* the line after it */
	uint64_t events;
	decimal value;
};

/* Set *field to the field that begins at *text, and *text behind its end; false
 * where it is empty or does not end with the delimiter. */
static bool read_field(const char **text, const char *end, char delimiter,
		       struct string_slice *field)
{
	const char *begin = *text, *at = begin;

	while (at < end && *at != '\t' && *at != '\n')
		at++;
	*field = (struct string_slice){begin, (size_t)(at - begin)};
	*text = at + 1;
	return at < end && *at == delimiter && at > begin;
}

/* A whole number from 1 on, of up to EVENT_DIGITS digits. */
static bool read_events(const struct string_slice *field, uint64_t *events)
{
	*events = 0;
	if (field->length > EVENT_DIGITS || *field->text == '0')
		return false;
	for (size_t i = 0; i < field->length; i++) {
		unsigned digit = (unsigned char)field->text[i] - '0';
		if (digit > 9)
			return false;
		*events = 10 * *events + digit;
	}
	return true;
}

/* Read the line at text; before is the one before it, or its customer is
 * empty. */
static bool read_line(const char *text, const char *end,
		      const struct line *before, struct line *line)
{
	struct string_slice events, value;
	const struct string_slice *last = &before->customer;

	/* Most lines are of the customer before, whose tab follows its name. */
	line->same = last->length > 0 && (size_t)(end - text) > last->length &&
		     memcmp(text, last->text, last->length + 1) == 0;
	if (line->same) {
		line->customer = (struct string_slice){text, last->length};
		text += last->length + 1;
	} else if (!read_field(&text, end, '\t', &line->customer)) {
		return false;
	}
	if (!read_field(&text, end, '\t', &line->tag) ||
	    !read_field(&text, end, '\t', &events) ||
	    !read_field(&text, end, '\n', &value))
		return false;
	line->next = text;
	return read_events(&events, &line->events) &&
	       decimal_read_sum(value.text, value.length, &line->value) ==
		       DECIMAL_FINE;
}

/* The order of two texts without escapes, which is that of their escaped
 * forms. */
static int compare(const struct string_slice *a, const struct string_slice *b)
{
	return string_table_compare(a->text, a->length, b->text, b->length);
}

static void reserve(struct profile_lines *lines)
{
	lines->names = alloc_grow(lines->names, &lines->customer_capacity,
				  lines->customers + 1, sizeof *lines->names);
	lines->ends = alloc_grow(lines->ends, &lines->end_capacity,
				 lines->customers + 1, sizeof *lines->ends);
	lines->tags = alloc_grow(lines->tags, &lines->tag_capacity,
				 lines->pairs + 1, sizeof *lines->tags);
	lines->events = alloc_grow(lines->events, &lines->event_capacity,
				   lines->pairs + 1, sizeof *lines->events);
	lines->values = alloc_grow(lines->values, &lines->value_capacity,
				   lines->pairs + 1, sizeof *lines->values);
}

/* Add a line; false where it is not above the one before. */
static bool add_line(struct profile_lines *lines, const struct line *before,
		     const struct line *line)
{
	int order = line->same ? 0 : -1;

	if (lines->pairs > 0 && !line->same)
		order = compare(&before->customer, &line->customer);
	if (order > 0 || (order == 0 && compare(&before->tag, &line->tag) >= 0))
		return false;
	reserve(lines);
	if (order != 0)
		lines->names[lines->customers++] = line->customer;
	lines->tags[lines->pairs] = line->tag;
	lines->events[lines->pairs] = line->events;
	lines->values[lines->pairs] = line->value;
	lines->ends[lines->customers - 1] = ++lines->pairs;
	return true;
}

bool profile_lines_parse(struct profile_lines *lines, const char *bytes,
			 size_t size)
{
	const char *end = bytes + size;
	struct line line = {0}, before;

	lines->customers = lines->pairs = 0;
	if (size == 0)
		return true;
	if (memchr(bytes, '\\', size) != NULL ||
	    memchr(bytes, '\r', size) != NULL ||
	    memchr(bytes, '\0', size) != NULL)
		return false;
	for (const char *text = bytes; text < end; text = line.next) {
		before = line;
		if (!read_line(text, end, &before, &line) ||
		    !add_line(lines, &before, &line))
			return false;
	}
	return true;
}

/* Whether the line at text, of which room bytes are there, is of the customer
 * of the line before it; false where that one has no tab. */
static bool is_of(const char *before, const char *text, size_t room)
{
	const char *tab = memchr(before, '\t', (size_t)(text - before));
	size_t length = tab != NULL ? (size_t)(tab - before) + 1 : room + 1;

	return room >= length && memcmp(text, before, length) == 0;
}

/* The line that ends with the newline before end. */
static const char *line_before(const char *bytes, const char *end)
{
	const char *found = memrchr(bytes, '\n', (size_t)(end - bytes) - 1);

	return found != NULL ? found + 1 : bytes;
}

size_t profile_lines_boundary(const char *bytes, size_t size, size_t at)
{
	const char *end = bytes + size, *before, *text;

	if (at == 0 || at >= size)
		return at == 0 ? 0 : size;
	text = (const char *)memchr(bytes + at - 1, '\n', size - at + 1) + 1;
	before = line_before(bytes, text);
	while (text < end && is_of(before, text, (size_t)(end - text))) {
		before = text;
		text = (const char *)memchr(text, '\n', (size_t)(end - text)) +
		       1;
	}
	return (size_t)(text - bytes);
}

size_t profile_lines_last_customer(const char *bytes, size_t size)
{
	const char *end = bytes + size, *text = bytes;

	if (size == 0)
		return 0;
	for (text = line_before(bytes, end); text > bytes;) {
		const char *before = line_before(bytes, text);
		if (!is_of(before, text, (size_t)(end - text)))
			break;
		text = before;
	}
	return (size_t)(text - bytes);
}

struct string_slice profile_lines_customer(const char *text, const char *end)
{
	const char *at = text;

	while (at < end && *at != '\t' && *at != '\n')
		at++;
	return (struct string_slice){text, (size_t)(at - text)};
}

struct string_slice profile_lines_customer_before(const char *bytes, size_t at)
{
	return profile_lines_customer(line_before(bytes, bytes + at),
				      bytes + at);
}

/* Bisection: lines that begin before low are not above the customer, the one at
 * high is. */
size_t profile_lines_above(const char *bytes, size_t begin, size_t size,
			   const struct string_slice *customer)
{
	const char *low = bytes + begin, *high = bytes + size;

	while (low < high) {
		/* The line that has the byte in the middle. */
		const char *line = line_before(low, low + (high - low) / 2 + 1);
		struct string_slice here = profile_lines_customer(line, high);
		if (compare(&here, customer) > 0)
			high = line;
		else
			low = (const char *)memchr(line, '\n',
						   (size_t)(high - line)) +
			      1;
	}
	return (size_t)(low - bytes);
}

void profile_lines_free(struct profile_lines *lines)
{
	free(lines->names);
	free(lines->ends);
	free(lines->tags);
	free(lines->events);
	free(lines->values);
	*lines = (struct profile_lines){0};
}
