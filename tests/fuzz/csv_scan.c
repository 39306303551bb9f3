/* Any bytes as CSV: rows are where libcsv has them, fast and plain agree. */
#include <csv.h>

#include "fuzz.h"
#include "text/csv_scan.h"

static int never(unsigned char byte)
{
	(void)byte;
	return 0;
}

static void on_field(void *field, size_t length, void *context)
{
	(void)field;
	(void)length;
	(void)context;
}

static void on_row(int ending, void *context)
{
	(void)ending;
	++*(size_t *)context;
}

static int parses(const uint8_t *data, size_t size, size_t *rows)
{
	struct csv_parser parser;
	int good;

	*rows = 0;
	csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI);
	csv_set_space_func(&parser, never);
	good = csv_parse(&parser, data, size, on_field, on_row, rows) == size &&
	       csv_fini(&parser, on_field, on_row, rows) == 0;
	csv_free(&parser);
	return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct csv_bounds fast = csv_scan_bounds(data, size, ',');
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
		    parses(data + at, row, &rows) != (fault == CSV_FINE))
			__builtin_trap();
		if (fault == CSV_FINE && rows > 1)
			__builtin_trap();
	}
	return 0;
}
