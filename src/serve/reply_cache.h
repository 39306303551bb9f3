/* reply_cache: replies of the model that answers now, by what was asked, so
 * that what is asked again is not computed again.  A reply depends on the model
 * and the request alone; a key holds all of a request that it depends on. */
#ifndef SERVE_REPLY_CACHE_H
#define SERVE_REPLY_CACHE_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

enum {
	REPLY_CACHE_MODEL = 64,            /* of a text that names a model */
	REPLY_CACHE_MAX_KEY = 1024,        /* bytes of a request */
	REPLY_CACHE_MAX_REPLY = 256 << 10, /* of a body */
	REPLY_CACHE_MAX_BYTES = 64 << 20   /* of all bodies and keys */
};

struct reply_cache_entry;

/* Safe to use from several threads.  Zero but for the lock at first. */
struct reply_cache {
	pthread_mutex_t lock;
	char model[REPLY_CACHE_MODEL]; /* whose replies they are */
	size_t bytes;
	unsigned long clock;               /* uses so far */
	struct reply_cache_entry *entries; /* sets of a few, by hash */
};

/* Begin an empty cache.  Ends the process where there is no memory. */
void reply_cache_begin(struct reply_cache *cache);
void reply_cache_end(struct reply_cache *cache);

/* Queue the reply to a key, of the model, on the connection: *size becomes the
 * bytes of its body.  False where it is not there. */
bool reply_cache_send(struct reply_cache *cache, const char *model,
		      const void *key, size_t length,
		      struct MHD_Connection *connection, size_t *size);

/* Keep the response to a key, status 200, which is the cache's then in any
 * case.  Others make room where the cache is full; all do where they are of
 * another model. */
void reply_cache_put(struct reply_cache *cache, const char *model,
		     const void *key, size_t length,
		     struct MHD_Response *response, size_t size);

#endif
