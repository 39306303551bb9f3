#include "search/model_metric.h"

#include "base/errors.h"

enum metric model_default_metric(const struct model *model)
{
	return model_check_metric(model, METRIC_COMBINED) == NULL
		       ? METRIC_COMBINED
		       : METRIC_EMBEDDING;
}

const char *model_check_metric(const struct model *model, enum metric metric)
{
	if (metric != METRIC_COMBINED)
		return NULL;
	if (model->scale != SCALE_US)
		return error_text("the metric combined is defined for a model "
				  "by --scale us, and this one is by --scale "
				  "%s: take --metric embedding or profile",
				  scale_words[model->scale]);
	if (model->center != CENTER_NONE)
		return error_text("the metric combined is defined for a model "
				  "that is not centred, and this one is by "
				  "--center %s: take --metric embedding or "
				  "profile",
				  center_words[model->center]);
	return NULL;
}
