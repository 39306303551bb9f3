#include "serve/metrics.h"

#include <stdio.h>
#include <unistd.h>

const char *const metrics_routes[ROUTES] = {
	[ROUTE_PREDICT] = "/predict",
	[ROUTE_SIMILAR] = "/customers/ID/similar",
	[ROUTE_CUSTOMER] = "/customers/ID",
	[ROUTE_CUSTOMERS] = "/customers",
	[ROUTE_MODEL] = "/model",
	[ROUTE_PAGE] = "/",
	[ROUTE_HEALTH] = "/healthz",
	[ROUTE_READY] = "/readyz",
	[ROUTE_METRICS] = "/metrics",
	[ROUTE_OPENAPI] = "/openapi.json",
	[ROUTE_NONE] = "other",
};

static const double bounds[METRICS_BUCKETS] = {
	0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5};

void metrics_count(struct metrics *metrics, enum route route, int status,
		   double seconds)
{
	size_t bucket = 0;

	while (bucket < METRICS_BUCKETS && seconds > bounds[bucket])
		bucket++;
	if (status < 0 || status >= 600)
		status = 0;
	atomic_fetch_add(&metrics->requests[route][status], 1);
	atomic_fetch_add(&metrics->buckets[route][bucket], 1);
	atomic_fetch_add(&metrics->microseconds[route],
			 (unsigned long)(seconds * 1e6));
}

/* ----------------------------------------------------------------- writing */

static void head(struct output *output, const char *name, const char *type,
		 const char *help)
{
	output_print(output, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
		     type);
}

static void write_requests(struct metrics *metrics, struct output *output)
{
	head(output, "cs_requests_total", "counter",
	     "Requests by route and status; status 0 was cut off or no HTTP.");
	for (int r = 0; r < ROUTES; r++)
		for (int status = 0; status < 600; status++) {
			unsigned long count =
				atomic_load(&metrics->requests[r][status]);

			if (count > 0)
				output_print(output,
					     "cs_requests_total{route=\"%s\","
					     "status=\"%d\"} %lu\n",
					     metrics_routes[r], status, count);
		}
}

static void write_histogram(struct metrics *metrics, struct output *output,
			    int r)
{
	const char *route = metrics_routes[r];
	unsigned long sum = 0;

	for (int i = 0; i < METRICS_BUCKETS; i++) {
		sum += atomic_load(&metrics->buckets[r][i]);
		output_print(output,
			     "cs_request_seconds_bucket{route=\"%s\",le=\"%g\"}"
			     " %lu\n",
			     route, bounds[i], sum);
	}
	sum += atomic_load(&metrics->buckets[r][METRICS_BUCKETS]);
	output_print(output,
		     "cs_request_seconds_bucket{route=\"%s\",le=\"+Inf\"} %lu\n"
		     "cs_request_seconds_sum{route=\"%s\"} %.6f\n"
		     "cs_request_seconds_count{route=\"%s\"} %lu\n",
		     route, sum, route,
		     (double)atomic_load(&metrics->microseconds[r]) / 1e6,
		     route, sum);
}

/* Resident bytes of this process; 0 where that cannot be read. */
static double resident(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	if (file == NULL)
		return 0;
	if (fscanf(file, "%*u %lu", &pages) != 1)
		pages = 0;
	fclose(file);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static void gauge(struct output *output, const char *name, const char *help,
		  double value)
{
	head(output, name, "gauge", help);
	output_print(output, "%s %.15g\n", name, value);
}

static void counter(struct output *output, const char *name, const char *help,
		    unsigned long value)
{
	head(output, name, "counter", help);
	output_print(output, "%s %lu\n", name, value);
}

void metrics_write(struct metrics *metrics, const struct metrics_model *model,
		   struct output *output)
{
	write_requests(metrics, output);
	head(output, "cs_request_seconds", "histogram",
	     "Seconds from a request's first line to its answer's end.");
	for (int r = 0; r < ROUTES; r++)
		write_histogram(metrics, output, r);
	counter(output, "cs_model_loads_total", "Models loaded.",
		atomic_load(&metrics->loads));
	counter(output, "cs_model_load_failures_total",
		"Files refused; the model before stayed.",
		atomic_load(&metrics->failed_loads));
	gauge(output, "cs_requests_waiting",
	      "Requests that wait to be worked "
	      "on.",
	      (double)atomic_load(&metrics->waiting));
	gauge(output, "cs_connections", "Open connections.",
	      (double)atomic_load(&metrics->connections));
	head(output, "cs_model_info", "gauge", "The model that answers.");
	output_print(output, "cs_model_info{id=\"%s\"} 1\n", model->id);
	gauge(output, "cs_model_age_seconds",
	      "Since the model's file was made.", model->age);
	gauge(output, "cs_model_customers", "Rows of the model.",
	      (double)model->customers);
	gauge(output, "cs_model_tags", "Columns of the model.",
	      (double)model->tags);
	gauge(output, "cs_resident_bytes", "Resident memory of the process.",
	      resident());
}
