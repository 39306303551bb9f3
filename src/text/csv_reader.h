/* csv_reader: rows of CSV by RFC 4180, as libcsv in strict mode reads them, cut
 * into blocks of whole rows that threads parse side by side.
 *
 * Where rows end is decided by text/csv_scan.h; what stands in them, by
 * text/csv_rows.h. */
#ifndef TEXT_CSV_READER_H
#define TEXT_CSV_READER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text/csv_dialect.h"
#include "text/csv_rows.h"
#include "base/io.h"

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
	size_t skip;   /* lines at the start of each file that are no rows */
	bool headed;   /* the first line of each file names its columns */
	bool piped;    /* standard input may take the place of the files, and
			  options say their dialect: for messages */
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
	const char *delimiter; /* of the dialect, where no line says another */
	char separator[2];     /* what a line "sep=;" says, while converting */
	size_t current;        /* file */
	bool open, ended;
	size_t line; /* of the next byte */
	uint64_t sequence;
	unsigned char *carry; /* bytes read that are in no block yet */
	size_t carried, carry_room;
	pthread_mutex_t lock;
};

/* Begin; no paths: standard input.  Nothing is opened yet.  A file that begins
 * with a line "sep=;", in quotation marks or not, has that byte between its
 * fields. */
void csv_reader_begin(struct csv_source *source, char **paths, size_t count,
		      const struct csv_dialect *dialect, bool headed);

/* The next block; false at the end of the last file.  Any thread may call it.
 * The memory of the block is reused from call to call; csv_block_free frees it.
 * Ends the process on what is no text at all: an empty file, a directory, a
 * compressed or a binary file, a header that breaks the rules. */
bool csv_reader_next(struct csv_source *source, struct csv_block *block);

/* Free what the source has. */
void csv_reader_end(struct csv_source *source);

/* csv_rows_parse, and csv_rows_parse_singly, of a block of the source. */
bool csv_reader_parse_block(const struct csv_source *source,
			    const struct csv_block *block,
			    struct csv_rows *rows);
void csv_reader_parse_singly(const struct csv_source *source,
			     const struct csv_block *block,
			     struct csv_rows *rows);

#endif
