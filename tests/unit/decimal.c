/* decimal: what is read is the value by integer arithmetic, what is written
 * reads back, and what is no decimal, too precise or too large is told apart.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/random.h"

enum { ROUNDS = 100000 };

static const decimal one = 1000000000;
static int failed;

static void fail(const char *text, const char *what)
{
	printf("\"%s\": %s\n", text, what);
	failed = 1;
}

static void expect(const char *text, enum decimal_error error, decimal value)
{
	decimal read = -1;

	if (decimal_read(text, strlen(text), &read) != error)
		fail(text, "another error");
	else if ((error == DECIMAL_FINE || error == DECIMAL_ROUNDED) &&
		 read != value)
		fail(text, "another value");
}

static void expect_styled(char point, char thousands, const char *text,
			  enum decimal_error error, decimal value)
{
	const struct decimal_style style = {point, thousands};
	decimal read = 0;

	if (decimal_read_styled(&style, text, strlen(text), &read) != error)
		fail(text, "another error in this style");
	else if (error == DECIMAL_FINE && read != value)
		fail(text, "another value in this style");
}

static void check_styles(void)
{
	expect_styled('.', 0, " 12.5\t", DECIMAL_FINE, 12 * one + one / 2);
	expect_styled('.', 0, "1,5", DECIMAL_TEXT, 0);
	expect_styled('.', 0, "\xc2\xa0-2\xe2\x80\xaf", DECIMAL_FINE, -2 * one);
	expect_styled('.', 0,
		      "\xe2\x88\x92"
		      "2",
		      DECIMAL_FINE, -2 * one);
	expect_styled('.', 0, "\xe2\x88\x92-2", DECIMAL_TEXT, 0);
	expect_styled(',', ' ',
		      "1\xe2\x80\xaf"
		      "234,5",
		      DECIMAL_FINE, 1234 * one + one / 2);
	expect_styled('.', '\'',
		      "1\xe2\x80\x99"
		      "234",
		      DECIMAL_FINE, 1234 * one);
	expect_styled('.', 0, "  ", DECIMAL_TEXT, 0);
	expect_styled(',', 0, "1,50", DECIMAL_FINE, one + one / 2);
	expect_styled(',', 0, "-,5", DECIMAL_FINE, -one / 2);
	expect_styled(',', 0, "1.50", DECIMAL_TEXT, 0);
	expect_styled(',', '.', "1.234.567,5", DECIMAL_FINE,
		      1234567 * one + one / 2);
	expect_styled(',', ' ', "-12 000", DECIMAL_FINE, -12000 * one);
	expect_styled('.', ',', "1,234.50", DECIMAL_FINE, 1234 * one + one / 2);
	expect_styled('.', ',', "1,000", DECIMAL_FINE, 1000 * one);
	expect_styled('.', ',', "1000", DECIMAL_FINE, 1000 * one);
	expect_styled('.', ',', "1,00", DECIMAL_TEXT, 0);
	expect_styled('.', ',', "1000,000", DECIMAL_TEXT, 0);
	expect_styled('.', ',', ",000", DECIMAL_TEXT, 0);
	expect_styled('.', ',', "1,,000", DECIMAL_TEXT, 0);
	expect_styled('.', ',', "1.000,000", DECIMAL_TEXT, 0);
}

static void check_chosen(void)
{
	expect("0", DECIMAL_FINE, 0);
	expect("-0.0", DECIMAL_FINE, 0);
	expect("+1.5", DECIMAL_FINE, one + one / 2);
	expect(".5", DECIMAL_FINE, one / 2);
	expect("5.", DECIMAL_FINE, 5 * one);
	expect("1e3", DECIMAL_FINE, 1000 * one);
	expect("1.25E-2", DECIMAL_FINE, one / 80);
	expect("0.000000001", DECIMAL_FINE, 1);
	expect("0.0000000010", DECIMAL_FINE, 1);
	expect("0.0000000011", DECIMAL_ROUNDED, 1);
	/* Half to even, and further digits above half. */
	expect("0.0000000005", DECIMAL_ROUNDED, 0);
	expect("0.0000000015", DECIMAL_ROUNDED, 2);
	expect("-0.0000000025", DECIMAL_ROUNDED, -2);
	expect("0.00000000050000000000000000000000000000000000001",
	       DECIMAL_ROUNDED, 1);
	expect("8.850000000000001", DECIMAL_ROUNDED, 8 * one + one / 20 * 17);
	expect("0.30000000000000004", DECIMAL_ROUNDED, one / 10 * 3);
	expect("0.9999999999", DECIMAL_ROUNDED, one);
	expect("1.00000000004e2", DECIMAL_FINE, 100 * one + 4);
	expect("0.00000000004", DECIMAL_ROUNDED, 0);
	expect("999999999999999999.9999999999", DECIMAL_LARGE, 0);
	expect("4.440892e-16", DECIMAL_FINE, 0);
	expect("1e-9999999999", DECIMAL_FINE, 0);
	expect("999999999999999999.999999999", DECIMAL_FINE,
	       (decimal)999999999999999999 * one + 999999999);
	expect("1000000000000000000", DECIMAL_LARGE, 0);
	expect("-1e18", DECIMAL_LARGE, 0);
	expect("1e9999999999", DECIMAL_LARGE, 0);
	expect("0e9999999999", DECIMAL_FINE, 0);
	expect("000000000000000000000000000000000000000001", DECIMAL_FINE, one);
	static const char *const texts[] = {"",      ".",   "-",  "+-1", "1,5",
					    "1.2.3", " 1",  "1 ", "nan", "inf",
					    "0x1",   "1e",  "e1", "1e+", "--1",
					    "1e1.5", "1_0", "e",  "1-"};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		expect(texts[i], DECIMAL_TEXT, 0);
	for (int error = DECIMAL_FINE; error <= DECIMAL_LARGE; error++)
		if (*decimal_reason((enum decimal_error)error) == '\0')
			fail("", "an error without words");
}

/* Only the length bytes count. */
static void check_length(void)
{
	decimal value;

	if (decimal_read("123", 2, &value) != DECIMAL_FINE || value != 12 * one)
		fail("123", "more than two bytes are read");
	if (decimal_read("1\0", 2, &value) != DECIMAL_TEXT)
		fail("1\\0", "a zero byte passes");
}

static void check_written(decimal value)
{
	char text[NUMBER_TEXT];
	size_t length = decimal_write(text, value);
	decimal read;

	if (strlen(text) != length)
		fail(text, "another length");
	if (decimal_read_sum(text, length, &read) != DECIMAL_FINE ||
	    read != value)
		fail(text, "does not read back");
	if (strchr(text, '.') != NULL && text[length - 1] == '0')
		fail(text, "a zero at its end");
}

static void check_random(void)
{
	for (uint64_t i = 0; i < ROUNDS; i++) {
		char text[64];
		uint64_t whole = random_bits(1, i) % 1000000000000000000;
		unsigned part = (unsigned)(random_bits(2, i) % 1000000000);
		bool negative = random_bits(3, i) & 1;

		whole >>= random_bits(4, i) % 60;
		snprintf(text, sizeof text, "%s%llu.%09u", negative ? "-" : "",
			 (unsigned long long)whole, part);
		decimal value = (decimal)whole * one + part;
		expect(text, DECIMAL_FINE, negative ? -value : value);
		check_written(negative ? -value : value);
		/* Sums have eleven digits more. */
		check_written((negative ? -value : value) * 99999999999);
		/* The nearest double is what strtod finds. */
		double wanted = strtod(text, NULL);
		double real = decimal_double(negative ? -value : value);
		if (fabs(real - wanted) > fabs(wanted) * 0x1p-52)
			fail(text, "another double");
	}
}

static void expect_product(decimal a, decimal b, enum decimal_error error,
			   decimal expected)
{
	decimal product = -1;

	if (decimal_multiply(a, b, &product) != error ||
	    (error == DECIMAL_FINE && product != expected))
		fail("a product", "another one");
	if (decimal_multiply(-a, b, &product) != error ||
	    (error == DECIMAL_FINE && product != -expected))
		fail("a negative product", "another one");
}

static void check_products(void)
{
	const decimal limit = one * one * one;

	expect_product(2 * one, 3 * one, DECIMAL_FINE, 6 * one);
	/* Ties to even. */
	expect_product(1, one / 2, DECIMAL_FINE, 0);
	expect_product(3, one / 2, DECIMAL_FINE, 2);
	expect_product(1, one / 2 + 1, DECIMAL_FINE, 1);
	expect_product(limit - 1, one, DECIMAL_FINE, limit - 1);
	expect_product(one * one, one * one - 1, DECIMAL_FINE,
		       one * one * one - one);
	expect_product(one * one, one * one, DECIMAL_LARGE, 0);
	expect_product(limit - 1, limit - 1, DECIMAL_LARGE, 0);
	expect_product(limit - 1, one + 1, DECIMAL_LARGE, 0);
	for (int i = 0; i < ROUNDS; i++) {
		decimal a = (decimal)(i * INT64_C(982451653)), b = i + 12345;
		decimal whole = a * b, rest = whole % one;
		decimal rounded = whole / one +
				  (2 * rest > one ||
				   (2 * rest == one && whole / one % 2 == 1));
		expect_product(a, b, DECIMAL_FINE, rounded);
	}
}

int main(void)
{
	decimal value;

	check_products();

	check_chosen();
	check_styles();
	check_length();
	check_random();
	check_written(0);
	if (decimal_read_sum("99999999999999999999999999999", 29, &value) !=
		    DECIMAL_FINE ||
	    decimal_read_sum("1e29", 4, &value) != DECIMAL_LARGE)
		fail("1e29", "the limit of sums is elsewhere");
	decimal sum = value, largest = value;
	if (decimal_add(&sum, 0) != DECIMAL_FINE || sum != value ||
	    decimal_add(&sum, -value) != DECIMAL_FINE || sum != 0 ||
	    decimal_add(&sum, -value) != DECIMAL_FINE ||
	    decimal_add(&sum, -one) != DECIMAL_LARGE)
		fail("-1e29", "the limit of added values is elsewhere");
	if (decimal_add(&largest, one) != DECIMAL_LARGE ||
	    decimal_add(&value, value) != DECIMAL_LARGE)
		fail("2e29", "a sum that is too large is taken");
	return failed;
}
