/* json_writer: the three styles, every kind of value, escaping, and that bytes
 * which are no UTF-8 come out as U+FFFD. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "text/json_writer.h"

static int failed;

static void expect(const char *what, const struct output *output,
		   const char *wanted)
{
	if (output->held == strlen(wanted) &&
	    memcmp(output->buffer, wanted, output->held) == 0)
		return;
	printf("%s: \"%.*s\", expected \"%s\"\n", what, (int)output->held,
	       (const char *)output->buffer, wanted);
	failed = 1;
}

static void write_all(struct output *output, enum json_style style)
{
	struct json_writer writer;

	output_memory(output);
	json_writer_init(&writer, output, style);
	json_put_object(&writer, NULL);
	json_put_text(&writer, "a", "x");
	json_put_array(&writer, "b");
	json_put_count(&writer, NULL, UINT64_MAX);
	json_put_integer(&writer, NULL, INT64_MIN);
	json_put_array(&writer, NULL);
	json_put_end(&writer);
	json_put_object(&writer, NULL);
	json_put_bool(&writer, "c", true);
	json_put_bool(&writer, "d", false);
	json_put_end(&writer);
	json_put_end(&writer);
	json_put_object(&writer, "e");
	json_put_end(&writer);
	json_put_fixed(&writer, "f", 0.125, 2);
	json_put_real(&writer, "g", 0.1, 9);
	json_put_number(&writer, "h", "1.50");
	json_put_null(&writer, "i");
	json_put_text(&writer, "j", NULL);
	json_put_real(&writer, "k", NAN, 9);
	json_put_fixed(&writer, "l", INFINITY, 3);
	json_put_end(&writer);
}

static void check_styles(void)
{
	struct output output;

	write_all(&output, JSON_STYLE_SPACED);
	expect("spaced", &output,
	       "{\"a\": \"x\", \"b\": [18446744073709551615, "
	       "-9223372036854775808, [], {\"c\": true, \"d\": false}], "
	       "\"e\": {}, \"f\": 0.12, \"g\": 0.1, \"h\": 1.50, \"i\": null, "
	       "\"j\": null, \"k\": null, \"l\": null}");
	free(output.buffer);
	write_all(&output, JSON_STYLE_COMPACT);
	expect("compact", &output,
	       "{\"a\":\"x\",\"b\":[18446744073709551615,"
	       "-9223372036854775808,[],{\"c\":true,\"d\":false}],"
	       "\"e\":{},\"f\":0.12,\"g\":0.1,\"h\":1.50,\"i\":null,"
	       "\"j\":null,\"k\":null,\"l\":null}");
	free(output.buffer);
	write_all(&output, JSON_STYLE_INDENTED);
	expect("indented", &output,
	       "{\n  \"a\": \"x\",\n  \"b\": [\n    18446744073709551615,\n"
	       "    -9223372036854775808,\n    [],\n    {\n      \"c\": true,\n"
	       "      \"d\": false\n    }\n  ],\n  \"e\": {},\n  \"f\": 0.12,\n"
	       "  \"g\": 0.1,\n  \"h\": 1.50,\n  \"i\": null,\n"
	       "  \"j\": null,\n  \"k\": null,\n  \"l\": null\n}");
	free(output.buffer);
}

/* Several values, a line each. */
static void check_lines(void)
{
	struct output output;
	struct json_writer writer;

	output_memory(&output);
	json_writer_init(&writer, &output, JSON_STYLE_SPACED);
	for (uint64_t i = 0; i < 2; i++) {
		json_put_array(&writer, NULL);
		json_put_count(&writer, NULL, i);
		json_put_end(&writer);
		output_text(&output, "\n");
	}
	expect("lines", &output, "[0]\n[1]\n");
	free(output.buffer);
}

static void check_string(const char *bytes, size_t length, const char *wanted)
{
	struct output output;

	output_memory(&output);
	json_write_string(&output, bytes, length);
	expect("string", &output, wanted);
	free(output.buffer);
}

static void check_strings(void)
{
	check_string("", 0, "\"\"");
	check_string("a\"\\\b\f\n\r\t\x01\x1f\x7f", 11,
		     "\"a\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"");
	check_string("\0z", 2, "\"\\u0000z\"");
	check_string("\xc3\xa9\xf0\x9f\x98\x80", 6,
		     "\"\xc3\xa9\xf0\x9f\x98\x80\"");
	/* Overlong, a surrogate, above U+10FFFF, cut off. */
	check_string("\xc0\x80", 2, "\"%C0%80\"");
	check_string("\xed\xa0\x80", 3, "\"%ED%A0%80\"");
	check_string("\xf4\x90\x80\x80", 4, "\"%F4%90%80%80\"");
	check_string("\xc3", 1, "\"%C3\"");
	/* A % is one, unless the text could be what is written for another. */
	check_string("5%\xe9", 3, "\"5%25%E9\"");
	check_string("5%E9", 4, "\"5%25E9\"");
	check_string("5%25E9", 6, "\"5%2525E9\"");
	check_string("5%41%", 5, "\"5%41%\"");
	check_string("5%C3%A9", 7, "\"5%C3%A9\"");
}

/* Any bytes make a string that another reader of JSON takes. */
static void check_random(void)
{
	for (uint64_t round = 0; round < 20000; round++) {
		char bytes[8];
		uint64_t bits = random_bits(1, round);
		struct output output;

		memcpy(bytes, &bits, sizeof bytes);
		output_memory(&output);
		json_write_string(&output, bytes, round % 9);
		json_t *value =
			json_loadb((const char *)output.buffer, output.held,
				   JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
		if (!json_is_string(value)) {
			printf("round %d: not a string of JSON\n", (int)round);
			failed = 1;
		}
		json_decref(value);
		free(output.buffer);
	}
}

int main(void)
{
	check_styles();
	check_lines();
	check_strings();
	check_random();
	return failed;
}
