#include "text/csv_dialect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/utf8.h"

/* Bytes that are read, and decoded, at once. */
enum { RAW = 1 << 16, DECODED = 4 * RAW };

/* Where the conversion is in a line. */
enum {
	LINE_BEGIN,
	FIELD_BEGIN, /* after a delimiter */
	PLAIN,       /* in a field without quotation marks */
	QUOTED,      /* in one with them */
	CLOSED,      /* after a quotation mark in a quoted field */
	COMMENT
};

/* The byte that a text such as \\x1f or \\037 stands for, or 0. */
static char escaped_byte(const char *text)
{
	char *end;
	unsigned long value;

	if (strcmp(text, "\\t") == 0 || strcmp(text, "tab") == 0)
		return '\t';
	if (text[0] != '\\' || strlen(text) != 4)
		return '\0';
	value = text[1] == 'x' ? strtoul(text + 2, &end, 16)
			       : strtoul(text + 1, &end, 8);
	return *end == '\0' && value < 256 ? (char)value : '\0';
}

const char *csv_dialect_read_delimiter(const char *argument)
{
	static char byte[2];

	byte[0] = escaped_byte(argument);
	if (byte[0] != '\0')
		argument = byte;
	if (*argument == '\0' || strlen(argument) > 15 ||
	    strpbrk(argument, "\"\r\n") != NULL)
		die_usage("-d, --delimiter \"%s\": expected up to 15 bytes, no "
			  "quote and no line end; a tab is '\\t', a byte "
			  "'\\x1f', ' +' a run of blanks",
			  argument);
	return argument;
}

bool csv_dialect_converts(const struct csv_dialect *dialect)
{
	return strlen(dialect->delimiter) > 1 || dialect->unquoted ||
	       dialect->quote != 0 || dialect->backslash ||
	       dialect->comment != 0 || dialect->encoding != NULL;
}

/* UTF-16 and the like, in which ASCII has zero bytes, as the ends of lines. */
static bool is_wide(const char *encoding)
{
	static const char *const wide[] = {"UTF-16", "UTF16", "UTF-32",
					   "UTF32",  "UCS-2", "UCS-4"};

	for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
		if (strncasecmp(encoding, wide[i], strlen(wide[i])) == 0)
			return true;
	return false;
}

/* A notice where a file that another encoding is given for is UTF-8, as far as
 * the size bytes tell that it begins with: it has a byte-order mark, or not
 * only ASCII; or, instead of UTF-16, no zero byte. */
static void check_encoding(const struct csv_conversion *conversion,
			   const unsigned char *bytes, size_t size)
{
	const char *encoding = conversion->dialect->encoding;
	size_t ascii = 0, cut;

	while (ascii < size && bytes[ascii] < 0x80)
		ascii++;
	/* The last character may be cut. */
	cut = utf8_first_invalid(bytes, size);
	if (is_wide(encoding)) {
		if (size > 1 && memchr(bytes, '\0', size) == NULL &&
		    memchr(bytes, '\n', size) != NULL)
			notice("%s: without a zero byte it is not \"%s\"",
			       conversion->input->name, encoding);
		return;
	}
	if (ascii == size || size - cut > 3 || ascii == cut ||
	    strncasecmp(encoding, "UTF", 3) == 0)
		return;
	notice("%s: %s UTF-8, and it is read as \"%s\": leave --encoding out",
	       conversion->input->name,
	       utf8_order_mark(bytes, size) > 0
		       ? "it has the byte-order mark of"
		       : "its first bytes are",
	       encoding);
}

const char *csv_conversion_begin(struct csv_conversion *conversion,
				 const struct csv_dialect *dialect,
				 struct input *input, const unsigned char *head,
				 size_t size)
{
	*conversion = (struct csv_conversion){
		.dialect = dialect, .input = input, .state = LINE_BEGIN};
	if (dialect->encoding != NULL) {
		conversion->decoder = iconv_open("UTF-8", dialect->encoding);
		if (conversion->decoder == (iconv_t)-1)
			return error_text("--encoding \"%s\": not known here; "
					  "\"iconv -l\" lists what is",
					  dialect->encoding);
		conversion->decoding = true;
		check_encoding(conversion, head, size);
	}
	conversion->raw = alloc(RAW, 1);
	conversion->decoded = alloc(DECODED, 1);
	memcpy(conversion->raw, head, size);
	conversion->raw_held = size;
	return NULL;
}

void csv_conversion_end(struct csv_conversion *conversion)
{
	if (conversion->decoding)
		iconv_close(conversion->decoder);
	free(conversion->raw);
	free(conversion->decoded);
	free(conversion->out);
	*conversion = (struct csv_conversion){0};
}

/* ----------------------------------------------------------------- decoding */

/* Read and decode the next bytes; false at the end. */
static bool decode(struct csv_conversion *conversion)
{
	char *from = (char *)conversion->raw;
	char *to = (char *)conversion->decoded;
	size_t room = DECODED;
	size_t got = input_read(conversion->input,
				conversion->raw + conversion->raw_held,
				RAW - conversion->raw_held);
	conversion->ended = got == 0;
	conversion->raw_held += got;
	conversion->decoded_at = 0;
	if (!conversion->decoding) {
		memcpy(to, from, conversion->raw_held);
		conversion->decoded_held = conversion->raw_held;
		conversion->raw_held = 0;
		return conversion->decoded_held > 0;
	}
	if (conversion->raw_held > 0 &&
	    iconv(conversion->decoder, &from, &conversion->raw_held, &to,
		  &room) == (size_t)-1 &&
	    (errno == EILSEQ || (errno == EINVAL && conversion->ended)))
		die("%s: bytes that are not of the encoding \"%s\"",
		    conversion->input->name, conversion->dialect->encoding);
	memmove(conversion->raw, from, conversion->raw_held);
	conversion->decoded_held = DECODED - room;
	return conversion->decoded_held > 0 || !conversion->ended;
}

/* --------------------------------------------------------------- converting */

static void put(struct csv_conversion *conversion, unsigned char byte)
{
	conversion->out[conversion->out_held++] = byte;
}

/* A byte of a field's text. */
static void put_text(struct csv_conversion *conversion, unsigned char byte)
{
	if (byte == '"')
		put(conversion, '"');
	put(conversion, byte);
}

/* True for the mark around fields. */
static bool is_quote(const struct csv_dialect *dialect, unsigned char byte)
{
	unsigned char quote =
		dialect->quote ? (unsigned char)dialect->quote : '"';

	return byte == quote && !dialect->unquoted;
}

static bool is_run(const struct csv_dialect *dialect)
{
	return strcmp(dialect->delimiter, " +") == 0;
}

static bool is_line_end(unsigned char byte)
{
	return byte == '\n' || byte == '\r';
}

static void open_field(struct csv_conversion *conversion)
{
	if (conversion->comma)
		put(conversion, ',');
	conversion->comma = false;
	put(conversion, '"');
}

/* Begin a field where none is begun. */
static void begin_field(struct csv_conversion *conversion)
{
	if (conversion->state == LINE_BEGIN ||
	    conversion->state == FIELD_BEGIN) {
		open_field(conversion);
		conversion->state = PLAIN;
	}
}

/* End the field at hand, an empty one too. */
static void end_field(struct csv_conversion *conversion)
{
	begin_field(conversion);
	put(conversion, '"');
}

static void end_line(struct csv_conversion *conversion, unsigned char byte)
{
	/* Blanks at the end of a line begin no field. */
	if (conversion->state == FIELD_BEGIN && is_run(conversion->dialect))
		conversion->comma = false;
	else if (conversion->state != LINE_BEGIN &&
		 conversion->state != COMMENT)
		end_field(conversion);
	put(conversion, byte);
	conversion->state = LINE_BEGIN;
}

/* A byte that is data. */
static void convert_data(struct csv_conversion *conversion, unsigned char byte)
{
	bool begins = conversion->state == LINE_BEGIN ||
		      conversion->state == FIELD_BEGIN;

	/* A mark other than '"' in the middle of a field is data: "it's". */
	bool data = byte != '"' && !begins && conversion->state != CLOSED;

	if (is_quote(conversion->dialect, byte) && !data) {
		if (begins) {
			open_field(conversion);
			conversion->state = QUOTED;
		} else if (conversion->state == CLOSED) {
			put_text(conversion, byte);
			conversion->state = QUOTED;
		} else {
			/* In the middle of a field it breaks the rules, and the
			 * reader is to see that: text after a quotation mark.
			 */
			put(conversion, '"');
			put(conversion, 'x');
		}
		return;
	}
	if (conversion->state == CLOSED) {
		/* So does text after a closing quotation mark. */
		put(conversion, '"');
		conversion->state = PLAIN;
	}
	begin_field(conversion);
	put_text(conversion, byte);
}

/* A byte outside of quotation marks, of which none is held back. */
static void convert_plain(struct csv_conversion *conversion, unsigned char byte)
{
	if (conversion->state == COMMENT && !is_line_end(byte))
		return;
	if (is_line_end(byte))
		end_line(conversion, byte);
	else if (conversion->state == LINE_BEGIN && byte != 0 &&
		 byte == (unsigned char)conversion->dialect->comment)
		conversion->state = COMMENT;
	else if (conversion->dialect->backslash && byte == '\\')
		conversion->escaped = true;
	else
		convert_data(conversion, byte);
}

static void convert_delimiter(struct csv_conversion *conversion)
{
	if (is_run(conversion->dialect) && (conversion->state == FIELD_BEGIN ||
					    conversion->state == LINE_BEGIN))
		return;
	end_field(conversion);
	conversion->comma = true;
	conversion->state = FIELD_BEGIN;
}

/* A byte outside of quotation marks: the next of a delimiter, or not. */
static void convert_unquoted(struct csv_conversion *conversion,
			     unsigned char byte)
{
	const char *delimiter = conversion->dialect->delimiter;
	size_t length = strlen(delimiter), held = conversion->held_count;

	if (conversion->state == COMMENT) {
		convert_plain(conversion, byte);
		return;
	}
	if (is_run(conversion->dialect)) {
		if (byte == ' ' || byte == '\t')
			convert_delimiter(conversion);
		else
			convert_plain(conversion, byte);
		return;
	}
	if (byte == (unsigned char)delimiter[held]) {
		conversion->held[conversion->held_count++] = byte;
		if (conversion->held_count == length) {
			conversion->held_count = 0;
			convert_delimiter(conversion);
		}
		return;
	}
	/* What was held back is data; the byte may begin a delimiter anew. */
	conversion->held_count = 0;
	for (size_t i = 0; i < held; i++)
		convert_plain(conversion, conversion->held[i]);
	if (held > 0)
		convert_unquoted(conversion, byte);
	else
		convert_plain(conversion, byte);
}

static void convert_byte(struct csv_conversion *conversion, unsigned char byte)
{
	if (conversion->escaped) {
		conversion->escaped = false;
		if (conversion->state != QUOTED)
			begin_field(conversion);
		/* MySQL and PostgreSQL write \N for NULL, \t for a tab, and
		 * \n and \r for ends of lines; these would change the numbers
		 * of the lines that follow. */
		if (byte == 'N' || byte == 'n' || byte == 'r')
			put(conversion, '\\');
		put_text(conversion, byte == 't' ? '\t' : byte);
	} else if (conversion->state != QUOTED) {
		convert_unquoted(conversion, byte);
	} else if (conversion->dialect->backslash && byte == '\\') {
		conversion->escaped = true;
	} else if (is_quote(conversion->dialect, byte)) {
		conversion->state = CLOSED;
	} else {
		put_text(conversion, byte);
	}
}

/* What the last byte leaves open. */
static void finish(struct csv_conversion *conversion)
{
	size_t held = conversion->held_count;

	conversion->held_count = 0;
	for (size_t i = 0; i < held; i++)
		convert_plain(conversion, conversion->held[i]);
	if ((conversion->state == FIELD_BEGIN &&
	     !is_run(conversion->dialect)) ||
	    conversion->state == PLAIN || conversion->state == CLOSED)
		end_field(conversion);
	conversion->flushed = true;
}

/* Convert what is decoded: each byte makes a few at most. */
static void convert(struct csv_conversion *conversion)
{
	size_t count = conversion->decoded_held - conversion->decoded_at, mark;

	conversion->out_at = conversion->out_held = 0;
	while (!conversion->begun &&
	       (mark = utf8_order_mark(
			conversion->decoded + conversion->decoded_at,
			conversion->decoded_held - conversion->decoded_at)) > 0)
		conversion->decoded_at += mark;
	conversion->begun = true;
	conversion->out =
		alloc_grow(conversion->out, &conversion->out_room,
			   4 * (count + sizeof conversion->held + 4), 1);
	while (conversion->decoded_at < conversion->decoded_held)
		convert_byte(conversion,
			     conversion->decoded[conversion->decoded_at++]);
}

size_t csv_conversion_read(struct csv_conversion *conversion, void *bytes,
			   size_t size)
{
	while (conversion->out_at == conversion->out_held) {
		if (conversion->flushed)
			return 0;
		if (!conversion->ended && decode(conversion)) {
			convert(conversion);
			continue;
		}
		convert(conversion);
		finish(conversion);
	}
	size_t held = conversion->out_held - conversion->out_at;
	if (size > held)
		size = held;
	memcpy(bytes, conversion->out + conversion->out_at, size);
	conversion->out_at += size;
	return size;
}
