#include "events/profile_reader.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "events/profile_lines.h"

/* The columns of a profile.  The names of columns go into the metadata of a
 * model, which are for short texts. */
enum { COLUMNS = 4, NAME_LIMIT = 1000 };

/* A file, and its next row. */
struct profile_file {
	struct tsv_reader reader;
	bool ended;
	uint64_t events;
	decimal value;
	/* The row before, to check the order. */
	char *customer, *tag;
	size_t customer_length, customer_room, tag_length, tag_room;
	bool any;
	char *columns[COLUMNS]; /* their names */
};

/* The order of fields as they are written: by bytes of their escaped form. */
static int compare(const char *a, size_t a_length, const char *b,
		   size_t b_length)
{
	size_t common = a_length < b_length ? a_length : b_length, i = 0;
	while (i < common && a[i] == b[i])
		i++;
	if (i == common)
		return (a_length > b_length) - (a_length < b_length);
	/* The bytes differ, so their escaped forms do, and neither begins the
	 * other. */
	unsigned char x[2] = {0}, y[2] = {0};
	tsv_escape((char *)x, a + i, 1);
	tsv_escape((char *)y, b + i, 1);
	return memcmp(x, y, 2) < 0 ? -1 : 1;
}

static void copy_text(char **copy, size_t *length, size_t *room,
		      const char *text, size_t size)
{
	*copy = alloc_grow(*copy, room, size + 1, 1);
	memcpy(*copy, text, size);
	(*copy)[size] = '\0';
	*length = size;
}

static void copy_field(char **copy, size_t *length, size_t *room,
		       const struct tsv_field *field)
{
	copy_text(copy, length, room, field->text, field->length);
}

static void check_order(struct profile_file *file)
{
	const struct tsv_field *fields = file->reader.fields;
	int order = -1;

	if (file->any) {
		order = compare(file->customer, file->customer_length,
				fields[0].text, fields[0].length);
		if (order == 0)
			order = compare(file->tag, file->tag_length,
					fields[1].text, fields[1].length);
	}
	if (order == 0)
		tsv_die(&file->reader,
			"customer %s has tag %s twice: "
			"cs-aggregate --merge adds them up",
			fields[0].text, fields[1].text);
	if (order > 0)
		tsv_die(&file->reader,
			"not in order: the header line, then "
			"LC_ALL=C sort -t \"$(printf '\\t')\" -k1,1 -k2,2");
	copy_field(&file->customer, &file->customer_length,
		   &file->customer_room, &fields[0]);
	copy_field(&file->tag, &file->tag_length, &file->tag_room, &fields[1]);
	file->any = true;
}

static void check_ending(const struct tsv_reader *reader)
{
	const struct tsv_field *last = &reader->fields[COLUMNS - 1];

	if (last->length > 0 && last->text[last->length - 1] == '\r')
		tsv_die(reader, "the line ends in CR LF, expected LF alone");
}

/* Read the next row of the file, and check it. */
static void advance(struct profile_file *file)
{
	struct tsv_reader *reader = &file->reader;
	const struct tsv_field *fields;
	int64_t events;

	if (!tsv_next(reader)) {
		file->ended = true;
		return;
	}
	fields = reader->fields;
	if (reader->count != COLUMNS)
		tsv_die(reader,
			"%zu fields, expected 4: customer, tag, "
			"events, value",
			reader->count);
	check_ending(reader);
	for (int i = 0; i < 2; i++)
		if (fields[i].length == 0)
			tsv_die(reader, "the %s is empty",
				i == 0 ? "customer" : "tag");
	if (!number_integer(fields[2].text, 1, INT64_MAX, &events))
		tsv_die(reader,
			"events \"%s\": expected a whole number from "
			"1 on",
			fields[2].text);
	enum decimal_error error = decimal_read_sum(
		fields[3].text, fields[3].length, &file->value);
	if (error != DECIMAL_FINE)
		tsv_die(reader, "value \"%s\": %s", fields[3].text,
			error == DECIMAL_LARGE
				? "a sum of 10^29 or more: scale the column"
				: decimal_reason(error));
	file->events = (uint64_t)events;
	check_order(file);
}

/* The names of the columns go into JSON. */
static void check_names(const struct tsv_reader *reader)
{
	for (size_t i = 0; i < COLUMNS; i++) {
		json_t *text = json_stringn(reader->fields[i].text,
					    reader->fields[i].length);
		if (text == NULL)
			tsv_die(reader, "the name of column %zu is not UTF-8",
				i + 1);
		json_decref(text);
		if (reader->fields[i].length > NAME_LIMIT)
			tsv_die(reader,
				"the name of column %zu has more than "
				"%d bytes",
				i + 1, NAME_LIMIT);
	}
}

static void read_header(struct profile_reader *profiles, size_t i,
			const char *path)
{
	struct profile_file *file = &profiles->files[i];
	struct tsv_reader *reader = &file->reader;
	double number;

	tsv_open(reader, path);
	if (!tsv_next(reader))
		die("%s: empty, expected profiles: a header line and a line "
		    "for each customer and tag",
		    reader->name);
	if (reader->count != COLUMNS)
		tsv_die(reader,
			"%zu column%s, expected the header of "
			"profiles: customer, tag, events, value "
			"(cs-aggregate writes them)",
			reader->count, reader->count == 1 ? "" : "s");
	check_ending(reader);
	if (number_real(reader->fields[2].text, &number) ||
	    strcmp(reader->fields[0].text, "query") == 0)
		tsv_die(reader, "not a header of profiles: expected the names "
				"of customer, tag, events and value");
	check_names(reader);
	for (size_t j = 0; j < COLUMNS; j++)
		file->columns[j] = alloc_text(reader->fields[j].text,
					      reader->fields[j].length);
}

void profile_reader_open(struct profile_reader *profiles, char **paths,
			 size_t count)
{
	*profiles = (struct profile_reader){.file_count = count ? count : 1};
	profiles->files = alloc(profiles->file_count, sizeof *profiles->files);
	for (size_t i = 0; i < profiles->file_count; i++)
		read_header(profiles, i, count ? paths[i] : NULL);
}

/* Add the file's row to the current customer. */
static void add_entry(struct profile_reader *profiles, size_t i)
{
	struct profile_file *file = &profiles->files[i];
	const struct tsv_field *tag = &file->reader.fields[1];

	profiles->entries =
		alloc_grow(profiles->entries, &profiles->capacity,
			   profiles->count + 1, sizeof *profiles->entries);
	profiles->texts = alloc_grow(profiles->texts, &profiles->texts_room,
				     profiles->texts_used + tag->length + 1, 1);
	profiles->entries[profiles->count++] = (struct profile_entry){
		.tag = profiles->texts_used,
		.length = tag->length,
		.file = i,
		.line = file->reader.line,
		.events = file->events,
		.value = file->value,
	};
	memcpy(profiles->texts + profiles->texts_used, tag->text,
	       tag->length + 1);
	profiles->texts_used += tag->length + 1;
}

static bool is_current(const struct profile_reader *profiles,
		       const struct profile_file *file)
{
	const struct tsv_field *field = &file->reader.fields[0];

	return !file->ended && field->length == profiles->customer_length &&
	       memcmp(field->text, profiles->customer, field->length) == 0;
}

/* The bytes of whole customers among there bytes of lines, of which more may
 * follow unless ended. */
static size_t whole_customers(const char *bytes, size_t there, bool ended)
{
	const char *end = there > 0 ? memrchr(bytes, '\n', there) : NULL;
	size_t size = end != NULL ? (size_t)(end - bytes) + 1 : 0;

	if (ended && size == there)
		return size;
	return size > 0 ? profile_lines_last_customer(bytes, size) : 0;
}

/* Whether the first of size bytes of lines is of a customer above those passed
 * over. */
static bool is_next(const struct profile_file *file, const char *bytes,
		    size_t size)
{
	struct string_slice first = profile_lines_customer(bytes, bytes + size);

	return !file->any ||
	       string_table_compare(file->customer, file->customer_length,
				    first.text, first.length) < 0;
}

size_t profile_reader_lines(struct profile_reader *profiles, size_t i,
			    size_t size, const char **bytes, bool *all)
{
	struct profile_file *file = &profiles->files[i];
	size_t there = 0, before, lines;

	/* More, where there are lines of one customer alone. */
	do {
		before = there;
		there = tsv_peek(&file->reader, size, bytes);
		*all = there < size;
		lines = whole_customers(*bytes, there, *all);
		size = 2 * there;
	} while (lines == 0 && there > before);
	if (lines > 0 && !is_next(file, *bytes, lines))
		lines = 0;
	*all = *all && lines == there;
	return lines;
}

void profile_reader_skip(struct profile_reader *profiles, size_t i, size_t size,
			 size_t lines, const struct string_slice *customer,
			 const struct string_slice *tag)
{
	struct profile_file *file = &profiles->files[i];

	copy_text(&file->customer, &file->customer_length, &file->customer_room,
		  customer->text, customer->length);
	copy_text(&file->tag, &file->tag_length, &file->tag_room, tag->text,
		  tag->length);
	file->any = true;
	tsv_skip(&file->reader, size, lines);
}

bool profile_reader_next(struct profile_reader *profiles)
{
	const struct tsv_field *minimum = NULL;

	for (size_t i = 0; !profiles->begun && i < profiles->file_count; i++)
		advance(&profiles->files[i]);
	profiles->begun = true;

	for (size_t i = 0; i < profiles->file_count; i++) {
		const struct tsv_field *field =
			profiles->files[i].reader.fields;
		if (!profiles->files[i].ended &&
		    (minimum == NULL ||
		     compare(field->text, field->length, minimum->text,
			     minimum->length) < 0))
			minimum = field;
	}
	if (minimum == NULL)
		return false;
	copy_field(&profiles->customer, &profiles->customer_length,
		   &profiles->customer_room, minimum);
	profiles->count = profiles->texts_used = 0;
	for (size_t i = 0; i < profiles->file_count; i++)
		while (is_current(profiles, &profiles->files[i])) {
			add_entry(profiles, i);
			advance(&profiles->files[i]);
		}
	return true;
}

double profile_reader_share(const struct profile_reader *profiles)
{
	double size = 0, done = 0;

	for (size_t i = 0; i < profiles->file_count; i++) {
		const struct input *input = &profiles->files[i].reader.input;
		if (!input->regular)
			return -1;
		off_t at = lseek(input->fd, 0, SEEK_CUR);
		size += (double)input->size;
		done += at > 0 ? (double)at : 0;
	}
	return size > 0 ? done / size : -1;
}

const char *profile_reader_error(const struct profile_reader *profiles,
				 const struct profile_entry *entry,
				 const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	return error_text("%s:%zu: %s",
			  profile_reader_name(profiles, entry->file),
			  entry->line, text);
}

const char *profile_reader_column(const struct profile_reader *profiles,
				  size_t file, size_t column)
{
	return profiles->files[file].columns[column];
}

const char *profile_reader_name(const struct profile_reader *profiles,
				size_t file)
{
	return profiles->files[file].reader.name;
}

void profile_reader_close(struct profile_reader *profiles)
{
	for (size_t i = 0; i < profiles->file_count; i++) {
		free(profiles->files[i].customer);
		free(profiles->files[i].tag);
		for (size_t j = 0; j < COLUMNS; j++)
			free(profiles->files[i].columns[j]);
		tsv_close(&profiles->files[i].reader);
	}
	free(profiles->files);
	free(profiles->customer);
	free(profiles->entries);
	free(profiles->texts);
	*profiles = (struct profile_reader){0};
}
