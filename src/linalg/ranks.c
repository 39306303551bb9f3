#include "linalg/ranks.h"

void ranks_begin(void)
{
}

void ranks_end(void)
{
}

unsigned ranks_self(void)
{
	return 0;
}

unsigned ranks_count(void)
{
	return 1;
}

void ranks_sum(int64_t *items, size_t count)
{
	(void)items;
	(void)count;
}

void ranks_share(void *bytes, size_t size)
{
	(void)bytes;
	(void)size;
}

void ranks_wait(void)
{
}
