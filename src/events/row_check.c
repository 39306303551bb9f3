#include "events/row_check.h"

#include <string.h>

/* ---------------------------------------------------------------- the header
 */

/* Equal, but for a byte-order mark before the field. */
static bool is_name(const struct csv_rows *rows, const struct csv_slice *field,
		    const char *name)
{
	const char *text = rows->text + field->begin;
	size_t length = field->length;

	if (name == NULL)
		return true;
	if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		length -= 3;
	}
	return length == strlen(name) && memcmp(text, name, length) == 0;
}

bool row_repeats_header(const struct row_rules *rules,
			const struct csv_file *file,
			const struct csv_rows *rows, const struct csv_row *row)
{
	char *const *names = rules->columns->names;

	return rules->columns->headed && row->fault == CSV_FINE &&
	       row->fields == file->fields &&
	       is_name(rows, csv_row_field(rows, row, COLUMN_USER),
		       names[COLUMN_USER]) &&
	       is_name(rows, csv_row_field(rows, row, COLUMN_TAG),
		       names[COLUMN_TAG]) &&
	       (!rules->columns->valued ||
		is_name(rows, csv_row_field(rows, row, COLUMN_VALUE),
			names[COLUMN_VALUE]));
}

/* ----------------------------------------------------------------- the fields
 */

static bool is_empty(const struct row_rules *rules, const struct csv_rows *rows,
		     const struct csv_slice *field)
{
	const char *text = rows->text + field->begin;

	if (field->length == 0)
		return true;
	for (size_t i = 0; i < rules->null_count; i++)
		if (strlen(rules->nulls[i]) == field->length &&
		    memcmp(rules->nulls[i], text, field->length) == 0)
			return true;
	return false;
}

/* True where a text has one of the signs of currency, or of percent, at its
 * begin or its end. */
static bool has_sign(const char *text, size_t length)
{
	static const char *const signs[] = {"$",
					    "%",
					    "\xc2\xa3" /* pound */,
					    "\xc2\xa5" /* yen */,
					    "\xe2\x82\xac" /* euro */,
					    "\xe2\x82\xb9" /* rupee */,
					    "EUR",
					    "USD",
					    "GBP",
					    "CHF"};

	if (length > 1 && (*text == '-' || *text == '+')) {
		text++;
		length--;
	}
	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
		size_t size = strlen(signs[i]);

		if (length > size &&
		    (memcmp(text, signs[i], size) == 0 ||
		     memcmp(text + length - size, signs[i], size) == 0))
			return true;
	}
	return false;
}

/* Why a text is no number. */
static enum reject number_fault(const struct row_rules *rules, const char *text,
				size_t length)
{
	bool digit = false, others = false, comma = false;

	while (length > 0 && *text == ' ') {
		text++;
		length--;
	}
	while (length > 0 && text[length - 1] == ' ')
		length--;
	if (has_sign(text, length))
		return REJECT_SIGN;
	for (size_t i = 0; i < length; i++) {
		bool is_digit = text[i] >= '0' && text[i] <= '9';

		digit = digit || is_digit;
		comma = comma || text[i] == ',';
		others = others ||
			 (!is_digit && memchr("+-.,", text[i], 4) == NULL);
	}
	return digit && comma && !others && rules->style.point == '.' &&
			       rules->style.thousands == 0
		       ? REJECT_COMMA
		       : REJECT_TEXT;
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
		return number_fault(rules, text, field->length);
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

enum reject row_check(const struct row_rules *rules,
		      const struct csv_file *file, const struct csv_rows *rows,
		      const struct csv_row *row, struct checked_row *checked,
		      struct row_observations *observations)
{
	bool surplus = row->fields == file->fields + 1 && row->last_empty;
	bool weighs = row_filter_weighs(rules->filter);
	enum reject fault;
	decimal weight;

	*checked = (struct checked_row){0};
	if (row->fault != CSV_FINE)
		return REJECT_CSV + row->fault;
	if (row->fields != file->fields && !surplus)
		return row->fields < file->fields ? REJECT_FEW : REJECT_MANY;
	observations->surplus += surplus;
	enum row_verdict verdict =
		row_filter_check(rules->filter, rows, row, &weight);
	checked->left_out = verdict == ROW_LEFT_OUT;
	if (verdict != ROW_COUNTS)
		return filter_fault(verdict);
	if (is_empty(rules, rows, csv_row_field(rows, row, COLUMN_USER)))
		return REJECT_EMPTY_USER;
	if (!rules->tag_may_be_empty &&
	    is_empty(rules, rows, csv_row_field(rows, row, COLUMN_TAG)))
		return REJECT_EMPTY_TAG;
	if (!rules->columns->valued) {
		checked->value = weighs ? weight : 0;
		return REJECT_NONE;
	}
	fault = check_value(rules, rows, csv_row_field(rows, row, COLUMN_VALUE),
			    &checked->value, observations);
	if (fault == REJECT_NONE && weighs &&
	    decimal_multiply(checked->value, weight, &checked->value) !=
		    DECIMAL_FINE)
		return REJECT_HEAVY;
	return fault;
}
