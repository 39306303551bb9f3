#include "serve/predict_request.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/alloc.h"

enum { DEFAULT_LIMIT = 10 };

bool predict_request_fail(struct predict_request *request, int status,
			  const char *field, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	request->error = alloc_vprint(format, arguments);
	va_end(arguments);
	request->status = status;
	request->field = field;
	return false;
}

void predict_request_begin(struct predict_request *request,
			   struct served_model *served)
{
	*request = (struct predict_request){
		.served = served_model_hold(served),
		.limit = DEFAULT_LIMIT,
		.metric = served->metric,
		.alpha = served->alpha,
		.recall = served->recall,
		.min_similarity = -INFINITY,
	};
}

size_t predict_request_cells(const struct predict_request *request,
			     double *measured)
{
	const struct ivf_index *index = &request->served->shards.indexes[0];
	size_t cells = ivf_index_probes(index, request->recall);

	*measured = index->recall[(cells - 1) * 2];
	return cells;
}

void predict_request_trim(struct predict_request *request)
{
	query_row_free(&request->row);
	free(request->customers);
	free(request->allowed);
	free(request->seeds);
	json_decref(request->unknown);
	json_decref(request->among.unknown);
	json_decref(request->without.unknown);
	json_decref(request->body);
	request->customers = NULL;
	request->count = 0;
	request->allowed = request->seeds = NULL;
	request->unknown = request->body = NULL;
	request->among.unknown = request->without.unknown = NULL;
}

void predict_request_end(struct predict_request *request)
{
	predict_request_trim(request);
	free(request->error);
	served_model_release(request->served);
	*request = (struct predict_request){0};
}
