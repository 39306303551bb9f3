#include "events/row_filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/date.h"
#include "base/errors.h"
#include "base/utf8.h"
#include "events/column_detect.h"
#include "events/item_tags.h"
#include "events/number_fault.h"
#include "events/weight_reader.h"
#include "text/tsv.h"

/* --------------------------------------------------------------- conditions
 */

/* The relation that a text begins with, longest first, and its length. */
static size_t find_relation(const char *text, struct row_condition *condition)
{
	static const struct {
		const char *text;
		int relation;
	} relations[] = {
		{"!=", ROW_UNEQUAL},       {"==", ROW_EQUAL},
		{"<=", ROW_LESS_OR_EQUAL}, {">=", ROW_GREATER_OR_EQUAL},
		{"=", ROW_EQUAL},          {"<", ROW_LESS},
		{">", ROW_GREATER}};

	for (size_t i = 0; i < sizeof relations / sizeof *relations; i++) {
		size_t length = strlen(relations[i].text);

		if (strncmp(text, relations[i].text, length) != 0)
			continue;
		condition->relation = relations[i].relation;
		return length;
	}
	return 0;
}

const char *row_filter_add(struct row_filter *filter, const char *argument)
{
	struct row_condition *condition =
		&filter->conditions[filter->condition_count];
	size_t name = strcspn(argument, "=!<>"), length;

	if (filter->condition_count == ROW_FILTER_MAX_CONDITIONS)
		return error_text("more than %d conditions",
				  ROW_FILTER_MAX_CONDITIONS);
	length = find_relation(argument + name, condition);
	if (name == 0 || length == 0)
		return error_text("\"%s\": expected a column, one of = != < <= "
				  "> >=, and a value",
				  argument);
	const char *value = argument + name + length;
	size_t value_length = strlen(value);
	utf8_trim(&value, &value_length);
	utf8_trim(&argument, &name);
	condition->column = alloc_text(argument, name);
	condition->text = tsv_escape_text(value, value_length);
	filter->condition_count++;
	return NULL;
}

/* True where the text is a number in the style, or as C writes it. */
static bool is_number(const struct decimal_style *style, const char *text,
		      decimal *number)
{
	size_t length = strlen(text);

	return decimal_read_styled(style, text, length, number) ==
		       DECIMAL_FINE ||
	       decimal_read(text, length, number) == DECIMAL_FINE;
}

void row_filter_set_style(struct row_filter *filter,
			  const struct decimal_style *style)
{
	char fault[NUMBER_FAULT_ROOM];

	filter->style = *style;
	for (size_t i = 0; i < filter->condition_count; i++) {
		struct row_condition *condition = &filter->conditions[i];
		const char *text = condition->text;

		condition->numeric = is_number(style, text, &condition->number);
		if (condition->numeric || condition->relation == ROW_EQUAL ||
		    condition->relation == ROW_UNEQUAL ||
		    number_fault_find(style, text, strlen(text)) !=
			    NUMBER_MARKS)
			continue;
		number_fault_describe(style, text, strlen(text), fault);
		die_usage("--where: %s \"%s\": %s", condition->column, text,
			  fault);
	}
}

static bool holds(const struct row_condition *condition,
		  const struct decimal_style *style, const char *text,
		  size_t length)
{
	decimal number;
	int order;

	if (condition->numeric) {
		enum decimal_error error =
			decimal_read_styled(style, text, length, &number);

		if (error != DECIMAL_FINE && error != DECIMAL_ROUNDED)
			return condition->relation == ROW_UNEQUAL;
		order = (number > condition->number) -
			(number < condition->number);
	} else {
		utf8_trim(&text, &length);
		order = string_table_compare(text, length, condition->text,
					     strlen(condition->text));
	}
	switch (condition->relation) {
	case ROW_EQUAL:
		return order == 0;
	case ROW_UNEQUAL:
		return order != 0;
	case ROW_LESS:
		return order < 0;
	case ROW_LESS_OR_EQUAL:
		return order <= 0;
	case ROW_GREATER:
		return order > 0;
	case ROW_GREATER_OR_EQUAL:
		return order >= 0;
	}
	return false;
}

/* ------------------------------------------------------------------ weights
 */

static decimal read_weight(const struct row_filter *filter,
			   struct item_tags *items, size_t type)
{
	const char *name = string_table_text(&items->items, type);
	decimal weight;

	if (items->begin[type + 1] - items->begin[type] != 1)
		die("--weight-by: %s: %s has not one weight, but %zu",
		    filter->type_file, name,
		    items->begin[type + 1] - items->begin[type]);
	size_t tag = items->tag[items->begin[type]];
	const char *text = string_table_text(&items->tags, tag);
	size_t length = string_table_length(&items->tags, tag);

	weight = weight_read(&filter->style, text, length, &items->rounded);
	if (weight < 0)
		die("--weight-by: %s: %s: weight \"%s\": %s", filter->type_file,
		    name, text, weight_fault(&filter->style, text, length));
	return weight;
}

/* True where what may be a header is one: it has no number for a weight. */
static bool is_header(const struct decimal_style *style,
		      const struct item_tags *items, size_t type)
{
	decimal weight;
	size_t tag;

	if (type != items->header ||
	    items->begin[type + 1] - items->begin[type] != 1)
		return false;
	tag = items->tag[items->begin[type]];
	return decimal_read_styled(style, string_table_text(&items->tags, tag),
				   string_table_length(&items->tags, tag),
				   &weight) == DECIMAL_TEXT;
}

void row_filter_read_weights(struct row_filter *filter, const char *argument,
			     const struct csv_dialect *dialect, bool headed)
{
	const char *colon = strchr(argument, ':');
	struct item_tags items = {0};

	if (colon == NULL || colon == argument || colon[1] == '\0')
		die_usage("--weight-by \"%s\": expected a column, a colon, and "
			  "a file of its weights",
			  argument);
	const struct item_tags_source source = {.option = "--weight-by",
						.argument = colon + 1,
						.dialect = *dialect,
						.style = filter->style,
						.headed = headed};
	item_tags_read(&items, &source);
	filter->type = alloc_text(argument, (size_t)(colon - argument));
	filter->type_file = alloc_text(items.file, strlen(items.file));
	filter->weights = alloc(items.items.count, sizeof *filter->weights);
	for (size_t i = 0; i < items.items.count; i++) {
		if (is_header(&filter->style, &items, i))
			continue;
		size_t type = string_table_add(
			&filter->types, string_table_text(&items.items, i),
			string_table_length(&items.items, i));
		filter->weights[type] = read_weight(filter, &items, i);
	}
	weight_warn_rounded(filter->type_file, items.rounded);
	item_tags_free(&items);
}

bool row_filter_weighs(const struct row_filter *filter)
{
	return filter->type != NULL || filter->decays;
}

/* ------------------------------------------------------------------ columns
 */

size_t row_filter_set_places(struct row_filter *filter, size_t first)
{
	filter->first_place = first;
	return filter->condition_count + (filter->time != NULL) +
	       (filter->type != NULL);
}

size_t row_filter_time_place(const struct row_filter *filter)
{
	return filter->time != NULL
		       ? filter->first_place + filter->condition_count
		       : CSV_MAX_PLACES;
}

size_t row_filter_type_place(const struct row_filter *filter)
{
	return filter->type != NULL
		       ? filter->first_place + filter->condition_count +
				 (filter->time != NULL)
		       : CSV_MAX_PLACES;
}

void row_filter_select(const struct row_filter *filter, struct csv_file *file,
		       bool headed, const struct csv_names *names)
{
	size_t *place = &file->selected[filter->first_place];

	for (size_t i = 0; i < filter->condition_count; i++)
		*place++ = columns_index(file, filter->conditions[i].column,
					 headed, names);
	if (filter->time != NULL)
		*place++ = columns_index(file, filter->time, headed, names);
	if (filter->type != NULL)
		*place++ = columns_index(file, filter->type, headed, names);
}

/* ----------------------------------------------------------------- checking
 */

static bool read_time(const struct row_filter *filter, const char *text,
		      size_t length, int64_t *time)
{
	return filter->time_format != NULL
		       ? date_read_format(filter->time_format, text, length,
					  time)
		       : date_read(text, length, time);
}

/* The weight of a row by its time. */
static enum row_verdict check_time(const struct row_filter *filter,
				   const struct csv_rows *rows,
				   const struct csv_row *row, decimal *weight,
				   int64_t *time)
{
	const struct csv_slice *field =
		csv_row_field(rows, row, row_filter_time_place(filter));

	if (!read_time(filter, rows->text + field->begin, field->length, time))
		return ROW_WRONG_TIME;
	if ((filter->has_since && *time < filter->since) ||
	    (filter->has_until && *time >= filter->until))
		return ROW_LEFT_OUT;
	if (filter->decays &&
	    !forward_decay_weight(&filter->decay, *time, weight))
		return ROW_TOO_HEAVY;
	return ROW_COUNTS;
}

/* Multiply the weight by that of the row's type. */
static enum row_verdict check_type(const struct row_filter *filter,
				   const struct csv_rows *rows,
				   const struct csv_row *row, decimal *weight)
{
	const struct csv_slice *field =
		csv_row_field(rows, row, row_filter_type_place(filter));
	const char *text = rows->text + field->begin;
	size_t length = field->length;
	size_t type = string_table_find(&filter->types, text, length);

	if (type == STRING_TABLE_NONE) {
		utf8_trim(&text, &length);
		type = string_table_find(&filter->types, text, length);
	}
	if (type == STRING_TABLE_NONE)
		return ROW_WRONG_TYPE;
	if (filter->weights[type] == 0)
		return ROW_LEFT_OUT;
	return decimal_multiply(*weight, filter->weights[type], weight) ==
			       DECIMAL_FINE
		       ? ROW_COUNTS
		       : ROW_TOO_HEAVY;
}

enum row_verdict row_filter_check(const struct row_filter *filter,
				  const struct csv_rows *rows,
				  const struct csv_row *row, decimal *weight,
				  int64_t *time)
{
	enum row_verdict verdict = ROW_COUNTS;

	*weight = DECIMAL_ONE;
	for (size_t i = 0; i < filter->condition_count; i++) {
		const struct csv_slice *field =
			csv_row_field(rows, row, filter->first_place + i);

		if (!holds(&filter->conditions[i], &filter->style,
			   rows->text + field->begin, field->length))
			return ROW_LEFT_OUT;
	}
	if (filter->time != NULL)
		verdict = check_time(filter, rows, row, weight, time);
	if (verdict == ROW_COUNTS && filter->type != NULL)
		verdict = check_type(filter, rows, row, weight);
	return verdict;
}

const struct csv_slice *row_filter_unordered(const struct row_filter *filter,
					     const struct csv_rows *rows,
					     const struct csv_row *row)
{
	for (size_t i = 0; i < filter->condition_count; i++) {
		const struct row_condition *condition = &filter->conditions[i];
		const struct csv_slice *field =
			csv_row_field(rows, row, filter->first_place + i);
		const char *text = rows->text + field->begin;
		decimal number;

		if (holds(condition, &filter->style, text, field->length))
			continue;
		return condition->numeric && condition->relation >= ROW_LESS &&
				       decimal_read_styled(&filter->style, text,
							   field->length,
							   &number) ==
					       DECIMAL_TEXT
			       ? field
			       : NULL;
	}
	return NULL;
}

/* Append "COL is "FIELD"" for a place. */
static void append_field(const struct csv_rows *rows, const struct csv_row *row,
			 size_t place, const char *column,
			 char to[ROW_FILTER_ROOM])
{
	const struct csv_slice *field = csv_row_field(rows, row, place);
	size_t used = strlen(to);

	snprintf(to + used, ROW_FILTER_ROOM - used, "%s%s is \"%.*s\"",
		 used > 0 ? ", " : "", column,
		 field->length > 40 ? 40 : (int)field->length,
		 rows->text + field->begin);
}

void row_filter_describe(const struct row_filter *filter,
			 const struct csv_rows *rows, const struct csv_row *row,
			 char to[ROW_FILTER_ROOM])
{
	*to = '\0';
	for (size_t i = 0; i < filter->condition_count; i++)
		append_field(rows, row, filter->first_place + i,
			     filter->conditions[i].column, to);
	if (filter->time != NULL)
		append_field(rows, row, row_filter_time_place(filter),
			     filter->time, to);
	if (filter->type != NULL)
		append_field(rows, row, row_filter_type_place(filter),
			     filter->type, to);
}

void row_filter_free(struct row_filter *filter)
{
	for (size_t i = 0; i < filter->condition_count; i++) {
		free(filter->conditions[i].column);
		free(filter->conditions[i].text);
	}
	free(filter->type);
	free(filter->type_file);
	free(filter->weights);
	string_table_free(&filter->types);
	*filter = (struct row_filter){0};
}
