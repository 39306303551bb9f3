/* Any bytes as a model: what is not one is refused with an error text. */
#include "fuzz.h"
#include "model/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct model model;
	char path[64], near[128];

	int fd = fuzz_file(data, size, path);
	if (setjmp(fuzz_back) == 0) {
		if (model_open_any(&model, path) == NULL) {
			safetensors_verify_all(&model.file, 1);
			for (size_t row = 0; row < model.matrix.n; row++)
				csr_matrix_check_row(&model.matrix, row);
			model_find(&model, "1", 1);
			model_near(&model, "12", 2, near, sizeof near);
		}
		model_close(&model);
	}
	close(fd);
	return 0;
}
