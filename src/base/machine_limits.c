#include "base/machine_limits.h"

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MAX_PATH = 4096 };

static const char *groups = "/proc/self/cgroup", *mount = "/sys/fs/cgroup";

void machine_limits_look_in(const char *list, const char *where)
{
	groups = list;
	mount = where;
}

/* The first line of a file, without its end; false where there is none. */
static bool read_line(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "re");
	bool read = file != NULL && fgets(line, (int)size, file) != NULL;

	if (file != NULL)
		fclose(file);
	if (read)
		line[strcspn(line, "\n")] = 0;
	return read;
}

/* The group of this process for a controller of version 1, or, for "", of
 * version 2; false where there is none.  A line of the list is
 * "number:controllers:group". */
static bool find_group(const char *controller, char *group)
{
	FILE *file = fopen(groups, "re");
	char line[MAX_PATH];
	bool is_found = false;

	while (file != NULL && !is_found &&
	       fgets(line, sizeof line, file) != NULL) {
		char *names = strchr(line, ':'), *path, *rest;
		if (names == NULL || (path = strchr(names + 1, ':')) == NULL)
			continue;
		*path++ = 0;
		path[strcspn(path, "\n")] = 0;
		is_found = *controller == 0 && names[1] == 0;
		for (char *name = strtok_r(names + 1, ",", &rest);
		     name != NULL && !is_found;
		     name = strtok_r(NULL, ",", &rest))
			is_found = strcmp(name, controller) == 0;
		if (is_found)
			memcpy(group, path, strlen(path) + 1);
	}
	if (file != NULL)
		fclose(file);
	return is_found;
}

/* Call visit with each file of that name, of the group and those above it. */
static void visit_groups(const char *controller, const char *file,
			 void (*visit)(const char *path, void *context),
			 void *context)
{
	char group[MAX_PATH], path[3 * MAX_PATH];
	const char *separator = *controller ? "/" : "";

	if (!find_group(controller, group))
		return;
	for (;;) {
		char *slash = strrchr(group, '/');
		snprintf(path, sizeof path, "%s%s%s%s/%s", mount, separator,
			 controller, strcmp(group, "/") ? group : "", file);
		visit(path, context);
		if (slash == NULL || group[1] == 0)
			return;
		slash[slash == group] = 0;
	}
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* A positive whole number in text, or none: UINT64_MAX ("max", "-1"). */
static uint64_t limit_of(const char *text)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 10);

	return end == text || *text == '-' || value == 0 ? UINT64_MAX : value;
}

static uint64_t limit_of_variable(const char *name)
{
	const char *text = getenv(name);

	return text != NULL ? limit_of(text) : UINT64_MAX;
}

static void visit_memory(const char *path, void *context)
{
	uint64_t *bytes = context;
	char line[64];

	if (read_line(path, line, sizeof line))
		*bytes = least(*bytes, limit_of(line));
}

/* Megabytes that Slurm gave, in bytes, or UINT64_MAX. */
static uint64_t slurm_memory(void)
{
	uint64_t node = limit_of_variable("SLURM_MEM_PER_NODE");
	uint64_t one = limit_of_variable("SLURM_MEM_PER_CPU");
	uint64_t count = limit_of_variable("SLURM_CPUS_ON_NODE");
	uint64_t bytes;

	if (node == UINT64_MAX && one != UINT64_MAX && count != UINT64_MAX &&
	    __builtin_mul_overflow(one, count, &node))
		return UINT64_MAX;
	return __builtin_mul_overflow(node, (uint64_t)1 << 20, &bytes)
		       ? UINT64_MAX
		       : bytes;
}

size_t machine_limits_memory(void)
{
	uint64_t bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) *
			 (uint64_t)sysconf(_SC_PAGESIZE);
	struct rlimit limit;

	visit_groups("", "memory.max", visit_memory, &bytes);
	visit_groups("memory", "memory.limit_in_bytes", visit_memory, &bytes);
	bytes = least(bytes, slurm_memory());
	if (getrlimit(RLIMIT_AS, &limit) == 0)
		bytes = least(bytes, limit.rlim_cur);
	if (getrlimit(RLIMIT_DATA, &limit) == 0)
		bytes = least(bytes, limit.rlim_cur);
	return (size_t)bytes;
}

size_t machine_limits_buffer(size_t most)
{
	return (size_t)least(machine_limits_memory() / 4, most);
}

static uint64_t quota(uint64_t time, uint64_t period)
{
	return time == UINT64_MAX || period == UINT64_MAX
		       ? UINT64_MAX
		       : (time - 1) / period + 1;
}

/* cpu.max of version 2: "time period" in microseconds, or "max period". */
static void visit_cpu(const char *path, void *context)
{
	uint64_t *count = context;
	char line[64];

	if (!read_line(path, line, sizeof line))
		return;
	const char *period = strchr(line, ' ');
	if (period != NULL)
		*count = least(*count,
			       quota(limit_of(line), limit_of(period + 1)));
}

/* cpu.cfs_quota_us of version 1, and cpu.cfs_period_us beside it. */
static void visit_cpu_quota(const char *path, void *context)
{
	uint64_t *count = context;
	char other[3 * MAX_PATH], time[64], period[64];
	size_t folder = (size_t)(strrchr(path, '/') - path);

	snprintf(other, sizeof other, "%.*s/cpu.cfs_period_us", (int)folder,
		 path);
	if (read_line(path, time, sizeof time) &&
	    read_line(other, period, sizeof period))
		*count = least(*count, quota(limit_of(time), limit_of(period)));
}

unsigned machine_limits_processors(void)
{
	cpu_set_t set;
	uint64_t count = 1;

	if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
		count = (uint64_t)CPU_COUNT(&set);
	visit_groups("", "cpu.max", visit_cpu, &count);
	visit_groups("cpu", "cpu.cfs_quota_us", visit_cpu_quota, &count);
	return (unsigned)least(count, limit_of_variable("SLURM_CPUS_PER_TASK"));
}
