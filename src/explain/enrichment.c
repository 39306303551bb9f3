#include "explain/enrichment.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "explain/neighbours_tsv.h"
#include "explain/stratified_count.h"

static const double discovery_rate = 0.05;

/* Terms of a distribution that are less than this of its largest are left out:
 * far below what any tail is compared with, and it keeps large groups fast. */
static const double negligible = 1e-40;

/* ---------------------------------------------------------------- counting */

/* Members of each tenth. */
static void count_draws(const struct summary *s, size_t draws[TENTHS])
{
	memset(draws, 0, TENTHS * sizeof *draws);
	for (size_t i = 0; i < s->neighbour_count; i++)
		draws[s->neighbours[i].profile->tenth] +=
			!s->neighbours[i].is_query;
}

/* Which tags the query has, and how many members have each. */
static void count_holders(struct summary *s)
{
	const struct summary_profile *query = &s->profiles[0];

	for (size_t i = 0; i < query->count; i++)
		if (query->values[i].value > 0)
			s->tag_facts[query->values[i].tag].query_has = true;
	for (size_t i = 0; i < s->neighbour_count; i++) {
		const struct summary_profile *member = s->neighbours[i].profile;

		for (size_t j = 0;
		     !s->neighbours[i].is_query && j < member->count; j++) {
			struct summary_tag *tag =
				&s->tag_facts[member->values[j].tag];

			if (member->values[j].value <= 0)
				continue;
			tag->members++;
			tag->drawn[member->tenth]++;
		}
	}
}

/* A tenth without the query. */
static struct stratum stratum_of(const struct summary *s,
				 const struct summary_tag *tag, size_t tenth,
				 const size_t *draws)
{
	bool own = s->profiles[0].tenth == tenth;

	return (struct stratum){.customers = s->metadata.tenths[tenth] - own,
				.holders = tag->counts.tenths[tenth] -
					   (own && tag->query_has),
				.draws = draws[tenth]};
}

/* P(at least tag->members of the drawn have the tag), and how many are
 * expected to. */
static void test_tag(const struct summary *s, struct summary_tag *tag,
		     const size_t *draws,
		     struct count_distribution *distribution)
{
	struct stratum strata[TENTHS];

	for (size_t tenth = 0; tenth < TENTHS; tenth++)
		strata[tenth] = stratum_of(s, tag, tenth, draws);
	/* As JSON has it, so that what rounds either gets the same digits. */
	tag->expected =
		neighbours_round_similarity(strata_mean(strata, TENTHS));
	count_distribution_make(distribution, strata, TENTHS, negligible);
	tag->chance = count_distribution_upper(distribution, tag->members);
}

/* ----------------------------------------------------------------- listing */

static int by_chance(const void *a, const void *b, void *context)
{
	const struct summary *s = context;
	double x = s->tag_facts[*(const size_t *)a].chance;
	double y = s->tag_facts[*(const size_t *)b].chance;

	return (x > y) - (x < y);
}

static int compare_tags(const struct summary *s, size_t a, size_t b)
{
	return string_table_compare(
		summary_tag_name(s, a), string_table_length(&s->tags, a),
		summary_tag_name(s, b), string_table_length(&s->tags, b));
}

/* Falling ratio to the expected, falling members, ascending bytes. */
static int by_ratio(const void *a, const void *b, void *context)
{
	const struct summary *s = context;
	size_t i = *(const size_t *)a, j = *(const size_t *)b;
	const struct summary_tag *x = &s->tag_facts[i], *y = &s->tag_facts[j];
	double one = (double)x->members * y->expected;
	double other = (double)y->members * x->expected;

	if (one != other)
		return one > other ? -1 : 1;
	if (x->members != y->members)
		return x->members > y->members ? -1 : 1;
	return compare_tags(s, i, j);
}

/* Benjamini and Hochberg: of the tags by rising chance, up to the last whose
 * chance is at most rate * rank / how many. */
static void list_tags(struct summary *s)
{
	size_t *order = alloc(s->tags.count, sizeof *order), last = 0;

	s->compared = 0;
	for (size_t i = 0; i < s->tags.count; i++)
		if (s->tag_facts[i].members >= ENRICHMENT_MIN_MEMBERS)
			order[s->compared++] = i;
	qsort_r(order, s->compared, sizeof *order, by_chance, s);
	for (size_t i = 0; i < s->compared; i++)
		if (s->tag_facts[order[i]].chance <=
		    discovery_rate * (double)(i + 1) / (double)s->compared)
			last = i + 1;
	qsort_r(order, last, sizeof *order, by_ratio, s);
	for (size_t i = 0; i < last; i++)
		s->tag_facts[order[i]].listed = true;
	s->listed = order;
	s->listed_count = last;
}

/* ------------------------------------------------------------------ checks */

static const char *check_tags(const struct summary *s, const size_t *draws)
{
	for (size_t i = 0; i < s->tags.count; i++) {
		const struct summary_tag *tag = &s->tag_facts[i];
		if (tag->last_profile == 0)
			continue;
		if (!tag->counted)
			return error_text("no #tag line for tag %s",
					  summary_tag_name(s, i));
		for (size_t t = 0; t < TENTHS; t++) {
			struct stratum stratum = stratum_of(s, tag, t, draws);
			if (stratum.holders < tag->drawn[t] ||
			    stratum.holders > stratum.customers ||
			    stratum.customers < (int64_t)stratum.draws)
				return error_text(
					"tag %s: its counts, those of "
					"#model and the profiles do "
					"not go together",
					summary_tag_name(s, i));
		}
	}
	return NULL;
}

/* Give each member its profile: that of the query, or the next. */
static const char *join(struct summary *s)
{
	size_t next = 1;

	s->group = 0;
	for (size_t i = 0; i < s->neighbour_count; i++) {
		struct summary_neighbour *member = &s->neighbours[i];

		member->is_query = strcmp(member->name, s->query) == 0;
		member->profile = &s->profiles[member->is_query ? 0 : next];
		if (member->is_query)
			continue;
		if (next >= s->profile_count ||
		    strcmp(member->profile->name, member->name) != 0)
			return error_text("no #profile line for customer %s in "
					  "its place",
					  member->name);
		next++;
	}
	s->group = next - 1;
	if (next < s->profile_count)
		return error_text("a #profile line for customer %s, who is no "
				  "neighbour",
				  s->profiles[next].name);
	return NULL;
}

const char *enrichment_test(struct summary *summary)
{
	struct count_distribution distribution = {0};
	size_t draws[TENTHS];
	const char *error;

	if (summary->metadata.id == NULL || summary->profile_count == 0)
		return "no lines that begin with #: cs-knn writes them with "
		       "--profiles, and for -u into a pipe";
	if (strcmp(summary->profiles[0].name, summary->query) != 0)
		return error_text("the first #profile line is of customer %s",
				  summary->profiles[0].name);
	error = join(summary);
	if (error != NULL)
		return error;
	count_draws(summary, draws);
	count_holders(summary);
	error = check_tags(summary, draws);
	if (error != NULL)
		return error;
	for (size_t i = 0; i < summary->tags.count; i++)
		if (summary->tag_facts[i].members >= ENRICHMENT_MIN_MEMBERS)
			test_tag(summary, &summary->tag_facts[i], draws,
				 &distribution);
	count_distribution_free(&distribution);
	list_tags(summary);
	return NULL;
}
