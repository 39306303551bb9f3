#include "model/shard_files.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/json_memory.h"
#include "base/number.h"

/* cs-svd writes as many files at most. */
enum { MAX_FILES = 1 << 16 };

/* Takes over path; customers is -1 where it is not known. */
static void add(struct shard_files *files, char *path, int64_t customers)
{
	files->customers =
		alloc_grow(files->customers, &files->customers_room,
			   files->count + 1, sizeof *files->customers);
	files->customers[files->count] = customers;
	files->paths = alloc_grow(files->paths, &files->room, files->count + 1,
				  sizeof *files->paths);
	files->paths[files->count++] = path;
}

const char *shard_files_check_kind(const char *path)
{
	struct stat status;

	if (stat(path, &status) != 0 || S_ISREG(status.st_mode))
		return NULL;
	return S_ISFIFO(status.st_mode)  ? "a pipe, expected a file"
	       : S_ISDIR(status.st_mode) ? "a directory, expected a file"
					 : "a device, expected a file";
}

/* Add the files that a manifest lists, and its id. */
static const char *add_listed(struct shard_files *files, const char *directory,
			      const json_t *manifest)
{
	const json_t *shards = json_object_get(manifest, "shards");
	const char *set = json_string_value(json_object_get(manifest, "set"));
	const char *format =
		json_string_value(json_object_get(manifest, "format"));
	size_t count = json_array_size(shards);

	if (format == NULL || strcmp(format, SHARD_FILES_FORMAT) != 0)
		return "manifest.json: its format is not \"" SHARD_FILES_FORMAT
		       "\"";
	if (count == 0 || count > MAX_FILES)
		return "manifest.json lists no shards";
	for (size_t i = 0; i < count; i++) {
		const json_t *shard = json_array_get(shards, i);
		const json_t *customers = json_object_get(shard, "customers");
		const char *name =
			json_string_value(json_object_get(shard, "file"));
		if (name == NULL || *name == '\0' || strchr(name, '/') != NULL)
			return error_text("manifest.json: shard %zu has no "
					  "name of a file",
					  i);
		add(files, alloc_print("%s/%s", directory, name),
		    json_is_integer(customers) ? json_integer_value(customers)
					       : -1);
		const char *error =
			shard_files_check_kind(files->paths[files->count - 1]);
		if (error != NULL)
			return error_text("%s: %s", name, error);
	}
	free(files->set);
	files->set = set != NULL ? alloc_text(set, strlen(set)) : NULL;
	return NULL;
}

bool shard_files_is_directory(const char *path)
{
	struct stat status;

	return path != NULL && stat(path, &status) == 0 &&
	       S_ISDIR(status.st_mode);
}

const char *shard_files_read(struct shard_files *files, const char *directory)
{
	struct input *input = &files->manifest;
	char *path = alloc_print("%s/%s", directory, SHARD_FILES_MANIFEST);
	json_t *manifest = NULL;
	json_error_t reason;
	const char *error = shard_files_check_kind(path);

	if (error == NULL)
		error = input_try(input, path);
	if (error == NULL)
		error = input_try_map(input);
	if (error == NULL) {
		manifest = json_loadb((const char *)input->bytes, input->size,
				      JSON_REJECT_DUPLICATES, &reason);
		error = manifest == NULL ? error_text("%s", reason.text) : NULL;
	}
	input_close(input);
	free(path);
	if (error != NULL)
		return error_text("a directory, expected one of models that "
				  "cs-svd made, or a file: manifest.json: %s",
				  error);
	error = add_listed(files, directory, manifest);
	json_decref(manifest);
	return error;
}

const char *shard_files_expand(struct shard_files *files, char *const *paths,
			       size_t count)
{
	const char *error = NULL;

	*files = (struct shard_files){0};
	for (size_t i = 0; i < count && error == NULL; i++) {
		if (!shard_files_is_directory(paths[i])) {
			add(files, alloc_text(paths[i], strlen(paths[i])), -1);
			continue;
		}
		error = shard_files_read(files, paths[i]);
		if (error != NULL)
			error = error_text("%s: %s", paths[i], error);
	}
	return error;
}

void shard_files_free(struct shard_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		free(files->paths[i]);
	free(files->paths);
	free(files->customers);
	free(files->set);
	input_close(&files->manifest);
	*files = (struct shard_files){0};
}

/* The number of a shard, or of all, in its metadata; -1 without one. */
static int64_t number_of(const struct shard_file *shard, const char *key)
{
	const char *text = safetensors_option(shard->file, key);
	int64_t number;

	return text != NULL && number_integer(text, 0, MAX_FILES, &number)
		       ? number
		       : -1;
}

/* Mark the shard's number as there. */
static const char *mark(const struct shard_file *shards, size_t i, size_t count,
			const char *set, bool *there)
{
	const char *own = safetensors_option(shards[i].file, "shard.set");
	int64_t index = number_of(&shards[i], "shard.index");

	if (own == NULL || set == NULL || strcmp(own, set) != 0 || index < 0 ||
	    (size_t)index >= count)
		return error_text(
			"%s: no shard of the set of %s", shards[i].name,
			i > 0 ? shards[0].name : SHARD_FILES_MANIFEST);
	if (there[index])
		return error_text("%s: shard %lld, which is given twice",
				  shards[i].name, (long long)index);
	there[index] = true;
	return NULL;
}

/* The customers of each, against the manifest's. */
static const char *compare_customers(const struct shard_file *shards,
				     size_t count,
				     const struct shard_files *files)
{
	for (size_t i = 0; i < count && i < files->count; i++)
		if (files->customers[i] >= 0 &&
		    (size_t)files->customers[i] != shards[i].matrix->n)
			return error_text("%s: %zu customers, %lld by %s",
					  shards[i].name, shards[i].matrix->n,
					  (long long)files->customers[i],
					  SHARD_FILES_MANIFEST);
	return NULL;
}

const char *shard_files_check(const struct shard_file *shards, size_t count,
			      const struct shard_files *files,
			      const char *advice)
{
	int64_t all = number_of(&shards[0], "shard.count");
	const char *set = files->set, *error = NULL;
	bool *there;

	for (size_t i = 0; i < count && all <= 0; i++)
		if (set != NULL || number_of(&shards[i], "shard.count") > 0)
			return error_text("%s: no shard, as %s is",
					  shards[0].name,
					  i > 0 ? shards[i].name
						: "manifest.json says it");
	if (all <= 0)
		return NULL;
	if (set == NULL)
		set = safetensors_option(shards[0].file, "shard.set");
	there = alloc((size_t)all, sizeof *there);
	for (size_t i = 0; i < count && error == NULL; i++)
		error = mark(shards, i, (size_t)all, set, there);
	for (size_t i = 0; i < (size_t)all && error == NULL; i++)
		if (!there[i])
			error = error_text(
				"%s: one of %lld shards, of which shard %zu is "
				"missing%s",
				shards[0].name, (long long)all, i, advice);
	free(there);
	return error != NULL ? error : compare_customers(shards, count, files);
}

/* ------------------------------------------------------------------ writing */

void shard_files_describe(json_t *shards, const char *file, int64_t customers)
{
	json_check(json_array_append_new(
		shards, json_pack("{s:s, s:I}", "file", file, "customers",
				  (json_int_t)customers)));
}

void shard_files_write(struct output_directory *directory, const char *set,
		       json_t *shards)
{
	json_t *manifest = alloc_check(json_pack("{s:s, s:s, s:o}", "format",
						 SHARD_FILES_FORMAT, "set", set,
						 "shards", shards));
	char *text = alloc_check(json_dumps(manifest, JSON_INDENT(1)));
	struct output output;

	output_directory_add(directory, &output, SHARD_FILES_MANIFEST);
	output_text(&output, text);
	output_text(&output, "\n");
	output_close(&output);
	free(text);
	json_decref(manifest);
}
