/* metrics: requests are counted by route and status, and their seconds into
 * buckets that add up; the text has one HELP and TYPE for each name, before its
 * samples, names as Prometheus wants them, and no sample twice. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "serve/metrics.h"

static int failed;
static struct metrics metrics;

static void check(int holds, const char *what)
{
	if (!holds) {
		printf("%s\n", what);
		failed = 1;
	}
}

static char *write_text(void)
{
	const struct metrics_model model = {.id = "0123456789abcdef",
					    .version = "1.2.3",
					    .age = 2.5,
					    .opened = 1e9,
					    .customers = 7,
					    .tags = 8};
	struct output output;

	output_memory(&output);
	metrics_write(&metrics, &model, &output);
	output_write(&output, "", 1);
	return (char *)output.buffer;
}

/* The value of a sample, or -1. */
static double sample(const char *text, const char *name)
{
	size_t length = strlen(name);

	for (const char *line = text; line != NULL && *line != '\0';
	     line = strchr(line, '\n'), line = line ? line + 1 : NULL)
		if (strncmp(line, name, length) == 0 && line[length] == ' ')
			return strtod(line + length, NULL);
	return -1;
}

static void check_counts(const char *text)
{
	check(sample(text, "cs_requests_total{route=\"/predict\","
			   "status=\"200\"}") == 3,
	      "requests of a route and status");
	check(sample(text, "cs_requests_total{route=\"other\",status=\"0\"}") ==
		      2,
	      "requests that were cut off, or of no status");
	check(sample(text, "cs_request_seconds_bucket{route=\"/predict\","
			   "le=\"0.001\"}") == 1,
	      "a bucket and those below");
	check(sample(text, "cs_request_seconds_bucket{route=\"/predict\","
			   "le=\"5\"}") == 2,
	      "the last bucket");
	check(sample(text, "cs_request_seconds_bucket{route=\"/predict\","
			   "le=\"+Inf\"}") == 3,
	      "all requests");
	check(sample(text, "cs_request_seconds_count{route=\"/predict\"}") == 3,
	      "their number");
	check(sample(text, "cs_request_seconds_sum{route=\"/predict\"}") ==
		      7.001,
	      "their seconds");
	check(sample(text, "cs_model_customers") == 7, "rows");
	check(sample(text, "cs_build_info{version=\"1.2.3\"}") == 1, "build");
	check(sample(text, "process_resident_memory_bytes") > 1e5, "memory");
	check(sample(text, "process_start_time_seconds") > 1e9, "start");
	check(sample(text, "process_open_fds") >= 3, "files");
}

/* The name that a line's sample has, without what a histogram appends. */
static size_t base_length(const char *line, size_t length)
{
	static const char *const ends[] = {"_bucket", "_sum", "_count"};

	for (size_t i = 0; i < 3; i++) {
		size_t end = strlen(ends[i]);

		if (strncmp(line, "cs_request_seconds", 18) == 0 &&
		    length > end &&
		    strncmp(line + length - end, ends[i], end) == 0)
			return length - end;
	}
	return length;
}

/* Each sample stands below the TYPE of its name; counters end in _total. */
static void check_conventions(char *text)
{
	char name[128] = "", type[32] = "";
	size_t samples = 0;

	for (char *line = strtok(text, "\n"); line != NULL;
	     line = strtok(NULL, "\n")) {
		size_t length = strcspn(line, "{ ");

		if (sscanf(line, "# TYPE %127s %31s", name, type) == 2) {
			size_t end = strlen(name);

			check((strcmp(type, "counter") == 0) ==
				      (end > 6 &&
				       strcmp(name + end - 6, "_total") == 0),
			      "a counter that does not end in _total");
			continue;
		}
		if (*line == '#')
			continue;
		samples++;
		length = base_length(line, length);
		if (strlen(name) != length ||
		    strncmp(line, name, length) != 0) {
			printf("%s is not below its TYPE, but %s's\n", line,
			       name);
			failed = 1;
		}
	}
	check(samples > 100, "how many samples there are");
}

static void check_once(const char *text)
{
	for (const char *at = text; (at = strstr(at, "# TYPE ")) != NULL;
	     at++) {
		char line[160];

		snprintf(line, sizeof line, "%.*s ",
			 (int)(7 + strcspn(at + 7, " ")), at);
		if (strstr(at + 1, line) != NULL) {
			printf("twice: %s\n", line);
			failed = 1;
		}
	}
}

int main(void)
{
	char *text;

	metrics_count(&metrics, ROUTE_PREDICT, 200, 0.001);
	metrics_count(&metrics, ROUTE_PREDICT, 200, 1);
	metrics_count(&metrics, ROUTE_PREDICT, 200, 6);
	metrics_count(&metrics, ROUTE_NONE, 0, 1);
	metrics_count(&metrics, ROUTE_NONE, 9999, 1);
	text = write_text();
	check_counts(text);
	check_once(text);
	check_conventions(text);
	free(text);
	return failed;
}
