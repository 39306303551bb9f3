#include "events/item_join.h"

#include <stdio.h>
#include <string.h>

#include "base/errors.h"
#include "base/number.h"

void item_join_miss(struct item_join *join, const char *text, size_t length,
		    uint64_t sequence)
{
	if (join->missing++ > 0 && sequence >= join->sequence)
		return;
	join->sequence = sequence;
	snprintf(join->example, sizeof join->example, "%.*s",
		 (int)(length < sizeof join->example ? length
						     : sizeof join->example),
		 text);
}

void item_join_merge(struct item_join *sum, const struct item_join *join)
{
	if (join->missing > 0 &&
	    (sum->missing == 0 || join->sequence < sum->sequence)) {
		sum->sequence = join->sequence;
		memcpy(sum->example, join->example, sizeof sum->example);
	}
	sum->found += join->found;
	sum->missing += join->missing;
	sum->header = sum->header || join->header;
}

/* An item of the catalogue that is no header, if there is one. */
static const char *item_example(const struct item_tags *items)
{
	size_t i = items->header == 0 && items->items.count > 1;

	return items->items.count > 0 ? string_table_text(&items->items, i)
				      : "";
}

const char *item_join_check(const struct item_join *join,
			    const struct item_tags *items, const char *option,
			    const char *what)
{
	uint64_t all = join->found + join->missing;
	char part[NUMBER_TEXT], whole[NUMBER_TEXT];
	bool swapped =
		string_table_find(&items->tags, join->example,
				  strlen(join->example)) != STRING_TABLE_NONE;

	number_commas(part, join->found);
	number_commas(whole, all);
	if (join->missing > 0 && join->found == 0)
		return error_text(
			"%s %s: none of %s %s is in it: it has \"%s\", they have "
			"\"%s\"%s",
			option, items->file, whole, what, item_example(items),
			join->example,
			swapped ? ", which is in its other column: FILE:FIRST,"
				  "SECOND names the two"
				: "");
	if (join->missing > join->found)
		notice("%s %s: only %s of %s %s are in it; the first that is "
		       "not is \"%s\"",
		       option, items->file, part, whole, what, join->example);
	return NULL;
}
