/* text_lines: lines of text for a reader, wrapped at 80 columns between words
 * and pieces, with columns at their left or right; a column is a character of
 * UTF-8. */
#ifndef EXPLAIN_TEXT_LINES_H
#define EXPLAIN_TEXT_LINES_H

#include <stddef.h>

#include "base/io.h"

enum { TEXT_LINES_WIDTH = 80 };

/* Zero but for output at first. */
struct text_lines {
	struct output *output; /* the caller's */
	size_t used;           /* columns of the line being written */
	char **texts;          /* those made below, owned */
	size_t count, room;
};

/* Free the texts that were made. */
void text_lines_free(struct text_lines *lines);

/* ------------------------------------------------------------------- texts */

/* Columns that a UTF-8 text takes. */
size_t text_lines_columns(const char *text);

/* A text as by printf, which lasts as long as the lines. */
char *text_lines_print(struct text_lines *lines, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The text with its control characters as \xNN; it lasts as long. */
const char *text_lines_escape(struct text_lines *lines, const char *text);

/* ----------------------------------------------------------------- writing */

/* Write the text where the line is. */
void text_lines_put(struct text_lines *lines, const char *text);

void text_lines_end(struct text_lines *lines);

/* Write the text behind a space, or on the next line where it does not fit. */
void text_lines_put_piece(struct text_lines *lines, const char *text);

/* Write the words of the text, each a piece; the text is cut. */
void text_lines_put_words(struct text_lines *lines, char *text);

/* Write the text at the left or the right of a column of that width, which a
 * wider text pushes. */
void text_lines_put_left(struct text_lines *lines, const char *text,
			 size_t width);
void text_lines_put_right(struct text_lines *lines, const char *text,
			  size_t width);

#endif
