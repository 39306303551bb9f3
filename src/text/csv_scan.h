/* scan: where rows of CSV end, by a state machine that is equal to libcsv's in
 * strict mode.
 *
 * A quote opens a field only as its first byte; within quotes two quotes are
 * one, and delimiters and line ends are data; CR, LF and CR LF end a row.  A
 * row that breaks these rules ends with its line.  Blanks are data. */
#ifndef TEXT_CSV_SCAN_H
#define TEXT_CSV_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/* What breaks the rules; what to say of each is scan_fault_text[]. */
enum scan_fault {
	SCAN_FINE,
	SCAN_QUOTE_INSIDE, /* a quote in a field that does not begin with one */
	SCAN_QUOTE_AFTER,  /* text after the quote that closes a field */
	SCAN_QUOTE_OPEN,   /* the bytes end within quotes */
	SCAN_NUL,          /* a zero byte */
	SCAN_FAULTS
};
extern const char *const scan_fault_text[SCAN_FAULTS];

/* Where the last whole row ends, and what stands before that end. */
struct scan_bounds {
	size_t end;   /* 0: no row ends here */
	size_t lines; /* ends of lines, quoted ones too */
	bool nul;     /* a zero byte, anywhere in the bytes */
	bool blanks;  /* a blank or a tab may begin or end a field */
	bool escapes; /* a field may hold what our TSV escapes (escape.h) */
};

/* The bounds of size bytes that begin with a row. */
struct scan_bounds scan_bounds(const unsigned char *bytes, size_t size,
			       char delimiter);

/* The same, a byte at a time: the twin that defines the above. */
struct scan_bounds scan_bounds_plain(const unsigned char *bytes, size_t size,
				     char delimiter);

/* The bytes of the first row, its line end too (all, where there is none),
 * and what is wrong with it. */
size_t scan_row(const unsigned char *bytes, size_t size, char delimiter,
		enum scan_fault *fault);

/* How many lines end in the bytes. */
size_t scan_lines(const unsigned char *bytes, size_t size);

#endif
