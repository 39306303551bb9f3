#include "explain/neighbours_tsv.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "text/percent.h"
#include "text/tsv.h"

/* A float reads back from 9 significant digits. */
enum {
	DIGITS = NEIGHBOURS_SIMILARITY_DIGITS,
	DECIMALS = NEIGHBOURS_CONTRIBUTION_DECIMALS
};

/* The finest decimal that (other) is worked out to: with it and the largest
 * magnitude below, sums stay below 2^127. */
enum { FINEST = 30, LARGEST_DIGITS = 37 };

/* 10^LARGEST_DIGITS. */
static const decimal bound = (decimal)INT64_C(1000000000000000000) *
			     INT64_C(1000000000000000000) * 10;

/* ---------------------------------------------------------- exact decimals */

/* A number as printf wrote it: sign, digits, and 10^-places. */
struct printed {
	decimal digits;
	int count;  /* of digits, leading zeros not counted */
	int places; /* may be negative */
};

/* Text is of printf's %.9g or %.6f, so finite and of a known form; false
 * where it has more digits than a sum can take. */
static bool read_printed(const char *text, struct printed *number)
{
	bool negative = *text == '-', after_point = false;

	*number = (struct printed){0};
	for (text += negative; *text != '\0' && *text != 'e'; text++) {
		if (*text == '.') {
			after_point = true;
			continue;
		}
		number->digits = number->digits * 10 + (*text - '0');
		number->count += number->digits != 0;
		number->places += after_point;
		if (number->count > LARGEST_DIGITS)
			return false;
	}
	if (*text == 'e')
		number->places -= atoi(text + 1);
	if (negative)
		number->digits = -number->digits;
	return true;
}

/* *value *= 10^shift; false where shift is negative or the product too large.
 */
static bool scale_value(decimal *value, int shift)
{
	if (shift < 0)
		return false;
	for (; shift > 0 && *value != 0; shift--) {
		*value *= 10;
		if (*value >= bound || *value <= -bound)
			return false;
	}
	return true;
}

/* value * 10^-places without trailing zeros. */
static void write_scaled(char text[NUMBER_TEXT], decimal value, int places)
{
	char reversed[NUMBER_TEXT];
	size_t count = 0, length = 0;
	bool negative = value < 0;
	decimal rest = negative ? -value : value;

	for (; places > 0 && rest % 10 == 0; places--)
		rest /= 10;
	for (int i = 0; i < places || i == 0 || rest != 0; i++) {
		if (i == places && i > 0)
			reversed[count++] = '.';
		reversed[count++] = (char)('0' + (int)(rest % 10));
		rest /= 10;
		if (i + 1 == places && rest == 0) {
			reversed[count++] = '.';
			reversed[count++] = '0';
		}
	}
	if (negative)
		reversed[count++] = '-';
	while (count > 0)
		text[length++] = reversed[--count];
	text[length] = '\0';
}

/* The same, faster for most values. */
static void write_rest(char text[NUMBER_TEXT], decimal value, int places)
{
	int64_t units = (int64_t)value;

	if (units != value || places > 18) {
		write_scaled(text, value, places);
		return;
	}
	for (; places > 0 && units % 10 == 0; places--)
		units /= 10;
	number_decimal(text, units, places);
}

/* --------------------------------------------------------------- the sum */

/* The contribution as it is printed; returns the length, 0 where it is not: it
 * is zero then, or too long. */
static size_t print_contribution(char text[NUMBER_TEXT], double contribution)
{
	int64_t units;

	if (number_scaled(contribution, DECIMALS, &units))
		return units != 0 ? number_decimal(text, units, DECIMALS) : 0;
	size_t length = number_fixed(text, contribution, DECIMALS);
	return length < NUMBER_TEXT ? length : 0;
}

/* *units = the contribution as it is printed, in units of 10^-DECIMALS, 0 where
 * it is not; false where it has more digits than a sum can take. */
static bool contribution_units(double contribution, decimal *units)
{
	struct printed printed = {0};
	char text[NUMBER_TEXT];
	int64_t few;

	if (number_scaled(contribution, DECIMALS, &few)) {
		*units = few;
		return true;
	}
	if (print_contribution(text, contribution) > 0 &&
	    !read_printed(text, &printed))
		return false;
	*units = printed.digits;
	return true;
}

/* Set neighbour->other to the similarity less the items; false where integers
 * cannot tell, and then no items are to be printed. */
static bool subtract_items(struct neighbour *neighbour, const char *similarity)
{
	struct printed whole;
	decimal rest, item;
	int places;

	if (!read_printed(similarity, &whole) || whole.places > FINEST)
		return false;
	places = whole.places > DECIMALS ? whole.places : DECIMALS;
	rest = whole.digits;
	if (!scale_value(&rest, places - whole.places))
		return false;
	for (size_t i = 0; i < neighbour->reason_count; i++) {
		if (!contribution_units(neighbour->reasons[i].contribution,
					&item) ||
		    !scale_value(&item, places - DECIMALS))
			return false;
		rest -= item;
		if (rest >= bound || rest <= -bound)
			return false;
	}
	write_rest(neighbour->other, rest, places);
	return true;
}

void neighbours_round(struct neighbour *neighbour)
{
	char similarity[NUMBER_TEXT], text[NUMBER_TEXT];
	size_t kept = 0;

	number_write(similarity, neighbour->similarity, DIGITS);
	if (!subtract_items(neighbour, similarity)) {
		strcpy(neighbour->other, similarity);
		neighbour->reason_count = 0;
	}
	for (size_t i = 0; i < neighbour->reason_count; i++)
		if (print_contribution(text,
				       neighbour->reasons[i].contribution) > 0)
			neighbour->reasons[kept++] = neighbour->reasons[i];
	neighbour->reason_count = kept;
}

/* A tag inside a sum.  Spaces beside a '+' are %20 where the '+' has nothing
 * else beside it: " + " stands between items and nowhere else. */
static void write_reason_tag(struct output *output, const char *tag,
			     size_t length)
{
	if (memchr(tag, '%', length) == NULL &&
	    memchr(tag, '+', length) == NULL) {
		tsv_write_field(output, tag, length);
		return;
	}
	for (size_t i = 0; i < length; i++) {
		bool space = tag[i] == ' ';
		bool plus_before = i > 0 && tag[i - 1] == '+' &&
				   (i == 1 || tag[i - 2] == ' ');
		bool plus_after = i + 1 < length && tag[i + 1] == '+' &&
				  (i + 2 == length || tag[i + 2] == ' ');

		if (tag[i] == '%')
			output_text(output, "%25");
		else if (space && (plus_before || plus_after))
			output_text(output, "%20");
		else if (tag[i] == '+' && length == 1)
			output_text(output, "%2B");
		else
			tsv_write_field(output, tag + i, 1);
	}
}

static void write_why(struct output *output, struct neighbour *neighbour,
		      const char *similarity)
{
	static const char plus[] = " + ", other[] = " (other)\n";
	bool exact = subtract_items(neighbour, similarity);

	if (!exact)
		strcpy(neighbour->other, similarity);
	for (size_t i = 0; exact && i < neighbour->reason_count; i++) {
		const struct reason *reason = &neighbour->reasons[i];
		char text[NUMBER_TEXT + 1];
		size_t length = print_contribution(text, reason->contribution);

		if (length == 0)
			continue;
		text[length++] = ' ';
		output_write(output, text, length);
		write_reason_tag(output, reason->tag, reason->length);
		output_write(output, plus, sizeof plus - 1);
	}
	output_text(output, neighbour->other);
	output_write(output, other, sizeof other - 1);
}

double neighbours_round_similarity(double similarity)
{
	char text[NUMBER_TEXT];

	number_write(text, similarity, DIGITS);
	return strtod(text, NULL);
}

double neighbours_round_contribution(double contribution)
{
	char text[NUMBER_TEXT];

	if (number_fixed(text, contribution, DECIMALS) >= NUMBER_TEXT)
		return contribution;
	return strtod(text, NULL);
}

void neighbours_write_header(struct output *output, bool why)
{
	output_text(output, "query\trank\tneighbour\tsimilarity");
	output_text(output, why ? "\twhy\n" : "\n");
}

void neighbours_write(struct output *output, const char *query,
		      size_t query_length, size_t rank,
		      struct neighbour *neighbour, bool why)
{
	/* A tab, the number, and a tab or the line's end. */
	char place[NUMBER_TEXT + 2] = "\t", similarity[NUMBER_TEXT + 2] = "\t";
	size_t length = 1 + number_whole(place + 1, rank);

	place[length++] = '\t';
	tsv_write_field(output, query, query_length);
	output_write(output, place, length);
	tsv_write_field(output, neighbour->name, neighbour->length);
	length =
		1 + number_write(similarity + 1, neighbour->similarity, DIGITS);
	similarity[length] = why ? '\t' : '\n';
	output_write(output, similarity, length + 1);
	if (!why)
		return;
	similarity[length] = '\0';
	write_why(output, neighbour, similarity + 1);
}

void neighbours_write_packed(struct output *output, const char *text,
			     size_t length)
{
	size_t begun = 0;

	for (size_t i = 0; i < length; i++) {
		char escape[4];

		if (text[i] == '\0' || strchr("%;=", text[i]) == NULL)
			continue;
		tsv_write_field(output, text + begun, i - begun);
		snprintf(escape, sizeof escape, "%%%02X",
			 (unsigned)(unsigned char)text[i]);
		output_text(output, escape);
		begun = i + 1;
	}
	tsv_write_field(output, text + begun, length - begun);
}

/* ----------------------------------------------------------------- reading */

bool neighbours_is_header(const struct tsv_reader *table, bool *why)
{
	static const char *const names[] = {"query", "rank", "neighbour",
					    "similarity", "why"};
	bool right = table->count == 4 || table->count == 5;

	for (size_t i = 0; right && i < table->count; i++)
		right = strcmp(table->fields[i].text, names[i]) == 0;
	*why = table->count == 5;
	return right;
}

bool neighbours_read_number(const char *text, double *value)
{
	const char *digits = text + (*text == '-');
	const char *point = strchr(text, '.');

	return number_real(text, value) && fabs(*value) <= (double)FLT_MAX &&
	       strlen(text) < NUMBER_TEXT && *digits >= '0' && *digits <= '9' &&
	       (*digits != '0' || strchr(".eE", digits[1]) != NULL) &&
	       (point == NULL || (point[1] >= '0' && point[1] <= '9'));
}

bool neighbours_next_item(char **rest, char **number, char **tag)
{
	char *space = *rest ? strchr(*rest, ' ') : NULL, *next;

	if (space == NULL)
		return false;
	/* The tag may be empty: "0.1  + ". */
	next = strstr(space + 1, " + ");
	if (next != NULL)
		*next = '\0';
	*space = '\0';
	*number = *rest;
	*tag = space + 1;
	percent_decode(*tag, strlen(*tag), false);
	*rest = next ? next + 3 : NULL;
	return true;
}
