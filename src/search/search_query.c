#include "search/search_query.h"

#include <stdlib.h>

void search_results_free(struct search_result *results, size_t count)
{
	for (size_t q = 0; q < count; q++) {
		free(results[q].hits);
		results[q].hits = NULL;
	}
}
