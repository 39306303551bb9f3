#include "explain/text_lines.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/control_chars.h"

void text_lines_free(struct text_lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		free(lines->texts[i]);
	free(lines->texts);
	*lines = (struct text_lines){0};
}

size_t text_lines_columns(const char *text)
{
	size_t count = 0;

	for (; *text != '\0'; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80;
	return count;
}

static char *keep(struct text_lines *lines, char *text)
{
	lines->texts = alloc_grow(lines->texts, &lines->room, lines->count + 1,
				  sizeof *lines->texts);
	lines->texts[lines->count++] = text;
	return text;
}

char *text_lines_print(struct text_lines *lines, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	char *text = alloc_vprint(format, arguments);
	va_end(arguments);
	return keep(lines, text);
}

const char *text_lines_escape(struct text_lines *lines, const char *text)
{
	size_t length = strlen(text);
	char *escaped = keep(lines, alloc(alloc_product(length, 4) + 1, 1));

	control_chars_escape(escaped, text, length);
	return escaped;
}

/* ----------------------------------------------------------------- writing */

void text_lines_put(struct text_lines *lines, const char *text)
{
	output_text(lines->output, text);
	lines->used += text_lines_columns(text);
}

void text_lines_end(struct text_lines *lines)
{
	output_text(lines->output, "\n");
	lines->used = 0;
}

void text_lines_put_piece(struct text_lines *lines, const char *text)
{
	if (lines->used > 0 &&
	    lines->used + 1 + text_lines_columns(text) > TEXT_LINES_WIDTH)
		text_lines_end(lines);
	else if (lines->used > 0)
		text_lines_put(lines, " ");
	text_lines_put(lines, text);
}

void text_lines_put_words(struct text_lines *lines, char *text)
{
	for (char *word; (word = strsep(&text, " ")) != NULL;)
		text_lines_put_piece(lines, word);
}

void text_lines_put_left(struct text_lines *lines, const char *text,
			 size_t width)
{
	size_t wide = text_lines_columns(text);

	text_lines_put(lines, text);
	for (; wide < width; wide++)
		text_lines_put(lines, " ");
}

void text_lines_put_right(struct text_lines *lines, const char *text,
			  size_t width)
{
	for (size_t wide = text_lines_columns(text); wide < width; wide++)
		text_lines_put(lines, " ");
	text_lines_put(lines, text);
}
