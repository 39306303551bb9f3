/* aggregation: logs made profiles, and profiles added up, several times in one
 * process: options are not kept from one call to the next. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/errors.h"
#include "events/aggregation.h"
#include "expect.h"

static const char log_path[] = "log.csv", profile_path[] = "profile.tsv";

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	fputs(text, file);
	fclose(file);
}

static void expect_profile(const char *what, const char *expected)
{
	char found[512] = "";
	FILE *file = fopen(profile_path, "r");

	found[fread(found, 1, sizeof found - 1, file)] = '\0';
	fclose(file);
	expect(what, found, expected);
}

static struct aggregation_options options_of(unsigned threads)
{
	return (struct aggregation_options){.columns.headed = true,
					    .dialect.delimiter = ",",
					    .style.point = '.',
					    .output = profile_path,
					    .memory = 64 << 20,
					    .threads = threads,
					    .quiet = true};
}

static void check_run(unsigned threads)
{
	char *paths[] = {(char *)(uintptr_t)log_path};
	struct aggregation_options options = options_of(threads);

	write_file(log_path, "user_id,tag,value\n"
			     "b,x,2\na,y,0.5\nb,x,1\na,x,-1\n");
	options.prefix = "p:";
	aggregation_run(&options, paths, 1);
	expect_profile("summed", "user_id\ttag\tevents\tvalue\n"
				 "a\tp:x\t1\t-1\na\tp:y\t1\t0.5\n"
				 "b\tp:x\t2\t3\n");
	options = options_of(threads);
	expect("a condition", row_filter_add(&options.filter, "tag=y"), NULL);
	aggregation_run(&options, paths, 1);
	expect_profile("filtered",
		       "user_id\ttag\tevents\tvalue\na\ty\t1\t0.5\n");
}

static void check_merge(void)
{
	static const char header[] = "customer\ttag\tevents\tvalue\n";
	char a[] = "a.tsv", b[] = "b.tsv", *paths[] = {a, b}, text[128];
	struct aggregation_options options = options_of(1);

	snprintf(text, sizeof text, "%sc\tt\t1\t0.25\nd\tt\t1\t1\n", header);
	write_file(a, text);
	snprintf(text, sizeof text, "%sc\tt\t2\t0.5\n", header);
	write_file(b, text);
	aggregation_merge(&options, paths, 2);
	snprintf(text, sizeof text, "%sc\tt\t3\t0.75\nd\tt\t1\t1\n", header);
	expect_profile("merged", text);
	unlink(a);
	unlink(b);
}

static void run_wrong(void *context)
{
	char *paths[] = {(char *)(uintptr_t)log_path};
	struct aggregation_options options = options_of(1);

	(void)context;
	aggregation_run(&options, paths, 1);
}

/* A wrong row ends the process, which leaves no profile. */
static void check_wrong(void)
{
	char text[1024];

	unlink(profile_path);
	write_file(log_path, "user_id,tag\na\n");
	check(run_apart(run_wrong, NULL, text, sizeof text) == STATUS_WRONG,
	      "another status");
	check(strstr(text, "log.csv:2") != NULL, text);
	check(access(profile_path, F_OK) != 0, "a profile of a wrong log");
}

int main(void)
{
	check_run(1);
	check_run(3);
	check_merge();
	check_wrong();
	unlink(log_path);
	return failed;
}
