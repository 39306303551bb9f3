#include "text/foreign_format.h"

#include <string.h>

/* How far into a zip archive a workbook is looked for. */
enum { ARCHIVE_SEEN = 4096 };

#define HTML "HTML, perhaps an error in place of the file"

/* What begins with certain bytes. */
static const struct {
	const char *magic;
	unsigned char size;
	struct foreign_format format;
} formats[] = {
	{"\x1f\x8b", 2, {"compressed by gzip", "zcat ", ""}},
	{"\x28\xb5\x2f\xfd", 4, {"compressed by zstd", "zstdcat ", ""}},
	{"\xfd"
	 "7zXZ",
	 5,
	 {"compressed by xz", "xzcat ", ""}},
	{"BZh", 3, {"compressed by bzip2", "bzcat ", ""}},
	{"PAR1", 4, {"Parquet", "duckdb -csv -c \"FROM '", "'\""}},
	{"\x04\x22\x4d\x18", 4, {"compressed by lz4", "lz4cat ", ""}},
	{"7z\xbc\xaf", 4, {"a 7-Zip archive", "7z x -so ", ""}},
	{"SQLite format 3",
	 15,
	 {"an SQLite database", "sqlite3 -csv -header ",
	  " 'SELECT * FROM LOG'"}},
	{"ARROW1", 6, {"Arrow", NULL, NULL}},
	{"ORC", 3, {"ORC", NULL, NULL}},
	{"Obj\1", 4, {"Avro", NULL, NULL}},
	{"PGDMP", 5, {"a dump of PostgreSQL, for pg_restore", NULL, NULL}},
	{"%PDF-", 5, {"PDF", NULL, NULL}},
	{"\xd0\xcf\x11\xe0", 4, {"a workbook (xls)", "in2csv ", ""}},
	{"<!DOCTYPE", 9, {HTML, NULL, NULL}},
	{"<!doctype", 9, {HTML, NULL, NULL}},
	{"<html", 5, {HTML, NULL, NULL}},
	{"<?xml", 5, {"XML", NULL, NULL}},
	{"PK\3\4", 4, {"a zip archive", "unzip -p ", ""}},
	{"\xff\xfe", 2, {"UTF-16", "iconv -f UTF-16 -t UTF-8 ", ""}},
	{"\xfe\xff", 2, {"UTF-16", "iconv -f UTF-16 -t UTF-8 ", ""}},
};

static const struct foreign_format
	utf16_little = {"UTF-16", "iconv -f UTF-16LE -t UTF-8 ", ""},
	utf16_big = {"UTF-16", "iconv -f UTF-16BE -t UTF-8 ", ""};
static const struct foreign_format workbook = {"a workbook (xlsx)", "xlsx2csv ",
					       ""};

/* The keys of the first object become the header. */
#define JQ_ROWS "'(.[0] | keys_unsorted) as $k | $k, (.[] | [.[$k[]]]) | @csv' "
static const struct foreign_format json = {"JSON", "jq -r " JQ_ROWS, ""},
				   json_lines = {"JSON lines",
						 "jq -rs " JQ_ROWS, ""};

/* The place of the first byte from at on that is no white space, or size. */
static size_t skip_space(const unsigned char *bytes, size_t size, size_t at)
{
	while (at < size && memchr(" \t\r\n", bytes[at], 4) != NULL)
		at++;
	return at;
}

/* An array of objects, or an object a line; NULL: neither. */
static const struct foreign_format *find_json(const unsigned char *bytes,
					      size_t size)
{
	size_t at = skip_space(bytes, size, 0);
	bool array = at < size && bytes[at] == '[';

	if (array)
		at = skip_space(bytes, size, at + 1);
	if (at >= size || bytes[at] != '{')
		return NULL;
	at = skip_space(bytes, size, at + 1);
	if (at >= size || bytes[at] != '"')
		return NULL;
	return array ? &json : &json_lines;
}

/* True for a zip archive that holds a workbook: the names of its members stand
 * in it as they are. */
static bool is_workbook(const unsigned char *bytes, size_t size)
{
	static const char member[] = "[Content_Types].xml";

	if (size > ARCHIVE_SEEN)
		size = ARCHIVE_SEEN;
	return size >= 4 && memcmp(bytes, "PK\3\4", 4) == 0 &&
	       memmem(bytes, size, member, sizeof member - 1) != NULL;
}

/* True where of the first 32 bytes each second one is zero, and the others are
 * not: ASCII in UTF-16 without a byte-order mark; big: big-endian, so that the
 * first byte is zero. */
static bool is_wide(const unsigned char *bytes, size_t size, bool big)
{
	enum { SEEN = 32 };

	if (size < SEEN)
		return false;
	for (size_t i = 0; i < SEEN; i++)
		if ((bytes[i] == 0) != (i % 2 == !big))
			return false;
	return true;
}

bool foreign_format_find(const unsigned char *bytes, size_t size,
			 bool converted, struct foreign_format *format)
{
	const struct foreign_format *found = find_json(bytes, size);

	if (is_workbook(bytes, size))
		found = &workbook;
	if (!converted && is_wide(bytes, size, false))
		found = &utf16_little;
	if (!converted && is_wide(bytes, size, true))
		found = &utf16_big;
	for (size_t i = 0;
	     found == NULL && i < sizeof formats / sizeof *formats; i++)
		if (size >= formats[i].size &&
		    !(converted &&
		      strcmp(formats[i].format.what, "UTF-16") == 0) &&
		    memcmp(bytes, formats[i].magic, formats[i].size) == 0)
			found = &formats[i].format;
	if (found != NULL)
		*format = *found;
	return found != NULL;
}
