/* number: text to number and back, the whole text or an error.  Nothing here
 * uses the locale. */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for any number that is written below or in base/decimal.h, and its zero
 * byte. */
enum { NUMBER_TEXT = 48 };

/* 10^0 to 10^19. */
extern const uint64_t number_power_of_ten[20];

/* The whole text as an integer in [low, high]; false, and *value not set, where
 * it is not one. */
bool number_integer(const char *text, int64_t low, int64_t high,
		    int64_t *value);

/* The whole text as a finite double; false where it is not one. */
bool number_real(const char *text, double *value);

/* The whole text as a size in bytes, with an optional K, M, G or T of powers
 * of 1024; false where it is not one. */
bool number_size(const char *text, size_t *bytes);

/* As printf's %.*g in the C locale, digits from 1 to 17; returns the length. */
size_t number_write(char text[NUMBER_TEXT], double value, int digits);

/* As printf's %.*f; value times 10^decimals below 2^63 in magnitude, or text
 * that does not fit is cut.  Returns the length. */
size_t number_fixed(char text[NUMBER_TEXT], double value, int decimals);

/* Set *units to value * 10^decimals, decimals from 0 to 22, rounded as printf
 * rounds; false where that is not in int64, or needs more than 128 bits. */
bool number_scaled(double value, int decimals, int64_t *units);

/* units * 10^-decimals, decimals from 0 to 18: what printf's %.*f prints of a
 * value that number_scaled took, but for the sign of a zero.  Returns the
 * length. */
size_t number_decimal(char text[NUMBER_TEXT], int64_t units, int decimals);

/* The value, or 0 where it would be printed with so many decimals as a negative
 * zero ("-0.00"). */
double number_without_negative_zero(double value, int decimals);

/* An integer as it is; returns the length. */
size_t number_whole(char text[NUMBER_TEXT], uint64_t value);

/* An integer with commas between thousands, as people read it: 541,909.
 * Returns text. */
char *number_commas(char text[NUMBER_TEXT], uint64_t value);

#endif
