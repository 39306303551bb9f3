#include "evaluate/held_out_tags.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "evaluate/scan_ranks.h"
#include "explain/enrichment.h"

struct held_out_job {
	const struct half_pair *pair;
	const struct population *population;
	uint32_t *holders; /* m x TENTHS: customers who have the column in B */
	double *found, *expected; /* of each query */
	double *hold, *listed;    /* tags that hold, and all, of each query */
	struct held_out_tags *tags;
};

/* Whether customer i has the column in half B; by bisection. */
static bool has_tag(const struct half_pair *pair, size_t i, int32_t column)
{
	const struct csr_matrix *b = &pair->held.matrix;
	int64_t low = b->indptr[pair->row_b[i]];
	int64_t high = b->indptr[pair->row_b[i] + 1];

	while (low < high) {
		int64_t middle = low + (high - low) / 2;
		if (b->indices[middle] == column)
			return b->raw[middle] > 0;
		if (b->indices[middle] < column)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static void count_holders(struct held_out_job *job)
{
	const struct csr_matrix *b = &job->pair->held.matrix;
	const struct population *population = job->population;

	job->holders = alloc(alloc_product(b->m, TENTHS), sizeof *job->holders);
	for (size_t i = 0; i < population->n; i++) {
		size_t row = job->pair->row_b[i];
		for (int64_t j = b->indptr[row]; j < b->indptr[row + 1]; j++)
			job->holders[(size_t)b->indices[j] * TENTHS +
				     population->tenth[i]] += b->raw[j] > 0;
	}
}

/* Add the profile of half A of customer i; columns are named by number. */
static const char *add_profile(struct held_out_job *job,
			       struct summary *summary, size_t i)
{
	const struct csr_matrix *a = &job->pair->model.matrix;
	size_t row = job->pair->row_a[i];
	size_t count = (size_t)(a->indptr[row + 1] - a->indptr[row]);
	char name[NUMBER_TEXT];
	const char *error = NULL;

	number_whole(name, i);
	summary_add_profile(summary, alloc_text(name, strlen(name)),
			    a->tenth[row]);
	size_t last = summary->profile_count - 1;
	summary->profiles[last].values =
		alloc(count, sizeof *summary->profiles[last].values);
	summary->profiles[last].room = count;
	for (size_t at = 0; at < count && error == NULL; at++) {
		size_t place = (size_t)a->indptr[row] + at;
		size_t column = (size_t)a->indices[place];
		size_t length = number_whole(name, column);
		size_t tag = summary_add_tag(summary, name, length);
		struct summary_tag *facts = &summary->tag_facts[tag];
		summary->profiles[last].values[at] =
			(struct profile_value){tag, (double)a->raw[place]};
		facts->last_profile = summary->profile_count;
		if (!facts->counted)
			error = neighbours_profiles_count_tag(a, column,
							      &facts->counts);
		facts->counted = true;
	}
	summary->profiles[last].count = count;
	return error;
}

/* Find the tags that a summary of the query lists, in half A. */
static const char *list_tags(struct held_out_job *job, size_t query,
			     const uint32_t *nearest, struct summary *summary)
{
	const struct population *population = job->population;
	const struct csr_matrix *a = &job->pair->model.matrix;
	size_t u = population->queries[query];
	char name[NUMBER_TEXT];
	const char *error;

	*summary = (struct summary){0};
	memcpy(summary->metadata.tenths, a->tenth_size,
	       sizeof summary->metadata.tenths);
	/* A summary without an id is one without counts. */
	summary->metadata.id = alloc_text("half A", strlen("half A"));
	number_whole(name, u);
	summary->query = alloc_text(name, strlen(name));
	error = add_profile(job, summary, u);
	for (size_t i = 0; error == NULL && i < SCAN_NEAREST; i++) {
		if (nearest[i] == UINT32_MAX)
			break;
		number_whole(name, nearest[i]);
		summary_add_neighbour(summary, alloc_text(name, strlen(name)),
				      0);
		error = add_profile(job, summary, nearest[i]);
	}
	return error != NULL ? error : enrichment_test(summary);
}

/* The share of the customers of v's tenth, u left out, who have the column. */
static double share(const struct held_out_job *job, size_t u, size_t v,
		    size_t column)
{
	const struct population *population = job->population;
	size_t tenth = population->tenth[v];
	bool own = population->tenth[u] == tenth;
	double holders = job->holders[column * TENTHS + tenth];
	double size = (double)population->tenth_size[tenth];

	if (own)
		holders -= has_tag(job->pair, u, (int32_t)column);
	return holders / (own ? size - 1 : size);
}

static const char *measure_query(struct held_out_job *job, size_t query,
				 const uint32_t *nearest)
{
	struct summary summary;
	size_t u = job->population->queries[query];
	const char *error = list_tags(job, query, nearest, &summary);

	for (size_t i = 0; error == NULL && i < summary.listed_count; i++) {
		size_t column =
			strtoull(summary_tag_name(&summary, summary.listed[i]),
				 NULL, 10);
		double found = 0, expected = 0;
		for (size_t j = 0; j < SCAN_NEAREST; j++) {
			if (nearest[j] == UINT32_MAX)
				break;
			found +=
				has_tag(job->pair, nearest[j], (int32_t)column);
			expected += share(job, u, nearest[j], column);
		}
		job->found[query] += found;
		job->expected[query] += expected;
		job->hold[query] += found > expected;
		job->listed[query]++;
	}
	if (error == NULL) {
		job->tags->queries += summary.listed_count > 0;
		job->tags->listed += summary.listed_count;
	}
	summary_free(&summary);
	return error;
}

static double times(const void *context, const double *sums,
		    const double *medians)
{
	(void)context;
	(void)medians;
	return sums[1] > 0 ? sums[0] / sums[1] : 0;
}

static double hold(const void *context, const double *sums,
		   const double *medians)
{
	(void)context;
	(void)medians;
	return sums[3] > 0 ? sums[2] / sums[3] : 0;
}

const char *held_out_tags_measure(struct held_out_tags *tags,
				  const struct half_pair *pair,
				  const struct population *population,
				  const uint32_t *nearest, size_t rounds,
				  uint64_t seed, unsigned threads)
{
	size_t queries = population->query_count;
	struct held_out_job job = {
		.pair = pair, .population = population, .tags = tags};
	struct bootstrap bootstrap = {.columns = 4,
				      .customers = queries,
				      .rounds = rounds,
				      .seed = seed,
				      .threads = threads};
	const char *error = NULL;

	*tags = (struct held_out_tags){0};
	count_holders(&job);
	job.found = alloc(4 * queries, sizeof *job.found);
	job.expected = job.found + queries;
	job.hold = job.expected + queries;
	job.listed = job.hold + queries;
	for (size_t q = 0; error == NULL && q < queries; q++)
		error = measure_query(&job, q, nearest + q * SCAN_NEAREST);
	if (error == NULL) {
		bootstrap.values = job.found;
		bootstrap_run(&bootstrap);
		tags->times = bootstrap_interval(&bootstrap, times, NULL);
		tags->hold = bootstrap_interval(&bootstrap, hold, NULL);
		bootstrap_free(&bootstrap);
	}
	free(job.holders);
	free(job.found);
	return error;
}
