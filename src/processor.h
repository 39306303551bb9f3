/* processor: what kinds of vectors this processor has; loops in versions for
 * each are chosen by these.  A kind is all that any of its versions uses, so
 * that one processor takes one kind everywhere. */
#ifndef PROCESSOR_H
#define PROCESSOR_H

#include <stdbool.h>

#ifdef __x86_64__
static inline bool processor_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static inline bool processor_avx512(void)
{
	return processor_avx2() && __builtin_cpu_supports("popcnt") &&
	       __builtin_cpu_supports("avx512f") &&
	       __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512dq") &&
	       __builtin_cpu_supports("avx512vl");
}

static inline bool processor_vnni(void)
{
	return processor_avx512() && __builtin_cpu_supports("avx512vnni");
}
#endif

#endif
