#include "search/row_search.h"

const char *row_search_run(const struct model *model,
			   const struct inverted_index *index,
			   struct combined_workspace *workspace,
			   const struct search_options *search,
			   struct search_batch *batch)
{
	const struct combined_options combined = {
		.matrix = &model->matrix,
		.embedding = model->embedding,
		.d = model->k,
		.index = index,
		.similarity = {.profile = search->metric == METRIC_PROFILE,
			       .alpha = search->alpha},
		.limit = search->limit,
		.min_score = search->min_score,
		.thresholds = search->thresholds,
		.allowed = search->allowed,
		.with_self = search->with_self,
		.count_matching = search->count_matching,
		.workspace = workspace,
		.quiet = search->quiet,
		.threads = search->threads,
	};

	return combined_search_run(&combined, batch);
}
