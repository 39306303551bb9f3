/* shard_files: the files of a model that cs-svd made in shards, and whether all
 * of them are there. */
#ifndef MODEL_SHARD_FILES_H
#define MODEL_SHARD_FILES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/io.h"
#include "base/output_directory.h"
#include "model/csr_matrix.h"
#include "model/safetensors.h"

/* Paths that the caller frees by shard_files_free(). */
struct shard_files {
	char **paths;
	int64_t *customers; /* of each, by its manifest; -1: in none */
	size_t count, room, customers_room;
	char *set; /* the id in the last manifest that was read; NULL: none */
	struct input manifest; /* private: while it is read */
};

/* True for the path of a directory. */
bool shard_files_is_directory(const char *path);

/* An error text where the path is of a pipe, a device or a directory: to open a
 * pipe waits for who writes to it.  NULL where it is of a file, or of nothing.
 */
const char *shard_files_check_kind(const char *path);

/* The file of a directory that lists its shards; it is written last. */
#define SHARD_FILES_MANIFEST "manifest.json"
#define SHARD_FILES_FORMAT   "customer-similarity shards 1"

/* Append the paths that the manifest of a directory lists, as DIRECTORY/FILE;
 * what is there is a file, which may be missing.  NULL, or an error text that
 * does not name the directory. */
const char *shard_files_read(struct shard_files *files, const char *directory);

/* Set files to the paths, with those that its manifest lists in place of a
 * directory.  NULL or an error text that names what is wrong; to be freed in
 * both cases. */
const char *shard_files_expand(struct shard_files *files, char *const *paths,
			       size_t count);
void shard_files_free(struct shard_files *files);

/* Append to the array shards what a manifest says of the next shard. */
void shard_files_describe(json_t *shards, const char *file, int64_t customers);

/* Write the manifest of these shards, which are freed, into a directory whose
 * other files are closed. */
void shard_files_write(struct output_directory *directory, const char *set,
		       json_t *shards);

/* An open file; nothing of it is owned. */
struct shard_file {
	const char *name; /* for messages */
	const struct safetensors *file;
	const struct csr_matrix *matrix;
};

/* NULL where the files are no shards, or are all shards of one factorization,
 * whose id and numbers of customers are those of files; else an error text that
 * names the file that is missing or other.  advice is added where one is
 * missing. */
const char *shard_files_check(const struct shard_file *shards, size_t count,
			      const struct shard_files *files,
			      const char *advice);

#endif
