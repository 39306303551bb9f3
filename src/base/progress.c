#include "base/progress.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/errors.h"

static struct {
	const char *what;
	uint64_t total;
	_Atomic uint64_t done;
	double begun, shown; /* seconds */
	char note[80];
	bool enabled, active, printed;
	pthread_mutex_t lock;
} line = {.lock = PTHREAD_MUTEX_INITIALIZER};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void show(double time)
{
	double done = (double)line.done, past = time - line.begun;

	fprintf(stderr, "\r%s: %.0f %s, %.3g/s", program, done, line.what,
		done / past);
	if (line.total > 0)
		fprintf(stderr, ", %.0f %%, %.0f s left",
			100 * done / (double)line.total,
			done > 0 ? past * ((double)line.total - done) / done
				 : 0.0);
	fprintf(stderr, "%s%s\033[K", line.note[0] ? ", " : "", line.note);
	line.printed = true;
	line.shown = time;
}

void progress_enable(bool enabled)
{
	line.enabled = enabled;
}

void progress_begin(const char *what, uint64_t total)
{
	line.what = what;
	line.total = total;
	line.done = 0;
	line.note[0] = '\0';
	line.printed = false;
	line.active = line.enabled;
	line.begun = line.shown = line.active ? now() : 0;
}

void progress_add(uint64_t done)
{
	line.done += done;
	if (!line.active || pthread_mutex_trylock(&line.lock) != 0)
		return;
	double time = now();
	/* The first line after a second, then four in a second. */
	if (time - line.shown >= (line.printed ? 0.25 : 1.0))
		show(time);
	pthread_mutex_unlock(&line.lock);
}

void progress_set_text(const char *note)
{
	pthread_mutex_lock(&line.lock);
	snprintf(line.note, sizeof line.note, "%s", note ? note : "");
	pthread_mutex_unlock(&line.lock);
}

void progress_end(void)
{
	if (line.active && line.printed)
		fprintf(stderr, "\r\033[K");
	line.active = false;
}
