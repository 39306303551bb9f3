/* model_reload: the model that answers now, and the file that it comes from,
 * which may be replaced while requests are under way. */
#ifndef SERVE_MODEL_RELOAD_H
#define SERVE_MODEL_RELOAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "serve/metrics.h"
#include "serve/served_model.h"

struct model_reload {
	struct served_model_options options;
	struct metrics *metrics;
	/* private: */
	pthread_mutex_t lock; /* of served */
	struct served_model *served;
	struct stat seen, tried; /* the file at the last look; when loaded */
	bool wanted; /* the file is to be loaded, whatever its state */
	atomic_bool loading;
};

/* Load the model; options and metrics are set, and outlive reload.  Returns
 * NULL, or an error text where the file is no model. */
const char *model_reload_begin(struct model_reload *reload);

/* The model that answers now, held: served_model_release lets it go. */
struct served_model *model_reload_hold(struct model_reload *reload);

/* Look at the file: where it is another one than was loaded, and did not change
 * between two looks, load and check it in the background, and let it take the
 * place of the model before.  What is no model is refused with a message, and
 * the model before stays.  now: load the file in any case, after the load under
 * way where there is one.  For one thread. */
void model_reload_look(struct model_reload *reload, bool now);

/* Release the model.  Returns false, and does nothing, while a thread is
 * loading another one: it uses reload until the process ends. */
bool model_reload_end(struct model_reload *reload);

#endif
