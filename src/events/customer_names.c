#include "events/customer_names.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/io.h"
#include "text/name_lines.h"
#include "text/tsv.h"

enum { KEY_MIN_SIZE = 16, KEY_MAX_SIZE = 4096 };

void customer_names_read_key(struct customer_names *names, const char *path)
{
	unsigned char key[KEY_MAX_SIZE + 2];
	struct input input;
	size_t size = 0, got;

	input_open(&input, path);
	while (size < sizeof key &&
	       (got = input_read(&input, key + size, sizeof key - size)) > 0)
		size += got;
	input_close(&input);
	while (size > 0 && (key[size - 1] == '\n' || key[size - 1] == '\r'))
		size--;
	if (size < KEY_MIN_SIZE || size > KEY_MAX_SIZE)
		die("%s: a key of %s bytes, expected %d to %d; to make one: "
		    "head -c 32 /dev/urandom | base64 > KEYFILE",
		    path, size < KEY_MIN_SIZE ? "too few" : "too many",
		    KEY_MIN_SIZE, KEY_MAX_SIZE);
	hmac_sha256_set_key(&names->key, size, key);
	explicit_bzero(key, sizeof key);
	names->has_key = true;
}

/* Take blanks and quotes from both ends. */
static void trim_quotes(struct tsv_field *name)
{
	name_fields_trim(name);
	while (name->length > 0 && name->text[name->length - 1] == '"')
		name->length--;
	for (; name->length > 0 && *name->text == '"'; name->length--)
		name->text++;
	name_fields_trim(name);
}

static void add_escaped(struct string_table *table, struct tsv_field name)
{
	char *escaped = tsv_escape_text(name.text, name.length);

	string_table_add(table, escaped, strlen(escaped));
	free(escaped);
}

/* The first column of a line, where others follow: no blank does then, as in
 * "Smith, Ann"; or the whole line within the quotes of CSV, as spreadsheets
 * write a name that has a comma or a quote.  False where no other follows. */
static bool add_first_column(struct string_table *table, struct tsv_field line)
{
	name_fields_trim(&line);
	const char *text = line.text;
	size_t length = line.length;
	bool quoted = length > 0 && *text == '"';
	size_t end = name_fields_first(&line);
	bool others = end + 1 < length && text[end + 1] != ' ';

	if (line.length == 0 || !(others || (quoted && end == length)))
		return false;
	add_escaped(table, line);
	return others;
}

/* A line as it stands, and without blanks and quotes. */
static void add_line(struct string_table *table, struct tsv_field line)
{
	add_escaped(table, line);
	trim_quotes(&line);
	if (line.length > 0)
		add_escaped(table, line);
}

void customer_names_read_forgotten(struct customer_names *names,
				   const char *path)
{
	struct name_lines lines;

	name_lines_open(&lines, path);
	while (name_lines_next(&lines)) {
		add_line(&names->forgotten, lines.name);
		if (name_lines_split(&lines))
			continue;
		names->forgotten_listed++;
		if (add_first_column(&names->forgotten, lines.name) &&
		    lines.two)
			die("%s: its one line may be a name and another field, "
			    "or two names\n  write a name a line",
			    path);
	}
	if (names->forgotten.count == 0)
		die("%s: it names nobody", path);
	name_lines_close(&lines);
	names->has_forgotten = true;
}

void customer_names_hash_forgotten(struct customer_names *names)
{
	struct string_table hashed = {0};
	char pseudonym[PSEUDONYM_SIZE];

	if (!names->has_key)
		return;
	for (size_t i = 0; i < names->forgotten.count; i++) {
		customer_names_hash(
			names, string_table_text(&names->forgotten, i),
			string_table_length(&names->forgotten, i), pseudonym);
		string_table_add(&hashed, pseudonym, sizeof pseudonym);
	}
	string_table_free(&names->forgotten);
	names->forgotten = hashed;
}

void customer_names_warn_none(const struct customer_names *names,
			      const char *path)
{
	if (names->has_key)
		warn("--forget %s: none of its customers has a row", path);
	else
		warn("--forget %s: none of its customers has a row; it has "
		     "\"%s\"",
		     path, string_table_text(&names->forgotten, 0));
}

bool customer_names_is_forgotten(const struct customer_names *names,
				 const char *text, size_t length)
{
	return names->has_forgotten &&
	       string_table_find(&names->forgotten, text, length) !=
		       STRING_TABLE_NONE;
}

void customer_names_hash(const struct customer_names *names, const char *text,
			 size_t length, char *pseudonym)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char digest[PSEUDONYM_SIZE / 2];
	struct hmac_sha256_ctx state = names->key;

	if (memchr(text, '\\', length) == NULL) {
		hmac_sha256_update(&state, length, (const uint8_t *)text);
	} else {
		char *name = alloc_text(text, length);
		tsv_unescape(name, &length);
		hmac_sha256_update(&state, length, (const uint8_t *)name);
		free(name);
	}
	hmac_sha256_digest(&state, sizeof digest, digest);
	for (size_t i = 0; i < sizeof digest; i++) {
		pseudonym[2 * i] = digits[digest[i] >> 4];
		pseudonym[2 * i + 1] = digits[digest[i] & 15];
	}
}

void customer_names_free(struct customer_names *names)
{
	string_table_free(&names->forgotten);
	explicit_bzero(names, sizeof *names);
}
