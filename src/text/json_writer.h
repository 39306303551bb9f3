/* json_writer: JSON (RFC 8259) written value by value to an output.  The writer
 * puts commas, keys and brackets; bytes once written stay as they are.  As the
 * outputs of base/io, it ends the process where writing fails. */
#ifndef TEXT_JSON_WRITER_H
#define TEXT_JSON_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/io.h"

enum json_style {
	JSON_STYLE_SPACED,  /* {"a": 1, "b": [2, 3]} */
	JSON_STYLE_COMPACT, /* {"a":1,"b":[2,3]} */
	JSON_STYLE_INDENTED /* a value a line, two spaces for each level */
};

/* Levels of objects and arrays that may be open at a time. */
enum { JSON_WRITER_DEPTH = 64 };

/* A text being written: one value, or several one after another where the
 * caller writes what separates them (a line feed). */
struct json_writer {
	struct output *output; /* the caller's */
	enum json_style style;
	unsigned depth;  /* open objects and arrays */
	uint64_t arrays; /* bit d: level d is an array, not an object */
	uint64_t begun;  /* bit d: level d has a value already */
};

/* Begin with nothing open.  Nothing needs to be freed. */
void json_writer_init(struct json_writer *writer, struct output *output,
		      enum json_style style);

/* Each function below writes one value.  Its key is that of the value in the
 * object that is open, and NULL in an array and outside of all; it is escaped
 * like any other string. */

/* Open an object, or an array; json_put_end closes the innermost one. */
void json_put_object(struct json_writer *writer, const char *key);
void json_put_array(struct json_writer *writer, const char *key);
void json_put_end(struct json_writer *writer);

/* length bytes as a string, escaped as json_write_string does. */
void json_put_string(struct json_writer *writer, const char *key,
		     const char *bytes, size_t length);

/* A text that ends with a zero byte; null for NULL. */
void json_put_text(struct json_writer *writer, const char *key,
		   const char *text);

void json_put_count(struct json_writer *writer, const char *key,
		    uint64_t count);
void json_put_integer(struct json_writer *writer, const char *key,
		      int64_t value);

/* As printf's %.*f and %.*g; null where the value is not finite. */
void json_put_fixed(struct json_writer *writer, const char *key, double value,
		    int decimals);
void json_put_real(struct json_writer *writer, const char *key, double value,
		   int digits);

/* A number that is text already. */
void json_put_number(struct json_writer *writer, const char *key,
		     const char *text);

void json_put_bool(struct json_writer *writer, const char *key, bool value);
void json_put_null(struct json_writer *writer, const char *key);

/* Write the bytes in quotation marks, and nothing else: quotation marks,
 * backslashes and control characters escaped.  Of bytes that are not UTF-8 each
 * invalid one, and each %, is written as % and two hexadecimal digits:
 * different names stay different, and can be read back (text/percent.h).  So is
 * each % of a text that is UTF-8, but might be what is written for another. */
void json_write_string(struct output *output, const char *text, size_t length);

#endif
