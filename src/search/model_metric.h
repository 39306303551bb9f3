/* model_metric: which similarity a model's customers are compared by. */
#ifndef SEARCH_MODEL_METRIC_H
#define SEARCH_MODEL_METRIC_H

#include "model/model.h"
#include "search/search_query.h"

/* The metric where none is chosen: METRIC_COMBINED where it is defined, else
 * METRIC_EMBEDDING. */
enum metric model_default_metric(const struct model *model);

/* NULL, or an error text: the metric is not defined for the model.
 * METRIC_COMBINED needs embeddings that are linear in rows that are not
 * centred, and not scaled by singular values once more. */
const char *model_check_metric(const struct model *model, enum metric metric);

#endif
