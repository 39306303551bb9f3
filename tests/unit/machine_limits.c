/* machine_limits: the least of what a control group, Slurm and the process
 * itself allow, from files and variables made here. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/machine_limits.h"
#include "expect.h"

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) {
		perror(path);
		exit(1);
	}
}

static void check_version_2(unsigned all, size_t memory)
{
	mkdir("v2", 0777);
	mkdir("v2/outer", 0777);
	mkdir("v2/outer/inner", 0777);
	put("groups2", "0::/outer/inner\n");
	machine_limits_look_in("groups2", "v2");
	check(machine_limits_memory() == memory &&
		      machine_limits_processors() == all,
	      "no limit is a limit");
	put("v2/outer/inner/memory.max", "max\n");
	put("v2/outer/memory.max", "1048576\n");
	put("v2/outer/inner/cpu.max", "max 100000\n");
	put("v2/outer/cpu.max", "50000 100000\n");
	check(machine_limits_memory() == 1048576,
	      "memory.max of a group above");
	check(machine_limits_processors() == 1, "half a processor is one");
	put("v2/memory.max", "4096\n");
	put("v2/outer/inner/memory.max", "8192\n");
	check(machine_limits_memory() == 4096, "memory.max of the root");
	put("v2/outer/cpu.max", "100000000 100000\n");
	check(machine_limits_processors() == all, "more than there are");
	put("v2/outer/cpu.max", "nonsense\n");
	check(machine_limits_processors() == all, "a file of nonsense");
}

static void check_version_1(unsigned all)
{
	mkdir("v1", 0777);
	mkdir("v1/memory", 0777);
	mkdir("v1/memory/job", 0777);
	mkdir("v1/cpu", 0777);
	mkdir("v1/cpu/job", 0777);
	put("groups1", "5:memory:/job\n4:cpuset:/\n3:cpuacct,cpu:/job\n");
	machine_limits_look_in("groups1", "v1");
	put("v1/memory/job/memory.limit_in_bytes", "2097152\n");
	put("v1/cpu/job/cpu.cfs_quota_us", "-1\n");
	put("v1/cpu/job/cpu.cfs_period_us", "100000\n");
	check(machine_limits_memory() == 2097152, "memory.limit_in_bytes");
	check(machine_limits_processors() == all, "a quota of -1 is none");
	put("v1/cpu/job/cpu.cfs_quota_us", "1\n");
	check(machine_limits_processors() == 1, "cpu.cfs_quota_us");
}

static void check_slurm(size_t memory)
{
	machine_limits_look_in("absent", "absent");
	setenv("SLURM_CPUS_PER_TASK", "1", 1);
	check(machine_limits_processors() == 1, "SLURM_CPUS_PER_TASK");
	setenv("SLURM_MEM_PER_NODE", "0", 1);
	check(machine_limits_memory() == memory, "0 is all memory to Slurm");
	setenv("SLURM_MEM_PER_NODE", "12", 1);
	check(machine_limits_memory() == 12 << 20, "SLURM_MEM_PER_NODE");
	check(machine_limits_buffer(SIZE_MAX) == 3 << 20, "a quarter of it");
	check(machine_limits_buffer(1000) == 1000, "no more than asked for");
	unsetenv("SLURM_MEM_PER_NODE");
	unsetenv("SLURM_CPUS_ON_NODE");
	setenv("SLURM_MEM_PER_CPU", "5", 1);
	check(machine_limits_memory() == memory,
	      "memory of unknown processors");
	setenv("SLURM_CPUS_ON_NODE", "3", 1);
	check(machine_limits_memory() == 15 << 20, "SLURM_MEM_PER_CPU");
	unsetenv("SLURM_MEM_PER_CPU");
}

int main(void)
{
	machine_limits_look_in("absent", "absent");
	unsetenv("SLURM_CPUS_PER_TASK");
	unsetenv("SLURM_MEM_PER_NODE");
	unsetenv("SLURM_MEM_PER_CPU");
	unsetenv("SLURM_CPUS_ON_NODE");
	unsigned all = machine_limits_processors();
	size_t memory = machine_limits_memory();

	check(all >= 1 && memory > 1 << 20, "nothing at all");
	check_version_2(all, memory);
	check_version_1(all);
	check_slurm(memory);
	return failed;
}
