#include "text/csv_rows.h"

#include <csv.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "text/tsv.h"

/* What rows are made of; the context of libcsv's callbacks. */
struct parse_state {
	const struct csv_file *file;
	struct csv_rows *rows;
	struct csv_row *row; /* the current one, rows->rows[rows->count] */
	size_t column;       /* of the next field */
	size_t places;
	bool escapes;      /* a field may hold what is escaped */
	const char *bytes; /* of the block, where fields stay there; or NULL */
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
		rows->text = rows->own = alloc_grow(rows->own, &rows->room,
						    rows->used + most, 1);
	if (escapes && length > 0)
		length = tsv_escape(rows->own + rows->used, field, length);
	else if (length > 0)
		memcpy(rows->own + rows->used, field, length);
	*slice = (struct csv_slice){(uint32_t)rows->used, (uint32_t)length};
	rows->used += length;
}

/* Add the next field of the current row.  plain: fields stay in the block, and
 * rows have no hash. */
static inline __attribute__((always_inline)) void
add_field(struct parse_state *parse_state, const char *field, size_t length,
	  bool plain)
{
	const struct csv_file *file = parse_state->file;
	struct csv_rows *rows = parse_state->rows;
	size_t column = parse_state->column++;

	if (!plain && parse_state->hashed &&
	    (file->hash_column == CSV_COLUMN_NONE ||
	     file->hash_column == column))
		parse_state->row->hash = XXH3_64bits_withSeed(
			field, length, parse_state->row->hash);

	parse_state->row->last_empty = length == 0;
	if (column >= file->fields)
		return;
	for (size_t place = file->place[column]; place > 0;
	     place = file->also[place - 1]) {
		struct csv_slice *slice =
			&rows->slices[parse_state->row->first + place - 1];
		if (plain || parse_state->bytes != NULL)
			*slice = (struct csv_slice){
				(uint32_t)(field - parse_state->bytes),
				(uint32_t)length};
		else
			append_text(rows, slice, field, length,
				    parse_state->escapes);
	}
}

static void on_field(void *field, size_t length, void *context)
{
	add_field(context, field, length, false);
}

static void on_row(int ending, void *context)
{
	struct parse_state *parse_state = context;

	(void)ending;
	parse_state->row->fields = (uint32_t)parse_state->column;
	parse_state->rows->count++;
	begin_row(parse_state);
}

/* Begin the current row again. */
static void restart_row(struct parse_state *parse_state)
{
	parse_state->rows->slice_count = parse_state->row->first;
	begin_row(parse_state);
}

static int is_no_space(unsigned char byte)
{
	(void)byte;
	return 0;
}

bool csv_rows_call(const struct csv_file *file, const unsigned char *bytes,
		   size_t size, bool blanks,
		   void (*field)(void *field, size_t length, void *context),
		   void (*row)(int ending, void *context), void *context)
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

/* The state before the first row; memory of rows is reused. */
static struct parse_state begin_rows(struct csv_rows *rows,
				     const struct csv_file *file, size_t places,
				     const uint64_t *hash_key)
{
	rows->count = rows->used = rows->slice_count = 0;
	/* Fields that are not there begin at text, too. */
	if (rows->own == NULL)
		rows->own = alloc_grow(NULL, &rows->room, 1, 1);
	rows->text = rows->own;
	return (struct parse_state){.file = file,
				    .rows = rows,
				    .places = places,
				    .hashed = hash_key != NULL,
				    .key = hash_key != NULL ? *hash_key : 0};
}

/* -------------------------------------------------------- marked fields */

/* A loop, since fields are short. */
static bool has_quote(const char *text, size_t length)
{
	bool found = false;

	for (size_t i = 0; i < length; i++)
		found |= text[i] == '"';
	return found;
}

/* Add a field of a marked block as its bytes are.  Its quotes are well placed,
 * so one that begins with a quote ends with its closing quote.  False where
 * quotes within it are doubled, and it is not added. */
static inline __attribute__((always_inline)) bool
add_marked_field(struct parse_state *parse_state, const char *field,
		 size_t length, bool may_double, bool plain)
{
	const struct csv_file *file = parse_state->file;
	size_t column = parse_state->column;
	bool used = plain || parse_state->hashed ||
		    (column < file->fields && file->place[column] > 0);

	if (length > 0 && *field == '"') {
		field++;
		length -= 2;
		if (!plain && used && may_double && has_quote(field, length))
			return false;
	}
	if (used) {
		add_field(parse_state, field, length, plain);
	} else {
		parse_state->row->last_empty = length == 0;
		parse_state->column++;
	}
	return true;
}

/* Add the row whose fields were added; or where some were not, the row of size
 * bytes through libcsv. */
static bool add_marked_row(struct parse_state *parse_state,
			   const struct csv_block *block, size_t begin,
			   size_t size, bool doubled)
{
	if (!doubled) {
		on_row('\n', parse_state);
		return true;
	}
	restart_row(parse_state);
	return csv_rows_call(parse_state->file, block->bytes + begin, size,
			     block->blanks, on_field, on_row, parse_state);
}

/* Parse the rows of a marked block whose line ends are marked.  Returns where
 * the last one ends; or SIZE_MAX where libcsv finds a rule broken.  plain: as
 * for add_field, and no quotes are doubled. */
static inline __attribute__((always_inline)) size_t
parse_marks(struct parse_state *parse_state, const struct csv_block *block,
	    bool plain)
{
	const char *bytes = (const char *)block->bytes;
	size_t size = block->size, field = 0, row = 0;
	bool doubled = false;

	for (size_t at = 0; at < size; at += 64) {
		uint64_t marks = block->marks[at / 64];
		if (size - at < 64)
			marks &= (UINT64_C(1) << (size - at)) - 1;
		for (; marks != 0; marks &= marks - 1) {
			size_t end = at + (size_t)__builtin_ctzll(marks);
			bool last = bytes[end] == '\n' || bytes[end] == '\r';
			/* A line with nothing in it is no row. */
			if (last && end == row) {
				field = row = end + 1;
				continue;
			}
			if (plain || !doubled)
				doubled = !add_marked_field(
					parse_state, bytes + field, end - field,
					block->doubled, plain);
			field = end + 1;
			if (!last)
				continue;
			if (!add_marked_row(parse_state, block, row,
					    field - row, !plain && doubled))
				return SIZE_MAX;
			row = field;
			doubled = false;
		}
	}
	return row;
}

/* Parse a marked block; what stands behind its last mark is a row without a
 * line end.  False where libcsv finds a rule broken. */
static bool parse_marked(struct parse_state *parse_state,
			 const struct csv_block *block)
{
	bool stays = parse_state->bytes != NULL;
	size_t row = stays && !parse_state->hashed
			     ? parse_marks(parse_state, block, true)
			     : parse_marks(parse_state, block, false);

	if (row == block->size || row == SIZE_MAX || stays)
		return row == block->size;
	return add_marked_row(parse_state, block, row, block->size - row, true);
}

/* Whether each field of a marked block that keeps the rules of CSV is a part of
 * its bytes: none has escapes or doubled quotes, and the last row has its line
 * end.  (Where that is quoted, a quote is not closed.) */
static bool has_plain_fields(const struct csv_block *block)
{
	return !block->escapes && !block->doubled && block->size > 0 &&
	       (block->bytes[block->size - 1] == '\n' ||
		block->bytes[block->size - 1] == '\r');
}

/* ------------------------------------------------------------------ blocks */

bool csv_rows_parse(struct csv_rows *rows, const struct csv_file *file,
		    size_t places, const struct csv_block *block,
		    const uint64_t *hash_key)
{
	struct parse_state parse_state =
		begin_rows(rows, file, places, hash_key);

	parse_state.escapes = block->escapes;
	begin_row(&parse_state);
	if (block->nul)
		return false;
	if (block->marked && has_plain_fields(block)) {
		rows->text = parse_state.bytes = (const char *)block->bytes;
		rows->used = block->size;
	}
	if (block->marked)
		return parse_marked(&parse_state, block);
	return csv_rows_call(file, block->bytes, block->size, block->blanks,
			     on_field, on_row, &parse_state);
}

void csv_rows_parse_singly(struct csv_rows *rows, const struct csv_file *file,
			   size_t places, const struct csv_block *block,
			   const uint64_t *hash_key)
{
	struct parse_state parse_state =
		begin_rows(rows, file, places, hash_key);
	const unsigned char *bytes = block->bytes;
	size_t line = block->line;

	parse_state.escapes = true;
	for (size_t at = 0, size; at < block->size; at += size) {
		enum csv_fault fault;
		size = csv_scan_row(bytes + at, block->size - at,
				    file->delimiter, &fault);
		size_t row = rows->count;
		begin_row(&parse_state);
		if (fault == CSV_FINE &&
		    !csv_rows_call(file, bytes + at, size, true, on_field,
				   on_row, &parse_state))
			die("%s:%zu: libcsv reads this row otherwise than the "
			    "search for its end",
			    file->name, line);
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

void csv_block_free(struct csv_block *block)
{
	free(block->bytes);
	free(block->marks);
	*block = (struct csv_block){0};
}

void csv_rows_free(struct csv_rows *rows)
{
	free(rows->rows);
	free(rows->slices);
	free(rows->own);
	*rows = (struct csv_rows){0};
}
