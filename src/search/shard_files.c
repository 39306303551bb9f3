#include "search/shard_files.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/number.h"

/* cs-svd writes as many files at most. */
enum { MAX_FILES = 1 << 16 };

static char *join(const char *directory, const char *file)
{
	size_t size = strlen(directory) + strlen(file) + 2;
	char *path = alloc(size, 1);

	snprintf(path, size, "%s/%s", directory, file);
	return path;
}

/* Takes over path. */
static void add(struct shard_files *files, char *path)
{
	files->paths = alloc_grow(files->paths, &files->room, files->count + 1,
				  sizeof *files->paths);
	files->paths[files->count++] = path;
}

/* Add the files that a manifest lists. */
static const char *add_listed(struct shard_files *files, const char *directory,
			      const json_t *manifest)
{
	const json_t *shards = json_object_get(manifest, "shards");
	size_t count = json_array_size(shards);

	if (count == 0 || count > MAX_FILES)
		return "it lists no shards";
	for (size_t i = 0; i < count; i++) {
		const char *name = json_string_value(
			json_object_get(json_array_get(shards, i), "file"));
		if (name == NULL || *name == '\0' || strchr(name, '/') != NULL)
			return error_text("shard %zu has no name of a file", i);
		add(files, join(directory, name));
	}
	return NULL;
}

static const char *expand_directory(struct shard_files *files,
				    const char *directory)
{
	char *path = join(directory, "manifest.json");
	json_error_t reason;
	json_t *manifest =
		json_load_file(path, JSON_REJECT_DUPLICATES, &reason);
	const char *error;

	if (manifest == NULL)
		error = error_text("%s: a directory, expected one of models "
				   "that cs-svd made, or a file: "
				   "manifest.json: %s",
				   directory, reason.text);
	else
		error = add_listed(files, directory, manifest);
	if (error != NULL && manifest != NULL)
		error = error_text("%s: %s", path, error);
	json_decref(manifest);
	free(path);
	return error;
}

const char *shard_files_expand(struct shard_files *files, char *const *paths,
			       size_t count)
{
	const char *error = NULL;
	struct stat status;

	*files = (struct shard_files){0};
	for (size_t i = 0; i < count && error == NULL; i++) {
		if (stat(paths[i], &status) == 0 && S_ISDIR(status.st_mode))
			error = expand_directory(files, paths[i]);
		else
			add(files, alloc_text(paths[i], strlen(paths[i])));
	}
	return error;
}

void shard_files_free(struct shard_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		free(files->paths[i]);
	free(files->paths);
	*files = (struct shard_files){0};
}

/* The number of a shard, or of all, in its metadata; -1 without one. */
static int64_t number_of(const struct model *model, const char *key)
{
	const char *text = safetensors_option(&model->file, key);
	int64_t number;

	return text != NULL && number_integer(text, 0, MAX_FILES, &number)
		       ? number
		       : -1;
}

/* Mark the shard's number as there. */
static const char *mark(const struct model *models, size_t i, size_t count,
			bool *there)
{
	const struct model *model = &models[i];
	const char *set = safetensors_option(&models[0].file, "shard.set");
	const char *own = safetensors_option(&model->file, "shard.set");
	int64_t index = number_of(model, "shard.index");

	if (own == NULL || set == NULL || strcmp(own, set) != 0 || index < 0 ||
	    (size_t)index >= count)
		return error_text("%s: no shard of the model that %s is one of",
				  model->input.name, models[0].input.name);
	if (there[index])
		return error_text("%s: shard %lld, which is given twice",
				  model->input.name, (long long)index);
	there[index] = true;
	return NULL;
}

const char *shard_files_check(const struct model *models, size_t count)
{
	int64_t all = number_of(&models[0], "shard.count");
	const char *error = NULL;
	bool *there;

	for (size_t i = 0; i < count && all <= 0; i++)
		if (number_of(&models[i], "shard.count") > 0)
			return error_text("%s: no shard, as %s is",
					  models[0].input.name,
					  models[i].input.name);
	if (all <= 0)
		return NULL;
	there = alloc((size_t)all, sizeof *there);
	for (size_t i = 0; i < count && error == NULL; i++)
		error = mark(models, i, (size_t)all, there);
	for (size_t i = 0; i < (size_t)all && error == NULL; i++)
		if (!there[i])
			error = error_text(
				"%s: one of %lld shards, of which shard %zu is "
				"missing: give the directory, or --part to "
				"search these alone",
				models[0].input.name, (long long)all, i);
	free(there);
	return error;
}
