/* tag_separators: tags that look like several in one cell, "Action|Comedy". */
#ifndef EVENTS_TAG_SEPARATORS_H
#define EVENTS_TAG_SEPARATORS_H

#include "base/string_table.h"

/* Where at least a third of the tags, and two, hold the same mark of '|' and
 * ';', say that --tag-sep splits at it; file is that of the tags. */
void tag_separators_notice(const struct string_table *tags, const char *file);

#endif
