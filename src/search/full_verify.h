/* full_verify: every check of a matrix or a model, of all layers, for whoever
 * trusts a file from then on: cs-dump --check and the load of cs-serve. */
#ifndef SEARCH_FULL_VERIFY_H
#define SEARCH_FULL_VERIFY_H

#include <stdbool.h>

#include "model/model.h"
#include "model/model_verify.h"

/* Run model_verify and, of a model, decomposition_verify, ivf_verify and
 * ivf_verify_cells; with hub, ivf_verify_results in place of the last, which
 * searches for every customer and shows progress.  NULL, or an error text that
 * names what is wrong, not the file. */
const char *full_verify(const struct model *model,
			struct model_verification *verification, bool hub,
			unsigned threads);

#endif
