#include "serve/metrics.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

const char *const metrics_routes[ROUTES] = {
	[ROUTE_PREDICT] = "/predict",
	[ROUTE_SIMILAR] = "/customers/ID/similar",
	[ROUTE_CUSTOMER] = "/customers/ID",
	[ROUTE_CUSTOMERS] = "/customers",
	[ROUTE_SEGMENTS] = "/segments",
	[ROUTE_SEGMENT] = "/segments/ID",
	[ROUTE_MODEL] = "/model",
	[ROUTE_OVERVIEW] = "/overview",
	[ROUTE_TAGS] = "/tags",
	[ROUTE_TAG] = "/tags/ID",
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

static void write_memory(struct output *output)
{
	double page = (double)sysconf(_SC_PAGESIZE);
	unsigned long virtual = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (file == NULL)
		return;
	if (fscanf(file, "%lu %lu", &virtual, &resident) == 2) {
		gauge(output, "process_virtual_memory_bytes",
		      "Virtual memory size.", (double)virtual * page);
		gauge(output, "process_resident_memory_bytes",
		      "Resident memory size.", (double)resident * page);
	}
	fclose(file);
}

/* When the process started, in seconds of the epoch; 0 where /proc does not
 * tell. */
static double start_time(void)
{
	FILE *file = fopen("/proc/self/stat", "re");
	struct timespec now, boot;
	unsigned long long ticks = 0;

	if (file == NULL)
		return 0;
	/* Field 22, in clock ticks since the system's start (proc(5)). */
	if (fscanf(file,
		   "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
		   "%*u %*u %*d %*d %*d %*d %*d %*d %llu",
		   &ticks) != 1)
		ticks = 0;
	fclose(file);
	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	return ticks == 0
		       ? 0
		       : (double)(now.tv_sec - boot.tv_sec) +
				 (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

static double count_open_files(void)
{
	DIR *files = opendir("/proc/self/fd");
	double count = 0;

	if (files == NULL)
		return 0;
	for (const struct dirent *one; (one = readdir(files)) != NULL;)
		count += *one->d_name != '.';
	closedir(files);
	return count - 1; /* that of the directory */
}

/* What every exporter says of its process. */
static void write_process(struct output *output)
{
	struct rusage usage;
	struct rlimit files;

	if (getrusage(RUSAGE_SELF, &usage) == 0) {
		head(output, "process_cpu_seconds_total", "counter",
		     "Total user and system CPU time spent in seconds.");
		output_print(output, "process_cpu_seconds_total %.6f\n",
			     (double)usage.ru_utime.tv_sec +
				     (double)usage.ru_stime.tv_sec +
				     (double)(usage.ru_utime.tv_usec +
					      usage.ru_stime.tv_usec) /
					     1e6);
	}
	write_memory(output);
	gauge(output, "process_start_time_seconds",
	      "Start time of the process since the epoch in seconds.",
	      start_time());
	gauge(output, "process_open_fds", "Number of open file descriptors.",
	      count_open_files());
	if (getrlimit(RLIMIT_NOFILE, &files) == 0)
		gauge(output, "process_max_fds",
		      "Maximum number of open file descriptors.",
		      (double)files.rlim_cur);
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
	counter(output, "cs_connections_refused_total",
		"Connections closed at once: their client had as many as it "
		"may.",
		atomic_load(&metrics->refused_connections));
	counter(output, "cs_replies_cached_total",
		"Requests answered with a reply that was kept.",
		atomic_load(&metrics->cached));
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
	gauge(output, "cs_model_last_reload_timestamp_seconds",
	      "When the model was loaded.", model->opened);
	head(output, "cs_build_info", "gauge", "The version of the program.");
	output_print(output, "cs_build_info{version=\"%s\"} 1\n",
		     model->version);
	write_process(output);
}
