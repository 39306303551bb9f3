#include "text/csv_reader.h"

#include <csv.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/file_type.h"
#include "text/foreign_format.h"
#include "text/tsv.h"

/* Bytes of a block: what is made of it should stay in the cache.  Bytes of the
 * longest row that is read. */
enum { BLOCK = 1 << 18, ROW_LIMIT = 1 << 26 };

/* The most columns that a file may have. */
enum { COLUMN_LIMIT = 1 << 16 };

/* ---------------------------------------------------------------- parsing */

/* The context of libcsv's callbacks. */
struct parse_state {
	const struct csv_file *file;
	struct csv_rows *rows;
	struct csv_row *row; /* the current one, rows->rows[rows->count] */
	size_t column;       /* of the next field */
	size_t places;
	bool escapes; /* a field may hold what is escaped */
	bool hashed;
	uint64_t key;
};

static void begin_row(struct parse_state *parse_state)
{
	struct csv_rows *rows = parse_state->rows;

	if (rows->count == rows->capacity)
		rows->rows = alloc_grow(rows->rows, &rows->capacity,
					rows->count + 1, sizeof *rows->rows);
	if (rows->slice_count + parse_state->places > rows->slice_capacity)
		rows->slices =
			alloc_grow(rows->slices, &rows->slice_capacity,
				   rows->slice_count + parse_state->places,
				   sizeof *rows->slices);
	parse_state->row = &rows->rows[rows->count];
	*parse_state->row = (struct csv_row){
		.first = (uint32_t)rows->slice_count, .hash = parse_state->key};
	for (size_t i = 0; i < parse_state->places; i++)
		rows->slices[rows->slice_count++] = (struct csv_slice){0, 0};
	parse_state->column = 0;
}

static void append_text(struct csv_rows *rows, struct csv_slice *slice,
			const char *field, size_t length, bool escapes)
{
	size_t most = escapes ? 2 * length : length;

	if (rows->used + most > rows->room)
		rows->text = alloc_grow(rows->text, &rows->room,
					rows->used + most, 1);
	if (escapes)
		length = tsv_escape(rows->text + rows->used, field, length);
	else if (length > 0)
		memcpy(rows->text + rows->used, field, length);
	*slice = (struct csv_slice){(uint32_t)rows->used, (uint32_t)length};
	rows->used += length;
}

static void on_field(void *field, size_t length, void *context)
{
	struct parse_state *parse_state = context;
	const struct csv_file *file = parse_state->file;
	struct csv_rows *rows = parse_state->rows;
	size_t column = parse_state->column++;

	if (parse_state->hashed && (file->hash_column == CSV_COLUMN_NONE ||
				    file->hash_column == column))
		parse_state->row->hash = XXH3_64bits_withSeed(
			field, length, parse_state->row->hash);

	parse_state->row->last_empty = length == 0;
	if (column >= file->fields)
		return;
	for (size_t place = file->place[column]; place > 0;
	     place = file->also[place - 1])
		append_text(rows,
			    &rows->slices[parse_state->row->first + place - 1],
			    field, length, parse_state->escapes);
}

static void on_row(int ending, void *context)
{
	struct parse_state *parse_state = context;

	(void)ending;
	parse_state->row->fields = (uint32_t)parse_state->column;
	parse_state->rows->count++;
	begin_row(parse_state);
}

static int is_no_space(unsigned char byte)
{
	(void)byte;
	return 0;
}

/* Parse bytes that begin with a row; false where a rule is broken, and then
 * what the callbacks have made of them means nothing. */
static bool parse(const struct csv_file *file, const unsigned char *bytes,
		  size_t size, bool blanks,
		  void (*field)(void *, size_t, void *),
		  void (*row)(int, void *), void *context)
{
	struct csv_parser parser;
	bool good;

	if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) != 0)
		die("libcsv could not be started");
	csv_set_delim(&parser, (unsigned char)file->delimiter);
	/* libcsv drops blanks around fields, but they are data.  The function
	 * that prevents it is called for each byte, so it is set only where
	 * there may be such blanks. */
	if (blanks)
		csv_set_space_func(&parser, is_no_space);
	good = csv_parse(&parser, bytes, size, field, row, context) == size &&
	       csv_fini(&parser, field, row, context) == 0;
	if (csv_error(&parser) == CSV_ENOMEM)
		die("out of memory");
	csv_free(&parser);
	return good;
}

bool csv_reader_parse_block(const struct csv_source *source,
			    const struct csv_block *block,
			    struct csv_rows *rows)
{
	struct parse_state parse_state = {.file = &source->files[block->file],
					  .rows = rows,
					  .places = source->places,
					  .escapes = block->escapes,
					  .hashed = source->hashed,
					  .key = source->hash_key};

	rows->count = rows->used = rows->slice_count = 0;
	begin_row(&parse_state);
	return !block->nul &&
	       parse(parse_state.file, block->bytes, block->size, block->blanks,
		     on_field, on_row, &parse_state);
}

void csv_reader_parse_singly(const struct csv_source *source,
			     const struct csv_block *block,
			     struct csv_rows *rows)
{
	struct parse_state parse_state = {.file = &source->files[block->file],
					  .rows = rows,
					  .places = source->places,
					  .escapes = true,
					  .hashed = source->hashed,
					  .key = source->hash_key};
	const unsigned char *bytes = block->bytes;
	size_t line = block->line;

	rows->count = rows->used = rows->slice_count = 0;
	for (size_t at = 0, size; at < block->size; at += size) {
		enum csv_fault fault;
		size = csv_scan_row(bytes + at, block->size - at,
				    parse_state.file->delimiter, &fault);
		size_t row = rows->count;
		begin_row(&parse_state);
		if (fault == CSV_FINE &&
		    !parse(parse_state.file, bytes + at, size, true, on_field,
			   on_row, &parse_state))
			die("%s:%zu: libcsv reads this row otherwise than the "
			    "search for its end",
			    source->files[block->file].name, line);
		if (fault != CSV_FINE)
			rows->count++;
		/* A line with nothing in it is no row. */
		if (rows->count > row) {
			rows->rows[row].fault = fault;
			rows->rows[row].begin = (uint32_t)at;
			rows->rows[row].size = (uint32_t)size;
			rows->rows[row].line = line;
		}
		line += csv_scan_lines(bytes + at, size);
	}
}

void csv_rows_free(struct csv_rows *rows)
{
	free(rows->rows);
	free(rows->slices);
	free(rows->text);
	*rows = (struct csv_rows){0};
}

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

void csv_reader_begin(struct csv_source *source, char **paths, size_t count,
		      const struct csv_dialect *dialect, bool headed)
{
	*source = (struct csv_source){
		.count = count ? count : 1,
		.dialect = *dialect,
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

	if (foreign_format_find(source->carry, source->carried,
				source->dialect.encoding != NULL, &format))
		die("%s: %s: %s%s%s | %s", name, format.what, format.before,
		    source->paths ? source->paths[source->current] : "FILE",
		    format.after, program);
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
		bool more = fill(source, at + BLOCK);
		while (at < source->carried && source->carry[at] != '\n')
			at++;
		if (at < source->carried || !more)
			break;
	}
	drop(source, at < source->carried ? at + 1 : at);
	source->line++;
}

/* Take the delimiter from a first line "sep=;", which Excel writes. */
static void take_separator_line(struct csv_source *source,
				struct csv_file *file)
{
	const unsigned char *bytes = source->carry;

	if (source->carried < 6 || memcmp(bytes, "sep=", 4) != 0 ||
	    (bytes[5] != '\n' && bytes[5] != '\r'))
		return;
	file->delimiter = (char)bytes[4];
	drop_line(source);
}

/* Drop a byte-order mark, what is to be skipped, and empty lines. */
static void skip(struct csv_source *source, struct csv_file *file)
{
	size_t at = 0;

	if (source->carried >= 3 &&
	    memcmp(source->carry, "\xef\xbb\xbf", 3) == 0)
		drop(source, 3);
	for (size_t i = 0; i < source->skip; i++)
		drop_line(source);
	if (!source->converting)
		take_separator_line(source, file);
	fill(source, BLOCK);
	while (at < source->carried &&
	       (source->carry[at] == '\n' || source->carry[at] == '\r'))
		at++;
	source->line += csv_scan_lines(source->carry, at);
	drop(source, at);
}

/* The first row: the header, or what tells how many columns there are. */
static size_t first_row(struct csv_source *source, const struct csv_file *file,
			enum csv_fault *fault)
{
	size_t size, room = BLOCK;

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
	fill(source, converts ? CSV_CONVERSION_HEAD : BLOCK);
	if (source->carried == 0)
		die("%s: empty, expected CSV%s", file->name,
		    source->headed ? " with a header line" : "");
	check_foreign(source);
	if (!converts)
		return;
	error = csv_conversion_begin(&source->conversion, &source->dialect,
				     &source->input, source->carry,
				     source->carried);
	if (error != NULL)
		die("%s", error);
	source->converting = true;
	source->carried = 0;
	fill(source, BLOCK);
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
	if (fault == CSV_FINE &&
	    !parse(file, source->carry, size, true, on_name, on_names, names))
		die("%s: libcsv cannot read its first row", file->name);
	if (fault != CSV_FINE)
		die("%s:%zu: the %s has %s", file->name, source->line, what,
		    csv_fault_text[fault]);
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
	struct csv_bounds bounds = csv_scan_bounds(
		bytes, size, source->files[source->current].delimiter);
	size = last ? size : bounds.end;
	lines = last ? 0 : bounds.lines;
	block->nul = bounds.nul;
	block->blanks = bounds.blanks;
	block->escapes = bounds.escapes;
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

	if (room < rest || room < BLOCK) {
		room = rest > BLOCK ? rest : BLOCK;
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
	size_t size = 0, room = BLOCK;

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
		room = BLOCK;
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
