/* alloc: arrays grow by doubling and keep what they hold, a size that overflows
 * ends the process. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "expect.h"

static void check_zeroed(void)
{
	unsigned char *bytes = alloc(1000, 3);
	size_t set = 0;

	for (size_t i = 0; i < 3000; i++)
		set += bytes[i] != 0;
	check(set == 0, "alloc: bytes that are not zero");
	bytes = alloc_resize(bytes, 4000, 3);
	for (size_t i = 0; i < 3000; i++)
		set += bytes[i] != 0;
	check(set == 0, "alloc_resize: bytes are lost");
	free(bytes);
	bytes = alloc(0, 8);
	check(bytes != NULL, "alloc: NULL for no items");
	free(bytes);
}

static void check_aligned(void)
{
	for (size_t size = 1; size < (size_t)16 << 20; size = 3 * size + 1) {
		unsigned char *bytes = alloc_aligned(size, 1);
		check((uintptr_t)bytes % 64 == 0, "alloc_aligned: not aligned");
		memset(bytes, 1, size);
		free(bytes);
	}
}

static void check_growth(void)
{
	size_t *items = NULL, capacity = 0, steps = 0, wrong = 0;

	for (size_t i = 0; i < 100000; i++) {
		size_t before = capacity;
		items = alloc_grow(items, &capacity, i + 1, sizeof *items);
		if (capacity != before) {
			check(capacity >= 2 * before && capacity >= 16,
			      "alloc_grow: does not double");
			steps++;
		}
		items[i] = i;
	}
	for (size_t i = 0; i < 100000; i++)
		wrong += items[i] != i;
	check(wrong == 0, "alloc_grow: items are lost");
	check(steps == 14, "alloc_grow: not 16 * 2^13 items after 14 steps");
	items = alloc_grow(items, &capacity, 10, sizeof *items);
	check(capacity == 16 << 13, "alloc_grow: shrinks");
	items = alloc_grow(items, &capacity, 10 * capacity + 3, sizeof *items);
	check(capacity == 10 * (16 << 13) + 3, "alloc_grow: less than needed");
	free(items);
}

static void check_text(void)
{
	char *text = alloc_text("ab\0cd", 4);

	check(memcmp(text, "ab\0c", 5) == 0, "alloc_text: other bytes");
	free(text);
	text = alloc_text(NULL, 0);
	check(*text == '\0', "alloc_text: not empty");
	free(text);
}

/* The status with which the process ends that multiplies a and b. */
static int product_status(size_t a, size_t b)
{
	pid_t child = fork();
	int status = -1;

	if (child == 0) {
		dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
		alloc_product(a, b);
		_exit(0);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void check_print(void)
{
	char *text = alloc_print("%s %d", "customers", 1000000), *empty;

	check(strcmp(text, "customers 1000000") == 0, "alloc_print: the text");
	free(text);
	empty = alloc_print("%s", "");
	check(*empty == '\0', "alloc_print: an empty text");
	free(empty);
}

int main(void)
{
	check_zeroed();
	check_aligned();
	check_growth();
	check_text();
	check_print();
	check(alloc_product(SIZE_MAX / 3, 3) == SIZE_MAX,
	      "alloc_product: another product");
	check(product_status(SIZE_MAX / 3, 3) == 0, "alloc_product: dies");
	check(product_status(SIZE_MAX / 3 + 1, 3) == STATUS_WRONG,
	      "alloc_product: an overflow passes");
	return failed;
}
