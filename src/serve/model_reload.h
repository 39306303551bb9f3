/* current: the model that answers now, and the file that it comes from, which
 * may be replaced while requests are under way. */
#ifndef SERVE_MODEL_RELOAD_H
#define SERVE_MODEL_RELOAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "explain/display_names.h"
#include "serve/served_model.h"
#include "serve/metrics.h"

struct current {
	const char *path;
	const struct labels *labels;
	struct metrics *metrics;
	/* private: */
	pthread_mutex_t lock;
	struct loaded *loaded;
	struct stat seen, tried; /* the file at the last look; as loaded */
	atomic_bool loading;
};

/* Load the model; ends the process where it is none. */
void current_begin(struct current *current);

/* The model, held: loaded_release lets go. */
struct loaded *current_hold(struct current *current);

/* Look at the file: where it is another one than was loaded, and no longer
 * being written, load it in the background, check it whole, and put it in the
 * place of the model before.  What is no model is refused with a message, and
 * the model before stays.  now: load it in any case. */
void current_look(struct current *current, bool now);

/* Let go of the model; none is held any more.  False where another one is
 * being loaded, by a thread that uses all this until the process ends. */
bool current_end(struct current *current);

#endif
