#include "explain/summary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

size_t summary_add_tag(struct summary *summary, const char *name, size_t length)
{
	size_t before = summary->tags.count;
	size_t tag = string_table_add(&summary->tags, name, length);

	if (tag < before)
		return tag;
	summary->tag_facts = alloc_grow(summary->tag_facts, &summary->tag_room,
					tag + 1, sizeof *summary->tag_facts);
	summary->tag_facts[tag] = (struct summary_tag){0};
	return tag;
}

const char *summary_tag_name(const struct summary *summary, size_t tag)
{
	return string_table_text(&summary->tags, tag);
}

void summary_set_levels(struct summary *summary)
{
	tag_levels_free(&summary->levels);
	tag_levels_read(&summary->levels, summary->metadata.levels);
}

size_t summary_tag_level(const struct summary *summary, size_t tag)
{
	return tag_levels_find(&summary->levels,
			       summary_tag_name(summary, tag));
}

struct summary_profile *summary_add_profile(struct summary *summary, char *name,
					    unsigned tenth)
{
	summary->profiles = alloc_grow(
		summary->profiles, &summary->profile_room,
		summary->profile_count + 1, sizeof *summary->profiles);
	struct summary_profile *profile =
		&summary->profiles[summary->profile_count++];
	*profile = (struct summary_profile){.name = name, .tenth = tenth};
	return profile;
}

struct summary_neighbour *summary_add_neighbour(struct summary *summary,
						char *name, double similarity)
{
	summary->neighbours = alloc_grow(
		summary->neighbours, &summary->neighbour_room,
		summary->neighbour_count + 1, sizeof *summary->neighbours);
	struct summary_neighbour *neighbour =
		&summary->neighbours[summary->neighbour_count++];
	*neighbour = (struct summary_neighbour){
		.name = name,
		.rank = summary->neighbour_count,
		.similarity = similarity,
	};
	return neighbour;
}

void summary_add_contribution(struct summary_neighbour *neighbour, size_t tag,
			      double amount)
{
	neighbour->contributions = alloc_grow(
		neighbour->contributions, &neighbour->room,
		neighbour->count + 1, sizeof *neighbour->contributions);
	neighbour->contributions[neighbour->count++] =
		(struct contribution){.tag = tag, .amount = amount};
}

bool summary_has_tag(const struct summary_profile *profile, size_t tag)
{
	for (size_t i = 0; i < profile->count; i++)
		if (profile->values[i].tag == tag)
			return profile->values[i].value > 0;
	return false;
}

size_t summary_count_tags(const struct summary_profile *profile)
{
	size_t count = 0;

	for (size_t i = 0; i < profile->count; i++)
		count += profile->values[i].value > 0;
	return count;
}

double summary_total(const struct summary_profile *profile)
{
	double sum = 0;

	for (size_t i = 0; i < profile->count; i++)
		sum += profile->values[i].value;
	return sum;
}

bool summary_is_additive(const struct summary *summary)
{
	return strcmp(summary->metadata.kind, "sum") == 0 ||
	       strcmp(summary->metadata.kind, "events") == 0;
}

size_t summary_listed_tied(const struct summary *summary)
{
	const struct summary_neighbour *neighbours = summary->neighbours;
	size_t count = summary->neighbour_count, tied = 0;

	while (tied < count && neighbours[count - 1 - tied].similarity ==
				       neighbours[count - 1].similarity)
		tied++;
	return tied;
}

void summary_limit_listed(struct summary *summary, size_t limit)
{
	size_t none = summary->levels.prefixes.count, kept = 0;
	size_t *counts = alloc(none + 1, sizeof *counts);

	for (size_t i = 0; i < summary->listed_count; i++) {
		size_t tag = summary->listed[i];
		size_t level = summary_tag_level(summary, tag);

		if (counts[level == TAG_PREFIX_NONE ? none : level]++ < limit)
			summary->listed[kept++] = tag;
	}
	free(counts);
	summary->left_out = summary->listed_count - kept;
	summary->listed_count = kept;
}

double summary_ratio(const struct summary_tag *tag)
{
	return (double)tag->members / tag->expected;
}

char *summary_format_value(char text[NUMBER_TEXT], double value)
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

void summary_free(struct summary *summary)
{
	model_metadata_free(&summary->metadata);
	tag_levels_free(&summary->levels);
	for (size_t i = 0; i < summary->neighbour_count; i++) {
		free(summary->neighbours[i].contributions);
		free(summary->neighbours[i].name);
	}
	for (size_t i = 0; i < summary->profile_count; i++) {
		free(summary->profiles[i].name);
		free(summary->profiles[i].values);
	}
	free(summary->query);
	free(summary->neighbours);
	free(summary->profiles);
	free(summary->tag_facts);
	free(summary->listed);
	string_table_free(&summary->tags);
	*summary = (struct summary){0};
}
