#include "search/full_verify.h"

#include "linalg/decomposition_verify.h"
#include "search/ivf_verify.h"

const char *full_verify(const struct model *model,
			struct model_verification *verification, bool hub,
			unsigned threads)
{
	const char *error = model_verify(model, verification);

	if (error != NULL || model->embedding == NULL)
		return error;
	error = decomposition_verify(model, threads);
	if (error == NULL)
		error = ivf_verify(model, threads);
	if (error == NULL)
		error = hub ? ivf_verify_results(model, threads)
			    : ivf_verify_cells(model, threads);
	return error;
}
