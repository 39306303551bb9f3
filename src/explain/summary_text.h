/* summary_text: a summary for a reader, in lines of at most 80 columns where
 * names allow it. */
#ifndef EXPLAIN_SUMMARY_TEXT_H
#define EXPLAIN_SUMMARY_TEXT_H

#include "explain/display_names.h"
#include "base/io.h"
#include "explain/enrichment.h"

/* Nothing is cut in the middle: wide names push their column, reasons that do
 * not fit are left out, the least first, and all else is wrapped.  Bytes of a
 * name that could steer a terminal are written as \xNN. */
void summary_text_write(const struct summary *summary,
			const struct display_names *labels,
			struct output *output);

#endif
