/* scan: rows end where libcsv in strict mode ends them, rows that break the
 * rules end with their line, and the fast search finds what the plain one
 * does. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "strict_csv.h"
#include "text/csv_scan.h"

enum { ROUNDS = 300000, LONGEST = 200 };

static uint64_t counter;
static bool failed;

static size_t below(size_t limit)
{
	return (size_t)(random_uniform(5, counter++) * (double)limit);
}

static void fail(const char *what, const unsigned char *bytes, size_t size)
{
	printf("%s:", what);
	for (size_t i = 0; i < size; i++)
		printf(bytes[i] < 0x20 ? " \\x%02x" : " %c", bytes[i]);
	printf("\n");
	failed = true;
}

/* Cut into rows; each is one to libcsv, or none, or wrong to both. */
static void check_rows(const unsigned char *bytes, size_t size)
{
	bool all_good = true;
	size_t rows = 0, found;

	for (size_t at = 0, row; at < size; at += row) {
		enum csv_fault fault;
		row = csv_scan_row(bytes + at, size - at, ',', &fault);
		bool good = strict_csv_parse(bytes + at, row, &found);
		if (good != (fault == CSV_FINE))
			fail("libcsv finds otherwise", bytes + at, row);
		if (good && found > 1)
			fail("more than one row", bytes + at, row);
		all_good = all_good && good;
		rows += found;
	}
	if (all_good &&
	    (!strict_csv_parse(bytes, size, &found) || found != rows))
		fail("libcsv finds other rows in the whole", bytes, size);
}

static void check_bounds(const unsigned char *bytes, size_t size)
{
	struct csv_bounds fast = csv_scan_bounds(bytes, size, ',', NULL);
	struct csv_bounds plain = csv_scan_bounds_plain(bytes, size, ',');
	size_t end = 0;

	for (size_t row, at = 0; at < size; at += row) {
		enum csv_fault fault;
		row = csv_scan_row(bytes + at, size - at, ',', &fault);
		unsigned char last = bytes[at + row - 1];
		if (fault != CSV_QUOTE_OPEN && (last == '\n' || last == '\r'))
			end = at + row;
	}
	if (fast.end != plain.end || fast.lines != plain.lines ||
	    fast.nul != plain.nul)
		fail("fast and plain differ", bytes, size);
	if (plain.end != end)
		fail("rows end elsewhere", bytes, size);
	/* Where the fast one says no, there is none. */
	for (size_t i = 0; i + 1 < size; i++) {
		bool edge =
			strchr(",\n\r", bytes[i]) != NULL && bytes[i] != '\0';
		bool blank = bytes[i + 1] == ' ' || bytes[i + 1] == '\t';
		if (edge && blank && !fast.blanks)
			fail("a blank not seen", bytes, size);
		if ((bytes[i] == '\\' || bytes[i] == '\t') && !fast.escapes)
			fail("an escape not seen", bytes, size);
	}
}

int main(void)
{
	/* Letters often, so that groups of 64 are crossed by fields, too. */
	static const char letters[] = "aabbcc,,,\n\n\r\"\"\"\" \t\\";
	unsigned char bytes[LONGEST];

	for (int round = 0; round < ROUNDS; round++) {
		size_t size = 1 + below(round % 2 ? 12 : LONGEST);
		bool paired = round % 4 == 0; /* quotes only in pairs */
		for (size_t i = 0; i < size; i++) {
			bytes[i] = (unsigned char)
				letters[below(sizeof letters - 1)];
			if (paired && bytes[i] == '"')
				bytes[i] = 'q';
		}
		if (paired && size > 8)
			memcpy(bytes + below(size - 8), ",\"a\n,b\",", 8);
		check_rows(bytes, size);
		check_bounds(bytes, size);
	}
	return failed;
}
