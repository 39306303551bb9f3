#include "base/json_memory.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/alloc.h"

static void *allocate(size_t size)
{
	return alloc(size, 1);
}

void json_memory_begin(void)
{
	json_set_alloc_funcs(allocate, free);
}

void json_check(int status)
{
	if (status != 0)
		alloc_check(NULL);
}
