/* metrics: what a service counts, as Prometheus' text format. */
#ifndef SERVE_METRICS_H
#define SERVE_METRICS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/io.h"

enum route {
	ROUTE_PREDICT,
	ROUTE_SIMILAR,
	ROUTE_CUSTOMER,
	ROUTE_CUSTOMERS,
	ROUTE_SEGMENTS,
	ROUTE_SEGMENT,
	ROUTE_MODEL,
	ROUTE_OVERVIEW,
	ROUTE_TAGS,
	ROUTE_TAG,
	ROUTE_PAGE,
	ROUTE_HEALTH,
	ROUTE_READY,
	ROUTE_METRICS,
	ROUTE_OPENAPI,
	ROUTE_NONE,
	ROUTES
};

/* How each is called in metrics and the log. */
extern const char *const metrics_routes[ROUTES];

/* Upper bounds of the latency's histogram, in seconds. */
enum { METRICS_BUCKETS = 12 };

struct metrics {
	/* By route and status: 100 to 599, and 0 for one that was cut off. */
	atomic_ulong requests[ROUTES][600];
	atomic_ulong buckets[ROUTES][METRICS_BUCKETS + 1];
	atomic_ulong microseconds[ROUTES];
	atomic_ulong loads, failed_loads, refused_connections, cached;
	atomic_long waiting, connections;
};

/* A request was answered. */
void metrics_count(struct metrics *metrics, enum route route, int status,
		   double seconds);

/* What is known of the model and the program besides. */
struct metrics_model {
	const char *id, *version; /* of the model; of the program */
	double age;               /* seconds since the file was made */
	double opened; /* when it was loaded, in seconds of the epoch */
	size_t customers, tags;
};

void metrics_write(struct metrics *metrics, const struct metrics_model *model,
		   struct output *output);

#endif
