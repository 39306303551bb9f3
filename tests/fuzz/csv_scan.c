/* Any bytes as CSV: rows are where libcsv has them, fast and plain agree, and
 * fields cut at marks are those that libcsv reads. */
#include <stdlib.h>
#include <string.h>

#include "../unit/marked_rows.h"
#include "../unit/strict_csv.h"
#include "fuzz.h"

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
	unsigned char *bytes = malloc(size + 1);
	uint64_t *marks = calloc(csv_mark_words(size) + 1, sizeof *marks);
	uint64_t key = 1;

	memcpy(bytes, data, size);
	struct csv_block block = marked_block(bytes, size, marks, true);
	if (compare_marked(&marked, &plain, &file, 2, &block, &key) != NULL)
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
