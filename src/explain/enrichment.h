/* enrichment: what a query's neighbours share, and what the query may be
 * missing.
 *
 * Expected counts are by indirect standardization: what as many customers of
 * the members' tenths (by number of tags) would have, the query left out.  A
 * tag is listed when at least ENRICHMENT_MIN_MEMBERS members have it and chance
 * would seldom give as many: the exact tail of a sum of hypergeometric counts,
 * one for each tenth, with the procedure of Benjamini and Hochberg (J. R. Stat.
 * Soc. B 57, 1995) at 5 % over the tags that are compared. */
#ifndef EXPLAIN_ENRICHMENT_H
#define EXPLAIN_ENRICHMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/string_table.h"
#include "base/number.h"
#include "model/csr_matrix.h"

enum { ENRICHMENT_MIN_MEMBERS = 3 };

/* What #model says of the model and of the question; texts are owned. */
struct model_metadata {
	char *id, *metric, *customer, *tag, *value, *kind;
	char *min_similarity, *among; /* "" without */
	int64_t customers, without_signal, tags, dimensions;
	int64_t asked, candidates, matching; /* -1 without a least similarity,
					     and if not all were looked at */
	double median_pair, top_pair;
	int64_t tenths[TENTHS]; /* customers in each */
};

/* A tag of a profile. */
struct tag_value {
	size_t tag;   /* index in summary.tags */
	double value; /* in the events' own unit */
};

struct profile {
	char *name;
	unsigned tenth;             /* TENTHS: the query is no customer of the
				       model, and not in its counts */
	struct tag_value *holdings; /* by falling weight in the model */
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
	char *similarity, *other; /* as printed */
	double score;
	struct item *items;
	size_t count, room;
	const struct profile *profile;
	bool self; /* the query: listed, and not of the group */
};

/* What #tag says, and what is worked out for the group. */
struct tag {
	bool known;    /* a #tag line named it */
	int64_t users; /* customers who have it */
	int64_t tenths[TENTHS];
	bool has;              /* the query has it */
	size_t members;        /* how many of the group have it */
	int64_t drawn[TENTHS]; /* the same by tenth */
	double expected, chance;
	bool listed;
};

/* One query, its neighbours and their profiles. */
struct summary {
	char *query;
	struct model_metadata origin;
	struct member *members; /* by rank */
	size_t member_count, member_room;
	struct profile *profiles; /* the query's, then the members' in
				     their order, without the query */
	size_t profile_count, profile_room;
	struct string_table tags;
	struct tag *facts; /* of each tag */
	size_t fact_room;
	/* Set by summary_work: */
	size_t group;    /* members, without the query */
	size_t compared; /* tags that ENRICHMENT_MIN_MEMBERS members have */
	size_t *listed;  /* tags, by falling ratio to the expected */
	size_t listed_count;
	bool silent; /* the query has no signal; set by the caller */
};

/* Work out expected counts and the listed tags.  NULL, or a error_text on what
 * the input lacks. */
const char *summary_work(struct summary *summary);

/* Does the customer have the tag: is its value there above zero? */
bool summary_holds(const struct profile *profile, size_t tag);

/* How many tags the customer has. */
size_t summary_held(const struct profile *profile);

/* All its values added up, and whether that means something: means and flags
 * do not add up. */
double summary_total(const struct profile *profile);
bool summary_adds(const struct summary *summary);

/* How many times the expected number of members have the tag. */
double summary_times(const struct tag *tag);

/* Free all, ready for the next query. */
void summary_free(struct summary *summary);

/* A value as it is shown: at most two decimals, none where they are zeros
 * (201.91, 20, 1.5), and three digits of what two decimals cannot show. */
char *summary_value(char text[NUMBER_TEXT], double value);

#endif
