#include "base/json_memory.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/errors.h"

static bool survive;
static _Thread_local bool failed;

static void *allocate(size_t size)
{
	void *memory = malloc(size);

	if (memory == NULL && !survive)
		die("out of memory: %zu bytes wanted", size);
	failed = failed || memory == NULL;
	return memory;
}

void json_memory_begin(void)
{
	json_set_alloc_funcs(allocate, free);
}

void json_memory_survive(void)
{
	survive = true;
}

bool json_memory_failed(void)
{
	bool was = failed;

	failed = false;
	return was;
}
