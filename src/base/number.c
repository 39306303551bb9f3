#include "base/number.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 magnitude;

const uint64_t number_power_of_ten[20] = {
	UINT64_C(1),
	UINT64_C(10),
	UINT64_C(100),
	UINT64_C(1000),
	UINT64_C(10000),
	UINT64_C(100000),
	UINT64_C(1000000),
	UINT64_C(10000000),
	UINT64_C(100000000),
	UINT64_C(1000000000),
	UINT64_C(10000000000),
	UINT64_C(100000000000),
	UINT64_C(1000000000000),
	UINT64_C(10000000000000),
	UINT64_C(100000000000000),
	UINT64_C(1000000000000000),
	UINT64_C(10000000000000000),
	UINT64_C(100000000000000000),
	UINT64_C(1000000000000000000),
	UINT64_C(10000000000000000000),
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool number_integer(const char *text, int64_t low, int64_t high, int64_t *value)
{
	char *end;

	if (!is_digit(*text) &&
	    !((*text == '-' || *text == '+') && is_digit(text[1])))
		return false;
	errno = 0;
	long long read = strtoll(text, &end, 10);
	if (errno != 0 || *end != '\0' || read < low || read > high)
		return false;
	*value = read;
	return true;
}

bool number_real(const char *text, double *value)
{
	char *end;

	if (*text == '\0' || text[strspn(text, "0123456789+-.eE")] != '\0')
		return false;
	*value = strtod(text, &end);
	return end != text && *end == '\0' && isfinite(*value);
}

bool number_size(const char *text, size_t *bytes)
{
	static const char units[] = "KMGT";
	char *end;

	if (!is_digit(*text))
		return false;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (errno != 0)
		return false;
	if (*end != '\0') {
		const char *unit = strchr(units, *end);
		if (unit == NULL || end[1] != '\0')
			return false;
		for (const char *u = units; u <= unit; u++)
			if (__builtin_mul_overflow(value, 1024ULL, &value))
				return false;
	}
	*bytes = value;
	return true;
}

/* 10^22 times a number of 53 bits is below 2^127. */
enum { MAX_SCALE = 22 };

/* The magnitude of a finite value is *digits * 2^*exponent, *digits below
 * 2^53. */
static void split_value(double value, uint64_t *digits, int *exponent)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof bits);
	*digits = bits & ((UINT64_C(1) << 52) - 1);
	*exponent = (int)(bits >> 52 & 0x7ff);
	if (*exponent > 0)
		*digits |= UINT64_C(1) << 52;
	else
		*exponent = 1;
	*exponent -= 1075;
}

/* *scaled = a finite value's magnitude times 10^scale, rounded to an integer,
 * ties to even, exactly; false where 128 bits are too few. */
static bool scale_exactly(double value, int scale, uint64_t *scaled)
{
	uint64_t digits;
	int exponent;

	split_value(value, &digits, &exponent);
	if (scale < 0 || scale > MAX_SCALE || exponent > 0)
		return false;
	magnitude product = digits;
	product *= number_power_of_ten[scale > 18 ? 9 : 0];
	product *= number_power_of_ten[scale > 18 ? scale - 9 : scale];
	if (exponent <= -128) {
		*scaled = 0; /* below a half: the product is below 2^127 */
		return true;
	}
	magnitude whole = product >> -exponent;
	if (exponent < 0) {
		magnitude half = (magnitude)1 << (-exponent - 1);
		magnitude rest = product - (whole << -exponent);
		whole += rest > half || (rest == half && (whole & 1) != 0);
	}
	*scaled = (uint64_t)whole;
	return whole <= UINT64_MAX;
}

bool number_scaled(double value, int decimals, int64_t *units)
{
	uint64_t scaled;

	if (!isfinite(value) || !scale_exactly(value, decimals, &scaled) ||
	    scaled > INT64_MAX)
		return false;
	*units = value < 0 ? -(int64_t)scaled : (int64_t)scaled;
	return true;
}

/* Put count digits, with zeros before. */
static void put_digits(char *text, uint64_t value, int count)
{
	while (count-- > 0) {
		text[count] = (char)('0' + value % 10);
		value /= 10;
	}
}

/* value = digits * 10^(point + 1 - count), rounded to count digits of which the
 * first is not zero; false where 128 bits are too few or the text has an
 * exponent. */
static bool find_digits(double value, int count, uint64_t *digits, int *point)
{
	static const double low = 1e-4, high = 1e15;
	double size = fabs(value);

	if (!(size >= low && size < high) || count < 1 || count > 17)
		return false;
	uint64_t least = number_power_of_ten[count - 1];
	/* The decimal exponent by the binary one (0.30103 is log10(2)), which
	 * may be one too small, as it is where rounding gives a digit more. */
	uint64_t all;
	int exponent;
	split_value(size, &all, &exponent);
	exponent = (exponent + 52) * 30103;
	*point = (exponent - (exponent < 0 ? 99999 : 0)) / 100000;
	for (;; (*point)++) {
		if (!scale_exactly(value, count - 1 - *point, digits))
			return false;
		if (*digits < least * 10)
			break;
	}
	return *point >= -4 && *point < count;
}

size_t number_write(char text[NUMBER_TEXT], double value, int digits)
{
	uint64_t number;
	int point;
	char *to = text;

	if (!find_digits(value, digits, &number, &point))
		return (size_t)snprintf(text, NUMBER_TEXT, "%.*g", digits,
					value);
	for (; number % 10 == 0 && digits > 1; digits--)
		number /= 10;
	if (value < 0)
		*to++ = '-';
	if (point < 0) {
		memcpy(to, "0.000", 5);
		to += 1 - point;
		put_digits(to, number, digits);
		to += digits;
	} else if (digits <= point + 1) {
		put_digits(to, number, digits);
		memset(to + digits, '0', (size_t)(point + 1 - digits));
		to += point + 1;
	} else {
		int after = digits - point - 1;

		put_digits(to, number / number_power_of_ten[after], point + 1);
		to += point + 1;
		*to++ = '.';
		put_digits(to, number % number_power_of_ten[after], after);
		to += after;
	}
	*to = '\0';
	return (size_t)(to - text);
}

/* As number_decimal, of sign and magnitude. */
static size_t put_decimal(char text[NUMBER_TEXT], bool negative, uint64_t units,
			  int decimals)
{
	char *to = text;

	if (negative)
		*to++ = '-';
	to += number_whole(to, units / number_power_of_ten[decimals]);
	if (decimals > 0)
		*to++ = '.';
	put_digits(to, units % number_power_of_ten[decimals], decimals);
	to += decimals;
	*to = '\0';
	return (size_t)(to - text);
}

size_t number_decimal(char text[NUMBER_TEXT], int64_t units, int decimals)
{
	return put_decimal(text, units < 0,
			   units < 0 ? -(uint64_t)units : (uint64_t)units,
			   decimals);
}

size_t number_fixed(char text[NUMBER_TEXT], double value, int decimals)
{
	uint64_t number;

	if (!isfinite(value) || decimals < 1 || decimals > 9 ||
	    !scale_exactly(value, decimals, &number))
		return (size_t)snprintf(text, NUMBER_TEXT, "%.*f", decimals,
					value);
	return put_decimal(text, signbit(value), number, decimals);
}

double number_without_negative_zero(double value, int decimals)
{
	char text[NUMBER_TEXT];

	if (!signbit(value) || value <= -1)
		return value;
	snprintf(text, sizeof text, "%.*f", decimals, value);
	return strspn(text, "-0.") == strlen(text) ? 0 : value;
}

size_t number_whole(char text[NUMBER_TEXT], uint64_t value)
{
	size_t length = 1;

	for (uint64_t rest = value; rest > 9; rest /= 10)
		length++;
	put_digits(text, value, (int)length);
	text[length] = '\0';
	return length;
}

char *number_commas(char text[NUMBER_TEXT], uint64_t value)
{
	char plain[NUMBER_TEXT];
	size_t length = number_whole(plain, value), out = 0;

	for (size_t i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			text[out++] = ',';
		text[out++] = plain[i];
	}
	text[out] = '\0';
	return text;
}
