/* http_service: what all requests of a service share, and one request. */
#ifndef SERVE_HTTP_SERVICE_H
#define SERVE_HTTP_SERVICE_H

#include <microhttpd.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "explain/display_names.h"
#include "serve/access_log.h"
#include "serve/batch_queue.h"
#include "serve/http_arguments.h"
#include "serve/connection_timeouts.h"
#include "serve/metrics.h"
#include "serve/model_reload.h"
#include "serve/predict_batch.h"
#include "serve/reply_cache.h"

struct http_server_options {
	const char *model; /* the file */
	const char *address, *port;
	unsigned threads; /* workers */
	struct display_names labels;
	char *token; /* all but the open routes ask for it; NULL: none does */
	const char *const *hosts; /* names it is asked for by, besides */
	size_t host_count;
	const char *version; /* of the program */
	const char *origin;  /* whose pages may ask; NULL: none */
	size_t per_client;   /* connections; 0: HTTP_PER_CLIENT, but of this
				machine as many as it likes */
	size_t grace;        /* seconds that /readyz says 503 at the end */
	double recall;       /* of requests that name none; 0: exact */
	/* Likewise, as in struct served_model_options. */
	const enum metric *metric;
	const double *alpha;
	const char *segments; /* a file of segments, or NULL */
	const char *report;   /* of the events, by cs-aggregate, or NULL */
	bool log;     /* a line of JSON for each request, on standard output */
	bool suggest; /* an unknown customer's error names near ones */
};

struct http_service {
	const struct http_server_options *options;
	struct metrics metrics;
	struct model_reload reload;
	struct batch_queue queue; /* of predict_job */
	char bound[NI_MAXHOST];   /* the address that it listens on */
	struct connection_list connections;
	struct access_log log;
	struct reply_cache cache;
	atomic_bool draining; /* it ends when no request is under way */
	atomic_bool closing;  /* no request is handed to the queue any more */
	atomic_long active;   /* requests under way */
	atomic_size_t held;   /* bytes of bodies and replies under way */
	struct MHD_Response *no_memory; /* of http_send_no_memory */
	char names_tag[18]; /* of an ETag: "-" and a sum of labels, recall,
			       metric and alpha */
};

enum {
	HTTP_PER_CLIENT = 256,             /* connections of one address */
	HTTP_MAX_HELD = 256 << 20,         /* of bodies and replies of all */
	HTTP_MAX_BODY = 16 << 20,          /* of POST: lists of 100,000 ids */
	HTTP_MAX_DISCARDED_BODY = 64 << 20 /* of a body that is refused: read,
					      so that the client sees why */
};

/* A request, from its first line to the end of its reply.  Only the thread
 * that reads its socket uses it, but while job is queued: then a worker does.
 */
struct http_request {
	struct predict_job job; /* first: a job is its request */
	struct http_service *service;
	struct MHD_Connection *connection;
	int wake; /* an eventfd, written to when the connection is resumed */
	struct connection *timeouts;
	double began; /* seconds, of connection_clock */
	enum route route;
	bool http10;               /* of HTTP/1.0, which needs no Host */
	bool line_is_broken;       /* the first line is not of three parts */
	bool routed;               /* the head has been looked at */
	bool queued;               /* the job has been handed to the queue */
	bool gzip;                 /* the client takes it */
	bool zipped;               /* the body of job.reply is gzip */
	bool failed;               /* there was no memory for it */
	bool answered;             /* a reply has been handed to the library */
	struct served_model *held; /* or NULL; of routes without a job */
	char *id; /* of a path that names a customer or a tag, or NULL; owned */
	size_t id_length;
	char *path, *method; /* owned */
	char *uri;           /* as it came, with its arguments; owned */
	const char *target, *target_end; /* uri where the library has it */
	/* Ends of the first line and of the head there, while it is looked at.
	 */
	const char *line_end, *head_end;
	char *authority; /* of a URI in absolute form, or NULL; owned */
	struct http_arguments arguments;
	/* Of the cache, and the model that answers by it; 0: the reply is not
	 * kept. */
	size_t key_length;
	char key[REPLY_CACHE_MAX_KEY];
	char *body; /* owned: size bytes of capacity */
	size_t size, capacity;
	int refusal; /* the status it is refused with unread; 0: it is not */
	const char *reason;        /* of a refusal for a wrong head, or NULL */
	bool csv;                  /* the client prefers CSV */
	bool overload;             /* too many others wait */
	bool unmodified;           /* the client has this reply already */
	const char *if_none_match; /* the header, or NULL */
	int status;                /* of the reply */
	size_t sent;               /* bytes of the reply's body */
	size_t held_bytes;         /* its part of service->held */
	char model[sizeof((struct served_model *)0)->id]; /* that answered */
	uint64_t segments_sum; /* of its segments; 0: none */
};

#endif
