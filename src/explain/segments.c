#include "explain/segments.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/io.h"
#include "base/number.h"
#include "text/foreign_format.h"
#include "text/tsv.h"

/* A line of the file: its fields, escapes undone in place. */
enum { FIELDS = 3 };
struct line {
	char *fields[FIELDS]; /* with a zero byte after each */
	size_t lengths[FIELDS];
	size_t count; /* of the line's fields; more are not kept */
};

static const char *split_line(struct line *line, char *text, size_t length,
			      size_t number)
{
	if (memchr(text, 0, length) != NULL)
		return error_text("%zu: a NUL byte", number);
	line->count = 0;
	for (char *at = text, *end = text + length;; line->count++) {
		char *tab = memchr(at, '\t', (size_t)(end - at));
		size_t size = (size_t)((tab ? tab : end) - at);

		if (line->count < FIELDS) {
			if (!tsv_unescape(at, &size))
				return error_text("%zu: a backslash that "
						  "begins no escape",
						  number);
			at[size] = 0;
			line->fields[line->count] = at;
			line->lengths[line->count] = size;
		}
		if (tab == NULL)
			break;
		at = tab + 1;
	}
	line->count++;
	return NULL;
}

/* The id of "#model TAB id=...;...". */
static const char *read_model(struct segments *segments,
			      const struct line *line)
{
	const char *id = line->count > 1 ? line->fields[1] : "";
	size_t length;

	if (strncmp(id, "id=", 3) != 0)
		return error_text("2: #model: expected id=...");
	id += 3;
	length = strspn(id, "0123456789abcdef");
	if (length != sizeof segments->model - 1 ||
	    (id[length] != ';' && id[length] != 0))
		return error_text("2: #model: expected an id of %zu digits",
				  sizeof segments->model - 1);
	memcpy(segments->model, id, length);
	return NULL;
}

static const char *read_customer(struct segments *segments,
				 const struct line *line, size_t number)
{
	size_t at = segments->customers.count, name;
	double similarity = NAN;

	if (line->count < 2)
		return error_text("%zu: expected a customer, a tab and a "
				  "segment",
				  number);
	if (line->lengths[0] == 0)
		return error_text("%zu: the customer is empty", number);
	if (string_table_add(&segments->customers, line->fields[0],
			     line->lengths[0]) != at)
		return error_text("%zu: customer %s comes twice", number,
				  line->fields[0]);
	if (line->count > 2 && line->lengths[2] > 0 &&
	    !number_real(line->fields[2], &similarity))
		return error_text("%zu: similarity \"%s\": expected a number",
				  number, line->fields[2]);
	if (at >= segments->room) {
		segments->room = at < 512 ? 1024 : at * 2;
		segments->segment =
			alloc_resize(segments->segment, segments->room,
				     sizeof *segments->segment);
		segments->similarity =
			alloc_resize(segments->similarity, segments->room,
				     sizeof *segments->similarity);
	}
	name = line->lengths[1] == 0
		       ? SEGMENTS_NONE
		       : string_table_add(&segments->names, line->fields[1],
					  line->lengths[1]);
	if (segments->names.count > SEGMENTS_MAX_COUNT)
		return error_text("%zu: more than %d segments", number,
				  SEGMENTS_MAX_COUNT);
	segments->segment[at] = (uint32_t)name;
	segments->similarity[at] = (float)similarity;
	return NULL;
}

/* --------------------------------------------------------- order of segments
 */

struct name {
	const char *text;
	size_t length;
	int64_t number;
	uint32_t was;
};

static int by_number(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return string_table_compare(x->text, x->length, y->text, y->length);
}

/* Number segments anew, in the order of their names. */
static void sort_names(struct segments *segments)
{
	size_t count = segments->names.count;
	struct name *names = alloc(count + 1, sizeof *names);
	uint32_t *now = alloc(count + 1, sizeof *now);
	struct string_table sorted = {0};
	bool numbers = true;

	for (size_t i = 0; i < count; i++) {
		names[i].text = string_table_text(&segments->names, i);
		names[i].length = string_table_length(&segments->names, i);
		names[i].was = (uint32_t)i;
		numbers &= number_integer(names[i].text, INT64_MIN, INT64_MAX,
					  &names[i].number);
	}
	for (size_t i = 0; i < count && !numbers; i++)
		names[i].number = 0;
	qsort(names, count, sizeof *names, by_number);
	for (size_t i = 0; i < count; i++) {
		string_table_add(&sorted, names[i].text, names[i].length);
		now[names[i].was] = (uint32_t)i;
	}
	for (size_t i = 0; i < segments->customers.count; i++)
		if (segments->segment[i] != SEGMENTS_NONE)
			segments->segment[i] = now[segments->segment[i]];
	string_table_free(&segments->names);
	segments->names = sorted;
	free(names);
	free(now);
}

/* -------------------------------------------------------------------- files */

/* Why a first line without a tab is no header. */
static const char *no_header(const char *line)
{
	const char *mark = strpbrk(line, ",;|");

	if (mark == NULL)
		return "1: expected a header line: customer, a tab, segment";
	return error_text("1: expected a header line: customer, a tab, "
			  "segment; tr '%c' '\\t' makes tabs of its marks",
			  *mark);
}

static const char *parse_lines(struct segments *segments, char *text,
			       size_t size)
{
	size_t number = 0;

	for (char *at = text, *end = text + size; at < end;) {
		char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *error;
		struct line line = {0};

		number++;
		if (newline == NULL)
			return error_text("%zu: the last line has no end: the "
					  "file was cut",
					  number);
		error = split_line(&line, at, (size_t)(newline - at), number);
		at = newline + 1;
		if (error == NULL && number == 1 && line.count < 2)
			error = no_header(line.fields[0]);
		else if (error == NULL && number == 2 &&
			 strcmp(line.fields[0], "#model") == 0)
			error = read_model(segments, &line);
		else if (error == NULL && number > 1)
			error = read_customer(segments, &line, number);
		if (error != NULL)
			return error;
	}
	if (number == 0)
		return "1: empty";
	if (segments->customers.count == 0)
		return error_text("%zu: no customer follows", number);
	return NULL;
}

const char *segments_parse(struct segments *segments, const char *bytes,
			   size_t size)
{
	char *text = alloc_text(bytes, size);
	const char *error = parse_lines(segments, text, size);

	free(text);
	if (error == NULL)
		sort_names(segments);
	return error;
}

const char *segments_read(struct segments *segments, const char *path)
{
	struct foreign_format format;
	struct input input;
	const char *error = input_try(&input, path);

	if (error != NULL)
		return error_text("%s: %s", input.name, error);
	/* A copy, since the file may change while it is read. */
	input.text = true;
	error = input_try_copy(&input);
	if (error != NULL)
		error = error_text("%s: %s", input.name, error);
	else if (input.size == 0)
		error = error_text("%s: empty", input.name);
	else if (foreign_format_find(input.bytes, input.size, false, &format))
		error = error_text(
			"%s: %s, expected TSV%s%s", input.name, format.what,
			format.before != NULL ? ": " : "",
			format.before != NULL
				? foreign_format_command(&format, path)
				: "");
	else if ((error = segments_parse(segments, (const char *)input.bytes,
					 input.size)) != NULL)
		error = error_text("%s:%s", input.name, error);
	input_close(&input);
	return error;
}

struct segments_match segments_match(const struct segments *segments,
				     const struct csr_matrix *matrix,
				     uint32_t *group, uint32_t *place)
{
	struct segments_match match = {0};

	for (size_t row = 0; row < matrix->n; row++) {
		group[row] = SEGMENTS_NONE;
		if (place != NULL)
			place[row] = UINT32_MAX;
	}
	for (size_t i = 0; i < segments->customers.count; i++) {
		size_t row = text_array_find(
			&matrix->users,
			string_table_text(&segments->customers, i),
			string_table_length(&segments->customers, i));

		if (row == SIZE_MAX) {
			if (match.unknown++ == 0)
				match.first = i;
			continue;
		}
		match.known++;
		group[row] = segments->segment[i];
		if (place != NULL)
			place[row] = (uint32_t)i;
	}
	match.missing = matrix->n - match.known;
	return match;
}

void segments_free(struct segments *segments)
{
	string_table_free(&segments->customers);
	string_table_free(&segments->names);
	free(segments->segment);
	free(segments->similarity);
	*segments = (struct segments){0};
}
