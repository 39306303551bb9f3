/* shard_files: the files of a model that cs-svd made in shards, and whether all
 * of them are there. */
#ifndef SEARCH_SHARD_FILES_H
#define SEARCH_SHARD_FILES_H

#include <stddef.h>

#include "model/model.h"

/* Paths that the caller frees by shard_files_free(). */
struct shard_files {
	char **paths;
	size_t count, room;
};

/* Set files to the paths, with those that its manifest.json lists in place of a
 * directory.  NULL or an error text that names what is wrong; to be freed in
 * both cases. */
const char *shard_files_expand(struct shard_files *files, char *const *paths,
			       size_t count);
void shard_files_free(struct shard_files *files);

/* NULL where the open models are no shards, or are all shards of one
 * factorization; else an error text that names what is missing or other. */
const char *shard_files_check(const struct model *models, size_t count);

#endif
