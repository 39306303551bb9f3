#include "base/cpu_features.h"

#ifdef __x86_64__
#define HAS(kind) (__builtin_cpu_supports(kind) != 0)
#define IS_X86    true
#else
#define HAS(kind) false
#define IS_X86    false
#endif

#ifdef __aarch64__
#include <sys/auxv.h>

bool cpu_has_dot_products(void)
{
	static const unsigned long asimddp = 1UL << 20; /* HWCAP_ASIMDDP */

	return (getauxval(AT_HWCAP) & asimddp) != 0;
}
#else
bool cpu_has_dot_products(void)
{
	return false;
}
#endif

bool cpu_is_x86(void)
{
	return IS_X86;
}

bool cpu_has_sse42(void)
{
	return HAS("sse4.2");
}

bool cpu_has_avx(void)
{
	return HAS("avx");
}

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
