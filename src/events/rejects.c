#include "events/rejects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "events/column_detect.h"
#include "events/date_forms.h"
#include "events/doubtful_names.h"
#include "text/tsv.h"

enum {
	KEPT_IN_MEMORY =
		1
		<< 20, /* bytes of rows, and of reasons, that stay in memory */
	QUOTED = 60
}; /* bytes of a wrong field that a message shows */

enum { REASON_ROOM = 384 }; /* bytes of what is wrong with a row */

/* Rows wrong for one reason: how many, and the first. */
struct tally {
	uint64_t count, sequence;
	size_t file, line;
	char what[REASON_ROOM];
};

/* The rows of a block, in rows and why. */
struct kept {
	uint64_t sequence;
	size_t rows_size, why_size;
};

struct reject_thread {
	struct tally tallies[REJECTS];
	struct tempfile rows, why;
	struct kept *kept;
	size_t count, capacity;
	size_t next, rows_at, why_at; /* while they are written */
};

void rejects_begin(struct rejects *rejects, const struct csv_source *source,
		   char **columns, unsigned threads, bool kept)
{
	*rejects = (struct rejects){.source = source,
				    .columns = columns,
				    .threads = threads,
				    .kept = kept};
	rejects->states = alloc(threads, sizeof *rejects->states);
	for (unsigned t = 0; t < threads; t++) {
		tempfile_begin(&rejects->states[t].rows, KEPT_IN_MEMORY);
		tempfile_begin(&rejects->states[t].why, KEPT_IN_MEMORY);
	}
}

/* ----------------------------------------------------------------- reasons */

/* Beside those of column_detect. */
enum { COLUMN_TIME = COLUMNS_DETECTED, COLUMN_TYPE };

static bool is_number_fault(enum reject reject)
{
	return reject >= REJECT_NUMBER && reject < REJECT_LARGE;
}

/* Which column a reason is about, or -1: the row. */
static int column_of(enum reject reject)
{
	switch (reject) {
	case REJECT_EMPTY_USER:
		return COLUMN_USER;
	case REJECT_EMPTY_TAG:
		return COLUMN_TAG;
	case REJECT_EMPTY_VALUE:
	case REJECT_LARGE:
		return COLUMN_VALUE;
	case REJECT_TIME:
		return COLUMN_TIME;
	case REJECT_TYPE:
		return COLUMN_TYPE;
	default:
		return is_number_fault(reject) ? COLUMN_VALUE : -1;
	}
}

static const char *column_name(const struct rejects *rejects, int column)
{
	static const char *const plain[] = {"the customer", "the tag",
					    "the value"};

	if (column == COLUMN_TIME)
		return rejects->time;
	if (column == COLUMN_TYPE)
		return rejects->type;
	const char *name = rejects->columns[column];
	return name ? name : plain[column];
}

/* What is wrong with a field that is not empty. */
static const char *field_reason(enum reject reject)
{
	switch (reject) {
	case REJECT_TIME:
		return "expected a date, such as 2026-01-31 or "
		       "2026-01-31T10:15:00Z, or seconds since 1970; "
		       "--time-format says another form, such as %d/%m/%Y";
	case REJECT_TYPE:
		return "no weight in the file of --weight-by";
	case REJECT_LARGE:
		return decimal_reason(DECIMAL_LARGE);
	default:
		return number_fault_reason(
			(enum number_fault)(reject - REJECT_NUMBER));
	}
}

const char *rejects_reason(const struct rejects *rejects, enum reject reject)
{
	int column = column_of(reject);

	switch (reject) {
	case REJECT_FEW:
		return "too few fields";
	case REJECT_MANY:
		return "too many fields";
	case REJECT_EMPTY_USER:
	case REJECT_EMPTY_TAG:
	case REJECT_EMPTY_VALUE:
		return error_text("%s is empty", column_name(rejects, column));
	case REJECT_HEAVY:
		return "the value times its weight is 10^18 or more: a smaller "
		       "weight, a later --from or a longer --half-life";
	default:
		if (reject >= REJECT_CSV)
			return csv_fault_text[reject - REJECT_CSV];
		return error_text("%s: %s", column_name(rejects, column),
				  field_reason(reject));
	}
}

/* What the bytes of a row tell of another dialect, as the end of a message. */
static const char *dialect_hint(const struct csv_block *block,
				const struct csv_row *row, char delimiter,
				enum reject reject)
{
	const char *bytes = (const char *)block->bytes + row->begin;
	const char escaped[] = {'\\', delimiter}, single[] = {delimiter, '\''};
	const char blank[] = {delimiter, ' ', '"'};

	if (reject == REJECT_CSV + CSV_QUOTE_INSIDE &&
	    memmem(bytes, row->size, blank, 3) != NULL)
		return error_text(": a blank before it: sed 's/%c *\"/%c\"/g' "
				  "takes it away",
				  delimiter, delimiter);
	if (reject == REJECT_CSV + CSV_QUOTE_INSIDE &&
	    memmem(bytes, row->size, "=\"", 2) != NULL)
		return ": a spreadsheet writes texts so: " DOUBTFUL_NAMES_FORMULA;
	if (reject == REJECT_CSV + CSV_QUOTE_AFTER &&
	    memmem(bytes, row->size, "\\\"", 2) != NULL)
		return ": a backslash before it: --escape backslash";
	if (reject != REJECT_MANY)
		return "";
	if (memmem(bytes, row->size, escaped, 2) != NULL)
		return ": a backslash before a delimiter: --escape backslash";
	if (memmem(bytes, row->size, single, 2) != NULL || *bytes == '\'')
		return ": quoted by ': --quote \"'\"";
	if (row->size > 4 && memcmp(bytes, "\"1\"", 3) == 0 &&
	    bytes[3] == delimiter)
		return ": if the header lacks the first column's name, as R "
		       "writes it: --skip 1 --no-header, and columns by number";
	return "";
}

/* Five digits, of a year from 1954 to 2091, and perhaps decimals: the days
 * since 1900 that spreadsheets count. */
static bool is_day_number(const char *text, size_t length)
{
	size_t digits = 0;

	while (digits < length && text[digits] >= '0' && text[digits] <= '9')
		digits++;
	return digits == 5 && text[0] >= '2' && text[0] <= '6' &&
	       (digits == length || text[digits] == '.' || text[digits] == ',');
}

/* What is wrong with a date, and the form that reads it where one is known. */
static const char *time_reason(const char *text, size_t length)
{
	const char *forms = date_forms_find(text, length);

	if (is_day_number(text, length))
		return "expected a date, such as 2026-01-31; days as a "
		       "spreadsheet counts them are none: save them as dates";
	return forms == NULL
		       ? field_reason(REJECT_TIME)
		       : error_text("expected a date, such as 2026-01-31; "
				    "--time-format %s reads it",
				    forms);
}

/* The same with what the row has.  Returns how much of it names the column. */
static size_t describe(const struct rejects *rejects,
		       const struct csv_rows *rows, const struct csv_row *row,
		       size_t expected, enum reject reject,
		       char what[REASON_ROOM])
{
	int column = column_of(reject);
	size_t place = column == COLUMN_TIME   ? rejects->time_place
		       : column == COLUMN_TYPE ? rejects->type_place
					       : COLUMN_VALUE;
	const struct csv_slice *value = csv_row_field(rows, row, place);
	const char *reason = field_reason(reject);
	char fault[NUMBER_FAULT_ROOM];
	size_t begin =
		column < 0 ? 0 : strlen(column_name(rejects, column)) + 1;

	if (is_number_fault(reject)) {
		number_fault_describe(&rejects->style,
				      rows->text + value->begin, value->length,
				      fault);
		reason = fault;
	}
	if (reject == REJECT_TIME)
		reason = time_reason(rows->text + value->begin, value->length);
	if (reject == REJECT_FEW || reject == REJECT_MANY)
		snprintf(what, REASON_ROOM, "%u field%s, expected %zu",
			 (unsigned)row->fields, row->fields == 1 ? "" : "s",
			 expected);
	else if (column >= COLUMN_VALUE && reject != REJECT_EMPTY_VALUE)
		snprintf(what, REASON_ROOM, "%s \"%.*s%s\": %s",
			 column_name(rejects, column),
			 value->length > QUOTED ? QUOTED : (int)value->length,
			 rows->text + value->begin,
			 value->length > QUOTED ? "..." : "", reason);
	else
		snprintf(what, REASON_ROOM, "%s",
			 rejects_reason(rejects, reject));
	return begin > strlen(what) ? 0 : begin;
}

/* ------------------------------------------------------------ setting aside */

/* Bytes of a row without the empty lines before it; how many are left. */
static const unsigned char *trim(const unsigned char *bytes, size_t *size)
{
	while (*size > 0 && (*bytes == '\n' || *bytes == '\r')) {
		bytes++;
		--*size;
	}
	return bytes;
}

static void set_aside(struct reject_thread *state,
		      const struct rejects *rejects,
		      const struct csv_block *block, const struct csv_row *row,
		      int column, const char *reason)
{
	size_t size = row->size, rows_size = state->rows.size;
	const unsigned char *bytes = trim(block->bytes + row->begin, &size);
	const char *file = rejects->source->files[block->file].name;
	const char *name = column < 0 ? "" : column_name(rejects, column);
	struct output line;
	struct kept *kept;

	tempfile_add(&state->rows, bytes, size);
	if (size > 0 && bytes[size - 1] != '\n' && bytes[size - 1] != '\r')
		tempfile_add(&state->rows, "\n", 1);
	output_memory(&line);
	tsv_write_field(&line, file, strlen(file));
	output_print(&line, "\t%zu\t", row->line);
	tsv_write_field(&line, name, strlen(name));
	output_text(&line, "\t");
	tsv_write_field(&line, reason, strlen(reason));
	output_text(&line, "\n");
	tempfile_add(&state->why, line.buffer, line.held);
	if (state->count == 0 ||
	    state->kept[state->count - 1].sequence != block->sequence) {
		state->kept = alloc_grow(state->kept, &state->capacity,
					 state->count + 1, sizeof *state->kept);
		state->kept[state->count++] =
			(struct kept){block->sequence, 0, 0};
	}
	kept = &state->kept[state->count - 1];
	kept->rows_size += state->rows.size - rows_size;
	kept->why_size += line.held;
	free(line.buffer);
}

void rejects_add(struct rejects *rejects, unsigned thread,
		 const struct csv_block *block, const struct csv_rows *rows,
		 const struct csv_row *row, enum reject reject)
{
	struct reject_thread *state = &rejects->states[thread];
	struct tally *tally = &state->tallies[reject];
	char what[REASON_ROOM];
	size_t begin = describe(rejects, rows, row,
				rejects->source->files[block->file].fields,
				reject, what);
	size_t length = strlen(what);
	snprintf(what + length, sizeof what - length, "%s",
		 dialect_hint(block, row,
			      rejects->source->files[block->file].delimiter,
			      reject));
	/* How far the quote that is not closed reaches. */
	if (reject == REJECT_CSV + CSV_QUOTE_OPEN) {
		size_t last =
			row->line +
			csv_scan_lines(block->bytes + row->begin, row->size);
		size_t used = strlen(what);

		snprintf(what + used, sizeof what - used, ": lines %zu to %zu",
			 row->line, last > row->line ? last - 1 : last);
	}
	/* A thread reads its blocks, and their rows, in ascending order. */
	if (tally->count++ == 0) {
		tally->sequence = block->sequence;
		tally->file = block->file;
		tally->line = row->line;
		memcpy(tally->what, what, sizeof what);
	}
	if (rejects->kept)
		set_aside(state, rejects, block, row, column_of(reject),
			  what + begin);
}

/* --------------------------------------------------------------- reporting */

uint64_t rejects_count(const struct rejects *rejects, enum reject reject)
{
	uint64_t count = 0;

	for (unsigned t = 0; t < rejects->threads; t++)
		for (int i = 0; i < REJECTS; i++)
			if (reject == REJECT_NONE || i == (int)reject)
				count += rejects->states[t].tallies[i].count;
	return count;
}

/* The first row of all threads' that is wrong for the reason. */
static const struct tally *first(const struct rejects *rejects, int reject)
{
	const struct tally *least = NULL;

	for (unsigned t = 0; t < rejects->threads; t++) {
		const struct tally *tally = &rejects->states[t].tallies[reject];
		if (tally->count > 0 &&
		    (least == NULL || tally->sequence < least->sequence))
			least = tally;
	}
	return least;
}

void rejects_warn(const struct rejects *rejects, uint64_t rows_in)
{
	char count[NUMBER_TEXT], all[NUMBER_TEXT];

	for (int reject = 0; reject < REJECTS; reject++) {
		const struct tally *tally = first(rejects, reject);
		if (tally == NULL)
			continue;
		number_commas(count,
			      rejects_count(rejects, (enum reject)reject));
		number_commas(all, rows_in);
		warn("%s:%zu: %s; so in %s of %s rows",
		     rejects->source->files[tally->file].name, tally->line,
		     tally->what, count, all);
	}
}

/* Write a thread's rows of one block. */
static void write_kept(struct reject_thread *state, struct output *rows,
		       struct output *why)
{
	const struct kept *kept = &state->kept[state->next++];
	const char *row_bytes = tempfile_bytes(&state->rows);
	const char *why_bytes = tempfile_bytes(&state->why);

	output_write(rows, row_bytes + state->rows_at, kept->rows_size);
	output_write(why, why_bytes + state->why_at, kept->why_size);
	state->rows_at += kept->rows_size;
	state->why_at += kept->why_size;
}

void rejects_write(struct rejects *rejects, struct output *rows,
		   struct output *why)
{
	const struct csv_file *file = &rejects->source->files[0];

	if (file->header != NULL)
		output_write(rows, file->header, file->header_size);
	for (;;) {
		struct reject_thread *least = NULL;
		for (unsigned t = 0; t < rejects->threads; t++) {
			struct reject_thread *state = &rejects->states[t];
			if (state->next < state->count &&
			    (least == NULL ||
			     state->kept[state->next].sequence <
				     least->kept[least->next].sequence))
				least = state;
		}
		if (least == NULL)
			return;
		write_kept(least, rows, why);
	}
}

void rejects_end(struct rejects *rejects)
{
	for (unsigned t = 0; t < rejects->threads; t++) {
		tempfile_end(&rejects->states[t].rows);
		tempfile_end(&rejects->states[t].why);
		free(rejects->states[t].kept);
	}
	free(rejects->states);
}
