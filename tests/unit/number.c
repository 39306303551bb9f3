/* number: what is written is what the C library's printf writes, for any
 * double, digits and decimals; a text is read whole or refused. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/random.h"

enum { CASES = 200000, MAX_DIGITS = 17, MAX_DECIMALS = 9 };

/* Numbers that are short, near a power of ten, halfway between two that are
 * written, floats, or any bits. */
static double number_of(uint64_t i)
{
	uint64_t bits = random_bits(1, i);
	uint32_t half = (uint32_t)(bits >> 32);
	double real;
	float single;

	switch (bits % 7) {
	case 0:
		return random_uniform(2, i);
	case 1:
		return (double)(float)random_uniform(3, i);
	case 2:
		memcpy(&real, &bits, sizeof real);
		return real;
	case 3:
		return ldexp((double)(bits >> 40), -(int)(bits >> 8 & 63));
	case 4:
		return (double)(bits >> 30) / pow(10, bits >> 4 & 15);
	case 5:
		return pow(10, (int)(bits >> 5 & 31) - 12) *
		       (1 + ((int)(bits >> 10 & 7) - 3) * 0x1p-52);
	default:
		memcpy(&single, &half, sizeof single);
		return (double)single;
	}
}

static int differ(double value, const char *format, int digits,
		  const char *text, size_t length, const char *wanted)
{
	if (strlen(wanted) == length && strcmp(text, wanted) == 0)
		return 0;
	printf("%a, %s of %d: \"%s\", expected \"%s\"\n", value, format, digits,
	       text, wanted);
	return 1;
}

static int check(double value)
{
	char text[NUMBER_TEXT], wanted[NUMBER_TEXT];
	size_t length;
	int failed = 0;

	for (int digits = 1; digits <= MAX_DIGITS; digits++) {
		length = number_write(text, value, digits);
		snprintf(wanted, sizeof wanted, "%.*g", digits, value);
		failed |= differ(value, "%.*g", digits, text, length, wanted);
	}
	/* Larger ones do not fit. */
	for (int decimals = 0; decimals <= MAX_DECIMALS && fabs(value) < 1e30;
	     decimals++) {
		length = number_fixed(text, value, decimals);
		snprintf(wanted, sizeof wanted, "%.*f", decimals, value);
		failed |= differ(value, "%.*f", decimals, text, length, wanted);
	}
	for (int decimals = 0; decimals <= 18; decimals++) {
		int64_t units;

		if (!number_scaled(value, decimals, &units)) {
			if (fabs(value) < 1)
				failed = printf("%a is not scaled\n", value);
			continue;
		}
		length = number_decimal(text, units, decimals);
		snprintf(wanted, sizeof wanted, "%.*f", decimals,
			 units == 0 ? 0 : value);
		failed |=
			differ(value, "units", decimals, text, length, wanted);
	}
	return failed;
}

static int check_whole(uint64_t value)
{
	char text[NUMBER_TEXT], wanted[NUMBER_TEXT];
	int length = snprintf(wanted, sizeof wanted, "%llu",
			      (unsigned long long)value);

	if (number_whole(text, value) == (size_t)length &&
	    strcmp(text, wanted) == 0)
		return 0;
	printf("\"%s\", expected \"%s\"\n", text, wanted);
	return 1;
}

static int check_read(const char *text, bool integer, bool real, bool size)
{
	int64_t whole;
	double value;
	size_t bytes;
	int failed = 0;

	if (number_integer(text, -5, 5000, &whole) != integer ||
	    (integer && whole != strtoll(text, NULL, 10)))
		failed = printf("\"%s\" as an integer\n", text);
	if (number_real(text, &value) != real ||
	    (real && value != strtod(text, NULL)))
		failed = printf("\"%s\" as a real\n", text);
	if (number_size(text, &bytes) != size)
		failed = printf("\"%s\" as a size\n", text);
	return failed;
}

static int check_size(const char *text, size_t wanted)
{
	size_t bytes;

	if (number_size(text, &bytes) && bytes == wanted)
		return 0;
	return printf("\"%s\", expected %zu bytes\n", text, wanted);
}

static int check_zero(double value, const char *expected)
{
	char text[NUMBER_TEXT];

	snprintf(text, sizeof text, "%.2f",
		 number_without_negative_zero(value, 2));
	if (strcmp(text, expected) == 0)
		return 0;
	return printf("%g: \"%s\", expected \"%s\"\n", value, text, expected);
}

static int check_reading(void)
{
	char text[NUMBER_TEXT];
	int failed = 0;

	failed |= check_read("0", true, true, true);
	failed |= check_read("-5", true, true, false);
	failed |= check_read("-6", false, true, false);
	failed |= check_read("+5000", true, true, false);
	failed |= check_read("5001", false, true, true);
	failed |= check_read("1O", false, false, false);
	failed |= check_read("", false, false, false);
	failed |= check_read(" 1", false, false, false);
	failed |= check_read("1 ", false, false, false);
	failed |= check_read("1.5", false, true, false);
	failed |= check_read("1e3", false, true, false);
	failed |= check_read("1e999", false, false, false);
	failed |= check_read("nan", false, false, false);
	failed |= check_read("0x10", false, false, false);
	failed |= check_read("99999999999999999999", false, true, false);
	failed |= check_read("17T", false, false, true);
	failed |= check_read("17777777T", false, false, false);
	failed |= check_read("1KB", false, false, false);
	failed |= check_size("3", 3);
	failed |= check_size("3K", (size_t)3 << 10);
	failed |= check_size("3M", (size_t)3 << 20);
	failed |= check_size("3G", (size_t)3 << 30);
	failed |= check_size("3T", (size_t)3 << 40);
	if (strcmp(number_commas(text, 541909), "541,909") != 0 ||
	    strcmp(number_commas(text, 0), "0") != 0 ||
	    strcmp(number_commas(text, 100), "100") != 0 ||
	    strcmp(number_commas(text, UINT64_MAX),
		   "18,446,744,073,709,551,615") != 0)
		failed = printf("commas: \"%s\"\n", text);
	failed |= check_zero(-0.0049, "0.00");
	failed |= check_zero(-0.0051, "-0.01");
	failed |= check_zero(-0.0, "0.00");
	failed |= check_zero(-1, "-1.00");
	failed |= check_zero(0.25, "0.25");
	return failed;
}

int main(int argc, char **argv)
{
	unsigned long cases = argc > 1 ? strtoul(argv[1], NULL, 10) : CASES;
	static const double special[] = {0.0, -0.0, INFINITY, -INFINITY};
	int failed = check_whole(0) | check_whole(UINT64_MAX) | check_reading();

	for (size_t i = 0; i < sizeof special / sizeof *special; i++)
		failed |= check(special[i]);
	for (uint64_t i = 0; i < cases; i++) {
		failed |= check(number_of(i));
		failed |= check_whole(random_bits(4, i) >> (i % 64));
	}
	return failed != 0;
}
