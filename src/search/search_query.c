#include "search/search_query.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

const char *const metric_words[] = {[METRIC_EMBEDDING] = "embedding",
				    [METRIC_DOT] = "dot",
				    [METRIC_PROFILE] = "profile",
				    [METRIC_COMBINED] = "combined",
				    NULL};

bool metric_from_word(const char *word, enum metric *metric)
{
	for (size_t i = 0; metric_words[i] != NULL; i++)
		if (strcmp(metric_words[i], word) == 0) {
			*metric = (enum metric)i;
			return true;
		}
	return false;
}

bool metric_compares_rows(enum metric metric)
{
	return metric == METRIC_PROFILE || metric == METRIC_COMBINED;
}

double search_min_score(double wanted)
{
	float score = (float)wanted;
	char text[NUMBER_TEXT];
	double printed;

	if (!isfinite(score))
		return wanted;
	number_write(text, (double)score, 9);
	if (number_real(text, &printed) && printed < wanted)
		score = nextafterf(score, INFINITY);
	return (double)score;
}

struct search_query search_query_row(const struct csr_matrix *matrix,
				     const float *embedding, size_t d,
				     size_t row, size_t self)
{
	size_t begin = (size_t)matrix->indptr[row];

	return (struct search_query){
		.vector = embedding + row * d,
		.self = self,
		.tags = matrix->indices + begin,
		.values = matrix->values + begin,
		.count = (size_t)matrix->indptr[row + 1] - begin,
		.row = row,
	};
}

void search_results_cut_at_zero(struct search_result *results, size_t count)
{
	for (size_t q = 0; q < count; q++) {
		struct search_result *result = &results[q];

		for (size_t i = 0; i < result->count; i++)
			if (result->hits[i].score == 0) {
				result->count = i;
				result->tied = 0;
			}
	}
}

size_t search_result_listed_tied(const struct search_result *result)
{
	size_t count = result->count, tied = 0;

	while (tied < count && result->hits[count - 1 - tied].score ==
				       result->hits[count - 1].score)
		tied++;
	return tied;
}

void search_results_free(struct search_result *results, size_t count)
{
	for (size_t q = 0; q < count; q++) {
		free(results[q].hits);
		results[q].hits = NULL;
	}
}
