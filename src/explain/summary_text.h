/* summary_text: a summary for a reader, in lines of at most 80 columns where
 * names allow it. */
#ifndef EXPLAIN_SUMMARY_TEXT_H
#define EXPLAIN_SUMMARY_TEXT_H

#include "explain/display_names.h"
#include "base/io.h"
#include "explain/summary.h"

/* Write the summary.  Nothing is cut in the middle: wide names push their
 * column, contributions that do not fit are left out, the least first, and all
 * else is wrapped.  Control characters of names are written as \xNN. */
void summary_text_write(const struct summary *summary,
			const struct display_names *names,
			struct output *output);

#endif
