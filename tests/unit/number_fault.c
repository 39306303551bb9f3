/* number_fault: any text has a reason that fits its room, and where options are
 * named for marks between digits, a text in groups of three is a number with
 * them.  Texts stand in blocks of their size, so that reading beyond is seen.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "events/number_fault.h"

enum { ROUNDS = 200000, LONGEST = 12 };

static const char *const pieces[] = {"1",
				     "23",
				     "456",
				     ".",
				     ",",
				     " ",
				     "'",
				     "_",
				     "-",
				     "+",
				     "(",
				     ")",
				     "$",
				     "kg",
				     "EUR",
				     "e",
				     "\xc2\xa0",
				     "\xe2\x80\xaf",
				     "\xe2\x80\x99",
				     "\xe2",
				     "%",
				     "x"};

/* The mark that an option names, or 0. */
static char named(const char *text, const char *option)
{
	const char *at = strstr(text, option);

	if (at == NULL)
		return '\0';
	at += strlen(option);
	return *at == '\'' || *at == '"' ? at[1] : *at;
}

static int check(const char *text, size_t length)
{
	const struct decimal_style plain = {.point = '.'};
	char told[NUMBER_FAULT_ROOM];
	enum number_fault fault = number_fault_find(&plain, text, length);
	decimal value;

	memset(told, 'x', sizeof told);
	number_fault_describe(&plain, text, length, told);
	if (memchr(told, '\0', sizeof told) == NULL ||
	    strncmp(told, number_fault_reason(fault),
		    strlen(number_fault_reason(fault))) != 0)
		return 1;
	/* Two options, without a choice between them, explain all marks. */
	char point = named(told, "--decimal "),
	     thousands = named(told, "--thousands ");
	if (fault != NUMBER_MARKS || strstr(told, " or ") != NULL)
		return 0;
	if (point == '\0' && thousands == '\0')
		return 1;
	const struct decimal_style style = {point ? point : '.', thousands};
	if (decimal_read_styled(&style, text, length, &value) != DECIMAL_TEXT)
		return 0;
	/* Groups that are not of three are told next. */
	number_fault_describe(&style, text, length, told);
	return strstr(told, "--decimal") != NULL;
}

int main(void)
{
	uint64_t next = 0;

	for (int round = 0; round < ROUNDS; round++) {
		char text[4 * LONGEST];
		size_t length = 0;

		for (uint64_t i = random_bits(1, next++) % LONGEST; i > 0;
		     i--) {
			const char *piece =
				pieces[random_bits(1, next++) %
				       (sizeof pieces / sizeof *pieces)];
			memcpy(text + length, piece, strlen(piece));
			length += strlen(piece);
		}
		char *block = malloc(length ? length : 1);
		if (block == NULL)
			return 1;
		memcpy(block, text, length);
		decimal value;
		const struct decimal_style plain = {.point = '.'};
		if (decimal_read_styled(&plain, block, length, &value) ==
			    DECIMAL_TEXT &&
		    check(block, length)) {
			printf("\"%.*s\"\n", (int)length, block);
			return 1;
		}
		free(block);
	}
	return 0;
}
