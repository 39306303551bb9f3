#include "model/shard_removal.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/json_memory.h"
#include "base/output_directory.h"
#include "model/joined_shards.h"
#include "model/model.h"
#include "model/model_verify.h"
#include "model/row_removal.h"
#include "model/shard_files.h"

struct shard {
	struct model model;
	bool *gone; /* n */
	size_t stay;
};

struct set {
	struct shard *shards;
	size_t count;
	struct row_counts counts; /* of who stays in all of them */
	char id[17];
};

/* Open a shard, look for who is gone, and take these from the counts. */
static const char *learn(struct set *set, size_t i, const char *path,
			 const struct customer_names *names)
{
	struct shard *shard = &set->shards[i];
	struct model_verification verification;
	const char *error = model_open_any(&shard->model, path);

	set->count = i + 1;
	if (error == NULL)
		error = model_verify(&shard->model, &verification);
	if (error != NULL)
		return error_text("%s: %s", path, error);
	const struct csr_matrix *matrix = &shard->model.matrix;
	if (i == 0)
		row_counts_copy(&set->counts, matrix);
	shard->gone = alloc(matrix->n, sizeof *shard->gone);
	shard->stay = matrix->n - row_removal_mark(matrix, names, shard->gone);
	row_counts_subtract(&set->counts, matrix, shard->gone);
	return NULL;
}

/* An id of the set that was and of who is gone of it. */
static void set_id(struct set *set)
{
	char id[17];
	XXH64_hash_t hash;

	model_id(&set->shards[0].model, id);
	hash = XXH3_64bits(id, 16);
	for (size_t i = 0; i < set->count; i++)
		hash = XXH3_64bits_withSeed(set->shards[i].gone,
					    set->shards[i].model.matrix.n,
					    hash);
	snprintf(set->id, sizeof set->id, "%016llx", (unsigned long long)hash);
}

static void write_set(const struct set *set, const char *path,
		      const char *version)
{
	struct output_directory directory;
	json_t *files = alloc_check(json_array());

	output_directory_open(&directory, path);
	for (size_t i = 0; i < set->count; i++) {
		const struct shard *shard = &set->shards[i];
		const char *name = shard->model.input.name;
		struct output output;

		name = strrchr(name, '/') != NULL ? strrchr(name, '/') + 1
						  : name;
		output_directory_add(&directory, &output, name);
		row_removal_write_shard(&shard->model, shard->gone,
					&set->counts, set->id, version,
					&output);
		output_close(&output);
		shard_files_describe(files, name, (int64_t)shard->stay);
	}
	shard_files_write(&directory, set->id, files);
	output_directory_close(&directory);
}

const char *shard_removal_write(struct shard_removal *removal,
				const char *directory, const char *output,
				const struct customer_names *names,
				const char *version)
{
	struct joined_shards *joined = NULL;
	struct set set = {0};
	const char *error = joined_shards_check(&joined, directory);

	*removal = (struct shard_removal){0};
	if (error != NULL)
		error = error_text("%s: %s", directory, error);
	else
		set.shards =
			alloc(joined_shards_count(joined), sizeof *set.shards);
	for (size_t i = 0; error == NULL && i < joined_shards_count(joined);
	     i++) {
		error = learn(&set, i, joined_shards_path(joined, i), names);
		if (error != NULL)
			break;
		removal->stay += set.shards[i].stay;
		removal->gone +=
			set.shards[i].model.matrix.n - set.shards[i].stay;
	}
	if (error == NULL && removal->stay == 0)
		error = error_text("%s: nobody is left", directory);
	if (error == NULL) {
		set_id(&set);
		write_set(&set, output, version);
	}
	for (size_t i = 0; i < set.count; i++) {
		free(set.shards[i].gone);
		model_close(&set.shards[i].model);
	}
	free(set.counts.tags);
	free(set.shards);
	joined_shards_free(joined);
	return error;
}
