/* csv_reader: rows of CSV by RFC 4180, read through libcsv in strict mode, cut
 * into blocks of whole rows that threads parse side by side.
 *
 * Where rows end is decided by text/csv_scan.h; what stands in them, by libcsv.
 */
#ifndef TEXT_CSV_READER_H
#define TEXT_CSV_READER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text/csv_dialect.h"
#include "text/csv_scan.h"
#include "base/io.h"

/* How many fields of each row are read at most. */
enum { CSV_PLACES_MOST = 32 };
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
	uint64_t hash;   /* where csv_source.hashed: of hash_column, or of all
			    its fields */
	bool last_empty; /* the last of them has length 0 */
	/* Of rows read singly only: */
	enum csv_fault fault;
	uint32_t begin, size; /* its bytes in the block, the line end too */
	size_t line;          /* where it begins, from 1 */
};

/* The rows of a block, and the text of their fields. */
struct csv_rows {
	struct csv_row *rows;
	size_t count, capacity;
	struct csv_slice *slices; /* places of each row, one after the other */
	size_t slice_count, slice_capacity;
	char *text;
	size_t used, room;
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
	const char *name;                 /* for messages */
	char delimiter;                   /* between its fields */
	size_t fields;                    /* that each row should have */
	size_t selected[CSV_PLACES_MOST]; /* columns from 0, or CSV_COLUMN_NONE;
					     one column may be in several
					     places */
	size_t hash_column;   /* set by opened; CSV_COLUMN_NONE: all columns */
	unsigned char *place; /* fields: the place in selected + 1, or 0 */
	unsigned char also[CSV_PLACES_MOST]; /* the next place of the same
						column + 1, or 0 */
	char *header; /* the header line as it stands, with a line
		       * end; NULL where there is none */
	size_t header_size;
};

/* The names of a header line, or of a first row, of a file; each ends with a
 * zero byte. */
struct csv_names {
	char **names;
	size_t count, capacity;
	bool too_many; /* there are more, which are not kept */
};

/* The files, one after the other.  Set places, opened and context after
 * csv_reader_begin. */
struct csv_source {
	struct csv_file *files;
	size_t count;
	struct csv_dialect dialect;
	size_t places; /* of csv_file.selected that are used */
	size_t skip;   /* lines at the begin of each file that are no rows */
	bool headed;   /* the first line of each file names its columns */
	bool hashed;   /* work out the hash of rows, keyed by hash_key */
	uint64_t hash_key;
	/* Called as each file begins, to set file->selected.  names are those
	 * of its header, or where there is none the fields of its first row. */
	void (*opened)(void *context, struct csv_source *source, size_t file,
		       const struct csv_names *names);
	void *context;
	/* private */
	char **paths;
	struct input input;
	struct csv_conversion conversion; /* of the dialect, where needed */
	bool converting;
	size_t current; /* file */
	bool open, ended;
	size_t line; /* of the next byte */
	uint64_t sequence;
	unsigned char *carry; /* bytes read that are in no block yet */
	size_t carried, carry_room;
	pthread_mutex_t lock;
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
};

/* Begin; no paths: standard input.  Nothing is opened yet.  A file that begins
 * with a line "sep=;" has that byte between its fields. */
void csv_reader_begin(struct csv_source *source, char **paths, size_t count,
		      const struct csv_dialect *dialect, bool headed);

/* The next block; false at the end of the last file.  Any thread may call it.
 * block->bytes is reused from call to call; the caller frees it at the end.
 * Ends the process on what is no text at all: an empty file, a directory, a
 * compressed or a binary file, a header that breaks the rules. */
bool csv_reader_next(struct csv_source *source, struct csv_block *block);

/* Free what the source has. */
void csv_reader_end(struct csv_source *source);

/* Parse the block into rows, whose memory is reused; false where a row breaks
 * the rules of CSV: then csv_reader_parse_singly tells which. */
bool csv_reader_parse_block(const struct csv_source *source,
			    const struct csv_block *block,
			    struct csv_rows *rows);

/* The same row by row, each with its place and its fault; slower. */
void csv_reader_parse_singly(const struct csv_source *source,
			     const struct csv_block *block,
			     struct csv_rows *rows);

void csv_rows_free(struct csv_rows *rows);

#endif
