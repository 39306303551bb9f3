/* escapes: control characters, %XX and the backslashes of TSV, each undone or
 * shown as its header says, for chosen and for random bytes. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/control_chars.h"
#include "base/file_type.h"
#include "base/random.h"
#include "text/percent.h"
#include "text/tsv.h"

static int failed;

static void expect(const char *what, const char *got, size_t length,
		   const char *wanted)
{
	if (length == strlen(wanted) && memcmp(got, wanted, length) == 0)
		return;
	printf("%s: \"%.*s\", expected \"%s\"\n", what, (int)length, got,
	       wanted);
	failed = 1;
}

static void check_controls(void)
{
	char text[] = "a\nb\x1b[1m\x7f\xc2\x9b\xc3\xa9\xc2";
	char escaped[4 * sizeof text] = "";
	size_t length = control_chars_escape(escaped, text, strlen(text));

	expect("escaped", escaped, length,
	       "a\\x0Ab\\x1B[1m\\x7F\\xC2\\x9B\xc3\xa9\xc2");
	control_chars_replace(text);
	expect("replaced", text, strlen(text), "a?b?[1m???\xc3\xa9\xc2");
}

static void check_percent(const char *text, bool strict, const char *wanted)
{
	char copy[64];

	strcpy(copy, text);
	size_t length = percent_decode(copy, strlen(copy), strict);
	if (wanted != NULL && length != SIZE_MAX)
		expect(text, copy, length, wanted);
	else if (wanted != NULL || length != SIZE_MAX) {
		printf("%s: should be %s\n", text, wanted ? "read" : "refused");
		failed = 1;
	}
}

static void check_percents(void)
{
	check_percent("a%2Bb%c3%A9", true, "a+b\xc3\xa9");
	check_percent("a%2Bb%c3%A9", false, "a+b\xc3\xa9");
	check_percent("", true, "");
	check_percent("100%", true, NULL);
	check_percent("100%", false, "100%");
	check_percent("%0", true, NULL);
	check_percent("%0", false, "%0");
	check_percent("%00", true, NULL);
	check_percent("%00", false, "%00");
	check_percent("%zz%20", false, "%zz ");
	check_percent("%2520", true, "%20");
}

static void check_tsv(void)
{
	char valid[] = "\\\\\\t\\n\\rx", wrong[] = "a\\bc\\";
	size_t length = strlen(valid);

	if (!tsv_unescape(valid, &length))
		failed = 1;
	expect("unescaped", valid, length, "\\\t\n\rx");
	length = strlen(wrong);
	if (tsv_unescape(wrong, &length))
		failed = 1;
	expect("kept", wrong, length, "a\\bc\\");
}

/* What is escaped comes back, by each of the two writers. */
static void check_random(void)
{
	static const char letters[] = "\\\t\n\rtnrab\0";

	for (uint64_t round = 0; round < 20000; round++) {
		char text[16], escaped[2 * sizeof text + 1];
		size_t length = random_bits(1, round) % (sizeof text + 1);
		struct output output;

		for (size_t i = 0; i < length; i++)
			text[i] = letters[random_bits(2, round * 16 + i) %
					  (sizeof letters - 1)];
		size_t size = tsv_escape(escaped, text, length);
		char *copy = tsv_escape_text(text, length);
		output_memory(&output);
		tsv_write_field(&output, text, length);
		if (output.held != size || memcmp(copy, escaped, size) != 0 ||
		    copy[size] != '\0' ||
		    (size > 0 && memcmp(output.buffer, escaped, size) != 0)) {
			printf("round %d: the writers differ\n", (int)round);
			failed = 1;
		}
		if (!tsv_unescape(escaped, &size) || size != length ||
		    memcmp(escaped, text, length) != 0) {
			printf("round %d: not what was escaped\n", (int)round);
			failed = 1;
		}
		free(output.buffer);
		free(copy);
	}
}

static void check_type(const char *bytes, size_t size, const char *wanted)
{
	const char *type =
		file_type_describe((const unsigned char *)bytes, size);

	expect("type", type, strlen(type), wanted);
}

static void check_types(void)
{
	check_type("", 0, "an empty input");
	check_type("\x1f\x8b", 2, "a file compressed by gzip");
	check_type("\x1f", 1, "a binary file of another kind");
	check_type("01234567{", 9, "a matrix or a model");
	check_type("01234567", 8, "text");
	check_type("query\trank\n", 11, "neighbours (TSV)");
	check_type("a\tb\n", 4, "TSV");
	check_type("a\n\t", 3, "text");
}

int main(void)
{
	check_controls();
	check_percents();
	check_tsv();
	check_random();
	check_types();
	return failed;
}
