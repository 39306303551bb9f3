#include "model/model_checksums.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/thread_pool.h"

/* A tensor to look at. */
struct sum {
	const struct model *model;
	const struct tensor *tensor;
	char *error; /* an error text, or NULL */
};

static struct {
	struct sum *list; /* count, the embeddings last */
	size_t count, others;
	pthread_t thread;
	bool waiting;
} sums;

static void compare(size_t place)
{
	struct sum *sum = &sums.list[place];
	const char *error = safetensors_verify(&sum->model->file, sum->tensor);

	if (error != NULL)
		sum->error = alloc_text(error, strlen(error));
}

static void *compare_embeddings(void *unused)
{
	(void)unused;
	for (size_t i = sums.others; i < sums.count; i++)
		compare(i);
	return NULL;
}

static void compare_piece(void *shared, size_t piece, unsigned thread)
{
	(void)shared;
	(void)thread;
	compare(piece);
}

static bool is_skipped(const struct tensor *tensor, const char *const skip[])
{
	for (; *skip != NULL; skip++)
		if (strcmp(tensor->name, *skip) == 0)
			return true;
	return false;
}

/* Add the tensors that are the embedding, or those that are not. */
static void add(const struct model *models, size_t count,
		const char *const skip[], bool embeddings)
{
	for (size_t i = 0; i < count; i++)
		for (size_t t = 0; t < models[i].file.count; t++) {
			const struct tensor *tensor =
				&models[i].file.tensors[t];

			if ((tensor->bytes == models[i].embedding) !=
				    embeddings ||
			    is_skipped(tensor, skip))
				continue;
			sums.list[sums.count++] =
				(struct sum){&models[i], tensor, NULL};
		}
}

static void check(size_t first, size_t end)
{
	for (size_t i = first; i < end; i++)
		if (sums.list[i].error != NULL)
			die("%s: %s", sums.list[i].model->input.name,
			    sums.list[i].error);
}

void model_checksums_begin(const struct model *models, size_t count,
			   const char *const skip[], unsigned threads)
{
	size_t most = 0;

	for (size_t i = 0; i < count; i++)
		most += models[i].file.count;
	sums.list = alloc(most, sizeof *sums.list);
	sums.count = 0;
	add(models, count, skip, false);
	sums.others = sums.count;
	add(models, count, skip, true);
	sums.waiting = threads > 1 && sums.others < sums.count &&
		       pthread_create(&sums.thread, NULL, compare_embeddings,
				      NULL) == 0;
	if (!sums.waiting)
		compare_embeddings(NULL);
	thread_pool_run(threads, sums.others, compare_piece, NULL);
	check(0, sums.others);
}

void model_checksums_end(void)
{
	if (sums.waiting)
		pthread_join(sums.thread, NULL);
	sums.waiting = false;
	check(sums.others, sums.count);
	free(sums.list);
	sums.list = NULL;
	sums.count = sums.others = 0;
}
