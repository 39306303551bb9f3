#include "base/cpu_features.h"

#ifdef __x86_64__
#define HAS(kind) (__builtin_cpu_supports(kind) != 0)
#else
#define HAS(kind) false
#endif

bool cpu_has_avx2(void)
{
	return HAS("avx2") && HAS("fma");
}

bool cpu_has_avx512(void)
{
	return cpu_has_avx2() && HAS("popcnt") && HAS("avx512f") &&
	       HAS("avx512bw") && HAS("avx512dq") && HAS("avx512vl");
}

bool cpu_has_vnni(void)
{
	return cpu_has_avx512() && HAS("avx512vnni");
}
