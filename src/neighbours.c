#include "neighbours.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

enum { PLACES = 6 };		/* decimals of a printed contribution */

/* Numbers of up to this many decimals, and below 10^5, fit 128 bits. */
enum { MOST_PLACES = 32 };

void neighbours_write_header(struct output *output, int why)
{
	output_text(output, "query\trank\tneighbour\tsimilarity");
	output_text(output, why ? "\twhy\n" : "\n");
}

/* ---------------------------------------------------------- exact decimals */

/* The decimals that a text like "-1.25e-05" has: 7. */
static int places_of(const char *text)
{
	const char *point = strchr(text, '.'), *e = strchr(text, 'e');
	size_t end = e ? (size_t)(e - text) : strlen(text);
	long places = point ? (long)(end - (size_t)(point - text) - 1) : 0;

	if (e != NULL)
		places -= strtol(e + 1, NULL, 10);
	return places < 0 ? 0 : (int)places;
}

/* The text as an integer count of 10^-places; places is enough for it. */
static decimal scale_up(const char *text, int places)
{
	decimal value = 0;
	int missing = places - places_of(text);
	const char *e = strchr(text, 'e');
	long exponent = e ? strtol(e + 1, NULL, 10) : 0;
	const char *point = strchr(text, '.');
	/* 1e+07 has no decimals and needs its zeros. */
	long zeros = exponent - (point ? (long)strcspn(point + 1, "e") : 0);

	for (const char *c = text; *c != '\0' && *c != 'e'; c++)
		if (*c >= '0' && *c <= '9')
			value = value * 10 + (*c - '0');
	for (long i = 0; i < zeros; i++)
		value *= 10;
	for (int i = 0; i < missing; i++)
		value *= 10;
	return *text == '-' ? -value : value;
}

/* Write value * 10^-places, plainly, without trailing zeros. */
static void scale_down(char text[NUMBER_TEXT], decimal value, int places)
{
	char reversed[2 * NUMBER_TEXT];
	size_t count = 0, length = 0;
	bool negative = value < 0;

	if (negative)
		value = -value;
	while (places > 0 && value % 10 == 0) {
		value /= 10;
		places--;
	}
	for (int i = 0; i < places || value != 0 || i == places; i++) {
		if (i == places && places > 0)
			reversed[count++] = '.';
		reversed[count++] = (char)('0' + (int)(value % 10));
		value /= 10;
	}
	if (negative)
		reversed[count++] = '-';
	while (count > 0)
		text[length++] = reversed[--count];
	text[length] = '\0';
}

/* A similarity that exact arithmetic can take apart. */
static bool is_plain(const char *similarity, double value)
{
	return places_of(similarity) <= MOST_PLACES && fabs(value) < 1e5;
}

/* ----------------------------------------------------------------- writing */

void neighbours_write_packed(struct output *output, const char *text,
			     size_t length)
{
	size_t begun = 0;

	for (size_t i = 0; i < length; i++) {
		const char *code = text[i] == '%' ? "%25" :
			text[i] == ';' ? "%3B" :
			text[i] == '=' ? "%3D" : NULL;
		if (code == NULL)
			continue;
		table_write(output, text + begun, i - begun);
		output_text(output, code);
		begun = i + 1;
	}
	table_write(output, text + begun, length - begun);
}

/* A tag in a sum: % is %25, and " + " is %20+%20. */
static void write_tag(struct output *output, const char *tag, size_t length)
{
	size_t begun = 0;

	for (size_t i = 0; i < length; i++) {
		bool plus = i + 3 <= length && memcmp(tag + i, " + ", 3) == 0;
		if (tag[i] != '%' && !plus)
			continue;
		table_write(output, tag + begun, i - begun);
		output_text(output, plus ? "%20+%20" : "%25");
		begun = i + (plus ? 3 : 1);
		i = begun - 1;
	}
	table_write(output, tag + begun, length - begun);
}

/* Write "number tag + " for each reason that is worth its line; *left is what
 * they leave of the similarity, in units of 10^-places. */
static void write_reasons(struct output *output,
			  const struct neighbour *neighbour, int places,
			  decimal *left)
{
	for (size_t i = 0; i < neighbour->reason_count; i++) {
		const struct reason *reason = &neighbour->reasons[i];
		char number[NUMBER_TEXT];
		if (!(fabs(reason->contribution) < 1e5))
			continue;
		snprintf(number, sizeof number, "%.*f", PLACES,
			 reason->contribution);
		decimal part = scale_up(number, places);
		if (part == 0)
			continue;
		*left -= part;
		output_text(output, number);
		output_text(output, " ");
		write_tag(output, reason->tag, reason->length);
		output_text(output, " + ");
	}
}

void neighbours_write(struct output *output, const char *query,
		      size_t query_length, size_t rank,
		      struct neighbour *neighbour, int why)
{
	char similarity[NUMBER_TEXT];

	number_write(similarity, neighbour->similarity, 9);
	table_write(output, query, query_length);
	output_print(output, "\t%zu\t", rank);
	table_write(output, neighbour->name, neighbour->length);
	output_text(output, "\t");
	output_text(output, similarity);
	if (why) {
		output_text(output, "\t");
		strcpy(neighbour->other, similarity);
		if (is_plain(similarity, neighbour->similarity)) {
			int places = places_of(similarity);
			if (places < PLACES)
				places = PLACES;
			decimal left = scale_up(similarity, places);
			write_reasons(output, neighbour, places, &left);
			scale_down(neighbour->other, left, places);
		}
		output_text(output, neighbour->other);
		output_text(output, " (other)");
	}
	output_text(output, "\n");
}

/* ----------------------------------------------------------------- reading */

static int hex(char c)
{
	static const char digits[] = "0123456789ABCDEF";
	const char *found = c ? strchr(digits, c) : NULL;

	return found ? (int)(found - digits) : -1;
}

size_t neighbours_unpack(char *text, size_t length)
{
	size_t out = 0;

	for (size_t i = 0; i < length; i++) {
		if (text[i] == '%' && i + 2 < length && hex(text[i + 1]) >= 0 &&
		    hex(text[i + 2]) >= 0) {
			text[out++] = (char)(hex(text[i + 1]) * 16 +
					     hex(text[i + 2]));
			i += 2;
		} else {
			text[out++] = text[i];
		}
	}
	text[out] = '\0';
	return out;
}

bool neighbours_next_item(char **rest, char **number, char **tag)
{
	char *item = *rest, *next, *space;

	if (item == NULL || *item == '\0')
		return false;
	space = strchr(item, ' ');
	if (space == NULL)
		return false;
	/* The tag may be empty: "0.1  + ". */
	next = strstr(space + 1, " + ");
	if (next != NULL)
		*next = '\0';
	*space = '\0';
	*number = item;
	*tag = space + 1;
	neighbours_unpack(*tag, strlen(*tag));
	*rest = next ? next + 3 : NULL;
	return true;
}
