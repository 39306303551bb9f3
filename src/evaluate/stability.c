#include "evaluate/stability.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "text/json_writer.h"
#include "text/tsv.h"

static void find_nearest(const struct half_pair *pair,
			 const struct population *population,
			 struct scan_method method, unsigned threads,
			 uint32_t *nearest)
{
	struct similarity_scan scan;

	method.positive = true;
	similarity_scan_begin(&scan, pair, population, &method, 1, NULL,
			      threads);
	scan_nearest(&scan, &method, 1, nearest);
	similarity_scan_end(&scan);
}

static unsigned count_found(const uint32_t *nearest)
{
	unsigned found = 0;

	while (found < SCAN_NEAREST && nearest[found] != UINT32_MAX)
		found++;
	return found;
}

static unsigned count_kept(const uint32_t *old, const uint32_t *new)
{
	unsigned kept = 0;

	for (size_t i = 0; i < SCAN_NEAREST; i++)
		for (size_t j = 0; j < SCAN_NEAREST; j++)
			kept += old[i] == new[j] && old[i] != UINT32_MAX;
	return kept;
}

/* Keep the STABILITY_MOVED customers who lost most; they come by name. */
static void add_moved(struct stability *stability, uint32_t customer,
		      unsigned kept, unsigned lost)
{
	size_t at = stability->moved_count;

	while (at > 0 && stability->moved_lost[at - 1] < lost)
		at--;
	if (at == STABILITY_MOVED)
		return;
	if (stability->moved_count < STABILITY_MOVED)
		stability->moved_count++;
	for (size_t i = stability->moved_count - 1; i > at; i--) {
		stability->moved[i] = stability->moved[i - 1];
		stability->moved_kept[i] = stability->moved_kept[i - 1];
		stability->moved_lost[i] = stability->moved_lost[i - 1];
	}
	stability->moved[at] = customer;
	stability->moved_kept[at] = kept;
	stability->moved_lost[at] = lost;
}

void stability_find(struct stability *stability, const struct half_pair *old,
		    const struct half_pair *new,
		    const struct population *population,
		    const struct scan_method *old_method,
		    const struct scan_method *new_method, unsigned threads)
{
	size_t queries = population->query_count, all = 0, had = 0;
	uint32_t *before = alloc(queries * SCAN_NEAREST, sizeof *before);
	uint32_t *after = alloc(queries * SCAN_NEAREST, sizeof *after);

	*stability = (struct stability){0};
	find_nearest(old, population, *old_method, threads, before);
	find_nearest(new, population, *new_method, threads, after);
	for (size_t q = 0; q < queries; q++) {
		unsigned kept = count_kept(before + q * SCAN_NEAREST,
					   after + q * SCAN_NEAREST);
		unsigned found = count_found(before + q * SCAN_NEAREST);
		stability->kept[kept]++;
		stability->lost[found - kept]++;
		all += kept;
		had += found;
		add_moved(stability, population->queries[q], kept,
			  found - kept);
	}
	stability->mean_old = (double)had / (double)queries;
	stability->mean = (double)all / (double)queries;
	free(before);
	free(after);
}

/* The name of a customer, as its length and its text. */
static const char *name_of(const struct half_pair *pair, uint32_t customer,
			   size_t *length)
{
	return text_array_at(&pair->model.matrix.users, pair->row_a[customer],
			     length);
}

static void write_text(struct output *output, const struct stability *stability,
		       const struct half_pair *old,
		       const struct population *population)
{
	char n[4][NUMBER_TEXT];
	size_t length;

	output_print(output,
		     "%s customers in both (%s in the old model alone, %s in "
		     "the new), %s asked about\n"
		     "kept of %.4g neighbours among these: %.2f on average\n\n"
		     "  neighbours  customers who kept so many  who lost so "
		     "many\n",
		     number_commas(n[0], population->n),
		     number_commas(n[1], population->only_a),
		     number_commas(n[2], population->only_b),
		     number_commas(n[3], population->query_count),
		     stability->mean_old, stability->mean);
	for (size_t i = 0; i <= SCAN_NEAREST; i++)
		output_print(output, "  %10zu  %26s  %16s\n", i,
			     number_commas(n[0], stability->kept[i]),
			     number_commas(n[1], stability->lost[i]));
	output_text(output, "\nthose who lost most: lost, kept, customer\n");
	for (size_t i = 0; i < stability->moved_count; i++) {
		const char *name = name_of(old, stability->moved[i], &length);
		output_print(output, "  %4u  %4u  ", stability->moved_lost[i],
			     stability->moved_kept[i]);
		tsv_write_field(output, name, length);
		output_text(output, "\n");
	}
}

static void write_tsv(struct output *output, const struct stability *stability,
		      const struct half_pair *old,
		      const struct population *population)
{
	size_t length;

	output_print(output,
		     "what\tkey\tvalue\ncustomers\t\t%zu\nqueries\t\t%zu\n"
		     "mean_neighbours\t\t%.9g\nmean_kept\t\t%.9g\n",
		     population->n, population->query_count,
		     stability->mean_old, stability->mean);
	for (size_t i = 0; i <= SCAN_NEAREST; i++)
		output_print(output, "customers_who_kept\t%zu\t%zu\n", i,
			     stability->kept[i]);
	for (size_t i = 0; i <= SCAN_NEAREST; i++)
		output_print(output, "customers_who_lost\t%zu\t%zu\n", i,
			     stability->lost[i]);
	for (size_t i = 0; i < stability->moved_count; i++) {
		const char *name = name_of(old, stability->moved[i], &length);
		output_text(output, "lost_most\t");
		tsv_write_field(output, name, length);
		output_print(output, "\t%u\n", stability->moved_lost[i]);
	}
}

static void put_json_counts(struct json_writer *json, const char *key,
			    const size_t counts[SCAN_NEAREST + 1])
{
	json_put_array(json, key);
	for (size_t i = 0; i <= SCAN_NEAREST; i++)
		json_put_count(json, NULL, counts[i]);
	json_put_end(json);
}

static void write_json(struct output *output, const struct stability *stability,
		       const struct half_pair *old,
		       const struct population *population)
{
	struct json_writer json;
	size_t length;

	json_writer_init(&json, output, JSON_STYLE_INDENTED);
	json_put_object(&json, NULL);
	json_put_count(&json, "customers", population->n);
	json_put_count(&json, "only_in_old", population->only_a);
	json_put_count(&json, "only_in_new", population->only_b);
	json_put_count(&json, "queries", population->query_count);
	json_put_count(&json, "neighbours", SCAN_NEAREST);
	json_put_real(&json, "mean_neighbours", stability->mean_old, 9);
	json_put_real(&json, "mean_kept", stability->mean, 9);
	put_json_counts(&json, "customers_by_kept", stability->kept);
	put_json_counts(&json, "customers_by_lost", stability->lost);
	json_put_array(&json, "lost_most");
	for (size_t i = 0; i < stability->moved_count; i++) {
		const char *name = name_of(old, stability->moved[i], &length);
		json_put_object(&json, NULL);
		json_put_string(&json, "customer", name, length);
		json_put_count(&json, "kept", stability->moved_kept[i]);
		json_put_count(&json, "lost", stability->moved_lost[i]);
		json_put_end(&json);
	}
	json_put_end(&json);
	json_put_end(&json);
	output_text(output, "\n");
}

void stability_write(struct output *output, const struct stability *stability,
		     const struct half_pair *old,
		     const struct population *population,
		     enum evaluation_format format)
{
	switch (format) {
	case FORMAT_TEXT:
		write_text(output, stability, old, population);
		break;
	case FORMAT_TSV:
		write_tsv(output, stability, old, population);
		break;
	case FORMAT_JSON:
		write_json(output, stability, old, population);
		break;
	}
}
