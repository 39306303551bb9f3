#include "serve/group_tags.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/bitset.h"
#include "explain/contrast.h"
#include "explain/enrichment.h"
#include "explain/neighbours_tsv.h"
#include "serve/tag_facts.h"

static void put_tag(struct json_writer *writer, const struct csr_matrix *matrix,
		    const struct display_names *labels,
		    const struct contrast_tag *tag)
{
	int digits = NEIGHBOURS_SIMILARITY_DIGITS;

	json_put_object(writer, NULL);
	tag_facts_put_name(writer, matrix, labels, tag->tag);
	json_put_count(writer, "members", tag->members);
	json_put_real(writer, "expected", tag->expected, digits);
	json_put_real(writer, "times", tag->times, digits);
	json_put_real(writer, "low", tag->low, digits);
	json_put_real(writer, "high", tag->high, digits);
	json_put_end(writer);
}

/* Compare the rows in bits, which are group 0, with all others. */
static void compare(const struct csr_matrix *matrix, const uint64_t *bits,
		    size_t without, struct contrast_group *result)
{
	uint32_t *group = alloc(matrix->n, sizeof *group);
	bool *skipped = alloc(matrix->m, sizeof *skipped);
	const struct contrast_options options = {
		.min_group = 1,
		.min_members = ENRICHMENT_MIN_MEMBERS,
		.rate = CONTRAST_RATE,
		.skipped = skipped,
		.threads = 1,
	};

	if (without < matrix->m)
		skipped[without] = true;
	for (size_t row = 0; row < matrix->n; row++)
		group[row] = bitset_test(bits, row) ? 0 : CONTRAST_NONE;
	if (contrast_compute(matrix, group, 1, &options, result) != NULL)
		*result = (struct contrast_group){0};
	free(group);
	free(skipped);
}

void group_tags_put(struct json_writer *writer, const char *key,
		    const struct served_model *served,
		    const struct display_names *labels, const uint64_t *bits,
		    size_t without, size_t limit)
{
	const struct csr_matrix *matrix = &served->model->matrix;
	struct contrast_group result;

	compare(matrix, bits, without, &result);
	json_put_object(writer, key);
	json_put_count(writer, "members", bitset_count(bits, matrix->n));
	json_put_array(writer, "over_represented");
	for (size_t i = 0; i < result.more_count && i < limit; i++)
		put_tag(writer, matrix, labels, &result.more[i]);
	json_put_end(writer);
	json_put_end(writer);
	contrast_free(&result, 1);
}
