#include "text/json_writer.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "text/percent.h"

static void escape(struct output *output, unsigned char c)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *found = c ? strchr(from, c) : NULL;

	if (found != NULL)
		output_write(output, (char[]){'\\', to[found - from]}, 2);
	else
		output_print(output, "\\u%04x", (unsigned)c);
}

/* True for all of UTF-8 but what is escaped. */
static bool stands_for_itself(unsigned char byte)
{
	return byte >= 0x20 && byte != '"' && byte != '\\';
}

void json_write_string(struct output *output, const char *text, size_t length)
{
	char *encoded = percent_encode(text, &length);
	size_t begun = 0;

	if (encoded != NULL)
		text = encoded;
	output_text(output, "\"");
	for (size_t i = 0; i < length; i++) {
		if (stands_for_itself((unsigned char)text[i]))
			continue;
		output_write(output, text + begun, i - begun);
		escape(output, (unsigned char)text[i]);
		begun = i + 1;
	}
	output_write(output, text + begun, length - begun);
	output_text(output, "\"");
	free(encoded);
}

void json_writer_init(struct json_writer *writer, struct output *output,
		      enum json_style style)
{
	*writer = (struct json_writer){.output = output, .style = style};
}

static void line(struct json_writer *writer)
{
	output_text(writer->output, "\n");
	for (unsigned i = 0; i < writer->depth; i++)
		output_text(writer->output, "  ");
}

/* What stands before a value: comma, line and key. */
static void begin_value(struct json_writer *writer, const char *key)
{
	uint64_t level = writer->depth ? UINT64_C(1) << (writer->depth - 1) : 0;
	bool compact = writer->style == JSON_STYLE_COMPACT;
	bool indented = writer->style == JSON_STYLE_INDENTED;

	assert((key != NULL) == (level && !(writer->arrays & level)));
	if (writer->begun & level)
		output_text(writer->output, compact || indented ? "," : ", ");
	if (level && indented)
		line(writer);
	writer->begun |= level;
	if (key == NULL)
		return;
	json_write_string(writer->output, key, strlen(key));
	output_text(writer->output, compact ? ":" : ": ");
}

static void open_level(struct json_writer *writer, const char *key, bool array)
{
	begin_value(writer, key);
	assert(writer->depth < JSON_WRITER_DEPTH);
	uint64_t level = UINT64_C(1) << writer->depth++;
	writer->begun &= ~level;
	writer->arrays =
		array ? writer->arrays | level : writer->arrays & ~level;
	output_text(writer->output, array ? "[" : "{");
}

void json_put_object(struct json_writer *writer, const char *key)
{
	open_level(writer, key, false);
}

void json_put_array(struct json_writer *writer, const char *key)
{
	open_level(writer, key, true);
}

void json_put_end(struct json_writer *writer)
{
	assert(writer->depth > 0);
	uint64_t level = UINT64_C(1) << --writer->depth;

	if (writer->style == JSON_STYLE_INDENTED && writer->begun & level)
		line(writer);
	output_text(writer->output, writer->arrays & level ? "]" : "}");
}

void json_put_string(struct json_writer *writer, const char *key,
		     const char *bytes, size_t length)
{
	begin_value(writer, key);
	json_write_string(writer->output, bytes, length);
}

void json_put_text(struct json_writer *writer, const char *key,
		   const char *text)
{
	if (text != NULL)
		json_put_string(writer, key, text, strlen(text));
	else
		json_put_null(writer, key);
}

void json_put_number(struct json_writer *writer, const char *key,
		     const char *text)
{
	begin_value(writer, key);
	output_text(writer->output, text);
}

void json_put_count(struct json_writer *writer, const char *key, uint64_t count)
{
	char text[NUMBER_TEXT];
	size_t length = number_whole(text, count);

	begin_value(writer, key);
	output_write(writer->output, text, length);
}

void json_put_integer(struct json_writer *writer, const char *key,
		      int64_t value)
{
	begin_value(writer, key);
	output_print(writer->output, "%lld", (long long)value);
}

void json_put_fixed(struct json_writer *writer, const char *key, double value,
		    int decimals)
{
	if (!isfinite(value)) {
		json_put_null(writer, key);
		return;
	}
	begin_value(writer, key);
	output_print(writer->output, "%.*f", decimals,
		     number_without_negative_zero(value, decimals));
}

void json_put_real(struct json_writer *writer, const char *key, double value,
		   int digits)
{
	char text[NUMBER_TEXT];

	if (!isfinite(value)) {
		json_put_null(writer, key);
		return;
	}
	size_t length = number_write(text, value, digits);
	begin_value(writer, key);
	output_write(writer->output, text, length);
}

void json_put_bool(struct json_writer *writer, const char *key, bool value)
{
	json_put_number(writer, key, value ? "true" : "false");
}

void json_put_null(struct json_writer *writer, const char *key)
{
	json_put_number(writer, key, "null");
}
