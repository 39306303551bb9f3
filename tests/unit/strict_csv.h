/* strict_csv: rows as libcsv reads them in strict mode, without the blanks that
 * it would take off fields. */
#ifndef UNIT_STRICT_CSV_H
#define UNIT_STRICT_CSV_H

#include <csv.h>
#include <stdbool.h>
#include <stddef.h>

static int strict_csv_is_blank(unsigned char byte)
{
	(void)byte;
	return 0;
}

static void strict_csv_on_field(void *field, size_t length, void *context)
{
	(void)field;
	(void)length;
	(void)context;
}

static void strict_csv_on_row(int ending, void *context)
{
	(void)ending;
	++*(size_t *)context;
}

/* Set rows to how many libcsv finds; false where it finds a rule broken. */
static bool strict_csv_parse(const unsigned char *bytes, size_t size,
			     size_t *rows)
{
	struct csv_parser parser;

	*rows = 0;
	csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI);
	csv_set_space_func(&parser, strict_csv_is_blank);
	bool good = csv_parse(&parser, bytes, size, strict_csv_on_field,
			      strict_csv_on_row, rows) == size &&
		    csv_fini(&parser, strict_csv_on_field, strict_csv_on_row,
			     rows) == 0;
	csv_free(&parser);
	return good;
}

#endif
