/* neighbours_tsv: a written line reads back: its tags are those that were
 * given, and its items add up to its similarity in integers. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "explain/neighbours_tsv.h"
#include "base/random.h"

enum { ROUNDS = 20000, REASONS = 4, PLACES = 24 };

static uint64_t counter;
static bool failed;

static size_t below(size_t limit)
{
	return (size_t)(random_uniform(11, counter++) * (double)limit);
}

/* The text in units of 10^-PLACES: sign, digits, point, digits, exponent. */
static decimal scaled(const char *text)
{
	decimal value = 0;
	int places = PLACES;
	bool negative = *text == '-', fraction = false;

	for (text += negative; *text != '\0' && *text != 'e'; text++) {
		if (*text == '.') {
			fraction = true;
			continue;
		}
		value = value * 10 + (*text - '0');
		places -= fraction;
	}
	if (*text == 'e')
		places += atoi(text + 1);
	for (; places > 0; places--)
		value *= 10;
	return negative ? -value : value;
}

/* Up to 5 of the characters that mean something in a sum. */
static size_t make_tag(char *tag)
{
	static const char letters[] = " +%a0(";
	size_t length = below(6);

	for (size_t i = 0; i < length; i++)
		tag[i] = letters[below(sizeof letters - 1)];
	tag[length] = '\0';
	return length;
}

static void fail(const char *what, const char *line)
{
	printf("%s: %s\n", what, line);
	failed = true;
}

/* Does the line, cut at its last field, say what the neighbour is? */
static void check(const struct neighbour *neighbour, char *line)
{
	char copy[512], *rest, *number, *tag;
	char *why = strrchr(line, '\t') + 1, *similarity = why - 1;
	decimal sum = 0;
	size_t i = 0;

	snprintf(copy, sizeof copy, "%s", line);
	*similarity = '\0';
	similarity = strrchr(line, '\t') + 1;
	for (rest = why; neighbours_next_item(&rest, &number, &tag); i++) {
		sum += scaled(number);
		while (i < neighbour->reason_count &&
		       neighbour->reasons[i].contribution == 0)
			i++;
		if (i < neighbour->reason_count &&
		    strcmp(tag, neighbour->reasons[i].tag) != 0)
			fail("another tag", copy);
		if (rest == NULL && strcmp(tag, "(other)") != 0)
			fail("no (other)", copy);
		if (rest == NULL && strcmp(number, neighbour->other) != 0)
			fail("another rest", copy);
	}
	if (i != neighbour->reason_count + 1)
		fail("another number of items", copy);
	if (sum != scaled(similarity))
		fail("another sum", copy);
}

static void write_one(struct output *output)
{
	/* Down to 10^-9, as a float, so that 24 decimals hold it. */
	static const float sizes[] = {1, 1e-3f, 1e-6f, 1e-9f, 1e6f};
	char tags[REASONS][8], line[512];
	struct reason reasons[REASONS];
	struct neighbour neighbour = {.name = "x", .length = 1};

	neighbour.reasons = reasons;
	neighbour.similarity =
		(double)((float)(2 * random_uniform(11, counter++) - 1) *
			 sizes[below(5)]);
	neighbour.reason_count = below(REASONS + 1);
	for (size_t i = 0; i < neighbour.reason_count; i++) {
		/* Whole millionths, not all of which are zero. */
		double amount = ((double)below(2000) - 1000) / 1000;

		reasons[i] = (struct reason){.tag = tags[i],
					     .length = make_tag(tags[i]),
					     .contribution = amount};
	}
	/* A line has none for what is zero; keep the last from being that. */
	if (neighbour.reason_count > 0 &&
	    reasons[neighbour.reason_count - 1].contribution == 0)
		reasons[neighbour.reason_count - 1].contribution = 0.5;
	output->held = 0;
	neighbours_write(output, "q", 1, 1, &neighbour, true);
	snprintf(line, sizeof line, "%.*s", (int)output->held - 1,
		 (const char *)output->buffer);
	check(&neighbour, line);
}

/* What no integer can tell apart stands as it is. */
static void check_tiny(struct output *output)
{
	struct reason reason = {.tag = "a", .length = 1, .contribution = 0.5};
	struct neighbour neighbour = {.name = "x",
				      .length = 1,
				      .similarity = (double)1e-35f,
				      .reasons = &reason,
				      .reason_count = 1};
	char tiny[NUMBER_TEXT], expected[128];

	number_write(tiny, neighbour.similarity, 9);
	snprintf(expected, sizeof expected, "q\t1\tx\t%s\t%s (other)\n", tiny,
		 tiny);
	output->held = 0;
	neighbours_write(output, "q", 1, 1, &neighbour, true);
	if (output->held != strlen(expected) ||
	    memcmp(output->buffer, expected, output->held) != 0)
		fail("tiny", "");
}

int main(void)
{
	struct output output;

	output_memory(&output);
	for (int round = 0; round < ROUNDS && !failed; round++)
		write_one(&output);
	check_tiny(&output);
	free(output.buffer);
	return failed;
}
