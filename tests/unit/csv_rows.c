/* csv_rows: a block whose fields are marked gives the rows that libcsv reads,
 * and is refused where libcsv refuses it. */
#include "text/csv_rows.h"

#include "cases.h"

enum { LONGEST = 300, COLUMNS = 3, PLACES = 4 };

static const uint64_t hash_key = 7;

/* A column in two places, and one that no row needs to have. */
static struct csv_file make_file(unsigned char *place)
{
	struct csv_file file = {.name = "random bytes",
				.delimiter = ',',
				.fields = COLUMNS,
				.hash_column = chance(COLUMNS + 1),
				.place = place};

	if (file.hash_column == COLUMNS)
		file.hash_column = CSV_COLUMN_NONE;
	for (size_t i = 0; i < PLACES; i++) {
		size_t column = chance(COLUMNS);
		file.selected[i] = column;
		file.also[i] = place[column];
		place[column] = (unsigned char)(i + 1);
	}
	return file;
}

static size_t draw_bytes(unsigned char *bytes)
{
	/* Quoted fields in one piece, so that many blocks are well formed. */
	static const char *const pieces[] = {
		"a",  "bc",      ",",          ",",       "\n",
		"\n", "\r\n",    "\r",         " ",       "\t",
		"\\", ",\"d\",", ",\"e\nf\",", ",\"\"\n", "\n\"g\"\"h\",",
		"\"", "\"\"",    ",\"\"\"\",", "ij,kl\n", "\n\n"};
	enum { PIECES = sizeof pieces / sizeof *pieces };
	size_t size = 0, most = 1 + chance(chance(2) ? 20 : LONGEST - 10);
	bool wild = chance(4) == 0; /* single quotes anywhere */

	while (size < most) {
		const char *piece = pieces[chance(PIECES)];
		if (*piece == '"' && !wild)
			continue;
		memcpy(bytes + size, piece, strlen(piece));
		size += strlen(piece);
	}
	return size;
}

/* Cut off what is no whole row, unless the bytes are the last of the file. */
static struct csv_block make_block(unsigned char *bytes, size_t size,
				   uint64_t *marks, bool last)
{
	struct csv_bounds bounds = csv_scan_bounds(bytes, size, ',', marks);

	return (struct csv_block){
		.bytes = bytes,
		.size = last ? size : bounds.end,
		.room = size,
		.nul = bounds.nul,
		.blanks = bounds.blanks,
		.escapes = bounds.escapes,
		.marked = bounds.marked,
		.marks = marks,
	};
}

static bool same_rows(const struct csv_rows *a, const struct csv_rows *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		const struct csv_row *x = &a->rows[i], *y = &b->rows[i];
		if (x->fields != y->fields || x->hash != y->hash ||
		    x->last_empty != y->last_empty)
			return false;
		for (size_t place = 0; place < PLACES; place++) {
			const struct csv_slice *s = csv_row_field(a, x, place),
					       *t = csv_row_field(b, y, place);
			if (s->length != t->length ||
			    (s->length > 0 &&
			     memcmp(a->text + s->begin, b->text + t->begin,
				    s->length) != 0))
				return false;
		}
	}
	return true;
}

static struct csv_rows marked, plain;
static size_t blocks_marked;

static int run_case(void)
{
	unsigned char bytes[LONGEST + 16], place[COLUMNS] = {0};
	uint64_t marks[LONGEST / 64 + 2];
	struct csv_file file = make_file(place);
	const uint64_t *key = chance(2) ? &hash_key : NULL;
	struct csv_block block =
		make_block(bytes, draw_bytes(bytes), marks, chance(2));

	blocks_marked += block.marked;
	bool good = csv_rows_parse(&marked, &file, PLACES, &block, key);
	block.marked = false;
	if (csv_rows_parse(&plain, &file, PLACES, &block, key) != good)
		return fail("one finds a rule broken, the other does not");
	if (good && !same_rows(&marked, &plain))
		return fail("rows differ");
	return 0;
}

int main(int argc, char **argv)
{
	int failed = run_cases(argc, argv, 50000, run_case);

	if (blocks_marked == 0)
		failed = fail("no block was marked");
	csv_rows_free(&marked);
	csv_rows_free(&plain);
	return failed;
}
