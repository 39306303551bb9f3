#include "events/shard_writer.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <xxhash.h>

#include "base/alloc.h"

/* Files that are open beside the shards, at most: logs, runs, reports. */
enum { OTHER_FILES = 256 };

/* Allow as many open files as there are shards, as far as the system does. */
static void allow_files(size_t count)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
	    limit.rlim_cur >= count + OTHER_FILES)
		return;
	limit.rlim_cur = count + OTHER_FILES < limit.rlim_max
				 ? count + OTHER_FILES
				 : limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void write_to(struct shard_writer *writer, const unsigned char *bytes,
		     size_t size)
{
	if (writer->current < writer->count) {
		output_write(&writer->shards[writer->current], bytes, size);
		return;
	}
	for (size_t i = 0; i < writer->count; i++)
		output_write(&writer->shards[i], bytes, size);
}

/* The next bytes of the profile.  The header may come in pieces; the customer
 * of a line comes whole, since run_writer writes a line at once. */
static void divide(void *context, const unsigned char *bytes, size_t size)
{
	struct shard_writer *writer = context;

	while (size > 0) {
		const unsigned char *end = memchr(bytes, '\n', size);
		size_t length = end ? (size_t)(end - bytes) + 1 : size;
		if (writer->headed && !writer->begun) {
			const unsigned char *tab = memchr(bytes, '\t', length);
			size_t name = tab ? (size_t)(tab - bytes) : length;
			writer->current =
				XXH3_64bits_withSeed(bytes, name, SHARD_KEY) %
				writer->count;
		}
		write_to(writer, bytes, length);
		writer->begun = end == NULL;
		writer->headed = writer->headed || end != NULL;
		bytes += length;
		size -= length;
	}
}

void shard_writer_open(struct shard_writer *writer, const char *path,
		       size_t count)
{
	int digits = snprintf(NULL, 0, "%zu", count - 1);
	char name[32];

	*writer = (struct shard_writer){.count = count, .current = count};
	allow_files(count);
	output_directory_open(&writer->directory, path);
	writer->shards = alloc(count, sizeof *writer->shards);
	for (size_t i = 0; i < count; i++) {
		snprintf(name, sizeof name, "%0*zu.tsv", digits, i);
		output_directory_add(&writer->directory, &writer->shards[i],
				     name);
	}
	output_function(&writer->lines, divide, writer);
}

void shard_writer_close(struct shard_writer *writer)
{
	output_close(&writer->lines);
	for (size_t i = 0; i < writer->count; i++)
		output_close(&writer->shards[i]);
	output_directory_close(&writer->directory);
	free(writer->shards);
	*writer = (struct shard_writer){0};
}

void shard_writer_discard(struct shard_writer *writer)
{
	output_discard(&writer->lines);
	for (size_t i = 0; i < writer->count; i++)
		output_discard(&writer->shards[i]);
	output_directory_discard(&writer->directory);
	free(writer->shards);
	*writer = (struct shard_writer){0};
}
