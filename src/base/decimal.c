#include "base/decimal.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

/* DECIMALS: digits after the point.  WHOLE_DIGITS: before it, of a value that
 * is read; SUM_DIGITS: of a sum; 10^29 * 10^9 is below 2^127.  A magnitude
 * below 10^NOISE is 0. */
enum { DECIMALS = 9, WHOLE_DIGITS = 18, SUM_DIGITS = 29, NOISE = -12 };

__extension__ typedef unsigned __int128 magnitude;

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

/* True where what follows digit keep rounds up: half to even, of which last is
 * the digit before.  more: digits that are not zero follow those here. */
static bool rounds_up(const char *digits, size_t count, long keep, bool more,
		      bool odd)
{
	if (keep < 0 || (size_t)keep >= count)
		return false;
	if (digits[keep] != '5')
		return digits[keep] > '5';
	return more || (size_t)keep + 1 < count || odd;
}

/* The number is 0.d1d2d3... * 10^point, d1 not zero: digits is d1d2d3... up to
 * the last that is not zero, or, where more is set, as many as there is room
 * for. */
static enum decimal_error place(const char *digits, size_t count, bool more,
				long point, long limit, decimal *value)
{
	long keep = point + DECIMALS;
	decimal sum = 0, most = 1;

	if (count == 0 || point <= NOISE) {
		*value = 0;
		return DECIMAL_FINE;
	}
	if (point > limit)
		return DECIMAL_LARGE;
	for (long i = 0; i < keep; i++)
		sum = sum * 10 + ((size_t)i < count ? digits[i] - '0' : 0);
	*value = sum;
	if (!more && (long)count <= keep)
		return DECIMAL_FINE;
	*value += rounds_up(digits, count, keep, more, sum % 2 == 1);
	for (long i = 0; i < limit + DECIMALS; i++)
		most *= 10;
	return *value < most ? DECIMAL_ROUNDED : DECIMAL_LARGE;
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
	bool more = kept > sizeof digits;

	return place(digits, more ? sizeof digits : kept, more,
		     point + exponent, limit, value);
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
		*value = (decimal)sum * DECIMAL_ONE;
		return true;
	}
	size_t after = (size_t)(end - point - 1);
	if (after > DECIMALS || end - start == 1)
		return false;
	*value = (decimal)sum * (decimal)number_power_of_ten[DECIMALS - after];
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
		if (error == DECIMAL_ROUNDED && negative)
			*value = -*value;
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

/* The bytes of the mark between thousands at the start of a text; 0: it is
 * something else. */
static size_t thousands_mark(char thousands, const char *text, const char *end)
{
	size_t length = (size_t)(end - text);

	if (thousands == ' ')
		return utf8_blank(text, length);
	if (thousands == '\'' && length >= 3 &&
	    memcmp(text, "\xe2\x80\x99", 3) == 0)
		return 3;
	return length > 0 && *text == thousands;
}

/* Append the digits before the decimal mark without the marks between
 * thousands; false where those do not stand between groups of three, or, as in
 * India, of two before the last three: 12,34,567. */
static bool join_groups(char thousands, const char **text, const char *end,
			char *to, size_t *length)
{
	size_t group = 0, first = 0, middle = 0, mark;
	bool grouped = false;

	while (*text < end) {
		if (is_digit(**text)) {
			to[(*length)++] = *(*text)++;
			group++;
			continue;
		}
		mark = thousands_mark(thousands, *text, end);
		if (mark == 0)
			break;
		if (group == 0 || group > 3 || (middle != 0 && group != middle))
			return false;
		if (grouped)
			middle = group;
		else
			first = group;
		*text += mark;
		grouped = true;
		group = 0;
	}
	return !grouped || (group == 3 && (middle == 0 || middle == 3 ||
					   (middle == 2 && first <= 2)));
}

enum decimal_error decimal_read_styled(const struct decimal_style *style,
				       const char *text, size_t length,
				       decimal *value)
{
	static const char minus[] = "\xe2\x88\x92"; /* U+2212 */
	bool plainly = style->point == '.' && style->thousands == 0;
	const char *end;
	char plain[128];
	size_t used = 0;

	if (plainly) {
		enum decimal_error error = decimal_read(text, length, value);
		if (error != DECIMAL_TEXT)
			return error;
	}
	utf8_trim(&text, &length);
	end = text + length;
	if (length == 0 || length > sizeof plain)
		return plainly ? decimal_read(text, length, value)
			       : DECIMAL_TEXT;
	if (length > 3 && memcmp(text, minus, 3) == 0) {
		plain[used++] = '-';
		text += 3;
	} else if (*text == '-' || *text == '+') {
		plain[used++] = *text++;
	}
	if (style->thousands != 0 &&
	    !join_groups(style->thousands, &text, end, plain, &used))
		return DECIMAL_TEXT;
	for (; text < end; text++) {
		if (*text == '.' && style->point != '.')
			return DECIMAL_TEXT;
		plain[used++] = *text == style->point ? '.' : *text;
	}
	return decimal_read(plain, used, value);
}

enum decimal_error decimal_multiply(decimal a, decimal b, decimal *product)
{
	const decimal unit = DECIMAL_ONE, limit = unit * unit * unit;
	bool negative = (a < 0) != (b < 0);
	decimal a1 = (a < 0 ? -a : a) / unit, a0 = (a < 0 ? -a : a) % unit;
	decimal b1 = (b < 0 ? -b : b) / unit, b0 = (b < 0 ? -b : b) % unit;

	/* Wholes are below 10^18 and fractions below 10^9: nothing overflows.
	 */
	if (a1 * b1 >= unit * unit)
		return DECIMAL_LARGE;
	decimal rest = a0 * b0, low = rest / unit, lost = rest % unit;
	decimal sum = a1 * b1 * unit + a1 * b0 + a0 * b1 + low;
	if (2 * lost > unit || (2 * lost == unit && sum % 2 == 1))
		sum++;
	if (sum >= limit)
		return DECIMAL_LARGE;
	*product = negative ? -sum : sum;
	return DECIMAL_FINE;
}

enum decimal_error decimal_add(decimal *sum, decimal addend)
{
	const decimal unit = DECIMAL_ONE, ten = 10;
	const decimal limit = ten * ten * unit * unit * unit * unit;

	/* 2 * 10^29 is above the range of the type. */
	if (__builtin_add_overflow(*sum, addend, sum) || *sum >= limit ||
	    *sum <= -limit)
		return DECIMAL_LARGE;
	return DECIMAL_FINE;
}

const char *decimal_reason(enum decimal_error error)
{
	static const char *const reasons[] = {
		[DECIMAL_FINE] = "fine",
		[DECIMAL_TEXT] = "expected a number",
		[DECIMAL_ROUNDED] = "more than 9 decimals",
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
