#include "explain/summary_tsv.h"

#include <string.h>

#include "text/tsv.h"

void summary_tsv_write_header(struct output *output)
{
	output_text(output, "customer\ttag\tmembers\tof\texpected\ttimes\t"
			    "customers\thas\tlevel\n");
}

/* The level of a tag, empty without one. */
static void write_level(const struct summary *summary, size_t tag,
			struct output *output)
{
	const struct tag_levels *levels = &summary->levels;
	size_t level = summary_tag_level(summary, tag);

	if (level != TAG_PREFIX_NONE)
		tsv_write_field(output, levels->prefixes.texts[level],
				tag_levels_name_length(levels, level));
}

void summary_tsv_write(const struct summary *summary, struct output *output)
{
	for (size_t i = 0; i < summary->listed_count; i++) {
		size_t tag = summary->listed[i];
		const struct summary_tag *facts = &summary->tag_facts[tag];

		tsv_write_field(output, summary->query, strlen(summary->query));
		output_text(output, "\t");
		tsv_write_field(output, summary_tag_name(summary, tag),
				string_table_length(&summary->tags, tag));
		output_print(output, "\t%zu\t%zu\t%.2f\t%.2f\t%lld\t%d\t",
			     facts->members, summary->group, facts->expected,
			     summary_ratio(facts),
			     (long long)facts->counts.customers,
			     facts->query_has);
		write_level(summary, tag, output);
		output_text(output, "\n");
	}
}
