#include "base/number.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 10^29 * 10^9 is below 2^127. */
enum { DECIMALS = 9, WHOLE_DIGITS = 18, SUM_DIGITS = 29, NOISE = -12 };

__extension__ typedef unsigned __int128 magnitude;

static const uint64_t ten[] = {1,         10,        100,     1000,
			       10000,     100000,    1000000, 10000000,
			       100000000, 1000000000};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Read the exponent after 'e': the whole rest.  Beyond +-9999 it makes no
 * difference to what can be said of the number. */
static bool read_exponent(const char *text, const char *end, long *exponent)
{
	bool negative = text < end && *text == '-';
	long value = 0;

	if (text < end && (*text == '+' || *text == '-'))
		text++;
	if (text == end)
		return false;
	for (; text < end; text++) {
		if (!is_digit(*text))
			return false;
		if (value < 9999)
			value = value * 10 + (*text - '0');
	}
	*exponent = negative ? -value : value;
	return true;
}

/* The number is 0.d1d2d3... * 10^point, d1 not zero: digits is d1d2d3... up to
 * the last that is not zero. */
static enum decimal_error place(const char *digits, size_t count, long point,
				long limit, decimal *value)
{
	decimal sum = 0;

	if (count == 0 || point <= NOISE) {
		*value = 0;
		return DECIMAL_FINE;
	}
	if (point > limit)
		return DECIMAL_LARGE;
	if ((long)count - point > DECIMALS)
		return DECIMAL_PRECISE;
	for (size_t i = 0; i < count; i++)
		sum = sum * 10 + (digits[i] - '0');
	for (long i = (long)count - point; i < DECIMALS; i++)
		sum *= 10;
	*value = sum;
	return DECIMAL_FINE;
}

/* Numbers of any length and with exponents. */
static enum decimal_error read_general(const char *text, const char *end,
				       long limit, decimal *value)
{
	char digits[SUM_DIGITS + DECIMALS + 1];
	size_t count = 0, kept = 0;
	long point = 0, exponent = 0;
	bool seen_point = false, any = false, started = false;

	for (; text < end && (is_digit(*text) || *text == '.'); text++) {
		if (*text == '.') {
			if (seen_point)
				return DECIMAL_TEXT;
			seen_point = true;
			continue;
		}
		any = true;
		started = started || *text != '0';
		if (!started) {
			point -= seen_point;
			continue;
		}
		point += !seen_point;
		count++;
		if (count <= sizeof digits)
			digits[count - 1] = *text;
		if (*text != '0')
			kept = count;
	}
	if (!any)
		return DECIMAL_TEXT;
	if (text < end && (*text == 'e' || *text == 'E')) {
		if (!read_exponent(text + 1, end, &exponent))
			return DECIMAL_TEXT;
		text = end;
	}
	if (text != end)
		return DECIMAL_TEXT;
	if (kept > sizeof digits && point + exponent > NOISE)
		return point + exponent > limit ? DECIMAL_LARGE
						: DECIMAL_PRECISE;
	if (kept > sizeof digits)
		kept = sizeof digits;
	return place(digits, kept, point + exponent, limit, value);
}

/* The common case: up to 18 digits with up to 9 of them after a point. */
static bool read_short(const char *text, const char *end, decimal *value)
{
	uint64_t sum = 0;
	const char *start = text, *point = NULL;

	if (end - text > WHOLE_DIGITS || text == end)
		return false;
	for (; text < end; text++) {
		unsigned digit = (unsigned char)*text - '0';
		if (digit < 10)
			sum = sum * 10 + digit;
		else if (*text == '.' && point == NULL)
			point = text;
		else
			return false;
	}
	if (point == NULL) {
		*value = (decimal)sum * 1000000000;
		return true;
	}
	size_t after = (size_t)(end - point - 1);
	if (after > DECIMALS || end - start == 1)
		return false;
	*value = (decimal)sum * (decimal)ten[DECIMALS - after];
	return true;
}

static enum decimal_error read_any(const char *text, size_t length, long limit,
				   decimal *value)
{
	const char *end = text + length;
	bool negative = length > 0 && *text == '-';

	if (length > 0 && (*text == '-' || *text == '+'))
		text++;
	if (!read_short(text, end, value)) {
		enum decimal_error error =
			read_general(text, end, limit, value);
		if (error != DECIMAL_FINE)
			return error;
	}
	if (negative)
		*value = -*value;
	return DECIMAL_FINE;
}

enum decimal_error decimal_read(const char *text, size_t length, decimal *value)
{
	return read_any(text, length, WHOLE_DIGITS, value);
}

enum decimal_error decimal_read_sum(const char *text, size_t length,
				    decimal *value)
{
	return read_any(text, length, SUM_DIGITS, value);
}

const char *decimal_reason(enum decimal_error error)
{
	static const char *const reasons[] = {
		[DECIMAL_FINE] = "fine",
		[DECIMAL_TEXT] = "expected a number",
		[DECIMAL_PRECISE] = "more than 9 decimals: scale the column",
		[DECIMAL_LARGE] =
			"magnitude of 10^18 or more: scale the column",
	};

	return reasons[error];
}

size_t decimal_write(char text[NUMBER_TEXT], decimal value)
{
	char reversed[NUMBER_TEXT];
	size_t count = 0, length = 0;
	/* Negated as unsigned, so that the least value has a magnitude. */
	magnitude rest = value < 0 ? -(magnitude)value : (magnitude)value;
	uint64_t fraction, whole;

	/* Divisions of 128 bits are slow, and seldom needed. */
	if (rest <= UINT64_MAX) {
		fraction = (uint64_t)rest % 1000000000;
		rest = (uint64_t)rest / 1000000000;
	} else {
		fraction = (uint64_t)(rest % 1000000000);
		rest /= 1000000000;
	}
	if (fraction != 0) {
		size_t places = DECIMALS;
		while (fraction % 10 == 0) {
			fraction /= 10;
			places--;
		}
		for (; places > 0; places--, fraction /= 10)
			reversed[count++] = (char)('0' + fraction % 10);
		reversed[count++] = '.';
	}
	for (; rest > UINT64_MAX; rest /= 10)
		reversed[count++] = (char)('0' + (unsigned)(rest % 10));
	whole = (uint64_t)rest;
	do
		reversed[count++] = (char)('0' + whole % 10);
	while (whole /= 10);
	if (value < 0)
		reversed[count++] = '-';
	while (count > 0)
		text[length++] = reversed[--count];
	text[length] = '\0';
	return length;
}

double decimal_double(decimal value)
{
	/* Both are exact below 2^53, so that the one rounding is the
	 * division's; beyond, the error is below one in 2^52. */
	return (double)value / 1e9;
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

/* Up to 10^18. */
static uint64_t ten_to(int power)
{
	return power > 9 ? ten[9] * ten[power - 9] : ten[power];
}

/* Powers of ten that a product with 53 bits has room for in 128. */
enum { MOST_SCALE = 22 };

/* *scaled = a finite value's magnitude times 10^scale, rounded to an integer,
 * ties to even, as if worked out exactly; false where this cannot tell. */
static bool scale_exactly(double value, int scale, uint64_t *scaled)
{
	int exponent;
	double fraction = frexp(fabs(value), &exponent);
	magnitude product = (uint64_t)ldexp(fraction, 53);

	exponent -= 53;
	if (scale < 0 || scale > MOST_SCALE || exponent > 0)
		return false;
	product *= ten[scale > 18 ? 9 : 0];
	product *= ten_to(scale > 18 ? scale - 9 : scale);
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

/* Put count digits, with zeros before. */
static void put_digits(char *text, uint64_t value, int count)
{
	while (count-- > 0) {
		text[count] = (char)('0' + value % 10);
		value /= 10;
	}
}

/* value = digits * 10^(point + 1 - count), count digits of which the first is
 * not zero; false where this cannot tell or text would have an exponent. */
static bool find_digits(double value, int count, uint64_t *digits, int *point)
{
	static const double low = 1e-4, high = 1e15;
	double size = fabs(value);

	if (!(size >= low && size < high) || count < 1 || count > 17)
		return false;
	uint64_t least = ten_to(count - 1);
	/* As the binary exponent tells, or one more; and one where they are
	 * rounded up to one digit more. */
	int exponent;
	frexp(size, &exponent);
	*point = (int)floor((exponent - 1) * 0.30103);
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

		put_digits(to, number / ten_to(after), point + 1);
		to += point + 1;
		*to++ = '.';
		put_digits(to, number % ten_to(after), after);
		to += after;
	}
	*to = '\0';
	return (size_t)(to - text);
}

size_t number_fixed(char text[NUMBER_TEXT], double value, int decimals)
{
	uint64_t number;
	char *to = text;

	if (!isfinite(value) || decimals < 1 || decimals > 9 ||
	    !scale_exactly(value, decimals, &number))
		return (size_t)snprintf(text, NUMBER_TEXT, "%.*f", decimals,
					value);
	if (signbit(value))
		*to++ = '-';
	to += decimal_write(to, (decimal)(number / ten[decimals]) * ten[9]);
	*to++ = '.';
	put_digits(to, number % ten[decimals], decimals);
	to += decimals;
	*to = '\0';
	return (size_t)(to - text);
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
