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
static struct stat look(const struct model_reload *current)
{
	struct stat status;

	if (stat(current->path, &status) != 0)
		memset(&status, 0, sizeof status);
	return status;
}

void model_reload_begin(struct model_reload *current)
{
	const char *error;

	pthread_mutex_init(&current->lock, NULL);
	current->seen = current->tried = look(current);
	current->loaded =
		served_model_open(current->path, current->labels, 1, &error);
	if (current->loaded == NULL)
		die("%s", error);
	atomic_fetch_add(&current->metrics->loads, 1);
}

struct served_model *model_reload_hold(struct model_reload *current)
{
	struct served_model *loaded;

	pthread_mutex_lock(&current->lock);
	loaded = served_model_hold(current->loaded);
	pthread_mutex_unlock(&current->lock);
	return loaded;
}

static void swap(struct model_reload *current, struct served_model *loaded)
{
	struct served_model *before;
	char customers[NUMBER_TEXT];

	pthread_mutex_lock(&current->lock);
	before = current->loaded;
	current->loaded = loaded;
	pthread_mutex_unlock(&current->lock);
	warn("%s: model %s of %s customers, of %s, takes the place of %s",
	     current->path, loaded->id,
	     number_commas(customers, loaded->model->matrix.n), loaded->made,
	     before->id);
	served_model_release(before);
}

static void *load(void *shared)
{
	struct model_reload *current = shared;
	const char *error;
	struct served_model *loaded =
		served_model_open(current->path, current->labels, 1, &error);

	if (loaded != NULL) {
		atomic_fetch_add(&current->metrics->loads, 1);
		swap(current, loaded);
	} else {
		atomic_fetch_add(&current->metrics->failed_loads, 1);
		warn("%s; the model before stays", error);
	}
	atomic_store(&current->loading, false);
	return NULL;
}

void model_reload_look(struct model_reload *current, bool now)
{
	struct stat status = look(current);
	bool settled = is_same(&status, &current->seen);
	pthread_t thread;

	current->seen = status;
	if (!now && (!settled || is_same(&status, &current->tried)))
		return;
	if (atomic_exchange(&current->loading, true))
		return;
	current->tried = status;
	if (pthread_create(&thread, NULL, load, current) == 0) {
		pthread_detach(thread);
		return;
	}
	warn("%s: cannot start a thread to load it", current->path);
	atomic_store(&current->loading, false);
}

bool model_reload_end(struct model_reload *current)
{
	if (atomic_load(&current->loading))
		return false;
	pthread_mutex_lock(&current->lock);
	served_model_release(current->loaded);
	current->loaded = NULL;
	pthread_mutex_unlock(&current->lock);
	return true;
}
