/* machine_limits: how much memory and how many processors this process may
 * use: the least of what the machine has, what a control group (version 1 or 2)
 * allows, what Slurm gave the task, and its own resource limits. */
#ifndef BASE_MACHINE_LIMITS_H
#define BASE_MACHINE_LIMITS_H

#include <stddef.h>

/* Bytes of memory: physical, memory.max or memory.limit_in_bytes of the control
 * group and those above it, SLURM_MEM_PER_NODE (or _PER_CPU times
 * SLURM_CPUS_ON_NODE), RLIMIT_AS, RLIMIT_DATA. */
size_t machine_limits_memory(void);

/* Bytes for a buffer: a quarter of machine_limits_memory(), or most where that
 * is less. */
size_t machine_limits_buffer(size_t most);

/* Processors, at least 1: those of the affinity mask, the quota of the control
 * group (rounded up), SLURM_CPUS_PER_TASK. */
unsigned machine_limits_processors(void);

/* For tests: where the list of this process's control groups is, and where
 * their file systems are mounted; by default /proc/self/cgroup and
 * /sys/fs/cgroup.  Kept, not copied. */
void machine_limits_look_in(const char *groups, const char *mount);

#endif
