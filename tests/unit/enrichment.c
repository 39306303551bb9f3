/* enrichment against its definition written out plainly: expected counts, the
 * tail of the sum of hypergeometric counts, and which tags are listed. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/random.h"
#include "explain/enrichment.h"

enum { TENTH = 40, CUSTOMERS = TENTHS * TENTH };
enum { TAGS = 30, MEMBERS = 12, ROUNDS = 40 };

static uint64_t counter;
static bool failed;
/* choose[n][k]: below 2^53, so exact. */
static double choose[TENTH + 1][TENTH + 1];
static bool has[CUSTOMERS][TAGS];

static void fail(const char *what, size_t tag, double found, double expected)
{
	printf("tag %zu: %s %.17g, expected %.17g\n", tag, what, found,
	       expected);
	failed = true;
}

static void fill_choose(void)
{
	for (int n = 0; n <= TENTH; n++) {
		choose[n][0] = 1;
		for (int k = 1; k <= n; k++)
			choose[n][k] = choose[n - 1][k - 1] +
				       (k < n ? choose[n - 1][k] : 0);
	}
}

/* Customer i is of tenth i / TENTH; the more active have more tags, and the
 * first tags are favoured by the first customers of each tenth. */
static void fill_customers(void)
{
	for (size_t i = 0; i < CUSTOMERS; i++)
		for (size_t j = 0; j < TAGS; j++) {
			double share = 0.05 + 0.06 * (double)(i / TENTH);

			if (j < 5 && i % TENTH < 8)
				share += 0.5;
			has[i][j] = random_uniform(3, counter++) < share;
		}
}

static struct summary_profile make_profile(size_t customer)
{
	char name[24];
	struct summary_profile profile = {.tenth =
						  (unsigned)(customer / TENTH)};

	snprintf(name, sizeof name, "%zu", customer);
	profile.name = alloc_text(name, strlen(name));
	profile.values = alloc(TAGS, sizeof *profile.values);
	/* What it has not, it has with a value of zero or less. */
	for (size_t j = 0; j < TAGS; j++) {
		double value = has[customer][j] ? 2 : j % 2 ? 0 : -1;

		profile.values[profile.count++] =
			(struct profile_value){.tag = j, .value = value};
	}
	return profile;
}

static void make_summary(struct summary *s, const size_t *group)
{
	*s = (struct summary){0};
	s->metadata.id = alloc_text("", 0);
	s->metadata.kind = alloc_text("sum", 3);
	for (size_t t = 0; t < TENTHS; t++)
		s->metadata.tenths[t] = TENTH;
	s->profiles = alloc(MEMBERS + 1, sizeof *s->profiles);
	s->neighbours = alloc(MEMBERS, sizeof *s->neighbours);
	for (size_t i = 0; i <= MEMBERS; i++)
		s->profiles[s->profile_count++] = make_profile(group[i]);
	s->query = alloc_text(s->profiles[0].name, strlen(s->profiles[0].name));
	for (size_t i = 0; i < MEMBERS; i++) {
		const char *name = s->profiles[i + 1].name;

		s->neighbours[s->neighbour_count++] =
			(struct summary_neighbour){
				.name = alloc_text(name, strlen(name)),
				.rank = i + 1};
	}
	s->tag_facts = alloc(TAGS, sizeof *s->tag_facts);
	for (size_t j = 0; j < TAGS; j++) {
		char name[24];

		snprintf(name, sizeof name, "tag %zu", j);
		string_table_add(&s->tags, name, strlen(name));
		s->tag_facts[j].last_profile = 1;
		s->tag_facts[j].counted = true;
		for (size_t i = 0; i < CUSTOMERS; i++) {
			s->tag_facts[j].counts.customers += has[i][j];
			s->tag_facts[j].counts.tenths[i / TENTH] += has[i][j];
		}
	}
}

/* P(at least that many), by going through all ways in which the members of the
 * tenths from this one on can have the tag. */
static double tail(const size_t *customers, const size_t *holders,
		   const size_t *draws, size_t tenth, long members)
{
	double sum = 0;

	if (tenth == TENTHS)
		return members <= 0;
	for (size_t x = 0; x <= draws[tenth]; x++) {
		size_t others = customers[tenth] - holders[tenth];

		if (x > holders[tenth] || draws[tenth] - x > others)
			continue;
		sum += choose[holders[tenth]][x] *
		       choose[others][draws[tenth] - x] /
		       choose[customers[tenth]][draws[tenth]] *
		       tail(customers, holders, draws, tenth + 1,
			    members - (long)x);
	}
	return sum;
}

static void check_tag(const struct summary *s, const size_t *group, size_t tag)
{
	size_t customers[TENTHS] = {0}, holders[TENTHS] = {0};
	size_t draws[TENTHS] = {0}, members = 0;
	double expected = 0;

	for (size_t i = 0; i < CUSTOMERS; i++) {
		customers[i / TENTH] += i != group[0];
		holders[i / TENTH] += i != group[0] && has[i][tag];
	}
	for (size_t i = 1; i <= MEMBERS; i++) {
		size_t t = group[i] / TENTH;

		draws[t]++;
		members += has[group[i]][tag];
		expected += (double)holders[t] / (double)customers[t];
	}
	if (s->tag_facts[tag].members != members)
		fail("members", tag, (double)s->tag_facts[tag].members,
		     (double)members);
	if (members < ENRICHMENT_MIN_MEMBERS)
		return;
	/* It is rounded to nine digits. */
	if (fabs(s->tag_facts[tag].expected - expected) > 5e-9 * expected)
		fail("expected", tag, s->tag_facts[tag].expected, expected);
	double chance = tail(customers, holders, draws, 0, (long)members);
	if (fabs(s->tag_facts[tag].chance - chance) > 1e-12 * chance)
		fail("chance", tag, s->tag_facts[tag].chance, chance);
}

/* Listed are the tags with a chance of at most some bound that is at most 5 %
 * of the share of compared tags within it. */
static void check_listed(const struct summary *s)
{
	double bound = -1;
	size_t compared = 0, listed = 0;

	for (size_t j = 0; j < TAGS; j++)
		compared += s->tag_facts[j].members >= ENRICHMENT_MIN_MEMBERS;
	for (size_t j = 0; j < TAGS; j++) {
		size_t within = 0;

		if (s->tag_facts[j].members < ENRICHMENT_MIN_MEMBERS)
			continue;
		for (size_t i = 0; i < TAGS; i++)
			within += s->tag_facts[i].members >=
					  ENRICHMENT_MIN_MEMBERS &&
				  s->tag_facts[i].chance <=
					  s->tag_facts[j].chance;
		if (s->tag_facts[j].chance * (double)compared <=
			    0.05 * (double)within &&
		    s->tag_facts[j].chance > bound)
			bound = s->tag_facts[j].chance;
	}
	for (size_t j = 0; j < TAGS; j++) {
		bool expected =
			s->tag_facts[j].members >= ENRICHMENT_MIN_MEMBERS &&
			s->tag_facts[j].chance <= bound;

		listed += expected;
		if (s->tag_facts[j].listed != expected)
			fail("listed", j, s->tag_facts[j].listed, expected);
	}
	if (s->compared != compared || s->listed_count != listed)
		fail("compared and listed", 0, (double)s->compared,
		     (double)compared);
}

/* Falling ratio; returns how many are listed. */
static size_t check_order(const struct summary *s)
{
	for (size_t i = 1; i < s->listed_count; i++) {
		const struct summary_tag *a = &s->tag_facts[s->listed[i - 1]];
		const struct summary_tag *b = &s->tag_facts[s->listed[i]];

		if ((double)a->members / a->expected <
		    (double)b->members / b->expected * (1 - 1e-15))
			fail("order", i, (double)a->members / a->expected,
			     (double)b->members / b->expected);
	}
	return s->listed_count;
}

/* A query and members, all different; every other round members that favour
 * the same tags. */
static void pick(size_t *group, unsigned round)
{
	for (size_t i = 0; i <= MEMBERS; i++) {
		bool again = true;

		while (again) {
			size_t among = round % 2 ? 8 : TENTH;
			size_t t =
				(size_t)(random_uniform(5, counter++) * TENTHS);

			group[i] = t * TENTH +
				   (size_t)(random_uniform(5, counter++) *
					    (double)among);
			again = false;
			for (size_t j = 0; j < i; j++)
				again = again || group[j] == group[i];
		}
	}
}

int main(void)
{
	size_t listed = 0;

	fill_choose();
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct summary s;
		size_t group[MEMBERS + 1];

		fill_customers();
		pick(group, round);
		make_summary(&s, group);
		const char *error = enrichment_test(&s);
		if (error != NULL) {
			printf("%s\n", error);
			return 1;
		}
		for (size_t j = 0; j < TAGS; j++)
			check_tag(&s, group, j);
		check_listed(&s);
		listed += check_order(&s);
		summary_free(&s);
	}
	/* Otherwise the rounds have shown nothing. */
	if (listed < ROUNDS / 2) {
		printf("%zu tags listed in %d rounds\n", listed, ROUNDS);
		failed = true;
	}
	return failed;
}
