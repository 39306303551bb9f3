#include "text/csv_reader.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/file_type.h"
#include "base/utf8.h"
#include "text/delimiter_hint.h"
#include "text/foreign_format.h"

/* Bytes of the longest row that is read. */
enum { ROW_LIMIT = 1 << 26 };

/* The most columns that a file may have. */
enum { COLUMN_LIMIT = 1 << 16 };

/* ------------------------------------------------------------------ names */

static void on_name(void *field, size_t length, void *context)
{
	struct csv_names *names = context;

	names->too_many = names->count == COLUMN_LIMIT;
	if (names->too_many)
		return;
	names->names = alloc_grow(names->names, &names->capacity,
				  names->count + 1, sizeof *names->names);
	names->names[names->count++] = alloc_text(field, length);
}

static void on_names(int ending, void *context)
{
	(void)ending;
	(void)context;
}

/* ----------------------------------------------------------------- blocks */

bool csv_reader_parse_block(const struct csv_source *source,
			    const struct csv_block *block,
			    struct csv_rows *rows)
{
	return csv_rows_parse(rows, &source->files[block->file], source->places,
			      block, source->hashed ? &source->hash_key : NULL);
}

void csv_reader_parse_singly(const struct csv_source *source,
			     const struct csv_block *block,
			     struct csv_rows *rows)
{
	csv_rows_parse_singly(rows, &source->files[block->file], source->places,
			      block, source->hashed ? &source->hash_key : NULL);
}

void csv_reader_begin(struct csv_source *source, char **paths, size_t count,
		      const struct csv_dialect *dialect, bool headed)
{
	*source = (struct csv_source){
		.count = count ? count : 1,
		.dialect = *dialect,
		.delimiter = dialect->delimiter,
		.headed = headed,
		.paths = count ? paths : NULL,
	};
	source->files = alloc(source->count, sizeof *source->files);
	pthread_mutex_init(&source->lock, NULL);
}

/* Refuse what is of another format. */
static void check_foreign(const struct csv_source *source)
{
	const char *name = source->files[source->current].name;
	struct foreign_format format;

	bool foreign =
		foreign_format_find(source->carry, source->carried,
				    source->dialect.encoding != NULL, &format);

	if (foreign && format.before == NULL)
		die("%s: %s, expected CSV", name, format.what);
	if (foreign) {
		const char *command = foreign_format_command(
			&format,
			source->paths ? source->paths[source->current] : NULL);

		if (source->piped)
			die("%s: %s: %s | %s%s", name, format.what, command,
			    program, format.options ? format.options : "");
		die("%s: %s, expected CSV: %s", name, format.what, command);
	}
	if (file_type_is_binary_stream(source->carry, source->carried))
		die("%s: a binary stream of matrices, expected CSV", name);
}

/* Read until the carry holds size bytes; false at the end of the file. */
static bool fill(struct csv_source *source, size_t size)
{
	if (size > source->carry_room) {
		source->carry = alloc_resize(source->carry, size, 1);
		source->carry_room = size;
	}
	while (source->carried < size) {
		unsigned char *to = source->carry + source->carried;
		size_t room = size - source->carried;
		size_t got = source->converting
				     ? csv_conversion_read(&source->conversion,
							   to, room)
				     : input_read(&source->input, to, room);
		if (got == 0)
			return false;
		source->carried += got;
	}
	return true;
}

static void drop(struct csv_source *source, size_t size)
{
	source->carried -= size;
	memmove(source->carry, source->carry + size, source->carried);
}

/* Drop the next line. */
static void drop_line(struct csv_source *source)
{
	size_t at = 0;

	for (;;) {
		bool more = fill(source, at + READ_BLOCK);
		while (at < source->carried && source->carry[at] != '\n')
			at++;
		if (at < source->carried || !more)
			break;
	}
	drop(source, at < source->carried ? at + 1 : at);
	source->line++;
}

/* The byte of a first line "sep=;", which Excel writes; in UTF-16, too.  0: the
 * line is another. */
static char separator_of(const unsigned char *bytes, size_t size)
{
	enum { LONGEST = 16 };
	char line[LONGEST];
	size_t length = 0, at = utf8_order_mark(bytes, size);

	if (size >= 2 && (memcmp(bytes, "\xff\xfe", 2) == 0 ||
			  memcmp(bytes, "\xfe\xff", 2) == 0))
		at = 2;
	for (; at < size && length < LONGEST; at++)
		if (bytes[at] != '\0' && bytes[at] != '"')
			line[length++] = (char)bytes[at];
	return length >= 6 && strncasecmp(line, "sep=", 4) == 0 &&
			       memchr("\r\n", line[4], 2) == NULL &&
			       memchr("\r\n", line[5], 2) != NULL
		       ? line[4]
		       : '\0';
}

/* Take the delimiter from such a line. */
static void read_separator_line(struct csv_source *source,
				struct csv_file *file)
{
	char separator = separator_of(source->carry, source->carried);

	if (separator == '\0')
		return;
	file->delimiter = file->mark = separator;
	drop_line(source);
}

static void drop_empty_lines(struct csv_source *source)
{
	bool more;

	do {
		size_t at = 0;

		more = fill(source, READ_BLOCK);
		while (at < source->carried &&
		       (source->carry[at] == '\n' || source->carry[at] == '\r'))
			at++;
		more = more && at == source->carried;
		/* CR LF is not cut in two. */
		if (more && source->carry[at - 1] == '\r')
			at--;
		source->line += csv_scan_lines(source->carry, at);
		drop(source, at);
	} while (more);
}

/* Drop byte-order marks, what is to be skipped, and empty lines. */
static void skip(struct csv_source *source, struct csv_file *file)
{
	for (size_t size;
	     (size = utf8_order_mark(source->carry, source->carried)) > 0;)
		drop(source, size);
	for (size_t i = 0; i < source->skip; i++)
		drop_line(source);
	if (!source->converting)
		read_separator_line(source, file);
	else if (source->dialect.delimiter == source->separator)
		drop_line(source);
	drop_empty_lines(source);
}

/* The first row: the header, or what tells how many columns there are. */
static size_t first_row(struct csv_source *source, const struct csv_file *file,
			enum csv_fault *fault)
{
	size_t size, room = READ_BLOCK;

	for (;;) {
		bool more = fill(source, room);
		size = csv_scan_row(source->carry, source->carried,
				    file->delimiter, fault);
		/* A row that ends where the bytes do may go on. */
		if (!more || size + 1 < source->carried || room > ROW_LIMIT)
			return size;
		room *= 2;
	}
}

static void set_mark(struct csv_file *file, const char *delimiter)
{
	file->mark = delimiter[0] != '\0' && delimiter[1] == '\0' ? *delimiter
								  : '\0';
}

/* Open the current file, and begin to convert it where it needs that. */
static void open_input(struct csv_source *source, struct csv_file *file)
{
	size_t current = source->current;
	bool converts = csv_dialect_converts(&source->dialect);
	const char *error = NULL;

	input_open(&source->input,
		   source->paths ? source->paths[current] : NULL);
	source->open = true;
	source->line = 1;
	file->name = source->input.name;
	file->delimiter = converts ? ',' : *source->dialect.delimiter;
	fill(source, converts ? CSV_CONVERSION_HEAD : READ_BLOCK);
	if (source->carried == 0)
		die("%s: empty, expected CSV%s", file->name,
		    source->headed ? " with a header line" : "");
	check_foreign(source);
	set_mark(file, source->dialect.delimiter);
	if (!converts)
		return;
	/* Such a line says how what follows is converted. */
	*source->separator =
		source->skip > 0 ? '\0'
				 : separator_of(source->carry, source->carried);
	source->dialect.delimiter = *source->separator != '\0'
					    ? source->separator
					    : source->delimiter;
	set_mark(file, source->dialect.delimiter);
	error = csv_conversion_begin(&source->conversion, &source->dialect,
				     &source->input, source->carry,
				     source->carried);
	die_if(error);
	source->converting = true;
	source->carried = 0;
	fill(source, READ_BLOCK);
}

/* What may be wrong where the first row has a quotation mark in a wrong place,
 * or a zero byte.  A mark in a row with tabs between its fields is most likely
 * data. */
static const char *fault_hint(enum csv_fault fault, const char *row,
			      size_t size, char delimiter)
{
	const char *hint = "";

	if (fault == CSV_NUL)
		return "\n  if it is binary: what wrote it writes CSV, too, or "
		       "UTF-16: --encoding";
	if (memmem(row, size, "\t{\"", 3) != NULL)
		return "\n  if JSON stands behind a key: cut -f 2- takes it "
		       "alone";
	if (delimiter != '\t' || memchr(row, '\t', size) == NULL)
		hint = delimiter_hint(row, size, delimiter);
	return *hint != '\0' ? hint
			     : "\n  if quotation marks are part of the text: "
			       "--quote none";
}

/* Read the names of the header, or the fields of the first row; returns the
 * bytes of that row. */
static size_t read_names(struct csv_source *source, const struct csv_file *file,
			 struct csv_names *names)
{
	enum csv_fault fault;
	size_t size = first_row(source, file, &fault);
	const char *what = source->headed ? "header line" : "first row";

	if (size > ROW_LIMIT)
		die("%s:%zu: the %s is longer than %d MB", file->name,
		    source->line, what, ROW_LIMIT >> 20);
	if (size == 0)
		die("%s: nothing but empty lines, expected CSV", file->name);
	if (fault == CSV_FINE && !csv_rows_call(file, source->carry, size, true,
						on_name, on_names, names))
		die("%s: libcsv cannot read its first row", file->name);
	if (fault != CSV_FINE)
		die("%s:%zu: the %s has %s%s", file->name, source->line, what,
		    csv_fault_text[fault],
		    fault_hint(fault, (char *)source->carry, size,
			       file->delimiter));
	if (names->too_many)
		die("%s:%zu: the %s has more than %d columns", file->name,
		    source->line, what, COLUMN_LIMIT);
	return size;
}

/* Chain the places of each column that is selected. */
static void set_places(const struct csv_source *source, struct csv_file *file)
{
	file->place = alloc(file->fields, 1);
	for (size_t i = 0; i < source->places; i++) {
		size_t column = file->selected[i];
		if (column == CSV_COLUMN_NONE)
			continue;
		file->also[i] = file->place[column];
		file->place[column] = (unsigned char)(i + 1);
	}
}

static void open_file(struct csv_source *source)
{
	size_t current = source->current;
	struct csv_file *file = &source->files[current];
	struct csv_names names = {0};

	open_input(source, file);
	skip(source, file);
	size_t size = read_names(source, file, &names);
	file->fields = names.count;
	if (source->headed) {
		file->header = alloc_text((char *)source->carry, size);
		file->header_size = size;
		source->line += csv_scan_lines(source->carry, size);
		drop(source, size);
	}
	for (size_t i = 0; i < source->places; i++)
		file->selected[i] = CSV_COLUMN_NONE;
	file->hash_column = CSV_COLUMN_NONE;
	source->opened(source->context, source, current, &names);
	set_places(source, file);
	for (size_t i = 0; i < names.count; i++)
		free(names.names[i]);
	free(names.names);
}

static void close_file(struct csv_source *source)
{
	if (source->converting)
		csv_conversion_end(&source->conversion);
	source->converting = false;
	input_close(&source->input);
	source->open = false;
	source->carried = 0;
	source->ended = ++source->current == source->count;
}

/* Cut whole rows off the carry into the block; all of it at the file's end,
 * where *last is set.  0 where there is no whole row. */
static size_t cut(struct csv_source *source, struct csv_block *block, bool last)
{
	size_t size = source->carried, lines;
	const unsigned char *bytes = source->carry;

	/* CR LF is not cut in two. */
	if (!last && bytes[size - 1] == '\r')
		size--;
	block->marks = alloc_grow(block->marks, &block->mark_room,
				  csv_mark_words(size), sizeof *block->marks);
	struct csv_bounds bounds = csv_scan_bounds(
		bytes, size, source->files[source->current].delimiter,
		block->marks);
	size = last ? size : bounds.end;
	lines = last ? 0 : bounds.lines;
	block->nul = bounds.nul;
	block->blanks = bounds.blanks;
	block->escapes = bounds.escapes;
	block->doubled = bounds.doubled;
	block->marked = bounds.marked;
	block->line = source->line;
	source->line += lines;
	return size;
}

static void warn_of_end(const struct csv_source *source)
{
	const unsigned char *bytes = source->carry;
	size_t size = source->carried;

	if (size > 0 && bytes[size - 1] != '\n' && bytes[size - 1] != '\r')
		notice("%s: its last line does not end: the input may be cut",
		       source->files[source->current].name);
}

/* Give the block the carry's buffer, of which it has the first size bytes; the
 * rest moves to the block's former buffer, which becomes the carry's. */
static void hand_over(struct csv_source *source, struct csv_block *block,
		      size_t size)
{
	unsigned char *bytes = block->bytes;
	size_t room = block->room, rest = source->carried - size;

	if (room < rest || room < READ_BLOCK) {
		room = rest > READ_BLOCK ? rest : READ_BLOCK;
		bytes = alloc_resize(bytes, room, 1);
	}
	memcpy(bytes, source->carry + size, rest);
	block->bytes = source->carry;
	block->room = source->carry_room;
	block->size = size;
	block->file = source->current;
	block->sequence = source->sequence++;
	source->carry = bytes;
	source->carry_room = room;
	source->carried = rest;
}

static bool next_block(struct csv_source *source, struct csv_block *block)
{
	size_t size = 0, room = READ_BLOCK;

	while (!source->ended) {
		if (!source->open)
			open_file(source);
		bool last = !fill(source, room);
		if (last)
			warn_of_end(source);
		if (source->carried > 0)
			size = cut(source, block, last);
		if (size == 0 && !last) {
			/* A row longer than the room. */
			room = 2 * source->carried;
			if (room > ROW_LIMIT)
				die("%s:%zu: a row of more than %d MB: is its "
				    "quote not closed?",
				    source->files[source->current].name,
				    source->line, ROW_LIMIT >> 20);
			continue;
		}
		hand_over(source, block, size);
		if (last)
			close_file(source);
		if (size > 0)
			return true;
		room = READ_BLOCK;
	}
	return false;
}

bool csv_reader_next(struct csv_source *source, struct csv_block *block)
{
	pthread_mutex_lock(&source->lock);
	bool any = next_block(source, block);
	pthread_mutex_unlock(&source->lock);
	return any;
}

void csv_reader_end(struct csv_source *source)
{
	for (size_t i = 0; i < source->count; i++) {
		free(source->files[i].header);
		free(source->files[i].place);
	}
	free(source->files);
	free(source->carry);
	pthread_mutex_destroy(&source->lock);
	*source = (struct csv_source){0};
}
