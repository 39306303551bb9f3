/* decimal: exact sums of values that are written as decimals.  A value is an
 * integer count of 10^-9 in 128 bits, so that its sum does not depend on the
 * order of the addends.  Nothing here uses the locale. */
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/number.h"

/* An exact decimal: an integer count of 10^-9.  The only typedef here:
 * the type has no name without a warning in C17. */
__extension__ typedef __int128 decimal;

/* The number 1, as a decimal. */
#define DECIMAL_ONE INT64_C(1000000000)

enum decimal_error {
	DECIMAL_FINE,    /* no error */
	DECIMAL_TEXT,    /* not a number: empty, text, NaN, Inf, hex */
	DECIMAL_ROUNDED, /* more than 9 decimals: the value is rounded */
	DECIMAL_LARGE    /* magnitude of 10^18 or more */
};

/* Read length bytes, all of them, as [+-]digits[.digits][(e|E)[+-]digits].
 * More than 9 decimals, as binary floating point writes them
 * (8.850000000000001), are rounded to the nearest, ties to even: *value is set
 * and DECIMAL_ROUNDED returned.  A magnitude below 10^-12 is 0 without more
 * said: it is what floating point leaves of a sum that should be zero
 * (4.440892e-16). */
enum decimal_error decimal_read(const char *text, size_t length,
				decimal *value);

/* How a value of a log is written. */
struct decimal_style {
	char point;     /* the decimal mark, '.' or another byte */
	char thousands; /* between groups of three digits before it, or 0: ' '
			   is any blank (utf8_blank), "'" the right quotation
			   mark U+2019, too */
};

/* The same for a value of a log: blanks around it (utf8_trim) are ignored,
 * U+2212 is a minus, and digits before the decimal mark may stand in groups of
 * three as the style says, or of two before the last three (12,34,567). */
enum decimal_error decimal_read_styled(const struct decimal_style *style,
				       const char *text, size_t length,
				       decimal *value);

/* The same for a sum of such values: magnitude below 10^29. */
enum decimal_error decimal_read_sum(const char *text, size_t length,
				    decimal *value);

/* The product, rounded to the nearest 10^-9, ties to even: DECIMAL_FINE, or
 * DECIMAL_LARGE where its magnitude is 10^18 or more.  Those of a and b must be
 * less. */
enum decimal_error decimal_multiply(decimal a, decimal b, decimal *product);

/* *sum += addend, both below 10^29 in magnitude; DECIMAL_FINE, or DECIMAL_LARGE
 * where the sum is not. */
enum decimal_error decimal_add(decimal *sum, decimal addend);

/* What is wrong, as the end of a message: "expected a number". */
const char *decimal_reason(enum decimal_error error);

/* Write without trailing zeros, an integer as one; returns the length. */
size_t decimal_write(char text[NUMBER_TEXT], decimal value);

/* The nearest double. */
double decimal_double(decimal value);

#endif
