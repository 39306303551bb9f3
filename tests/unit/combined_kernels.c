/* Every kernel of search/combined_kernels.h against the plain loops: the same
 * rows, sums and counts; products of codes also against their definition. */
#include "search/combined_kernels.h"

#include <string.h>

#include "cases.h"

/* Rows of a case, and the room beyond them that a kernel may use. */
enum { CASES = 400, ROWS = 200, ROOM = ROWS + 16 };

/* What the kernels are given. */
struct data {
	size_t count;
	uint32_t rows[ROOM];
	int32_t sums[ROOM];
	uint8_t bins[ROOM];
	int16_t columns[INDEX_COLUMNS][ROOM];
	int32_t thresholds[INDEX_BINS], limit;
};

/* Rows and sums that a kernel keeps. */
struct kept {
	size_t count;
	uint32_t rows[ROOM];
	int32_t sums[ROOM];
};

/* A sum, sometimes the smallest threshold itself. */
static int32_t draw_sum(int32_t most, int32_t low)
{
	switch (chance(8)) {
	case 0:
		return chance(2) ? INT32_MAX : -INT32_MAX;
	case 1:
		return 0;
	case 2:
		return low;
	default:
		return (int32_t)chance((size_t)most) - most / 4;
	}
}

static void draw(struct data *data)
{
	int32_t most = 1 << (4 + chance(20)), low = 1 + (int32_t)chance(most);

	memset(data, 0, sizeof *data);
	data->count = chance(ROWS + 1);
	for (size_t b = 0; b < INDEX_BINS; b++)
		data->thresholds[b] =
			chance(3) ? low + (int32_t)chance(most) : low;
	for (size_t i = 0; i < data->count; i++) {
		data->rows[i] = (uint32_t)chance(ROWS);
		data->sums[i] = draw_sum(most, low);
	}
	for (size_t i = 0; i < ROWS; i++)
		data->bins[i] = (uint8_t)chance(INDEX_BINS);
	data->limit = chance(2) ? INT32_MAX : draw_sum(4 * most, low);
}

static int differ(const struct kept *a, const struct kept *b)
{
	return a->count != b->count ||
	       memcmp(a->rows, b->rows, a->count * sizeof *a->rows) != 0 ||
	       memcmp(a->sums, b->sums, a->count * sizeof *a->sums) != 0;
}

static struct kept filtered(const struct combined_kernel *kernel,
			    const struct data *data)
{
	struct kept kept;

	memcpy(kept.rows, data->rows, sizeof kept.rows);
	memcpy(kept.sums, data->sums, sizeof kept.sums);
	kept.count = kernel->filter(data->thresholds, data->bins, data->limit,
				    kept.rows, kept.sums, data->count);
	return kept;
}

static struct kept selected(const struct combined_kernel *kernel,
			    const struct data *data)
{
	struct kept kept;

	kept.count = kernel->select(data->thresholds[0], data->rows, data->sums,
				    data->count, kept.rows, kept.sums);
	return kept;
}

/* Scans sixteens of rows, whose sums become zeros. */
static struct kept scanned(const struct combined_kernel *kernel,
			   const struct data *data,
			   const struct column_set *set)
{
	size_t count = data->count / 16 * 16;
	struct kept kept;
	int32_t sums[ROOM];

	for (size_t i = 0; i < ROOM; i++)
		sums[i] = data->sums[i] % (1 << 28);
	kept.count = kernel->scan(set, sums, data->bins, data->thresholds, 1000,
				  count, kept.rows, kept.sums);
	for (size_t i = 0; i < ROOM; i++)
		if (sums[i] != (i < count ? 0 : data->sums[i] % (1 << 28)))
			kept.count = SIZE_MAX;
	return kept;
}

/* Every kernel's product of a query's codes and a row's, the largest ones too.
 */
static int check_codes(void)
{
	int8_t query[320], row[320];
	uint8_t packed[160];
	size_t columns = 64 * chance(6);
	bool largest = chance(4) == 0;
	int32_t wanted = 0;

	for (size_t j = 0; j < columns; j++) {
		query[j] = (int8_t)(largest ? INDEX_QUERY_MOST
					    : (int)chance(255) - 127);
		row[j] = (int8_t)(largest ? INDEX_CODE_MOST
					  : (int)chance(15) - 7);
		wanted += query[j] * (row[j] + INDEX_CODE_ZERO);
	}
	index_pack(packed, row, columns);
	for (unsigned i = 0; i < COMBINED_KERNELS; i++) {
		const struct combined_kernel *kernel = combined_kernel_get(i);

		if (kernel != NULL &&
		    kernel->code_dot(query, packed, columns) != wanted)
			return fail(kernel->name) | fail("code_dot");
	}
	return 0;
}

static int check_kernel(const struct combined_kernel *kernel,
			const struct combined_kernel *plain,
			const struct data *data, const struct column_set *set)
{
	struct kept found = filtered(kernel, data);
	struct kept wanted = filtered(plain, data);
	int failed = 0;

	if (differ(&found, &wanted))
		failed |= fail(kernel->name) | fail("filter");
	found = selected(kernel, data);
	wanted = selected(plain, data);
	if (differ(&found, &wanted))
		failed |= fail(kernel->name) | fail("select");
	found = scanned(kernel, data, set);
	wanted = scanned(plain, data, set);
	if (differ(&found, &wanted))
		failed |= fail(kernel->name) | fail("scan");
	if (kernel->count_at_least(data->sums, data->count, data->limit) !=
	    plain->count_at_least(data->sums, data->count, data->limit))
		failed |= fail(kernel->name) | fail("count_at_least");
	return failed;
}

static int run_case(void)
{
	const struct combined_kernel *plain =
		combined_kernel_get(COMBINED_KERNELS - 1);
	static struct data data;
	struct column_set set = {.count = chance(5)};
	int failed = check_codes();

	draw(&data);
	for (size_t c = 0; c < set.count; c++) {
		set.columns[c] = data.columns[c];
		set.weights[c] = (int32_t)chance(2000) - 1000;
		for (size_t i = 0; i < data.count; i++)
			data.columns[c][i] = (int16_t)(chance(60000) - 30000);
	}
	for (unsigned i = 0; i < COMBINED_KERNELS; i++)
		if (combined_kernel_get(i) != NULL)
			failed |= check_kernel(combined_kernel_get(i), plain,
					       &data, &set);
	return failed;
}

int main(int argc, char **argv)
{
	return run_cases(argc, argv, CASES, run_case);
}
