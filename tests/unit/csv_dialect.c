/* csv_dialect: logs of other dialects become CSV with every field in quotation
 * marks, however the bytes are cut into reads. */
#include "text/csv_dialect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"

static const char path[] = "log.csv";

/* A dialect, a log of it, and what it is converted to. */
static const struct {
	struct csv_dialect dialect;
	const char *log, *converted;
} examples[] = {
	{{.delimiter = "||"}, "a||b\n", "\"a\",\"b\"\n"},
	{{.delimiter = "||"}, "a|b||c|\n", "\"a|b\",\"c|\"\n"},
	{{.delimiter = "||"}, "|||\n", "\"\",\"|\"\n"},
	{{.delimiter = "||"}, "a||", "\"a\",\"\""},
	{{.delimiter = "||"}, "a|", "\"a|\""},
	{{.delimiter = "||"}, "\"a||b\"||c\n", "\"a||b\",\"c\"\n"},
	{{.delimiter = "||"},
	 "\"a \"\"b\"\"\"||c\n",
	 "\"a \"\"b\"\"\",\"c\"\n"},
	{{.delimiter = "||"}, "\n\na\n", "\n\n\"a\"\n"},
	{{.delimiter = "||"},
	 "a||b\r\nc||d\r\n",
	 "\"a\",\"b\"\r\n\"c\",\"d\"\r\n"},
	{{.delimiter = "aab"}, "xaaaby\n", "\"xaaaby\"\n"},
	{{.delimiter = " +"}, "a  \t b\n", "\"a\",\"b\"\n"},
	{{.delimiter = " +"}, "  a b  \n", "\"a\",\"b\"\n"},
	{{.delimiter = " +"}, "a \"b c\" d\n", "\"a\",\"b c\",\"d\"\n"},
	{{.delimiter = ",", .unquoted = true},
	 "a\"b,\"c\"\n",
	 "\"a\"\"b\",\"\"\"c\"\"\"\n"},
	{{.delimiter = ";", .backslash = true},
	 "a\\;b;c\\\nd;\\\"\n",
	 "\"a;b\",\"c\nd\",\"\"\"\"\n"},
	{{.delimiter = ",", .backslash = true},
	 "\"a\\\"b\",c\n",
	 "\"a\"\"b\",\"c\"\n"},
	{{.delimiter = ",", .backslash = true},
	 "\\N,a\\\\b\n",
	 "\"\\N\",\"a\\b\"\n"},
	{{.delimiter = "\t", .unquoted = true, .backslash = true},
	 "a\\tb\tc\\nd\te\\rf\\\\n\n",
	 "\"a\tb\",\"c\\nd\",\"e\\rf\\n\"\n"},
	{{.delimiter = ",", .quote = '\''},
	 "'a, \"b\"',it's,'c''d'\n",
	 "\"a, \"\"b\"\"\",\"it's\",\"c'd\"\n"},
	{{.delimiter = ",", .comment = '#'},
	 "# a,\"b\n1,#2\n",
	 "\n\"1\",\"#2\"\n"},
	{{.delimiter = ",", .comment = '#'}, "1\n#", "\"1\"\n"},
	{{.delimiter = ",", .encoding = "ISO-8859-1"},
	 "caf\xe9,b\n",
	 "\"caf\xc3\xa9\",\"b\"\n"},
	{{.delimiter = ",", .encoding = "UTF-16LE"},
	 "a\0,\0\xac \n",
	 "\"a\",\"\xe2\x82\xac\"\n"},
	{{.delimiter = "||", .comment = '#'},
	 "\xef\xbb\xbf#a\nb\n",
	 "\n\"b\"\n"},
	{{.delimiter = "||"}, "", ""},
};
enum { EXAMPLES = sizeof examples / sizeof *examples };

/* The length of a log, in which a NUL byte may stand. */
static size_t log_length(size_t example)
{
	const char *encoding = examples[example].dialect.encoding;

	return encoding != NULL && strcmp(encoding, "UTF-16LE") == 0
		       ? 8
		       : strlen(examples[example].log);
}

static void write_log(size_t example)
{
	FILE *file = fopen(path, "wb");

	if (file == NULL ||
	    fwrite(examples[example].log, 1, log_length(example), file) !=
		    log_length(example) ||
	    fclose(file) != 0) {
		printf("%s: not written\n", path);
		exit(1);
	}
}

/* Convert with head bytes read before, by reads of at most step bytes. */
static size_t convert(size_t example, size_t head, size_t step, char *out)
{
	struct csv_conversion conversion;
	unsigned char first[64];
	struct input input;
	size_t length = 0, got;

	input_open(&input, path);
	head = input_read(&input, first, head);
	const char *error = csv_conversion_begin(
		&conversion, &examples[example].dialect, &input, first, head);
	if (error != NULL) {
		printf("%s\n", error);
		exit(1);
	}
	while ((got = csv_conversion_read(&conversion, out + length, step)) > 0)
		length += got;
	csv_conversion_end(&conversion);
	input_close(&input);
	return length;
}

static int check_example(size_t example)
{
	const char *expected = examples[example].converted;
	size_t wanted = strlen(expected);
	char out[256];

	write_log(example);
	for (size_t head = 0; head <= log_length(example); head++) {
		size_t length = convert(example, head, 1 + chance(9), out);

		if (length == wanted && memcmp(out, expected, wanted) == 0)
			continue;
		printf("example %zu, %zu bytes read before: \"%.*s\", "
		       "expected \"%s\"\n",
		       example, head, (int)length, out, expected);
		return 1;
	}
	return 0;
}

static int check_unknown_encoding(void)
{
	static const struct csv_dialect dialect = {.delimiter = ",",
						   .encoding = "no such"};
	struct csv_conversion conversion;
	struct input input = {0};
	const char *error =
		csv_conversion_begin(&conversion, &dialect, &input, NULL, 0);

	return error == NULL ? fail("an unknown encoding passes") : 0;
}

static int check_converts(void)
{
	static const struct csv_dialect plain = {.delimiter = ";"};
	int failed = 0;

	if (csv_dialect_converts(&plain))
		failed |= fail("one delimiter needs no conversion");
	for (size_t i = 0; i < EXAMPLES; i++)
		if (!csv_dialect_converts(&examples[i].dialect))
			failed |= fail("an example needs no conversion");
	return failed;
}

int main(void)
{
	int failed = check_unknown_encoding() | check_converts();

	seed = 1;
	for (size_t i = 0; i < EXAMPLES; i++)
		failed |= check_example(i);
	return failed;
}
