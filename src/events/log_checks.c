#include "events/log_checks.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"
#include "text/csv_scan.h"

void foreign_bytes_find(struct foreign_bytes *foreign,
			const struct csv_block *block)
{
	if (foreign->line > 0)
		return;
	size_t at = utf8_first_invalid(block->bytes, block->size);
	if (at == block->size)
		return;
	foreign->file = block->file;
	foreign->line = block->line + csv_scan_lines(block->bytes, at);
	foreign->sequence = block->sequence;
	foreign->count = block->size - at < 4 ? block->size - at : 4;
	memcpy(foreign->bytes, block->bytes + at, foreign->count);
}

void foreign_bytes_merge(struct foreign_bytes *first,
			 const struct foreign_bytes *other)
{
	if (other->line > 0 &&
	    (first->line == 0 || other->sequence < first->sequence))
		*first = *other;
}

/* True where texts are equal but for the digits of numbers, and have some. */
static bool look_alike(const char *a, size_t a_size, const char *b,
		       size_t b_size)
{
	bool digits = false;
	size_t i = 0, j = 0;

	while (i < a_size && j < b_size) {
		bool number = isdigit((unsigned char)a[i]);

		if (number != (bool)isdigit((unsigned char)b[j]) ||
		    (!number && a[i] != b[j]))
			return false;
		digits = digits || number;
		i++;
		j++;
		while (number && i < a_size && isdigit((unsigned char)a[i]))
			i++;
		while (number && j < b_size && isdigit((unsigned char)b[j]))
			j++;
	}
	return digits && i == a_size && j == b_size;
}

/* True where the field of some row is the name of the column, which the command
 * line gives by its number. */
static bool is_repeated(const struct columns *columns, int kind,
			const struct csv_rows *rows)
{
	const char *name = columns->names[kind], *named = columns->named[kind];

	if (name == NULL || named == NULL || strcmp(name, named) == 0)
		return false;
	for (size_t i = 0; i < rows->count; i++) {
		const struct csv_slice *field =
			csv_row_field(rows, &rows->rows[i], (size_t)kind);

		if (field->length == strlen(name) &&
		    memcmp(rows->text + field->begin, name, field->length) == 0)
			return true;
	}
	return false;
}

const char *header_like_row(const struct columns *columns,
			    const struct csv_rows *rows)
{
	char *const *names = columns->names;
	const char *found = NULL;

	for (int kind = 0; kind < COLUMNS_DETECTED; kind++) {
		const struct csv_slice *field =
			csv_row_field(rows, &rows->rows[0], (size_t)kind);

		if (names[kind] != NULL &&
		    look_alike(names[kind], strlen(names[kind]),
			       rows->text + field->begin, field->length))
			found = names[kind];
	}
	for (int kind = 0; found == NULL && kind < COLUMN_VALUE; kind++)
		if (is_repeated(columns, kind, rows))
			found = names[kind];
	return found;
}
