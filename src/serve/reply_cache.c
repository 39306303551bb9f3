#include "serve/reply_cache.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/alloc.h"

/* Replies of one set are looked at one by one; the one that was used longest
 * ago makes room. */
enum { SETS = 4096, WAYS = 4 };

struct reply_cache_entry {
	void *key; /* owned; NULL: the entry is free */
	size_t length;
	struct MHD_Response *response;
	size_t size;
	unsigned long used;
};

void reply_cache_begin(struct reply_cache *cache)
{
	pthread_mutex_init(&cache->lock, NULL);
	cache->entries = alloc(SETS * WAYS, sizeof *cache->entries);
}

static void clear_entry(struct reply_cache *cache,
			struct reply_cache_entry *entry)
{
	if (entry->key == NULL)
		return;
	cache->bytes -= entry->size + entry->length;
	MHD_destroy_response(entry->response);
	free(entry->key);
	entry->key = NULL;
}

static void clear(struct reply_cache *cache)
{
	for (size_t i = 0; i < SETS * WAYS; i++)
		clear_entry(cache, &cache->entries[i]);
}

void reply_cache_end(struct reply_cache *cache)
{
	clear(cache);
	free(cache->entries);
	pthread_mutex_destroy(&cache->lock);
}

static struct reply_cache_entry *set_of(const struct reply_cache *cache,
					const void *key, size_t length)
{
	return &cache->entries[XXH3_64bits(key, length) % SETS * WAYS];
}

bool reply_cache_send(struct reply_cache *cache, const char *model,
		      const void *key, size_t length,
		      struct MHD_Connection *connection, size_t *size)
{
	struct reply_cache_entry *set = set_of(cache, key, length);
	bool sent = false;

	/* The response lives as long as the lock is held, or it is queued. */
	pthread_mutex_lock(&cache->lock);
	for (size_t i = 0; i < WAYS && strcmp(model, cache->model) == 0; i++) {
		struct reply_cache_entry *entry = &set[i];

		if (entry->key == NULL || entry->length != length ||
		    memcmp(entry->key, key, length) != 0)
			continue;
		*size = entry->size;
		entry->used = ++cache->clock;
		sent = MHD_queue_response(connection, MHD_HTTP_OK,
					  entry->response) == MHD_YES;
		break;
	}
	pthread_mutex_unlock(&cache->lock);
	return sent;
}

/* Free the entry of the set that was used longest ago, or is free. */
static struct reply_cache_entry *make_room(struct reply_cache *cache,
					   struct reply_cache_entry *set)
{
	struct reply_cache_entry *oldest = &set[0];

	for (size_t i = 0; i < WAYS && oldest->key != NULL; i++)
		if (set[i].key == NULL || set[i].used < oldest->used)
			oldest = &set[i];
	clear_entry(cache, oldest);
	return oldest;
}

void reply_cache_put(struct reply_cache *cache, const char *model,
		     const void *key, size_t length,
		     struct MHD_Response *response, size_t size)
{
	struct reply_cache_entry *entry;
	void *copy = alloc_or_null(length, 1);

	if (copy == NULL || length > REPLY_CACHE_MAX_KEY ||
	    size > REPLY_CACHE_MAX_REPLY) {
		free(copy);
		MHD_destroy_response(response);
		return;
	}
	memcpy(copy, key, length);
	pthread_mutex_lock(&cache->lock);
	if (strcmp(model, cache->model) != 0 ||
	    cache->bytes + size + length > REPLY_CACHE_MAX_BYTES)
		clear(cache);
	memccpy(cache->model, model, '\0', sizeof cache->model);
	entry = make_room(cache, set_of(cache, key, length));
	*entry = (struct reply_cache_entry){.key = copy,
					    .length = length,
					    .response = response,
					    .size = size,
					    .used = ++cache->clock};
	cache->bytes += size + length;
	pthread_mutex_unlock(&cache->lock);
}
