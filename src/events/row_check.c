#include "events/row_check.h"

#include <ctype.h>
#include <string.h>

#include "base/utf8.h"

/* ---------------------------------------------------------------- the header
 */

/* Names shorter than that are compared as they stand. */
enum { LOOSE_MIN = 3 };

/* Blanks, "_" and "-" do not count in names that are known
 * (events/column_detect.h). */
static bool counts(char byte)
{
	return byte != ' ' && byte != '_' && byte != '-';
}

/* The next byte that counts, in lower case; -1 at the end. */
static int next_byte(const char **at, const char *end)
{
	while (*at < end && !counts(**at))
		++*at;
	return *at < end ? tolower((unsigned char)*(*at)++) : -1;
}

/* Equal, but for a byte-order mark before the field, and as names that are
 * known are compared. */
static bool is_name(const char *text, size_t length, const char *name)
{
	const char *end = text + length, *name_end;
	int byte;

	name_end = name + strlen(name);
	text += utf8_order_mark(text, length);
	if (name_end - name < LOOSE_MIN)
		return end - text == name_end - name &&
		       memcmp(text, name, (size_t)(end - text)) == 0;
	do {
		byte = next_byte(&text, end);
		if (byte != next_byte(&name, name_end))
			return false;
	} while (byte >= 0);
	return true;
}

/* Whether the field of that place has the name of its column. */
static inline bool has_name(const struct row_rules *rules,
			    const struct csv_rows *rows,
			    const struct csv_row *row, size_t place)
{
	const struct csv_slice *field = csv_row_field(rows, row, place);
	const char *text = rows->text + field->begin;
	const char *name = rules->columns->names[place];

	if (name == NULL)
		return true;
	/* The first byte tells most of them apart, as ASCII in lower case. */
	if (field->length > 0 && (unsigned char)*text < 0x80 && counts(*text) &&
	    counts(*name) && (*text | 0x20) != (*name | 0x20))
		return false;
	return is_name(text, field->length, name);
}

bool row_repeats_header(const struct row_rules *rules,
			const struct csv_file *file,
			const struct csv_rows *rows, const struct csv_row *row)
{
	return rules->columns->headed && row->fault == CSV_FINE &&
	       row->fields == file->fields &&
	       has_name(rules, rows, row, COLUMN_USER) &&
	       has_name(rules, rows, row, COLUMN_TAG) &&
	       (!rules->columns->valued ||
		has_name(rules, rows, row, COLUMN_VALUE));
}

/* ----------------------------------------------------------------- the fields
 */

void row_trim(struct csv_rows *rows, const struct csv_row *row)
{
	for (size_t place = COLUMN_USER; place <= COLUMN_TAG; place++) {
		struct csv_slice *field = &rows->slices[row->first + place];
		const char *text = rows->text + field->begin;
		size_t length = field->length;

		utf8_trim(&text, &length);
		field->begin = (uint32_t)(text - rows->text);
		field->length = (uint32_t)length;
	}
}

/* True where row_trim would change a field.  Most begin and end with ASCII. */
static bool is_padded(const struct csv_rows *rows,
		      const struct csv_slice *field)
{
	const char *text = rows->text + field->begin, *trimmed = text;
	size_t length = field->length;

	if (length == 0 ||
	    ((unsigned char)(text[0] - '!') < 0x7f - '!' &&
	     (unsigned char)(text[length - 1] - '!') < 0x7f - '!'))
		return false;
	utf8_trim(&trimmed, &length);
	return length < field->length;
}

static bool is_empty(const struct row_rules *rules, const struct csv_rows *rows,
		     const struct csv_slice *field)
{
	return field->length == 0 ||
	       (rules->nulls.count > 0 &&
		null_texts_mean(&rules->nulls, rows->text + field->begin,
				field->length));
}

static enum reject check_value(const struct row_rules *rules,
			       const struct csv_rows *rows,
			       const struct csv_slice *field, decimal *value,
			       struct row_observations *observations)
{
	const char *text = rows->text + field->begin;

	if (is_empty(rules, rows, field))
		return REJECT_EMPTY_VALUE;
	switch (decimal_read_styled(&rules->style, text, field->length,
				    value)) {
	case DECIMAL_ROUNDED:
		observations->rounded++;
		return REJECT_NONE;
	case DECIMAL_FINE:
		return REJECT_NONE;
	case DECIMAL_LARGE:
		return REJECT_LARGE;
	default:
		return REJECT_NUMBER +
		       number_fault_find(&rules->style, text, field->length);
	}
}

/* What the filter finds wrong. */
static enum reject filter_fault(enum row_verdict verdict)
{
	switch (verdict) {
	case ROW_WRONG_TIME:
		return REJECT_TIME;
	case ROW_WRONG_TYPE:
		return REJECT_TYPE;
	case ROW_TOO_HEAVY:
		return REJECT_HEAVY;
	case ROW_COUNTS:
	case ROW_LEFT_OUT:
		break;
	}
	return REJECT_NONE;
}

/* Keep the first text in the order of bytes, so that threads do not matter. */
static void keep_unordered(struct row_observations *sum, const char *text)
{
	size_t length = strlen(text);

	if (sum->unordered > 0 && strcmp(sum->unordered_text, text) <= 0)
		return;
	memcpy(sum->unordered_text, text, length + 1);
}

/* Note a row that is left out since what is to be compared is no number. */
static void note_unordered(const struct row_rules *rules,
			   const struct csv_rows *rows,
			   const struct csv_row *row,
			   struct row_observations *observations)
{
	const struct csv_slice *field =
		row_filter_unordered(rules->filter, rows, row);
	struct row_observations one = {.unordered = 1};
	size_t length;

	if (field == NULL || is_empty(rules, rows, field))
		return;
	length = field->length < sizeof one.unordered_text
			 ? field->length
			 : sizeof one.unordered_text - 1;
	memcpy(one.unordered_text, rows->text + field->begin, length);
	row_observations_add(observations, &one);
}

void row_observations_add(struct row_observations *sum,
			  const struct row_observations *observations)
{
	sum->rounded += observations->rounded;
	sum->surplus += observations->surplus;
	sum->headers += observations->headers;
	sum->padded += observations->padded;
	if (observations->unordered > 0)
		keep_unordered(sum, observations->unordered_text);
	sum->unordered += observations->unordered;
	if (observations->timed == 0)
		return;
	if (sum->timed == 0 || observations->first < sum->first)
		sum->first = observations->first;
	if (sum->timed == 0 || observations->last > sum->last)
		sum->last = observations->last;
	sum->timed += observations->timed;
}

enum reject row_check(const struct row_rules *rules,
		      const struct csv_file *file, const struct csv_rows *rows,
		      const struct csv_row *row, struct checked_row *checked,
		      struct row_observations *observations)
{
	bool surplus = row->fields == file->fields + 1 && row->last_empty;
	bool filtered = !row_filter_is_empty(rules->filter);
	bool weighs = (filtered && row_filter_weighs(rules->filter)) ||
		      rules->heaviest > 0;
	enum row_verdict verdict = ROW_COUNTS;
	enum reject fault;
	decimal weight = DECIMAL_ONE;
	int64_t time = 0;

	*checked = (struct checked_row){0};
	if (row->fault != CSV_FINE)
		return REJECT_CSV + row->fault;
	if (row->fields != file->fields && !surplus)
		return row->fields < file->fields ? REJECT_FEW : REJECT_MANY;
	observations->surplus += surplus;
	if (filtered)
		verdict = row_filter_check(rules->filter, rows, row, &weight,
					   &time);
	checked->left_out = verdict == ROW_LEFT_OUT;
	if (checked->left_out)
		note_unordered(rules, rows, row, observations);
	if (verdict != ROW_COUNTS)
		return filter_fault(verdict);
	if (is_empty(rules, rows, csv_row_field(rows, row, COLUMN_USER)))
		return REJECT_EMPTY_USER;
	if (!rules->tag_may_be_empty &&
	    is_empty(rules, rows, csv_row_field(rows, row, COLUMN_TAG)))
		return REJECT_EMPTY_TAG;
	observations->padded +=
		is_padded(rows, csv_row_field(rows, row, COLUMN_USER)) ||
		is_padded(rows, csv_row_field(rows, row, COLUMN_TAG));
	if (!rules->columns->valued) {
		checked->value = weighs ? weight : 0;
	} else {
		fault = check_value(rules, rows,
				    csv_row_field(rows, row, COLUMN_VALUE),
				    &checked->value, observations);
		if (fault != REJECT_NONE)
			return fault;
		if (weighs && decimal_multiply(checked->value, weight,
					       &checked->value) != DECIMAL_FINE)
			return REJECT_HEAVY;
	}
	/* That no product with the weight of a tag is too large. */
	if (rules->heaviest > 0 &&
	    decimal_multiply(checked->value, rules->heaviest, &weight) !=
		    DECIMAL_FINE)
		return REJECT_HEAVY;
	if (rules->filter->time != NULL)
		row_observations_add(observations,
				     &(struct row_observations){.timed = 1,
								.first = time,
								.last = time});
	return REJECT_NONE;
}
