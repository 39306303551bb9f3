#include "events/column_detect.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/decimal.h"
#include "base/errors.h"
#include "base/number.h"
#include "base/utf8.h"
#include "text/delimiter_hint.h"

/* Names that are known, as they are when case, blanks, "_" and "-" are gone.
 * Of several lists, the first that has a name of the header counts. */
static const char *const users[] = {"userhandle", "userid",   "user",
				    "customerid", "customer", "householdid",
				    NULL};
static const char *const other_users[] = {
	"customeruniqueid", "clientid",     "memberid",  "membernumber",
	"visitorid",        "accountid",    "buyerid",   "reviewerid",
	"studentid",        "idstudent",    "patientid", "email",
	"emailaddress",     "subscriberid", NULL};
static const char *const tags[] = {"coursetag",   "coursetags",    "tag",
				   "interesttag", "assessmenttag", NULL};
static const char *const items[] = {"courseid",  "productid", "itemid",
				    "item",      "movieid",   "sku",
				    "stockcode", NULL};
static const char *const other_items[] = {
	"product", "productname", "itemname",     "itemdescription", "asin",
	"isbn",    "bookid",      "artistid",     "artist",          "trackid",
	"songid",  "articleid",   "idassessment", "assessmentid",    NULL};
static const char *const categories[] = {
	"category",        "categoryname",
	"productcategory", "productcategoryname",
	"subcategory",     NULL};
static const char *const other_categories[] = {
	"tags", "categories", "genre", "genres", "topic", "topics", NULL};
static const char *const values[] = {"viewtimeseconds",
				     "courseviewtimeseconds",
				     "userassessmentscore",
				     "salesvalue",
				     "value",
				     "amount",
				     "score",
				     "rating",
				     NULL};
static const char *const other_values[] = {
	"sales",      "spend",        "plays", "playcount",
	"bookrating", "paymentvalue", NULL};

/* The lists of a kind in their order, ended by NULL. */
static const char *const *const customer_lists[] = {users, other_users, NULL};
static const char *const *const tag_lists[] = {
	tags, items, other_items, categories, other_categories, NULL};
static const char *const *const item_lists[] = {items, other_items, NULL};
static const char *const *const value_lists[] = {values, other_values, NULL};

/* ---------------------------------------------------------------- messages */

/* The name without blanks, and marks that are not seen, around it. */
static const char *trim(const char *name, size_t *length)
{
	*length = strlen(name);
	utf8_trim(&name, length);
	return name;
}

const char *columns_quote(const char *name)
{
	size_t length;

	trim(name, &length);
	return length < strlen(name) || strchr(name, ',') != NULL ? "\"" : "";
}

/* The names of a file's columns, as a line of a message; in quotes those that
 * have blanks, or whose marks at the ends would not be seen. */
static const char *list(const struct csv_names *names)
{
	static char text[1024];
	size_t used = 0;

	for (size_t i = 0; i < names->count; i++) {
		const char *name = names->names[i];

		if (used + strlen(name) + 8 > sizeof text) {
			strcpy(text + used, " ...");
			break;
		}
		bool bare = *name != '\0' && strchr(name, ' ') == NULL;
		const char *quote = bare ? columns_quote(name) : "\"";
		used += (size_t)sprintf(text + used, "%s%s%s%s", i ? " " : "",
					quote, name, quote);
	}
	return text;
}

static bool is_number(const char *text)
{
	decimal value;

	return decimal_read(text, strlen(text), &value) == DECIMAL_FINE;
}

/* What may be meant where columns are not found. */
static const char *hint(const struct csv_file *file,
			const struct csv_names *names)
{
	const char *found = "";

	if (names->count > 0 && *names->names[0] == '#')
		return "\n  if lines that begin with # are no rows: --comment '#'";
	for (size_t i = 0; i < names->count; i++)
		if (is_number(names->names[i]))
			return "\n  if its first line is a row: --no-header, "
			       "and columns by number";
	if (names->count == 1 && strstr(names->names[0], "\tevents\t") != NULL)
		return "\n  a profile already? --merge adds profiles up";
	if (names->count == 1 && file->mark != '\0' &&
	    strchr(names->names[0], file->mark) != NULL)
		return "\n  if each row as a whole is quoted: sed "
		       "'s/^\"//;s/\"\\r*$//;s/\"\"/\"/g' takes the quotes away";
	if (names->count == 1)
		found = delimiter_hint(names->names[0], strlen(names->names[0]),
				       file->mark);
	for (size_t i = 0; *found == '\0' && i < names->count; i++)
		found = delimiter_hint_of_field(names->names[i], file->mark);
	if (names->count != 1 || *found != '\0')
		return found;
	return error_text("%s\n  if its header is not on the first line: "
			  "--skip N",
			  strchr(names->names[0], ' ') != NULL
				  ? "\n  if blanks stand between its columns: "
				    "-d ' +'"
				  : "");
}

static _Noreturn void die_of_columns(const struct csv_file *file,
				     const char *what,
				     const struct csv_names *names)
{
	die("%s: %s\n  it has: %s\n"
	    "  name them: cs-aggregate -u CUSTOMER -t ITEM [-v VALUE] ...%s",
	    file->name, what, list(names), hint(file, names));
}

/* ------------------------------------------------------------- known names */

static bool is_known(const char *name, const char *const known[])
{
	char bare[64];
	size_t length, left;

	name = trim(name, &left);
	for (length = 0; left > 0; left--, name++) {
		if (strchr(" _-", *name) != NULL)
			continue;
		if (length + 1 == sizeof bare)
			return false;
		bare[length++] = (char)tolower((unsigned char)*name);
	}
	bare[length] = '\0';
	for (; *known != NULL; known++)
		if (strcmp(bare, *known) == 0)
			return true;
	return false;
}

bool columns_known_customer(const char *name)
{
	return is_known(name, users) || is_known(name, other_users);
}

static const char *both(const char *first, const char *second, const char *kind)
{
	const char *marks[] = {columns_quote(first), columns_quote(second)};

	return error_text("%s%s%s and %s%s%s both have a name known for %s",
			  marks[0], first, marks[0], marks[1], second, marks[1],
			  kind);
}

/* The only column with a name of one list; CSV_COLUMN_NONE where there is
 * none. */
static size_t find_in_list(const struct csv_file *file,
			   const struct csv_names *names,
			   const char *const known[], const char *kind)
{
	size_t found = CSV_COLUMN_NONE;

	for (size_t i = 0; i < names->count; i++) {
		if (!is_known(names->names[i], known))
			continue;
		if (found != CSV_COLUMN_NONE)
			die_of_columns(file,
				       both(names->names[found],
					    names->names[i], kind),
				       names);
		found = i;
	}
	return found;
}

/* The column with a name of the first list that has one. */
static size_t find_known(const struct csv_file *file,
			 const struct csv_names *names,
			 const char *const *const *lists, const char *kind)
{
	size_t found = CSV_COLUMN_NONE;

	for (; found == CSV_COLUMN_NONE && *lists != NULL; lists++)
		found = find_in_list(file, names, *lists, kind);
	return found;
}

static size_t find_known_tag(const struct columns *columns,
			     const struct csv_file *file,
			     const struct csv_names *names)
{
	size_t found = CSV_COLUMN_NONE;

	/* The catalogue names its item as the log does, most often. */
	for (size_t i = 0; columns->join != NULL && i < names->count; i++)
		if (strcmp(columns->join, names->names[i]) == 0)
			return columns_index(file, columns->join, true, names);
	if (columns->joined)
		found = find_known(file, names, item_lists, "items");
	else
		found = find_known(file, names, tag_lists, "tags or items");
	if (found == CSV_COLUMN_NONE)
		die_of_columns(file,
			       columns->joined
				       ? "no column has a name known for items"
				       : "no column has a name known for tags "
					 "or items",
			       names);
	return found;
}

/* A column that the command line does not name. */
static size_t find_known_column(const struct columns *columns,
				const struct csv_file *file,
				const struct csv_names *names, int kind)
{
	size_t found;

	switch (kind) {
	case COLUMN_USER:
		found = find_known(file, names, customer_lists, "customers");
		if (found == CSV_COLUMN_NONE)
			die_of_columns(
				file,
				"no column has a name known for customers",
				names);
		return found;
	case COLUMN_TAG:
		return find_known_tag(columns, file, names);
	default:
		/* Where customer and tag are named, no value is looked for: a
		 * new column of the log must not change what is counted. */
		if (columns->named[COLUMN_USER] && columns->named[COLUMN_TAG])
			return CSV_COLUMN_NONE;
		return find_known(file, names, value_lists, "values");
	}
}

/* ------------------------------------------------------------------- finding
 */

/* True where a column is called name, as it stands or trimmed. */
static bool is_called(const char *column, const char *name, bool trimmed)
{
	size_t length;

	if (!trimmed)
		return strcmp(column, name) == 0;
	column = trim(column, &length);
	return length == strlen(name) && memcmp(column, name, length) == 0;
}

/* The only column called name; CSV_COLUMN_NONE where there is none. */
static size_t find_name(const char *file, const char *name, bool trimmed,
			const struct csv_names *names)
{
	size_t found = CSV_COLUMN_NONE;

	for (size_t i = 0; i < names->count; i++) {
		if (!is_called(names->names[i], name, trimmed))
			continue;
		if (found != CSV_COLUMN_NONE)
			die("%s: columns %zu and %zu are both called %s: "
			    "give the number",
			    file, found + 1, i + 1, name);
		found = i;
	}
	return found;
}

size_t columns_index(const struct csv_file *file, const char *name, bool headed,
		     const struct csv_names *names)
{
	size_t found = CSV_COLUMN_NONE;
	int64_t number;

	if (headed)
		found = find_name(file->name, name, false, names);
	if (headed && found == CSV_COLUMN_NONE)
		found = find_name(file->name, name, true, names);
	bool numbered = number_integer(name, 1, (int64_t)names->count, &number);
	if (found != CSV_COLUMN_NONE && numbered && (size_t)number != found + 1)
		die("%s: column %zu of its header is called %s, which may mean "
		    "column %s, too\n  if its first line is a row: "
		    "--no-header; else name the columns otherwise",
		    file->name, found + 1, name, name);
	if (found != CSV_COLUMN_NONE)
		return found;
	if (numbered)
		return (size_t)number - 1;
	if (!headed)
		die("%s: no column %s: without a header line columns have "
		    "numbers, here 1 to %zu%s",
		    file->name, name, names->count, hint(file, names));
	die("%s: no column %s\n  it has: %s%s", file->name, name, list(names),
	    hint(file, names));
}

/* A header names columns; a number in it may be a row's. */
static void warn_of_numbers(const struct columns *columns,
			    const struct csv_file *file)
{
	for (int kind = 0; kind < COLUMNS_DETECTED; kind++) {
		const char *name = columns->names[kind];

		if (name == NULL || !is_number(name))
			continue;
		notice("%s: its header calls column %zu \"%s\": if the first "
		       "line is a row, --no-header",
		       file->name, file->selected[kind] + 1, name);
		return;
	}
}

/* A name that is not asked for by itself, or an id of a customer in a first
 * row, that has another delimiter in it: columns that are given by numbers may
 * be others than were meant. */
static void warn_of_delimiter(const struct columns *columns,
			      const struct csv_file *file,
			      const struct csv_names *names)
{
	int kinds = columns->headed ? COLUMNS_DETECTED : COLUMN_USER + 1;

	for (int kind = 0; kind < kinds; kind++) {
		size_t column = file->selected[kind];
		const char *name =
			column != CSV_COLUMN_NONE ? names->names[column] : "";
		const char *hint = delimiter_hint_of_field(name, file->mark);

		if (*hint == '\0' || (columns->named[kind] != NULL &&
				      strcmp(columns->named[kind], name) == 0))
			continue;
		notice("%s: column %zu of its first line is \"%s\"%s",
		       file->name, column + 1, name, hint);
		return;
	}
}

/* The first file: columns that the command line does not name are found by
 * known names; all keep their names for the files that follow. */
static void detect_first(struct columns *columns, struct csv_file *file,
			 const struct csv_names *names)
{
	for (int kind = 0; kind < COLUMNS_DETECTED; kind++) {
		size_t column;
		if (columns->named[kind] != NULL)
			column = columns_index(file, columns->named[kind],
					       columns->headed, names);
		else if (columns->headed)
			column = find_known_column(columns, file, names, kind);
		else if (kind == COLUMN_VALUE)
			column = CSV_COLUMN_NONE;
		else
			die("%s: without a header line -u and -t must give the "
			    "numbers of columns",
			    file->name);
		columns->by_known_name |= columns->named[kind] == NULL &&
					  column != CSV_COLUMN_NONE;
		file->selected[kind] = column;
		if (column != CSV_COLUMN_NONE && columns->headed)
			columns->names[kind] =
				alloc_text(names->names[column],
					   strlen(names->names[column]));
	}
	columns->valued = file->selected[COLUMN_VALUE] != CSV_COLUMN_NONE;
	warn_of_numbers(columns, file);
	warn_of_delimiter(columns, file, names);
	columns->detected = true;
}

void columns_detect(struct columns *columns, struct csv_file *file,
		    const struct csv_names *names)
{
	const size_t *selected = file->selected;

	if (!columns->detected)
		detect_first(columns, file, names);
	else
		for (int kind = 0; kind < COLUMNS_DETECTED; kind++) {
			const char *name = columns->named[kind]
						   ? columns->named[kind]
						   : columns->names[kind];
			file->selected[kind] =
				name ? columns_index(file, name,
						     columns->headed, names)
				     : CSV_COLUMN_NONE;
		}
	for (int i = 0; i < COLUMNS_DETECTED; i++)
		for (int j = 0; j < i; j++)
			if (selected[i] != CSV_COLUMN_NONE &&
			    selected[i] == selected[j])
				die("%s: column %zu cannot be two of customer, "
				    "tag and value",
				    file->name, selected[i] + 1);
}

void columns_free(struct columns *columns)
{
	for (int i = 0; i < COLUMNS_DETECTED; i++)
		free(columns->names[i]);
}
