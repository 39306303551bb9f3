/* number: text to number and back, the whole field or an error; exact
 * decimals.  Nothing here uses the locale. */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An exact decimal: an integer count of 10^-9.  (The one typedef of the house:
 * the type has no name without a warning in C17.) */
__extension__ typedef __int128 decimal;

/* Room for any decimal, or any number below, and its zero byte. */
enum { NUMBER_TEXT = 48 };

enum decimal_error {
	DECIMAL_FINE,    /* no error */
	DECIMAL_TEXT,    /* not a number: empty, text, NaN, Inf, hex */
	DECIMAL_PRECISE, /* more than 9 decimals that are not zero */
	DECIMAL_LARGE    /* magnitude of 10^18 or more */
};

/* Read length bytes, all of them, as [+-]digits[.digits][(e|E)[+-]digits].
 * A magnitude below 10^-12 is 0: it is what binary floating point leaves of a
 * sum that should be zero (4.440892e-16). */
enum decimal_error decimal_read(const char *text, size_t length,
				decimal *value);

/* The same for a sum of such values: magnitude below 10^29. */
enum decimal_error decimal_read_sum(const char *text, size_t length,
				    decimal *value);

/* What is wrong, as the end of a message: "expected a number". */
const char *decimal_reason(enum decimal_error error);

/* Write without trailing zeros, an integer as one; returns the length. */
size_t decimal_write(char text[NUMBER_TEXT], decimal value);

/* The nearest double. */
double decimal_double(decimal value);

/* The whole text as an integer in [low, high]; false where it is not one. */
bool number_integer(const char *text, int64_t low, int64_t high,
		    int64_t *value);

/* The whole text as a finite double; false where it is not one. */
bool number_real(const char *text, double *value);

/* The whole text as a size in bytes, with an optional K, M, G or T of powers
 * of 1024; false where it is not one. */
bool number_size(const char *text, size_t *bytes);

/* As printf's %.*g in the C locale; returns the length. */
size_t number_write(char text[NUMBER_TEXT], double value, int digits);

/* As printf's %.*f; value times 10^decimals below 2^63 in magnitude, or text
 * that does not fit is cut.  Returns the length. */
size_t number_fixed(char text[NUMBER_TEXT], double value, int decimals);

/* An integer as it is; returns the length. */
size_t number_whole(char text[NUMBER_TEXT], uint64_t value);

/* An integer with commas between thousands, as people read it: 541,909.
 * Returns text. */
char *number_commas(char text[NUMBER_TEXT], uint64_t value);

#endif
