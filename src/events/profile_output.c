#include "events/profile_output.h"

#include <string.h>

#include "text/tsv.h"

void profile_output_open(struct profile_output *profile, const char *path,
			 size_t shards)
{
	profile->shard_count = shards;
	profile->lines = shards > 0 ? &profile->shards.lines : &profile->file;
	if (shards > 0)
		shard_writer_open(&profile->shards, path, shards);
	else
		output_open(&profile->file, path);
}

void profile_output_header(struct profile_output *profile, const char *customer,
			   const char *tag, const char *value)
{
	const char *names[] = {customer, tag, "events", value};
	static const char *const plain[] = {"customer", "tag", "events",
					    "value"};

	for (size_t i = 0; i < 4; i++) {
		const char *name = names[i] && *names[i] ? names[i] : plain[i];

		tsv_write_field(profile->lines, name, strlen(name));
		output_text(profile->lines, i < 3 ? "\t" : "\n");
	}
}

void profile_output_close(struct profile_output *profile)
{
	if (profile->shard_count > 0)
		shard_writer_close(&profile->shards);
	else
		output_close(&profile->file);
}

void profile_output_discard(struct profile_output *profile)
{
	if (profile->shard_count > 0)
		shard_writer_discard(&profile->shards);
	else
		output_discard(&profile->file);
}
