/* csv_scan: where rows of CSV end, by a state machine that agrees with libcsv's
 * in strict mode.
 *
 * A quote opens a field only as its first byte; within quotes two quotes are
 * one, and delimiters and line ends are data; CR, LF and CR LF end a row.  A
 * row that breaks these rules ends with its line.  Blanks are data. */
#ifndef TEXT_CSV_SCAN_H
#define TEXT_CSV_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What breaks the rules; csv_fault_text[] has the words for each. */
enum csv_fault {
	CSV_FINE,
	CSV_QUOTE_INSIDE, /* a quote in a field that does not begin with one */
	CSV_QUOTE_AFTER,  /* text after the quote that closes a field */
	CSV_QUOTE_OPEN,   /* the bytes end within quotes */
	CSV_NUL,          /* a zero byte */
	CSV_FAULTS
};
extern const char *const csv_fault_text[CSV_FAULTS];

/* Where the last whole row ends, and what stands before that end. */
struct csv_bounds {
	size_t end;   /* 0: no row ends here */
	size_t lines; /* ends of lines, quoted ones too */
	bool nul;     /* a zero byte, anywhere in the bytes */
	bool blanks;  /* a blank or a tab may begin or end a field */
	bool escapes; /* a field may hold what our TSV escapes (tsv.h) */
	bool doubled; /* a field may hold doubled quotes */
	bool marked;  /* marks are set */
};

/* The words of 64 bits that hold a bit for each of size bytes. */
static inline size_t csv_mark_words(size_t size)
{
	return size / 64 + (size % 64 != 0);
}

/* The bounds of size bytes that begin with a row.  marks: csv_mark_words(size)
 * words, or NULL.  bounds.marked is set where no quote breaks the rules, but
 * for one that is not closed by the end; then bit i % 64 of marks[i / 64] is
 * set where byte i ends a field: a delimiter, CR or LF outside quotes. */
struct csv_bounds csv_scan_bounds(const unsigned char *bytes, size_t size,
				  char delimiter, uint64_t *marks);

/* The same, a byte at a time: defines what csv_scan_bounds finds.  It sets
 * blanks, escapes and doubled always, and marks never. */
struct csv_bounds csv_scan_bounds_plain(const unsigned char *bytes, size_t size,
					char delimiter);

/* The bytes of the first row, its line end too (all, where there is none),
 * and what is wrong with it. */
size_t csv_scan_row(const unsigned char *bytes, size_t size, char delimiter,
		    enum csv_fault *fault);

/* How many lines end in the bytes. */
size_t csv_scan_lines(const unsigned char *bytes, size_t size);

#endif
