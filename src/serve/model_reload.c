#include "serve/model_reload.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/number.h"

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* The file's state; all zero where there is none. */
static struct stat look(const struct model_reload *reload)
{
	struct stat status;

	if (!served_model_stat(reload->options.path, &status))
		memset(&status, 0, sizeof status);
	return status;
}

const char *model_reload_begin(struct model_reload *reload)
{
	const char *error;

	pthread_mutex_init(&reload->lock, NULL);
	reload->seen = reload->tried = look(reload);
	reload->served = served_model_open(&reload->options, 1, &error);
	if (reload->served != NULL)
		atomic_fetch_add(&reload->metrics->loads, 1);
	return error;
}

struct served_model *model_reload_hold(struct model_reload *reload)
{
	struct served_model *served;

	pthread_mutex_lock(&reload->lock);
	served = served_model_hold(reload->served);
	pthread_mutex_unlock(&reload->lock);
	return served;
}

static void swap(struct model_reload *reload, struct served_model *served)
{
	struct served_model *before;
	char customers[NUMBER_TEXT];

	pthread_mutex_lock(&reload->lock);
	before = reload->served;
	reload->served = served;
	pthread_mutex_unlock(&reload->lock);
	warn("%s: model %s of %s customers, of %s, takes the place of %s",
	     reload->options.path, served->id,
	     number_commas(customers, served->model->matrix.n), served->made,
	     before->id);
	served_model_release(before);
}

static void *load(void *shared)
{
	struct model_reload *reload = shared;
	const char *error;
	struct served_model *served =
		served_model_open(&reload->options, 1, &error);

	if (served != NULL) {
		atomic_fetch_add(&reload->metrics->loads, 1);
		swap(reload, served);
	} else {
		atomic_fetch_add(&reload->metrics->failed_loads, 1);
		warn("%s; the model before stays", error);
	}
	atomic_store(&reload->loading, false);
	return NULL;
}

void model_reload_look(struct model_reload *reload, bool now)
{
	struct stat status = look(reload);
	bool unchanged = is_same(&status, &reload->seen);
	pthread_t thread;

	reload->seen = status;
	reload->wanted |= now;
	if (!reload->wanted && (!unchanged || is_same(&status, &reload->tried)))
		return;
	if (atomic_exchange(&reload->loading, true))
		return;
	reload->wanted = false;
	reload->tried = status;
	if (pthread_create(&thread, NULL, load, reload) == 0) {
		pthread_detach(thread);
		return;
	}
	warn("%s: cannot start a thread to load it: another try follows",
	     reload->options.path);
	reload->wanted = true;
	atomic_store(&reload->loading, false);
}

bool model_reload_end(struct model_reload *reload)
{
	if (atomic_load(&reload->loading))
		return false;
	pthread_mutex_lock(&reload->lock);
	served_model_release(reload->served);
	reload->served = NULL;
	pthread_mutex_unlock(&reload->lock);
	return true;
}
