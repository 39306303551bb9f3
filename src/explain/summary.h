/* summary: one query, its neighbours, their profiles, and what the neighbours
 * share, as numbers.  It is made from a model (explain/summary_builder.h) or
 * read from the lines of cs-knn (explain/summary_reader.h), completed by
 * explain/enrichment.h, and written by explain/summary_text.h, _json.h and
 * _tsv.h.
 *
 * Tags are indices in summary.tags.  All texts and arrays are owned by the
 * summary, and freed by summary_free. */
#ifndef EXPLAIN_SUMMARY_H
#define EXPLAIN_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/number.h"
#include "base/string_table.h"
#include "explain/contributions.h"
#include "explain/neighbours_metadata.h"
#include "explain/neighbours_profiles.h"
#include "explain/tag_levels.h"

/* The value of a tag of a customer, who has the tag where it is above zero. */
struct profile_value {
	size_t tag;
	double value; /* in the events' own unit */
};

struct summary_profile {
	char *name;
	unsigned tenth; /* TENTHS: the query is no customer of the model, and
			   not in its counts */
	struct profile_value *values; /* by falling weight in the model */
	size_t count, room;
};

struct summary_neighbour {
	char *name;
	size_t rank;
	double similarity; /* rounded as it is printed */
	/* Of tags of the summary, the empty name being the centring; rounded as
	 * they are printed, largest magnitude first. */
	struct contribution *contributions;
	size_t count, room;
	/* The similarity less the contributions, in exact decimals, which may
	 * be more than a double holds; empty where there are none. */
	char other[NUMBER_TEXT];
	const struct summary_profile *profile;
	bool is_query; /* the query itself: listed, but not of the group */
};

/* A tag of the summary. */
struct summary_tag {
	size_t last_profile; /* number, from 1, of the last profile with it;
				0: it only contributes */
	bool counted;        /* counts is set */
	struct tag_counts counts;
	bool query_has;
	/* Set by enrichment_test: */
	size_t members;        /* how many of the group have it */
	int64_t drawn[TENTHS]; /* the same by tenth */
	double expected;       /* how many would */
	double chance;         /* that as many would by chance, or more */
	bool listed;           /* more have it than chance explains */
};

/* How many times as often as expected neighbours were seen to have such listed
 * tags in events held back (evaluate/held_out_tags.h), and its 95 % interval;
 * value 0: not measured. */
struct held_out_ratio {
	double value, low, high;
};

struct summary {
	char *query;
	struct model_metadata metadata;
	struct tag_levels levels; /* of the metadata: summary_set_levels */
	struct summary_neighbour *neighbours; /* by rank */
	size_t neighbour_count, neighbour_room;
	struct summary_profile *profiles; /* the query's, then those of the
					     neighbours in their order, the
					     query not among them */
	size_t profile_count, profile_room;
	struct string_table tags;
	struct summary_tag *tag_facts; /* of each tag */
	size_t tag_room;
	struct held_out_ratio held_out; /* set by the caller */
	bool zero_vector; /* the query's vector is zero; set by the caller */
	/* Set by enrichment_test: */
	size_t group;    /* neighbours without the query */
	size_t compared; /* tags that ENRICHMENT_MIN_MEMBERS members have */
	size_t *listed;  /* tags, by falling ratio to the expected */
	size_t listed_count;
	size_t left_out; /* how many summary_limit_listed took from it */
};

/* The index of the tag, added without facts where it is new. */
size_t summary_add_tag(struct summary *summary, const char *name,
		       size_t length);

/* The tag's name, which ends with a zero byte. */
const char *summary_tag_name(const struct summary *summary, size_t tag);

/* Set the levels to those of the metadata. */
void summary_set_levels(struct summary *summary);

/* The tag's level, or TAG_PREFIX_NONE. */
size_t summary_tag_level(const struct summary *summary, size_t tag);

/* Add a profile without tags, or a neighbour without contributions; the name
 * becomes the summary's.  The pointer is valid until the next is added. */
struct summary_profile *summary_add_profile(struct summary *summary, char *name,
					    unsigned tenth);
struct summary_neighbour *summary_add_neighbour(struct summary *summary,
						char *name, double similarity);

void summary_add_contribution(struct summary_neighbour *neighbour, size_t tag,
			      double amount);

/* Whether the customer has the tag; O(tags of the profile). */
bool summary_has_tag(const struct summary_profile *profile, size_t tag);

/* How many tags the customer has. */
size_t summary_count_tags(const struct summary_profile *profile);

/* The sum of all values of a profile, and whether it means something: means
 * and flags do not add up. */
double summary_total(const struct summary_profile *profile);
bool summary_is_additive(const struct summary *summary);

/* How many of the neighbours are as similar as the last one. */
size_t summary_listed_tied(const struct summary *summary);

/* Keep at most limit listed tags of each level, the first ones. */
void summary_limit_listed(struct summary *summary, size_t limit);

/* How many times the expected number of members have the tag. */
double summary_ratio(const struct summary_tag *tag);

/* A value as it is shown: at most two decimals, none where they are zeros
 * (201.91, 20, 1.5), and three digits of what two decimals cannot show.
 * Returns text. */
char *summary_format_value(char text[NUMBER_TEXT], double value);

/* Free all, ready for the next query. */
void summary_free(struct summary *summary);

#endif
