#include "events/catalogue_rows.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/errors.h"
#include "base/utf8.h"

/* Parse the block at once, or where a row is wrong, singly: then it is known
 * which. */
static void parse_block(const struct csv_source *source,
			const struct csv_block *block, struct csv_rows *rows)
{
	bool good = csv_reader_parse_block(source, block, rows);

	for (size_t i = 0; good && i < rows->count; i++)
		good = rows->rows[i].fields ==
			       source->files[block->file].fields &&
		       csv_row_field(rows, &rows->rows[i], 0)->length > 0;
	if (!good)
		csv_reader_parse_singly(source, block, rows);
}

static void check_row(const struct csv_file *file, const struct csv_rows *rows,
		      const struct csv_row *row)
{
	if (row->fault != CSV_FINE)
		die("%s:%zu: %s", file->name, row->line,
		    csv_fault_text[row->fault]);
	if (row->fields != file->fields)
		die("%s:%zu: %u fields, expected %zu", file->name, row->line,
		    (unsigned)row->fields, file->fields);
	if (csv_row_field(rows, row, 0)->length == 0)
		die("%s:%zu: the item is empty", file->name, row->line);
}

/* Warn of a block that is not UTF-8, as the names in it are read as they stand;
 * true where it is not. */
static bool warn_of_encoding(const struct csv_source *csv,
			     const struct csv_block *block)
{
	size_t at = utf8_first_invalid(block->bytes, block->size);

	if (at < block->size)
		notice("%s:%zu: not UTF-8 (byte %02x): names are taken as they "
		       "stand; iconv -f WINDOWS-1252 -t UTF-8 converts it",
		       csv->files[block->file].name,
		       block->line + csv_scan_lines(block->bytes, at),
		       block->bytes[at]);
	return at < block->size;
}

bool catalogue_rows_next(struct catalogue_rows *catalogue,
			 struct csv_source *source)
{
	struct csv_rows *rows = &catalogue->rows;

	if (!csv_reader_next(source, &catalogue->block))
		return false;
	parse_block(source, &catalogue->block, rows);
	catalogue->foreign = catalogue->foreign ||
			     warn_of_encoding(source, &catalogue->block);
	for (size_t i = 0; i < rows->count; i++)
		check_row(&source->files[catalogue->block.file], rows,
			  &rows->rows[i]);
	return true;
}

void catalogue_rows_free(struct catalogue_rows *catalogue)
{
	csv_rows_free(&catalogue->rows);
	csv_block_free(&catalogue->block);
	*catalogue = (struct catalogue_rows){0};
}

static size_t count_byte(const char *text, char byte)
{
	size_t count = 0;

	for (; *text != '\0'; text++)
		count += *text == byte;
	return count;
}

void catalogue_rows_find_delimiter(const char *path,
				   struct csv_dialect *dialect)
{
	static const char *const others[] = {",", ";", "|", "\t"};
	char line[4096];
	struct stat about;
	FILE *file = strcmp(path, "-") != 0 && stat(path, &about) == 0 &&
				     S_ISREG(about.st_mode)
			     ? fopen(path, "r")
			     : NULL;
	size_t most = 0;

	if (file != NULL && fgets(line, sizeof line, file) != NULL &&
	    strstr(line, dialect->delimiter) == NULL)
		for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
			size_t count = count_byte(line, *others[i]);

			if (count > most)
				dialect->delimiter = others[i];
			most = count > most ? count : most;
		}
	if (file != NULL)
		fclose(file);
}
