/* Any bytes as CSV: rows are where libcsv has them, fast and plain agree, and
 * fields cut at marks are those that libcsv reads. */
#include <stdlib.h>
#include <string.h>

#include "../unit/strict_csv.h"
#include "fuzz.h"
#include "text/csv_rows.h"
#include "text/csv_scan.h"

static int same_field(const struct csv_rows *a, const struct csv_rows *b,
		      size_t row, size_t place)
{
	const struct csv_slice *x = csv_row_field(a, &a->rows[row], place);
	const struct csv_slice *y = csv_row_field(b, &b->rows[row], place);

	return x->length == y->length &&
	       (x->length == 0 ||
		memcmp(a->text + x->begin, b->text + y->begin, x->length) == 0);
}

/* Parse the bytes with and without marks, two columns of each row. */
static void check_marks(const uint8_t *data, size_t size)
{
	unsigned char place[] = {1, 2};
	struct csv_file file = {.delimiter = ',',
				.fields = 2,
				.selected = {0, 1},
				.hash_column = CSV_COLUMN_NONE,
				.place = place};
	struct csv_rows marked = {0}, plain = {0};
	struct csv_block block = {.bytes = malloc(size + 1), .size = size};
	uint64_t key = 1;

	memcpy(block.bytes, data, size);
	block.room = size;
	block.marks = calloc(csv_mark_words(size) + 1, sizeof *block.marks);
	struct csv_bounds bounds =
		csv_scan_bounds(block.bytes, size, ',', block.marks);
	block.nul = bounds.nul;
	block.blanks = bounds.blanks;
	block.escapes = bounds.escapes;
	block.marked = bounds.marked;
	bool good = csv_rows_parse(&marked, &file, 2, &block, &key);
	block.marked = false;
	if (csv_rows_parse(&plain, &file, 2, &block, &key) != good ||
	    (good && marked.count != plain.count))
		__builtin_trap();
	for (size_t i = 0; good && i < plain.count; i++)
		if (marked.rows[i].fields != plain.rows[i].fields ||
		    marked.rows[i].hash != plain.rows[i].hash ||
		    marked.rows[i].last_empty != plain.rows[i].last_empty ||
		    !same_field(&marked, &plain, i, 0) ||
		    !same_field(&marked, &plain, i, 1))
			__builtin_trap();
	csv_rows_free(&marked);
	csv_rows_free(&plain);
	csv_block_free(&block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct csv_bounds fast = csv_scan_bounds(data, size, ',', NULL);
	struct csv_bounds plain = csv_scan_bounds_plain(data, size, ',');
	size_t rows;

	if (fast.end != plain.end || fast.lines != plain.lines ||
	    fast.nul != plain.nul)
		__builtin_trap();
	for (size_t at = 0, row; at < size; at += row) {
		enum csv_fault fault;
		row = csv_scan_row(data + at, size - at, ',', &fault);
		if (row == 0)
			__builtin_trap();
		if (fault != CSV_NUL &&
		    strict_csv_parse(data + at, row, &rows) !=
			    (fault == CSV_FINE))
			__builtin_trap();
		if (fault == CSV_FINE && rows > 1)
			__builtin_trap();
	}
	check_marks(data, size);
	return 0;
}
