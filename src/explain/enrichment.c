#include "explain/enrichment.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"

static const double discovery_rate = 0.05;

/* Terms of a distribution that are less than this of its largest are left out:
 * far below what any tail is compared with, and it keeps large groups fast. */
static const double negligible = 1e-40;

/* ---------------------------------------------------------------- counting */

/* Members of each tenth. */
static void count_draws(const struct summary *s, size_t draws[TENTHS])
{
	memset(draws, 0, TENTHS * sizeof *draws);
	for (size_t i = 0; i < s->member_count; i++)
		draws[s->members[i].profile->tenth] += !s->members[i].self;
}

/* Who has what: a customer has a tag when its value is above zero. */
static void count_holders(struct summary *s)
{
	const struct profile *query = &s->profiles[0];

	for (size_t i = 0; i < query->count; i++)
		if (query->holdings[i].value > 0)
			s->facts[query->holdings[i].tag].has = true;
	for (size_t i = 0; i < s->member_count; i++) {
		const struct profile *member = s->members[i].profile;

		for (size_t j = 0; !s->members[i].self && j < member->count;
		     j++) {
			struct tag *tag = &s->facts[member->holdings[j].tag];

			if (member->holdings[j].value <= 0)
				continue;
			tag->members++;
			tag->drawn[member->tenth]++;
		}
	}
}

/* A tenth without the query: how many customers, how many have the tag. */
struct stratum {
	int64_t customers, holders;
	size_t draws;
};

static struct stratum stratum_of(const struct summary *s, const struct tag *tag,
				 size_t tenth, const size_t *draws)
{
	bool own = s->profiles[0].tenth == tenth;

	return (struct stratum){.customers = s->origin.tenths[tenth] - own,
				.holders =
					tag->tenths[tenth] - (own && tag->has),
				.draws = draws[tenth]};
}

/* p[0 .. draws]: how likely that many of the draws have the tag.  Ratios of
 * neighbouring terms from the likeliest outwards, so that nothing overflows
 * and no library function rounds differently elsewhere. */
static void hypergeometric(double *p, const struct stratum *stratum)
{
	double customers = (double)stratum->customers;
	double holders = (double)stratum->holders;
	double draws = (double)stratum->draws;
	double least = draws - (customers - holders), sum = 0;
	double most = draws < holders ? draws : holders;
	double mode = (double)(int64_t)((draws + 1) * (holders + 1) /
					(customers + 2));

	memset(p, 0, (stratum->draws + 1) * sizeof *p);
	if (least < 0)
		least = 0;
	if (mode < least)
		mode = least;
	if (mode > most)
		mode = most;
	p[(size_t)mode] = 1;
	for (double x = mode; x < most && p[(size_t)x] > negligible; x++)
		p[(size_t)x + 1] =
			p[(size_t)x] * (holders - x) * (draws - x) /
			((x + 1) * (customers - holders - draws + x + 1));
	for (double x = mode; x > least && p[(size_t)x] > negligible; x--)
		p[(size_t)x - 1] = p[(size_t)x] * x *
				   (customers - holders - draws + x) /
				   ((holders - x + 1) * (draws - x + 1));
	for (size_t x = 0; x <= stratum->draws; x++)
		sum += p[x];
	for (size_t x = 0; x <= stratum->draws; x++)
		p[x] /= sum;
}

/* P(at least tag->members of the drawn have the tag), and how many are
 * expected to. */
static void judge(const struct summary *s, struct tag *tag, const size_t *draws)
{
	double *sum = alloc(s->group + 1, sizeof *sum);
	double *next = alloc(s->group + 1, sizeof *next);
	double *part = alloc(s->group + 1, sizeof *part);
	size_t so_far = 0;

	sum[0] = 1;
	tag->expected = 0;
	for (size_t tenth = 0; tenth < TENTHS; tenth++) {
		struct stratum stratum = stratum_of(s, tag, tenth, draws);
		if (stratum.draws == 0)
			continue;
		tag->expected += (double)stratum.draws *
				 (double)stratum.holders /
				 (double)stratum.customers;
		hypergeometric(part, &stratum);
		memset(next, 0, (s->group + 1) * sizeof *next);
		for (size_t x = 0; x <= so_far; x++)
			for (size_t y = 0;
			     sum[x] > negligible && y <= stratum.draws; y++)
				next[x + y] += sum[x] * part[y];
		so_far += stratum.draws;
		memcpy(sum, next, (s->group + 1) * sizeof *sum);
	}
	tag->chance = 0;
	/* From the small end, so that little is lost. */
	for (size_t x = so_far + 1; x-- > tag->members;)
		tag->chance += sum[x];
	free(sum);
	free(next);
	free(part);
}

/* ----------------------------------------------------------------- listing */

static int by_chance(const void *a, const void *b, void *context)
{
	const struct summary *s = context;
	double x = s->facts[*(const size_t *)a].chance;
	double y = s->facts[*(const size_t *)b].chance;

	return (x > y) - (x < y);
}

static int compare_tags(const struct summary *s, size_t a, size_t b)
{
	return string_table_compare(string_table_text(&s->tags, a),
				    string_table_length(&s->tags, a),
				    string_table_text(&s->tags, b),
				    string_table_length(&s->tags, b));
}

/* Falling ratio to the expected, falling members, ascending bytes. */
static int by_ratio(const void *a, const void *b, void *context)
{
	const struct summary *s = context;
	size_t i = *(const size_t *)a, j = *(const size_t *)b;
	const struct tag *x = &s->facts[i], *y = &s->facts[j];
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
		if (s->facts[i].members >= ENRICHMENT_MIN_MEMBERS)
			order[s->compared++] = i;
	qsort_r(order, s->compared, sizeof *order, by_chance, s);
	for (size_t i = 0; i < s->compared; i++)
		if (s->facts[order[i]].chance <=
		    discovery_rate * (double)(i + 1) / (double)s->compared)
			last = i + 1;
	qsort_r(order, last, sizeof *order, by_ratio, s);
	for (size_t i = 0; i < last; i++)
		s->facts[order[i]].listed = true;
	s->listed = order;
	s->listed_count = last;
}

/* ------------------------------------------------------------------- check */

static const char *check_tags(const struct summary *s, const size_t *draws)
{
	for (size_t i = 0; i < s->tags.count; i++) {
		const struct tag *tag = &s->facts[i];
		if (!tag->known)
			return error_text("no #tag line for tag %s",
					  string_table_text(&s->tags, i));
		for (size_t t = 0; t < TENTHS; t++) {
			struct stratum stratum = stratum_of(s, tag, t, draws);
			if (stratum.holders < tag->drawn[t] ||
			    stratum.holders > stratum.customers ||
			    stratum.customers < (int64_t)stratum.draws)
				return error_text(
					"tag %s: its counts, those of "
					"#model and the profiles do "
					"not go together",
					string_table_text(&s->tags, i));
		}
	}
	return NULL;
}

/* Give each member its profile: that of the query, or the next. */
static const char *join(struct summary *s)
{
	size_t next = 1;

	s->group = 0;
	for (size_t i = 0; i < s->member_count; i++) {
		struct member *member = &s->members[i];

		member->self = strcmp(member->name, s->query) == 0;
		member->profile = &s->profiles[member->self ? 0 : next];
		if (member->self)
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

const char *summary_work(struct summary *summary)
{
	size_t draws[TENTHS];
	const char *error;

	if (summary->origin.id == NULL || summary->profile_count == 0)
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
		if (summary->facts[i].members >= ENRICHMENT_MIN_MEMBERS)
			judge(summary, &summary->facts[i], draws);
	list_tags(summary);
	return NULL;
}

/* ------------------------------------------------------------------ asking */

bool summary_holds(const struct profile *profile, size_t tag)
{
	for (size_t i = 0; i < profile->count; i++)
		if (profile->holdings[i].tag == tag)
			return profile->holdings[i].value > 0;
	return false;
}

size_t summary_held(const struct profile *profile)
{
	size_t count = 0;

	for (size_t i = 0; i < profile->count; i++)
		count += profile->holdings[i].value > 0;
	return count;
}

double summary_total(const struct profile *profile)
{
	double sum = 0;

	for (size_t i = 0; i < profile->count; i++)
		sum += profile->holdings[i].value;
	return sum;
}

bool summary_adds(const struct summary *summary)
{
	return strcmp(summary->origin.kind, "sum") == 0 ||
	       strcmp(summary->origin.kind, "events") == 0;
}

double summary_times(const struct tag *tag)
{
	return (double)tag->members / tag->expected;
}

char *summary_value(char text[NUMBER_TEXT], double value)
{
	size_t length;

	if (fabs(value) >= 1e15) {
		number_write(text, value, 9);
		return text;
	}
	length = (size_t)snprintf(text, NUMBER_TEXT, "%.2f", value);
	if (text[strspn(text, "-0.")] == '\0') {
		number_write(text, value != 0 ? value : 0, 3);
		return text;
	}
	while (text[length - 1] == '0')
		length--;
	if (text[length - 1] == '.')
		length--;
	text[length] = '\0';
	return text;
}

static void free_origin(struct model_metadata *origin)
{
	free(origin->id);
	free(origin->metric);
	free(origin->customer);
	free(origin->tag);
	free(origin->value);
	free(origin->kind);
	free(origin->min_similarity);
	free(origin->among);
}

void summary_free(struct summary *summary)
{
	free_origin(&summary->origin);
	for (size_t i = 0; i < summary->member_count; i++) {
		struct member *member = &summary->members[i];
		for (size_t j = 0; j < member->count; j++) {
			free(member->items[j].tag);
			free(member->items[j].text);
		}
		free(member->items);
		free(member->name);
		free(member->similarity);
		free(member->other);
	}
	for (size_t i = 0; i < summary->profile_count; i++) {
		free(summary->profiles[i].name);
		free(summary->profiles[i].holdings);
	}
	free(summary->query);
	free(summary->members);
	free(summary->profiles);
	free(summary->facts);
	free(summary->listed);
	string_table_free(&summary->tags);
	*summary = (struct summary){0};
}
