#include "events/row_account.h"

#include <stdio.h>
#include <string.h>

#include "base/date.h"
#include "base/errors.h"
#include "base/io.h"
#include "base/number.h"
#include "events/number_fault.h"
#include "text/json_writer.h"

/* --------------------------------------------------------------- the report */

static void put_reasons(struct json_writer *json, const struct rejects *rejects)
{
	json_put_object(json, "rows_rejected");
	for (int i = REJECT_NONE + 1; rejects != NULL && i < REJECTS; i++) {
		uint64_t count = rejects_count(rejects, (enum reject)i);

		if (count > 0)
			json_put_count(json,
				       rejects_reason(rejects, (enum reject)i),
				       count);
	}
	json_put_end(json);
}

/* A count that is known only where rows were grouped. */
static void put_grouped(struct json_writer *json,
			const struct row_account *account, const char *key,
			uint64_t count)
{
	if (account->grouped)
		json_put_count(json, key, count);
	else
		json_put_null(json, key);
}

/* The time of an event; null where there is none. */
static void put_time(struct json_writer *json,
		     const struct row_account *account, const char *key,
		     int64_t time)
{
	char text[DATE_ROOM];

	date_write(text, time);
	json_put_text(json, key, account->observations.timed > 0 ? text : NULL);
}

void row_account_report(const struct row_account *account,
			const struct rejects *rejects, const char *path)
{
	struct output output;
	struct json_writer json;

	if (path == NULL)
		return;
	output_open(&output, path);
	json_writer_init(&json, &output, JSON_STYLE_SPACED);
	json_put_object(&json, NULL);
	json_put_count(&json, "rows_in", account->in);
	json_put_count(&json, "rows_used", account->used);
	json_put_count(&json, "rows_untagged", account->untagged);
	if (account->halved)
		json_put_count(&json, "rows_other_half", account->other);
	if (account->forgets)
		json_put_count(&json, "rows_forgotten", account->forgotten);
	if (account->filtered)
		json_put_count(&json, "rows_left_out", account->left_out);
	json_put_count(&json, "values_rounded", account->observations.rounded);
	json_put_count(&json, "header_lines_repeated",
		       account->observations.headers);
	if (account->timed) {
		put_time(&json, account, "first_event",
			 account->observations.first);
		put_time(&json, account, "last_event",
			 account->observations.last);
	}
	put_reasons(&json, rejects);
	put_grouped(&json, account, "users", account->counts.users);
	put_grouped(&json, account, "tags", account->counts.tags);
	put_grouped(&json, account, "pairs", account->counts.pairs);
	json_put_end(&json);
	output_text(&output, "\n");
	output_close(&output);
}

/* ----------------------------------------------------------------- messages */

void row_account_warn_columns(const struct columns *columns)
{
	char *const *names = columns->names;
	const char *value = columns->valued ? names[COLUMN_VALUE] : "";
	const char *marks[COLUMNS_DETECTED] = {
		[COLUMN_USER] = columns_quote(names[COLUMN_USER]),
		[COLUMN_TAG] = columns_quote(names[COLUMN_TAG]),
		[COLUMN_VALUE] = columns_quote(value)};

	warn("took %s%s%s, %s%s%s%s%s%s%s", marks[COLUMN_USER],
	     names[COLUMN_USER], marks[COLUMN_USER], marks[COLUMN_TAG],
	     names[COLUMN_TAG], marks[COLUMN_TAG],
	     columns->valued ? ", " : "; each row counts 1",
	     marks[COLUMN_VALUE], value, marks[COLUMN_VALUE]);
}

void row_account_warn_observations(const struct row_observations *observations,
				   const struct decimal_style *style)
{
	char fault[NUMBER_FAULT_ROOM];
	char count[NUMBER_TEXT];

	if (observations->headers > 0)
		warn("%s repeated header line%s skipped",
		     number_commas(count, observations->headers),
		     observations->headers == 1 ? "" : "s");
	if (observations->rounded > 0)
		warn("%s value%s of more than 9 decimals rounded to 9",
		     number_commas(count, observations->rounded),
		     observations->rounded == 1 ? "" : "s");
	if (observations->padded > 0)
		warn("%s row%s with a blank, or a mark that is not seen, at an "
		     "end of the name of the customer or the tag: such names "
		     "are others; --trim takes it away",
		     number_commas(count, observations->padded),
		     observations->padded == 1 ? "" : "s");
	if (observations->unordered > 0) {
		number_fault_describe(style, observations->unordered_text,
				      strlen(observations->unordered_text),
				      fault);
		warn("%s of the rows left out have no number where --where "
		     "compares, such as \"%s\": %s",
		     number_commas(count, observations->unordered),
		     observations->unordered_text, fault);
	}
	if (observations->surplus > 0)
		warn("%s row%s with an empty field after the last column, "
		     "which is ignored",
		     number_commas(count, observations->surplus),
		     observations->surplus == 1 ? "" : "s");
}

void row_account_warn_header(const struct event_reader *events)
{
	decimal value;

	/* Numbers were warned of when they were read. */
	if (events->alike != NULL &&
	    decimal_read(events->alike, strlen(events->alike), &value) !=
		    DECIMAL_FINE)
		warn("%s: \"%s\" of its header looks like what is below it: if "
		     "the first line is a row, --no-header",
		     events->source.files[0].name, events->alike);
}

void row_account_warn_encoding(const struct event_reader *events)
{
	const struct foreign_bytes *foreign = &events->foreign;
	char bytes[4 * 3 + 1] = "";

	if (foreign->line == 0)
		return;
	for (size_t i = 0; i < foreign->count; i++)
		snprintf(bytes + 3 * i, 4, " %02x", foreign->bytes[i]);
	warn("%s:%zu: not UTF-8 (bytes%s): names are taken as they stand, and "
	     "JSON shows such bytes as %%%02X; --encoding WINDOWS-1252, or "
	     "before: iconv -f WINDOWS-1252 -t UTF-8",
	     events->source.files[foreign->file].name, foreign->line, bytes,
	     foreign->bytes[0]);
}

/* Append ", COUNT WHAT" to a line of size bytes, unless count is 0. */
static void append_count(char *line, size_t size, uint64_t count,
			 const char *what)
{
	size_t length = strlen(line);
	char n[NUMBER_TEXT];

	if (count > 0)
		snprintf(line + length, size - length, ", %s %s",
			 number_commas(n, count), what);
}

void row_account_warn(const struct row_account *account)
{
	char n[5][NUMBER_TEXT], unused[5 * (NUMBER_TEXT + 24)] = "";

	append_count(unused, sizeof unused, account->untagged, "without a tag");
	append_count(unused, sizeof unused, account->left_out, "left out");
	append_count(unused, sizeof unused, account->forgotten, "forgotten");
	append_count(unused, sizeof unused, account->other,
		     "of the other half");
	append_count(unused, sizeof unused, account->rejected, "rejected");
	warn("%s rows: %s used%s; %s customers, %s tags, %s pairs",
	     number_commas(n[0], account->in),
	     number_commas(n[1], account->used), unused,
	     number_commas(n[2], account->counts.users),
	     number_commas(n[3], account->counts.tags),
	     number_commas(n[4], account->counts.pairs));
}
