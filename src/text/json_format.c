#include "text/json_format.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* The keys of all objects become the header, in the order of their first
 * objects.  Of objects within, the paths "user.id"; an array is a cell with
 * bars between. */
#define JQ_ROWS "(add | keys_unsorted) as $k | $k, (.[] | [.[$k[]]]) | @csv' "
#define JQ_FLAT                                                                \
	"map([paths(type != \"object\") as $p | "                              \
	"select($p | all(type == \"string\")) | {($p | join(\".\")): "         \
	"(getpath($p) | if type == \"array\" "                                 \
	"then map(tostring) | join(\"|\") else . end)}] | add // {}) | "
static const struct json_format
	json[] = {{"JSON", "jq -r '" JQ_ROWS},
		  {"JSON", "jq -r '" JQ_FLAT JQ_ROWS}},
	json_lines[] = {{"JSON lines", "jq -rs '" JQ_ROWS},
			{"JSON lines", "jq -rs '" JQ_FLAT JQ_ROWS}},
	json_within = {"JSON", "jq -rs '[.. | arrays | "
			       "select(.[0] | objects)] | "
			       "max_by(length) | " JQ_FLAT JQ_ROWS};

/* Rows that are arrays, in an array or one a line; and, as pandas writes them,
 * columns by name, or the names apart from the rows. */
static const struct json_format
	arrays = {"JSON", "jq -r '.[] | @csv' "},
	array_lines = {"JSON lines", "jq -r '@csv' "},
	columns = {"JSON, column by column",
		   "jq -r 'keys_unsorted, ([.[] | [.[]]] | transpose[]) | "
		   "@csv' "},
	split = {"JSON", "jq -r '.columns, .data[] | @csv' "};

/* The place of the first byte from at on that is no white space, or size. */
static size_t skip_space(const unsigned char *bytes, size_t size, size_t at)
{
	while (at < size && memchr(" \t\r\n", bytes[at], 4) != NULL)
		at++;
	return at;
}

/* True where an array of objects begins in the first object before it ends. */
static bool has_rows_within(const unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size && bytes[i] != '}'; i++) {
		size_t next = skip_space(bytes, size, i + 1);

		if (bytes[i] == '[' && next < size && bytes[next] == '{')
			return true;
	}
	return false;
}

/* True where an object or an array begins within the object whose text this
 * is, before it ends. */
static bool is_nested(const unsigned char *bytes, size_t size)
{
	bool quoted = false;

	for (size_t i = 0; i < size; i++) {
		if (bytes[i] == '"')
			quoted = !quoted;
		else if (quoted)
			i += bytes[i] == '\\';
		else if (bytes[i] == '{' || bytes[i] == '[')
			return true;
		else if (bytes[i] == '}')
			return false;
	}
	return false;
}

/* True where the first line ends with a bracket, of an object or an array, and
 * the next begins with one: a table within the first would be but a part of the
 * rows. */
static bool has_lines(const unsigned char *bytes, size_t size, char open,
		      char close)
{
	const unsigned char *end = memchr(bytes, '\n', size);
	size_t line = end != NULL ? (size_t)(end - bytes) : size;
	size_t next = skip_space(bytes, size, line), last = line;

	while (last > 0 && memchr(" \t\r", bytes[last - 1], 3) != NULL)
		last--;
	return next < size && bytes[next] == open && last > 0 &&
	       bytes[last - 1] == close;
}

/* The end of the string that begins at a quotation mark, behind its own. */
static size_t skip_string(const unsigned char *bytes, size_t size, size_t at)
{
	for (at++; at < size && bytes[at] != '"'; at++)
		at += bytes[at] == '\\';
	return at < size ? at + 1 : size;
}

/* Where the value begins of the member whose key begins at a place. */
static size_t find_value(const unsigned char *bytes, size_t size, size_t key)
{
	size_t at = skip_space(bytes, size, skip_string(bytes, size, key));

	return at < size && bytes[at] == ':' ? skip_space(bytes, size, at + 1)
					     : size;
}

/* True where the array that begins at a place is followed by a member that is
 * one, too, or the bytes end before. */
static bool has_next_array(const unsigned char *bytes, size_t size, size_t at)
{
	while (at < size && bytes[at] != ']')
		at = bytes[at] == '"' ? skip_string(bytes, size, at) : at + 1;
	at = skip_space(bytes, size, at + 1);
	if (at < size && bytes[at] == ',')
		at = skip_space(bytes, size, at + 1);
	if (at >= size)
		return true;
	at = find_value(bytes, size, at);
	return at >= size || bytes[at] == '[';
}

/* Columns by name, the first of which begins with the size bytes: an array of
 * values, or an object with numbers as keys; or names apart from rows.  NULL:
 * none of these. */
static const struct json_format *find_columns(const unsigned char *bytes,
					      size_t size)
{
	size_t at = find_value(bytes, size, 0);
	size_t next = skip_space(bytes, size, at + 1);

	if (next + 1 >= size)
		return NULL;
	if (bytes[at] == '[' && memcmp(bytes, "\"columns\"", 9) == 0)
		return &split;
	if (bytes[at] == '{' && bytes[next] == '"' && isdigit(bytes[next + 1]))
		return &columns;
	if (bytes[at] == '[' && memchr("{[", bytes[next], 2) == NULL &&
	    has_next_array(bytes, size, next))
		return &columns;
	return NULL;
}

/* What an object begins whose first key begins with the size bytes: a table
 * within it, columns, or the first of many. */
static const struct json_format *find_object(const unsigned char *bytes,
					     size_t size)
{
	const struct json_format *found = NULL;

	if (!has_lines(bytes, size, '{', '}')) {
		if (has_rows_within(bytes, size))
			return &json_within;
		found = find_columns(bytes, size);
	}
	return found ? found : &json_lines[is_nested(bytes, size)];
}

const struct json_format *json_format_find(const unsigned char *bytes,
					   size_t size)
{
	size_t at = skip_space(bytes, size, 0), inner;
	bool array = at < size && bytes[at] == '[';

	if (array) {
		inner = skip_space(bytes, size, at + 1);
		if (inner < size && bytes[inner] == '[')
			return &arrays;
		if (inner < size && bytes[inner] == '"' &&
		    has_lines(bytes + at, size - at, '[', ']'))
			return &array_lines;
		at = inner;
	}
	if (at >= size || bytes[at] != '{')
		return NULL;
	at = skip_space(bytes, size, at + 1);
	if (at >= size || bytes[at] != '"')
		return NULL;
	return array ? &json[is_nested(bytes + at, size - at)]
		     : find_object(bytes + at, size - at);
}
