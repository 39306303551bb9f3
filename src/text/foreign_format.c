#include "text/foreign_format.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/errors.h"

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
	{"Rar!", 4, {"a RAR archive", "unrar p -inul ", ""}},
	{"\x1f\x9d", 2, {"compressed by compress", "zcat ", ""}},
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

static const struct foreign_format
	open_document = {"a workbook (ods)",
			 "ssconvert -T Gnumeric_stf:stf_csv ", " fd://1"},
	tar_archive = {"a tar archive", "tar -xOf ", ""},
	html = {HTML, NULL, NULL};

/* The keys of all objects become the header, in the order of their first
 * objects.  Of objects within, the paths "user.id"; an array is a cell with
 * bars between. */
#define JQ_ROWS "(add | keys_unsorted) as $k | $k, (.[] | [.[$k[]]]) | @csv' "
#define JQ_FLAT                                                                \
	"map([paths(type != \"object\") as $p | "                              \
	"select($p | all(type == \"string\")) | {($p | join(\".\")): "         \
	"(getpath($p) | if type == \"array\" "                                 \
	"then map(tostring) | join(\"|\") else . end)}] | add // {}) | "
static const struct foreign_format
	json[] = {{"JSON", "jq -r '" JQ_ROWS, ""},
		  {"JSON", "jq -r '" JQ_FLAT JQ_ROWS, ""}},
	json_lines[] = {{"JSON lines", "jq -rs '" JQ_ROWS, ""},
			{"JSON lines", "jq -rs '" JQ_FLAT JQ_ROWS, ""}},
	json_within = {"JSON",
		       "jq -rs '[.. | arrays | "
		       "select(.[0] | objects)] | "
		       "max_by(length) | " JQ_ROWS,
		       ""};

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

/* True where an array of objects begins in the first object before it ends. */
static bool has_rows_within(const unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size && bytes[i] != '}'; i++) {
		size_t next = skip_space(bytes, size, i + 1);

		if (bytes[i] == '[' && next < size && bytes[next] == '{')
			return true;
	}
	return false;
}

/* True where an object or an array begins within the object whose text this
 * is, before it ends. */
static bool is_nested(const unsigned char *bytes, size_t size)
{
	bool quoted = false;

	for (size_t i = 0; i < size; i++) {
		if (bytes[i] == '"')
			quoted = !quoted;
		else if (quoted)
			i += bytes[i] == '\\';
		else if (bytes[i] == '{' || bytes[i] == '[')
			return true;
		else if (bytes[i] == '}')
			return false;
	}
	return false;
}

/* True where the first line ends an object and the next begins one: a table
 * within the first would be but a part of the rows. */
static bool has_object_lines(const unsigned char *bytes, size_t size)
{
	const unsigned char *end = memchr(bytes, '\n', size);
	size_t line = end != NULL ? (size_t)(end - bytes) : size;
	size_t next = skip_space(bytes, size, line), last = line;

	while (last > 0 && memchr(" \t\r", bytes[last - 1], 3) != NULL)
		last--;
	return next < size && bytes[next] == '{' && last > 0 &&
	       bytes[last - 1] == '}';
}

/* An array of objects, alone or in an object, or an object a line; NULL:
 * neither. */
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
	if (array)
		return &json[is_nested(bytes + at, size - at)];
	return !has_object_lines(bytes + at, size - at) &&
			       has_rows_within(bytes + at, size - at)
		       ? &json_within
		       : &json_lines[is_nested(bytes + at, size - at)];
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

/* The fields of a member's header, of a fixed size, are filled up with zero
 * bytes, which text has none of. */
static bool is_tar(const unsigned char *bytes, size_t size)
{
	enum { MAGIC = 257 };

	return size > MAGIC + 5 && memcmp(bytes + MAGIC, "ustar", 5) == 0 &&
	       memchr(bytes, '\0', MAGIC) != NULL;
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
	const struct foreign_format *found = find_json(bytes, size);

	if (found == NULL)
		found = find_workbook(bytes, size);
	if (is_html(bytes, size))
		found = &html;
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
		      strcmp(formats[i].format.what, "UTF-16") == 0) &&
		    memcmp(bytes, formats[i].magic, formats[i].size) == 0)
			found = &formats[i].format;
	if (found != NULL)
		*format = *found;
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

const char *foreign_format_command(const struct foreign_format *format,
				   const char *path)
{
	const char *before = format->before, *mark;
	const char *table = *format->table != '\0' ? format->table : "TABLE";
	const char *quote = path && !is_plain(path) &&
					    strchr(path, '\'') == NULL &&
					    *format->after != '\''
				    ? "'"
				    : "";
	const char *text = "";

	while ((mark = strstr(before, "TABLE")) != NULL) {
		text = error_text("%s%.*s%s", text, (int)(mark - before),
				  before, table);
		before = mark + strlen("TABLE");
	}
	return error_text("%s%s%s%s%s%s", text, before, quote,
			  path ? path : "FILE", quote, format->after);
}
