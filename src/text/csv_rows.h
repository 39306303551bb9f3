/* csv_rows: the rows of a block of CSV, of which the fields of selected columns
 * are kept.
 *
 * Where the search for the ends of rows has marked the ends of fields, fields
 * are cut there.  A row with doubled quotes, the last row of a file where it
 * has no line end, and every block in which a quote breaks the rules are parsed
 * through libcsv in strict mode. */
#ifndef TEXT_CSV_ROWS_H
#define TEXT_CSV_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text/csv_scan.h"

/* How many fields of each row are read at most. */
enum { CSV_MAX_PLACES = 32 };
/* No column. */
#define CSV_COLUMN_NONE ((size_t)-1)

/* Part of csv_rows.text. */
struct csv_slice {
	uint32_t begin, length;
};

/* A row.  Its fields of the selected columns, in the order of
 * csv_file.selected, are found by csv_row_field. */
struct csv_row {
	uint32_t first;  /* of its slices in csv_rows.slices */
	uint32_t fields; /* how many it has in all */
	uint64_t hash;   /* with a hash_key: of hash_column, or of all
			    its fields */
	bool last_empty; /* the last of them has length 0 */
	/* Of rows read singly only: */
	enum csv_fault fault;
	uint32_t begin, size; /* its bytes in the block, the line end too */
	size_t line;          /* where it begins, from 1 */
};

/* The rows of a block, and the text of their fields; valid until the block is
 * read anew. */
struct csv_rows {
	struct csv_row *rows;
	size_t count, capacity;
	struct csv_slice *slices; /* places of each row, one after the other */
	size_t slice_count, slice_capacity;
	const char *text; /* own; or the block's bytes, where every field stands
			     there as it is kept */
	size_t used;      /* bytes of text */
	char *own;
	size_t room;
};

/* The field of the column file->selected[place], escaped as it stands in our
 * TSV (text/tsv.h); one that is not there has length 0. */
static inline const struct csv_slice *csv_row_field(const struct csv_rows *rows,
						    const struct csv_row *row,
						    size_t place)
{
	return &rows->slices[row->first + place];
}

/* A file of the source. */
struct csv_file {
	const char *name; /* for messages */
	char delimiter;   /* between its fields */
	char mark;        /* the same before a conversion: its first byte */
	size_t fields;    /* that each row should have */
	size_t selected[CSV_MAX_PLACES]; /* columns from 0, or CSV_COLUMN_NONE;
					     one column may be in several
					     places */
	size_t hash_column;   /* set by opened; CSV_COLUMN_NONE: all columns */
	unsigned char *place; /* fields: the place in selected + 1, or 0 */
	unsigned char also[CSV_MAX_PLACES]; /* the next place of the same
						column + 1, or 0 */
	char *header; /* the header line as it stands, with a line
		       * end; NULL where there is none */
	size_t header_size;
};

/* Whole rows of one file. */
struct csv_block {
	unsigned char *bytes;
	size_t size, room;
	size_t file;
	size_t line;       /* of its first byte */
	uint64_t sequence; /* of blocks: ascending, as in the input */
	bool nul;          /* it holds a zero byte */
	bool blanks;       /* some field may begin or end with a blank */
	bool escapes;      /* some field may need escapes */
	bool doubled;      /* some field may hold doubled quotes */
	bool marked;       /* marks say where fields end (text/csv_scan.h) */
	uint64_t *marks;
	size_t mark_room; /* words */
};

/* Free the memory of a block, which may be zero. */
void csv_block_free(struct csv_block *block);

/* Parse a block of the file into rows, whose memory is reused.  places: of
 * file->selected that are used; hash_key: of csv_row.hash, or NULL: no hash.
 * False where a row breaks the rules of CSV: then rows are not valid, and
 * csv_rows_parse_singly tells which it is. */
bool csv_rows_parse(struct csv_rows *rows, const struct csv_file *file,
		    size_t places, const struct csv_block *block,
		    const uint64_t *hash_key);

/* The same row by row, each with its place and its fault; slower. */
void csv_rows_parse_singly(struct csv_rows *rows, const struct csv_file *file,
			   size_t places, const struct csv_block *block,
			   const uint64_t *hash_key);

void csv_rows_free(struct csv_rows *rows);

/* Call field for each field, and row for each end of a row, of bytes that begin
 * with a row; blanks: a field may begin or end with one.  False where a rule is
 * broken, and then what the functions were called with means nothing. */
bool csv_rows_call(const struct csv_file *file, const unsigned char *bytes,
		   size_t size, bool blanks,
		   void (*field)(void *field, size_t length, void *context),
		   void (*row)(int ending, void *context), void *context);

#endif
