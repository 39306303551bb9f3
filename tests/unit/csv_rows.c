/* csv_rows: a block whose fields are marked gives the rows that libcsv reads,
 * and is refused where libcsv refuses it. */
#include "text/csv_rows.h"

#include "cases.h"
#include "marked_rows.h"

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

static struct csv_rows marked, plain;
static size_t blocks_marked;

static int run_case(void)
{
	unsigned char bytes[LONGEST + 16], place[COLUMNS] = {0};
	uint64_t marks[LONGEST / 64 + 2];
	struct csv_file file = make_file(place);
	const uint64_t *key = chance(2) ? &hash_key : NULL;
	struct csv_block block =
		marked_block(bytes, draw_bytes(bytes), marks, chance(2));
	const char *wrong;

	blocks_marked += block.marked;
	wrong = compare_marked(&marked, &plain, &file, PLACES, &block, key);
	return wrong != NULL ? fail(wrong) : 0;
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
