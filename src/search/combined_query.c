#include "search/combined_query.h"

struct combined_query combined_query_row(const struct csr_matrix *matrix,
					 const float *embedding, size_t d,
					 size_t row, size_t self)
{
	size_t begin = (size_t)matrix->indptr[row];

	return (struct combined_query){
		.tags = matrix->indices + begin,
		.values = matrix->values + begin,
		.count = (size_t)matrix->indptr[row + 1] - begin,
		.vector = embedding + row * d,
		.self = self,
	};
}
