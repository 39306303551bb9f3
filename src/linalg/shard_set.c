#include "linalg/shard_set.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "linalg/ranks.h"
#include "model/shard_files.h"

/* What each shard tells all ranks. */
struct facts {
	int64_t rows, columns;
	int64_t rows_of_all; /* of the tally */
	int64_t tags;        /* XXH3 of tags, weights and the tally's id */
	int64_t content;     /* of the shard's bytes */
};

enum { FACTS = sizeof(struct facts) / sizeof(int64_t) };

static const char *open_shard(struct shard *shard, unsigned threads)
{
	const char *error = shard_files_check_kind(shard->path);

	if (error == NULL)
		error = model_open_matrix(&shard->matrix, shard->path, threads);
	if (error == NULL &&
	    safetensors_option(&shard->matrix.file, "matrix.tally") == NULL)
		error = "no shard: several matrices are factored together where "
			"cs-matrix --tally, --merge and --as made them";
	return error;
}

static uint64_t hash_tags(const struct safetensors *file)
{
	static const char *const names[] = {"tags.offsets", "tags.bytes",
					    "tags.weight"};
	unsigned char sums[3 * 8 + 16] = {0};
	const char *tally = safetensors_option(file, "matrix.tally");

	for (size_t i = 0; i < 3; i++)
		safetensors_sum(file, safetensors_find(file, names[i]),
				sums + 8 * i);
	memcpy(sums + 24, tally, strnlen(tally, 16));
	return XXH3_64bits(sums, sizeof sums);
}

static struct facts learn(const struct shard *shard)
{
	const struct csr_matrix *a = &shard->matrix.matrix;
	struct facts facts = {.rows = (int64_t)a->n, .columns = (int64_t)a->m};
	uint64_t hash = hash_tags(&shard->matrix.file);
	char id[17];

	for (int t = 0; t < TENTHS; t++)
		facts.rows_of_all += a->tenth_size[t];
	memcpy(&facts.tags, &hash, sizeof hash);
	safetensors_id(&shard->matrix.file, id);
	hash = XXH3_64bits(id, 16);
	memcpy(&facts.content, &hash, sizeof hash);
	return facts;
}

static const char *check_all(const struct shard_set *set,
			     const struct facts *facts)
{
	for (size_t i = 1; i < set->count; i++) {
		if (facts[i].columns != facts[0].columns ||
		    facts[i].tags != facts[0].tags ||
		    facts[i].rows_of_all != facts[0].rows_of_all)
			return error_text("%s: made of another tally than %s",
					  set->shards[i].path,
					  set->shards[0].path);
		for (size_t j = 0; j < i; j++)
			if (facts[i].content == facts[j].content &&
			    facts[i].rows > 0)
				return error_text("%s: the same shard as %s",
						  set->shards[i].path,
						  set->shards[j].path);
	}
	if ((int64_t)set->n != facts[0].rows_of_all)
		return error_text(
			"these %zu shards have %zu customers, of %lld "
			"in their tally: shards are missing",
			set->count, set->n, (long long)facts[0].rows_of_all);
	return NULL;
}

/* Of processes with lists of other lengths each would wait for what the other
 * does not send. */
static const char *check_count(size_t count)
{
	size_t first = count;

	ranks_share(&first, sizeof first);
	if (count == first)
		return NULL;
	return error_text("process %u was given %zu shards, and the first %zu: "
			  "all need the same list",
			  ranks_self(), count, first);
}

const char *shard_set_open(struct shard_set *set, char *const *paths,
			   size_t count, unsigned threads)
{
	struct facts *facts = alloc(count, sizeof *facts);
	const char *error = check_count(count);

	*set = (struct shard_set){.count = count};
	set->shards = alloc(count, sizeof *set->shards);
	set->matrices = alloc(count, sizeof *set->matrices);
	for (size_t i = 0; i < count; i++)
		set->shards[i].path = paths[i];
	for (size_t i = ranks_self(); i < count && error == NULL;
	     i += ranks_count()) {
		error = open_shard(&set->shards[i], threads);
		if (error != NULL) {
			error = error_text("%s: %s", paths[i], error);
			break;
		}
		set->matrices[i] = &set->shards[i].matrix.matrix;
		facts[i] = learn(&set->shards[i]);
	}
	if (error == NULL) {
		/* Facts of others are zero, so a sum is what one rank knows. */
		ranks_sum((int64_t *)facts, count * FACTS);
		ranks_share(facts, count * sizeof *facts);
		for (size_t i = 0; i < count; i++) {
			set->shards[i].first = set->n;
			set->shards[i].n = (size_t)facts[i].rows;
			set->n += (size_t)facts[i].rows;
		}
		set->m = (size_t)facts[0].columns;
		set->content = XXH3_64bits(facts, count * sizeof *facts);
		error = check_all(set, facts);
	}
	free(facts);
	return error;
}

void shard_set_close(struct shard_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		model_close(&set->shards[i].matrix);
	free(set->shards);
	free(set->matrices);
	*set = (struct shard_set){0};
}
