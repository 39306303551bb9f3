/* shard_order: customers of several files in the order of their names; one that
 * is in two, and more than rows can be numbered, are refused.  The same number
 * of customers in one file is, too (model/csr_matrix). */
#include <stdlib.h>

#include "base/alloc.h"
#include "cases.h"
#include "model/shard_order.h"

enum { CASES = 300, MAX_SHARDS = 9, MAX_ROWS = 60, WIDTH = 4 };

/* Names are WIDTH digits, so that bytes sort as numbers. */
struct names {
	int64_t offsets[MAX_ROWS + 1];
	char bytes[MAX_ROWS * WIDTH + 1];
	struct csr_matrix matrix;
};

static struct names each[MAX_SHARDS];
static struct shard_file files[MAX_SHARDS];

static void add(struct names *names, size_t number)
{
	size_t n = names->matrix.n++;

	snprintf(names->bytes + n * WIDTH, WIDTH + 1, "%04zu", number);
	names->offsets[n + 1] = (int64_t)((n + 1) * WIDTH);
}

static void begin(void)
{
	memset(each, 0, sizeof each);
	for (size_t s = 0; s < MAX_SHARDS; s++)
		files[s] = (struct shard_file){.name = "file",
					       .matrix = &each[s].matrix};
}

static void view(void)
{
	for (size_t s = 0; s < MAX_SHARDS; s++)
		each[s].matrix.users = (struct text_array){
			each[s].offsets, (const unsigned char *)each[s].bytes,
			each[s].matrix.n};
}

static int run_case(void)
{
	struct shard_place places[MAX_ROWS + 1];
	size_t n = chance(MAX_ROWS), count = 1 + chance(MAX_SHARDS);
	bool twice = n > 1 && count > 1 && chance(5) == 0;
	size_t shard[MAX_ROWS];

	begin();
	for (size_t i = 0; i < n; i++) {
		shard[i] = chance(count);
		add(&each[shard[i]], i);
		if (twice && i == n / 2)
			add(&each[(shard[i] + 1) % count], i);
	}
	view();
	const char *error = shard_order_merge(files, count, places);
	if ((error != NULL) != twice)
		return fail(twice ? "a customer in two files is accepted"
				  : error);
	for (size_t i = 0; i < n && !twice; i++)
		if (places[i].shard != shard[i] ||
		    memcmp(each[shard[i]].bytes + places[i].row * WIDTH,
			   (char[WIDTH + 1]){(char)('0' + i / 1000),
					     (char)('0' + i / 100 % 10),
					     (char)('0' + i / 10 % 10),
					     (char)('0' + i % 10)},
			   WIDTH) != 0)
			return fail("another customer in this place");
	return 0;
}

/* 2^32 customers, of which none is looked at. */
static int check_limits(void)
{
	struct tensor tensors[] = {
		{"profile.indptr", DTYPE_I64, 1, {UINT32_MAX, 1}, "", 0, 0},
		{"profile.indices", DTYPE_I32, 1, {0, 1}, "", 0, 0},
		{"profile.values", DTYPE_F32, 1, {0, 1}, "", 0, 0},
		{"profile.raw", DTYPE_F32, 1, {0, 1}, "", 0, 0},
	};
	const struct safetensors file = {.tensors = tensors, .count = 4};
	struct csr_matrix matrix;
	const char *error;

	begin();
	each[0].matrix.n = UINT32_MAX;
	each[1].matrix.n = 1;
	error = shard_order_merge(files, 2, NULL);
	if (error == NULL || strstr(error, "4,294,967,295") == NULL)
		return fail("2^32 customers of two files are not refused");
	tensors[0].shape[0] += 2;
	error = csr_matrix_view(&matrix, &file);
	if (error == NULL || strstr(error, "2^32 - 1 customers") == NULL)
		return fail("2^32 customers of one file are not refused");
	return 0;
}

int main(int argc, char **argv)
{
	return check_limits() || run_cases(argc, argv, CASES, run_case);
}
