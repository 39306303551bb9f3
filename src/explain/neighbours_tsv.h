/* neighbours_tsv: the text between cs-knn and cs-summarize.
 *
 * The header line:   query TAB rank TAB neighbour TAB similarity TAB why
 * One line for each neighbour; rank from 1; similarity with 9 significant
 * digits; why is a sum, largest item first, that gives the printed similarity
 * to its last digit: "0.29 DIAPERS + 0.08 SOUP + 0.3 (other)"; in a tag " + "
 * is %20+%20 and % is %25.  The ends of a tag count as spaces there, and the
 * tag "+" is %2B.  What 128-bit integers cannot add up (a similarity with more
 * than 30 decimals) has (other) alone.
 *
 * Around them, for cs-summarize, for each query, lines that begin with '#':
 *   #model TAB id=...;customers=...;...           before its neighbours
 *   #profile TAB CUSTOMER TAB TENTH TAB tag=raw;tag=raw;...
 *        the query first, then its neighbours by rank; tags by falling weight
 *        in the model (profile.values), ties by bytes; % ; = are %25 %3B %3D;
 *        TENTH is 0..9, by number of tags; 10 for a query that is no
 *        customer of the model, and so not in the counts of #tag and #model
 *   #tag TAB TAG TAB USERS TAB OF TAB k1,...,k10
 *        for every tag in those profiles, ascending: USERS of OF customers
 *        have it, and how many of each tenth
 * All fields are escaped as in every TSV of ours (text/tsv.h).
 *
 * Keys of #model: id, customers, without_signal, tags, dimensions, metric,
 * alpha (of the metric combined alone), of two customers at random by the
 * metric median_pair, top_percent_pair (9 digits), scale (of the embedding),
 * levels (only where the matrix has blocks: their prefixes, a line break
 * between), column names customer, tag, value, what the value is: kind (sum,
 * mean, events, one), tenths (k1,...,k10 customers), and for the query that
 * follows: asked (the limit of the number of neighbours), candidates (how many
 * customers could have been neighbours), matching (how many of them passed
 * --min-similarity; -1 without, and where not all were looked at),
 * min_similarity (empty without), among (the name of the file, or empty), tied
 * (how many are as similar as the last neighbour where some are not listed,
 * else 0).
 * Values are escaped like tags.  A reader passes over keys that it does not
 * know.
 *
 * A customer's name may begin with '#', too: the line after #model is one of a
 * neighbour, and so is each that has its query and the next rank. */
#ifndef EXPLAIN_NEIGHBOURS_TSV_H
#define EXPLAIN_NEIGHBOURS_TSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/io.h"
#include "base/number.h"
#include "text/tsv.h"

/* A tag's contribution to a similarity. */
struct reason {
	const char *tag; /* not escaped; "" is what centring puts there */
	size_t length;
	size_t column; /* the tag's in the model, or CONTRIBUTIONS_CENTER; of
			  no meaning to this module */
	double contribution;
};

/* One line. */
struct neighbour {
	const char *name;
	size_t length;
	double similarity;      /* a float32's value */
	struct reason *reasons; /* largest magnitude first */
	size_t reason_count;
	char other[NUMBER_TEXT]; /* text: similarity less printed items */
};

/* Write the header line; why says whether the last column is there. */
void neighbours_write_header(struct output *output, bool why);

/* Whether the current row is such a header line; sets *why. */
bool neighbours_is_header(const struct tsv_reader *table, bool *why);

/* The numbers as a reader of a line finds them: a similarity rounded to 9
 * significant digits, a contribution to 6 decimals. */
double neighbours_round_similarity(double similarity);
double neighbours_round_contribution(double contribution);

/* Write them so. */
enum { NEIGHBOURS_SIMILARITY_DIGITS = 9, NEIGHBOURS_CONTRIBUTION_DECIMALS = 6 };

/* Read a number as a line has it, which JSON could have too: no sign but '-',
 * digits on both sides of a point, no zeros in front, within the range of a
 * float; false where the text is none. */
bool neighbours_read_number(const char *text, double *value);

/* Drop the reasons that a line would leave out, and set neighbour->other to
 * the printed similarity less the rest of them. */
void neighbours_round(struct neighbour *neighbour);

/* Write one line.  Reasons whose contribution prints as 0.000000 (six
 * decimals) are left out; (other) is worked out in exact decimals and always
 * printed, so that the line sums to the last digit; it is kept in
 * neighbour->other. */
void neighbours_write(struct output *output, const char *query,
		      size_t query_length, size_t rank,
		      struct neighbour *neighbour, bool why);

/* Write a tag, a value or a name inside a # line: % ; = escaped as %XX, then
 * as any field. */
void neighbours_write_packed(struct output *output, const char *text,
			     size_t length);

/* Cut the next item of a sum off *rest: "0.29 DIAPERS" before " + "; *number
 * and *tag become texts, %XX undone, and *rest the text behind, or NULL after
 * the last item, which is "(other)".  False at the end, or where there is no
 * number. */
bool neighbours_next_item(char **rest, char **number, char **tag);

#endif
