#include "serve/access_log.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/io.h"
#include "text/json_writer.h"

void access_log_begin(struct access_log *log)
{
	*log = (struct access_log){0};
	pthread_mutex_init(&log->lock, NULL);
}

void access_log_end(struct access_log *log)
{
	pthread_mutex_destroy(&log->lock);
}

static void put_time(struct json_writer *writer)
{
	struct timespec now;
	struct tm when;
	char seconds[32], text[64];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &when);
	strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &when);
	snprintf(text, sizeof text, "%s.%03ldZ", seconds,
		 now.tv_nsec / 1000000);
	json_put_text(writer, "time", text);
}

static void put_peer(struct json_writer *writer, const struct sockaddr *peer)
{
	char text[NI_MAXHOST] = "";

	if (peer != NULL)
		getnameinfo(peer,
			    peer->sa_family == AF_INET6
				    ? sizeof(struct sockaddr_in6)
				    : sizeof(struct sockaddr_in),
			    text, sizeof text, NULL, 0, NI_NUMERICHOST);
	json_put_text(writer, "peer", text);
}

/* Write all of the bytes; false, with errno, where that fails. */
static bool put_bytes(struct access_log *log, const unsigned char *bytes,
		      size_t size)
{
	while (size > 0) {
		ssize_t put = write(STDOUT_FILENO, bytes, size);

		if (put <= 0)
			return false;
		bytes += put;
		size -= (size_t)put;
		log->cut = size > 0;
	}
	return true;
}

static void count_lost(struct access_log *log, int error)
{
	enum { SECONDS = 60 }; /* between two warnings */
	time_t now = time(NULL);

	log->lost++;
	if (log->warned != 0 && now - log->warned < SECONDS)
		return;
	warn("--log: standard output: %s; lines lost: %zu", strerror(error),
	     log->lost);
	log->warned = now;
	log->lost = 0;
}

void access_log_write(struct access_log *log,
		      const struct access_log_entry *entry)
{
	struct output line;
	struct json_writer writer;

	output_memory(&line);
	json_writer_init(&writer, &line, JSON_STYLE_SPACED);
	json_put_object(&writer, NULL);
	put_time(&writer);
	put_peer(&writer, entry->peer);
	json_put_text(&writer, "method", entry->method ? entry->method : "");
	json_put_text(&writer, "path", entry->path ? entry->path : "");
	json_put_text(&writer, "query", entry->query ? entry->query : "");
	json_put_integer(&writer, "status", entry->status);
	json_put_count(&writer, "bytes", entry->bytes);
	json_put_fixed(&writer, "ms", entry->seconds * 1e3, 3);
	json_put_text(&writer, "model", entry->model);
	json_put_text(&writer, "user_agent", entry->agent);
	json_put_text(&writer, "request_id", entry->id);
	json_put_end(&writer);
	output_text(&line, "\n");
	pthread_mutex_lock(&log->lock);
	if ((log->cut && !put_bytes(log, (const unsigned char *)"\n", 1)) ||
	    !put_bytes(log, line.buffer, line.held))
		count_lost(log, errno);
	pthread_mutex_unlock(&log->lock);
	free(line.buffer);
}
