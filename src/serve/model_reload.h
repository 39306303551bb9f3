/* model_reload: the model that answers now, and the file that it comes from,
 * which may be replaced while requests are under way. */
#ifndef SERVE_MODEL_RELOAD_H
#define SERVE_MODEL_RELOAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "explain/display_names.h"
#include "serve/served_model.h"
#include "serve/metrics.h"

struct model_reload {
	const char *path;
	const struct display_names *labels;
	struct metrics *metrics;
	/* private: */
	pthread_mutex_t lock;
	struct served_model *loaded;
	struct stat seen, tried; /* the file at the last look; as loaded */
	atomic_bool loading;
};

/* Load the model; ends the process where it is none. */
void model_reload_begin(struct model_reload *current);

/* The model, held: served_model_release lets go. */
struct served_model *model_reload_hold(struct model_reload *current);

/* Look at the file: where it is another one than was loaded, and no longer
 * being written, load it in the background, check it whole, and put it in the
 * place of the model before.  What is no model is refused with a message, and
 * the model before stays.  now: load it in any case. */
void model_reload_look(struct model_reload *current, bool now);

/* Let go of the model; none is held any more.  False where another one is
 * being loaded, by a thread that uses all this until the process ends. */
bool model_reload_end(struct model_reload *current);

#endif
