/* csv_dialect: logs in other dialects and encodings, converted while they are
 * read to what text/csv_reader.h reads: UTF-8, commas, RFC 4180's quotes.
 *
 * Lines stay lines, so that line numbers are those of the file.  Every field is
 * written in quotation marks; a comment becomes an empty line. */
#ifndef TEXT_CSV_DIALECT_H
#define TEXT_CSV_DIALECT_H

#include <iconv.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/io.h"

struct csv_dialect {
	const char *delimiter; /* between fields: one byte or several; a blank
				  and '+': runs of blanks and tabs */
	bool unquoted;         /* quotation marks are data */
	char quote;            /* the mark around fields; 0: '"'.  Another one
				  within a field that does not begin with it is
				  data */
	bool backslash;        /* a backslash takes the next byte as it is, but
				  \t is a tab, and \N, \n and \r stay */
	char comment;          /* lines that begin with it are none, or 0 */
	const char *encoding;  /* for iconv; NULL: UTF-8 */
};

/* The delimiter that -d names: up to 15 bytes as they stand; "\\t" or "tab"; a
 * byte as "\\x1f" or "\\037"; " +" for runs of blanks.  Returns the argument,
 * or a text that the next call overwrites.  Ends the process for wrong usage
 * where there is nothing, a quotation mark or the end of a line. */
const char *csv_dialect_read_delimiter(const char *argument);

/* True where a log of the dialect has to be converted: it is not what
 * csv_reader reads by itself. */
bool csv_dialect_converts(const struct csv_dialect *dialect);

/* Where a conversion is; private. */
struct csv_conversion {
	const struct csv_dialect *dialect;
	struct input *input;
	iconv_t decoder;
	unsigned char *raw, *decoded, *out;
	size_t raw_held, decoded_at, decoded_held, out_at, out_held, out_room;
	unsigned char held[16]; /* the start of what may be a delimiter */
	size_t held_count;
	int state;
	bool begun, ended, flushed, decoding, escaped;
	bool comma; /* to be written before the next field */
};

/* How many bytes of a file may have been read before its conversion begins. */
enum { CSV_CONVERSION_HEAD = 1 << 15 };

/* Begin to convert an open input, which stays the caller's; the first size
 * bytes of it, CSV_CONVERSION_HEAD at most, are read already.  Returns NULL, or
 * an error text: the encoding is not known. */
const char *csv_conversion_begin(struct csv_conversion *conversion,
				 const struct csv_dialect *dialect,
				 struct input *input, const unsigned char *head,
				 size_t size);

/* As input_read: up to size converted bytes; 0 at the end.  Ends the process on
 * bytes that are not of the encoding, with the name of the file. */
size_t csv_conversion_read(struct csv_conversion *conversion, void *bytes,
			   size_t size);

void csv_conversion_end(struct csv_conversion *conversion);

#endif
