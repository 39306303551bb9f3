#include "text/foreign_format.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/errors.h"
#include "base/utf8.h"
#include "text/json_format.h"

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
	{"\x5d\0\0", 3, {"compressed by lzma", "xzcat ", ""}},
	{"\x04\x22\x4d\x18", 4, {"compressed by lz4", "lz4cat ", ""}},
	{"\x02\x21\x4c\x18", 4, {"compressed by lz4", "lz4cat ", ""}},
	{"7z\xbc\xaf", 4, {"a 7-Zip archive", "7z x -so ", ""}},
	{"SQLite format 3",
	 15,
	 {"an SQLite database (sqlite3 FILE .tables lists its tables)",
	  "sqlite3 -csv -header ", " 'SELECT * FROM TABLE'"}},
	{"ARROW1", 6, {"Arrow", NULL, NULL}},
	{"\xff\xff\xff\xff", 4, {"Arrow", NULL, NULL}},
	{"FEA1", 4, {"Feather", NULL, NULL}},
	{"\x89HDF", 4, {"HDF5", NULL, NULL}},
	{"\x93NUMPY", 6, {"an array of numpy", NULL, NULL}},
	{"\x80\4\x95", 3, {"a pickle of Python", NULL, NULL}},
	{"\x80\5\x95", 3, {"a pickle of Python", NULL, NULL}},
	{"<stata_dta>", 11, {"Stata (dta)", NULL, NULL}},
	{"$FL2", 4, {"SPSS (sav)", NULL, NULL}},
	{"%%MatrixMarket",
	 14,
	 {"Matrix Market", "sed '/^%/d' ", " | sed 1d",
	  " -d ' +' --no-header -u 1 -t 2 -v 3"}},
	{"version https://git-lfs",
	 23,
	 {"a pointer of Git LFS in place of the file (git lfs pull)", NULL,
	  NULL}},
	{"ORC", 3, {"ORC", NULL, NULL}},
	{"Obj\1", 4, {"Avro", NULL, NULL}},
	{"PGDMP", 5, {"a dump of PostgreSQL, for pg_restore", NULL, NULL}},
	{"%PDF-", 5, {"PDF", NULL, NULL}},
	{"\xd0\xcf\x11\xe0", 4, {"a workbook (xls)", "in2csv ", ""}},
	{"Rar!", 4, {"a RAR archive", "unrar p -inul ", ""}},
	{"\x1f\x9d", 2, {"compressed by compress", "zcat ", ""}},
	{"<?xml", 5, {"XML", NULL, NULL}},
	{"PK\3\4", 4, {"a zip archive", "unzip -p ", ""}},
	{"\xff\xfe\0\0", 4, {"UTF-32", "iconv -f UTF-32 -t UTF-8 ", ""}},
	{"\0\0\xfe\xff", 4, {"UTF-32", "iconv -f UTF-32 -t UTF-8 ", ""}},
	{"\xff\xfe", 2, {"UTF-16", "iconv -f UTF-16 -t UTF-8 ", ""}},
	{"\xfe\xff", 2, {"UTF-16", "iconv -f UTF-16 -t UTF-8 ", ""}},
};

static const struct foreign_format
	utf16_little = {"UTF-16", "iconv -f UTF-16LE -t UTF-8 ", ""},
	utf16_big = {"UTF-16", "iconv -f UTF-16BE -t UTF-8 ", ""};
static const struct foreign_format workbook = {"a workbook (xlsx)", "xlsx2csv ",
					       ""};

static const struct foreign_format
	open_document = {"a workbook (ods)",
			 "ssconvert -T Gnumeric_stf:stf_csv ", " fd://1"},
	tar_archive = {"a tar archive", "tar -xOf ", ""},
	html = {HTML, NULL, NULL}, xml = {"XML", NULL, NULL};

/* Tables as they are shown: with lines drawn around, by mysql and sqlite3; with
 * a rule below the header line, by psql, and in Markdown. */
#define FROM_TABS " -d '\\t' --quote none"
static const struct foreign_format
	drawn = {"a table with lines around it",
		 "sed -n '/^|/{s/^| *//;s/ *|\\r*$//;s/ *| */\\t/g;p}' ", "",
		 FROM_TABS},
	ruled = {"a table as psql shows it (psql --csv writes CSV)",
		 "sed -n '2d;/|/{s/^ *//;s/ *\\r*$//;s/ *| */\\t/g;p}' ", "",
		 FROM_TABS},
	markdown = {
		"a table in Markdown",
		"sed -n '2d;/^|/{s/^| *//;s/ *|[ \\r]*$//;s/ *| */\\t/g;p}' ",
		"", FROM_TABS};

/* Dumps of databases.  pg_dump's rows after COPY are lines with tabs between;
 * rows after INSERT are put on lines of their own, as "(1, 'a'), (2, 'b');". */
static const struct foreign_format
	sql_copy =
		{"an SQL dump (COPY)",
		 "sed -n '/^COPY TABLE /,/^\\\\\\.$/{/^\\\\\\.$/d;/^COPY TABLE "
		 "/{s/.*(\\(.*\\)).*/\\1/;s/, /\\t/g};p}' ",
		 "", " -d '\\t' --quote none --escape backslash --null '\\N'",
		 ""},
	sql_insert = {"an SQL dump (INSERT)",
		      "sed -n \"/^INSERT INTO TABLE[ (]/,/;$/{s/^INSERT INTO "
		      "TABLE *\\(([^)]*) *\\)\\?VALUES *//;/^(/{s/^(//;"
		      "s/)[,;]$//;s/), *(/\\n/g;s/\\(['0-9L]\\), '/\\1,'/g;"
		      "p}}\" ",
		      "",
		      " --no-header --quote \"'\" --escape backslash --trim "
		      "--null NULL -u 1 -t 2",
		      ""},
	sql = {"SQL", NULL, NULL, "", ""};

/* The place of the first byte from at on that is no white space, or size. */
static size_t skip_space(const unsigned char *bytes, size_t size, size_t at)
{
	while (at < size && memchr(" \t\r\n", bytes[at], 4) != NULL)
		at++;
	return at;
}

/* The workbook in a zip archive, in which the names of members and the type of
 * the document stand as they are; or NULL. */
static const struct foreign_format *find_workbook(const unsigned char *bytes,
						  size_t size)
{
	static const char member[] = "[Content_Types].xml",
			  type[] = "opendocument.spreadsheet";

	if (size > ARCHIVE_SEEN)
		size = ARCHIVE_SEEN;
	if (size < 4 || memcmp(bytes, "PK\3\4", 4) != 0)
		return NULL;
	if (memmem(bytes, size, type, sizeof type - 1) != NULL)
		return &open_document;
	return memmem(bytes, size, member, sizeof member - 1) != NULL
		       ? &workbook
		       : NULL;
}

/* HTML in any case, after any blanks. */
static bool is_html(const unsigned char *bytes, size_t size)
{
	size_t at = skip_space(bytes, size, 0);
	const char *text = (const char *)bytes + at;

	return (size - at >= 5 && strncasecmp(text, "<html", 5) == 0) ||
	       (size - at >= 9 && strncasecmp(text, "<!doctype", 9) == 0);
}

/* XML without its declaration: a first line that begins and ends with an
 * element, without a mark as between columns, and an element that ends. */
static bool is_xml(const unsigned char *bytes, size_t size)
{
	size_t at = skip_space(bytes, size, 0), end = at;

	while (end < size && bytes[end] != '\n' && bytes[end] != '\r')
		end++;
	return size - at > 1 && bytes[at] == '<' && isalpha(bytes[at + 1]) &&
	       bytes[end - 1] == '>' &&
	       memchr(bytes + at, ',', end - at) == NULL &&
	       memchr(bytes + at, ';', end - at) == NULL &&
	       memchr(bytes + at, '\t', end - at) == NULL &&
	       memmem(bytes + at, size - at, "</", 2) != NULL;
}

/* A first line such as +---+-----+. */
static bool is_drawn(const unsigned char *bytes, size_t size)
{
	size_t at = 0;

	while (at < size && memchr("+-", bytes[at], 2) != NULL)
		at++;
	return at > 3 && at < size && memcmp(bytes, "+-", 2) == 0 &&
	       bytes[at - 1] == '+' && memchr("\r\n", bytes[at], 2) != NULL;
}

/* The table whose second line is a rule, such as ---+---- or |---|:--|, below a
 * header line with bars; or NULL. */
static const struct foreign_format *find_ruled(const unsigned char *bytes,
					       size_t size)
{
	const unsigned char *end = memchr(bytes, '\n', size), *rule;
	size_t length = 0, left;

	if (end == NULL || memchr(bytes, '|', (size_t)(end - bytes)) == NULL)
		return NULL;
	rule = end + 1;
	left = size - (size_t)(rule - bytes);
	while (length < left && memchr("+-|: ", rule[length], 5) != NULL)
		length++;
	if (length == left || memchr("\r\n", rule[length], 2) == NULL ||
	    memmem(rule, length, "---", 3) == NULL)
		return NULL;
	if (*rule == '|' && *bytes == '|')
		return &markdown;
	return memmem(rule, length, "-+-", 3) != NULL ? &ruled : NULL;
}

/* The fields of a member's header, of a fixed size, are filled up with zero
 * bytes, which text has none of. */
static bool is_tar(const unsigned char *bytes, size_t size)
{
	enum { MAGIC = 257 };

	return size > MAGIC + 5 && memcmp(bytes + MAGIC, "ustar", 5) == 0 &&
	       memchr(bytes, '\0', MAGIC) != NULL;
}

/* True where of the first bytes, up to 32, each second one is zero, and the
 * others are not: ASCII in UTF-16 without a byte-order mark; big: big-endian,
 * so that the first byte is zero. */
static bool is_wide(const unsigned char *bytes, size_t size, bool big)
{
	enum { LEAST = 8, SEEN = 32 };

	if (size < LEAST)
		return false;
	for (size_t i = 0; i < SEEN && i < size; i++)
		if ((bytes[i] == 0) != (i % 2 == !big))
			return false;
	return true;
}

static bool begins(const char *text, size_t size, const char *with)
{
	return size >= strlen(with) &&
	       strncasecmp(text, with, strlen(with)) == 0;
}

/* Set the table to the name at the start of a line; quote marks become '.',
 * which they match in the command's patterns. */
static void set_table(struct foreign_format *format, const char *line,
		      size_t size)
{
	size_t length = 0;

	while (length < size && memchr(" (", line[length], 2) == NULL)
		length++;
	if (length >= sizeof format->table)
		return;
	for (size_t i = 0; i < length; i++) {
		bool plain = isalnum((unsigned char)line[i]) || line[i] == '_';
		format->table[i] = plain ? line[i] : '.';
	}
	format->table[length] = '\0';
}

/* Set the table where the first bytes of an SQLite database, which have the
 * commands that made its tables, know one alone. */
static void find_table(const unsigned char *bytes, size_t size,
		       struct foreign_format *format)
{
	static const char made[] = "CREATE TABLE ";
	const char *end = (const char *)bytes + size, *name = NULL;
	const char *at = (const char *)bytes;

	while ((at = memmem(at, (size_t)(end - at), made, sizeof made - 1)) !=
	       NULL) {
		at += sizeof made - 1;
		if (begins(at, (size_t)(end - at), "sqlite_"))
			continue;
		if (name != NULL)
			return;
		name = at;
	}
	if (name != NULL)
		set_table(format, name, (size_t)(end - name));
	/* A name in quotes is not known by its pattern. */
	if (strchr(format->table, '.') != NULL)
		*format->table = '\0';
}

/* SQL that creates a table or has rows of one. */
static bool find_sql(const unsigned char *bytes, size_t size,
		     struct foreign_format *format)
{
	static const char *const first[] = {
		"--",    "/*",      "SET ",  "CREATE ", "INSERT ", "COPY ",
		"BEGIN", "PRAGMA ", "DROP ", "LOCK ",   "USE ",    "START "};
	const char *text = (const char *)bytes, *end = text + size;
	bool found = false;

	text += skip_space(bytes, size, 0);
	for (size_t i = 0; !found && i < sizeof first / sizeof *first; i++)
		found = begins(text, (size_t)(end - text), first[i]);
	if (!found)
		return false;
	found = false;
	while (text < end) {
		size_t left = (size_t)(end - text);
		const char *line_end = memchr(text, '\n', left);
		size_t length = line_end ? (size_t)(line_end - text) : left;

		if (length > 12 && memcmp(text, "INSERT INTO ", 12) == 0) {
			*format = sql_insert;
			set_table(format, text + 12, length - 12);
			return true;
		}
		if (length > 5 && memcmp(text, "COPY ", 5) == 0 &&
		    memmem(text, length, " FROM stdin;", 12) != NULL) {
			*format = sql_copy;
			set_table(format, text + 5, length - 5);
			return true;
		}
		if (begins(text, length, "CREATE TABLE ") ||
		    begins(text, length, "INSERT INTO ")) {
			*format = sql;
			found = true;
		}
		text += length + (line_end != NULL);
	}
	return found;
}

bool foreign_format_find(const unsigned char *bytes, size_t size,
			 bool converted, struct foreign_format *format)
{
	size_t mark = utf8_order_mark(bytes, size);
	const struct json_format *json =
		json_format_find(bytes + mark, size - mark);
	const struct foreign_format *found;

	if (json != NULL) {
		*format =
			(struct foreign_format){json->what, json->command, ""};
		return true;
	}
	bytes += mark;
	size -= mark;
	found = find_workbook(bytes, size);
	if (is_xml(bytes, size))
		found = &xml;
	if (is_html(bytes, size))
		found = &html;
	if (found == NULL)
		found = find_ruled(bytes, size);
	if (is_drawn(bytes, size))
		found = &drawn;
	if (is_tar(bytes, size))
		found = &tar_archive;
	if (!converted && is_wide(bytes, size, false))
		found = &utf16_little;
	if (!converted && is_wide(bytes, size, true))
		found = &utf16_big;
	for (size_t i = 0;
	     found == NULL && i < sizeof formats / sizeof *formats; i++)
		if (size >= formats[i].size &&
		    !(converted &&
		      strncmp(formats[i].format.what, "UTF-", 4) == 0) &&
		    memcmp(bytes, formats[i].magic, formats[i].size) == 0)
			found = &formats[i].format;
	if (found != NULL)
		*format = *found;
	if (size > 15 && memcmp(bytes, "SQLite format 3", 15) == 0)
		find_table(bytes, size, format);
	return found != NULL || find_sql(bytes, size, format);
}

/* True for a path that a shell takes as it stands. */
static bool is_plain(const char *path)
{
	for (; *path != '\0'; path++)
		if (!isalnum((unsigned char)*path) &&
		    strchr("_./-+,:@%=", *path) == NULL)
			return false;
	return true;
}

/* The text with the table in place of TABLE. */
static const char *fill_table(const char *text,
			      const struct foreign_format *format)
{
	const char *table = *format->table != '\0' ? format->table : "TABLE";
	const char *filled = "", *mark;

	for (; (mark = strstr(text, "TABLE")) != NULL;
	     text = mark + strlen("TABLE"))
		filled = error_text("%s%.*s%s", filled, (int)(mark - text),
				    text, table);
	return error_text("%s%s", filled, text);
}

const char *foreign_format_command(const struct foreign_format *format,
				   const char *path)
{
	const char *quote = path && !is_plain(path) &&
					    strchr(path, '\'') == NULL &&
					    *format->after != '\''
				    ? "'"
				    : "";
	char after[64];

	snprintf(after, sizeof after, "%s", fill_table(format->after, format));
	return error_text("%s%s%s%s%s", fill_table(format->before, format),
			  quote, path ? path : "FILE", quote, after);
}
