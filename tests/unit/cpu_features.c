/* cpu_features: what is said of the processor is what the kernel says. */
#include <stdio.h>
#include <string.h>

#include "base/cpu_features.h"

/* The line of flags of the first processor, with blanks around each; empty
 * where the system has none. */
static void read_flags(char *flags, size_t room)
{
	FILE *file = fopen("/proc/cpuinfo", "r");

	flags[0] = '\0';
	while (file != NULL && fgets(flags, (int)room, file) != NULL)
		if (strncmp(flags, "flags\t", 6) == 0)
			break;
	if (file == NULL || strncmp(flags, "flags\t", 6) != 0)
		flags[0] = '\0';
	flags[strcspn(flags, "\n")] = ' ';
	if (file != NULL)
		fclose(file);
}

static bool have_all(const char *flags, const char *const wanted[])
{
	for (; *wanted != NULL; wanted++)
		if (strstr(flags, *wanted) == NULL)
			return false;
	return true;
}

int main(void)
{
	static const char *const avx2[] = {" avx2 ", " fma ", NULL};
	static const char *const avx512[] = {" avx512f ",  " avx512bw ",
					     " avx512dq ", " avx512vl ",
					     " popcnt ",   NULL};
	static const char *const vnni[] = {" avx512_vnni ", NULL};
	char flags[16384];
	int failed = 0;

	read_flags(flags, sizeof flags - 2);
	if (cpu_has_avx2() != have_all(flags, avx2))
		failed = printf("AVX2\n");
	if (cpu_has_avx512() != have_all(flags, avx512))
		failed = printf("AVX-512\n");
	if (cpu_has_vnni() !=
	    (have_all(flags, avx512) && have_all(flags, vnni)))
		failed = printf("VNNI\n");
	return failed != 0;
}
