/* summary: what a query's neighbours share, and what the query may be
 * missing, told as text, JSON or TSV.
 *
 * Expected counts are by indirect standardization: what as many customers of
 * the members' tenths (by number of tags) would have, the query left out.  A
 * tag is listed when at least SUMMARY_LEAST members have it and chance would
 * seldom give as many: the exact tail of a sum of hypergeometric counts, one
 * for each tenth, with the procedure of Benjamini and Hochberg (J. R. Stat.
 * Soc. B 57, 1995) at 5 % over the tags that are compared. */
#ifndef SUMMARY_H
#define SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "names.h"
#include "stream.h"

enum { SUMMARY_LEAST = 3, SUMMARY_TENTHS = 10 };

/* A tag of a profile. */
struct holding {
	size_t tag;		/* index in summary.tags */
	double value;		/* in the events' own unit */
};

struct profile {
	char *name;
	unsigned tenth;
	struct holding *holdings;	/* by falling weight in the model */
	size_t count, room;
};

/* An item of a similarity's sum: as printed, and as a number. */
struct item {
	char *tag, *text;
	double amount;
};

struct member {
	char *name;
	size_t rank;
	char *similarity, *other;	/* as printed */
	double score;
	struct item *items;
	size_t count, room;
	const struct profile *profile;
};

/* What #tag says, and what is worked out for the group. */
struct tag {
	bool known;		/* a #tag line named it */
	int64_t users;		/* customers who have it */
	int64_t tenths[SUMMARY_TENTHS];
	bool has;		/* the query has it */
	size_t members;		/* how many members have it */
	double expected, chance;
	bool listed;
};

/* One query, its neighbours and their profiles. */
struct summary {
	char *query;
	/* #model: each key's text; see summary_key. */
	struct names keys;
	char **values;
	size_t value_room;
	struct member *members;
	size_t member_count, member_room;
	struct profile *profiles;	/* the query's first */
	size_t profile_count, profile_room;
	struct names tags;
	struct tag *facts;	/* of each tag */
	size_t fact_room;
	int64_t tenths[SUMMARY_TENTHS];
	/* Set by summary_work: */
	size_t compared;	/* tags that SUMMARY_LEAST members have */
	size_t *listed;		/* tags, by falling ratio to the expected */
	size_t listed_count;
};

/* The text of a key of #model, "" where it has none. */
const char *summary_key(const struct summary *summary, const char *key);

/* Work out expected counts and the listed tags.  NULL, or a sentence on what
 * the input lacks. */
const char *summary_work(struct summary *summary);

void summary_text(const struct summary *summary, struct output *output);
void summary_json(const struct summary *summary, struct output *output);
void summary_tsv_header(struct output *output);
void summary_tsv(const struct summary *summary, struct output *output);

/* Free all, ready for the next query. */
void summary_free(struct summary *summary);

#endif
