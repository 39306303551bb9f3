/* search/combined_search.h: a workspace whose searches were left
 * (base/recovery.h) serves the next ones. */
#include "base/recovery.h"
#include "combined_case.h"

enum { CASES = 250 };

/* A kernel amid which, or a search after which, the work is left. */
static _Atomic size_t calls_left;
static const struct combined_kernel *whole_kernel;

static size_t count_or_leave(const int32_t *numbers, size_t count,
			     int32_t value)
{
	if (calls_left-- == 0)
		recovery_leave();
	return whole_kernel->count_at_least(numbers, count, value);
}

static int32_t dot_or_leave(const int8_t *query, const uint8_t *packed,
			    size_t columns)
{
	if (calls_left-- == 0)
		recovery_leave();
	return whole_kernel->code_dot(query, packed, columns);
}

struct left_search {
	const struct combined_options *search;
	const struct search_query *queries;
	size_t count;
};

static void search_and_leave(void *context)
{
	const struct left_search *left = context;

	ask(left->search, left->queries, left->count);
	recovery_leave();
}

static void undo_nothing(void *context)
{
	(void)context;
}

/* A workspace whose searches are left, as where there is no memory, gives the
 * same as one of its own to the next. */
static int check_left(const struct combined_options *asked,
		      const struct inverted_index *index,
		      const struct search_query *queries, size_t count)
{
	struct combined_options search = *asked, leaving;
	struct combined_kernel kernel;
	int failed = 0;

	search.kernel = NULL;
	search.index = index;
	search.threads = 1;
	struct answers first = ask(&search, queries, count);
	whole_kernel = combined_kernel_best();
	kernel = *whole_kernel;
	kernel.count_at_least = count_or_leave;
	kernel.code_dot = dot_or_leave;
	search.workspace = combined_workspace_new(2, search.matrix->m);
	leaving = search;
	leaving.kernel = &kernel;
	for (unsigned i = 0; i < 3; i++) {
		struct left_search left = {&leaving, queries, count};

		leaving.threads = 1 + i % 2;
		calls_left = chance(2) ? chance(20) : SIZE_MAX;
		if (recovery_run(search_and_leave, &left, undo_nothing))
			failed |= fail_query("the work was not left", 0);
		struct answers other = ask(&search, queries, count);
		for (size_t q = 0; q < count; q++)
			if (!same(&first.found[q], &other.found[q],
				  search.count_matching))
				failed |= fail_query("after work that was left",
						     queries[q].self);
		free_answers(&other, count);
	}
	combined_workspace_free(search.workspace);
	free_answers(&first, count);
	return failed;
}

static int run_case(void)
{
	struct combined_case made;

	make_case(&made);
	int failed =
		check_left(&made.search, &made.index, made.queries, made.count);
	free_case(&made);
	return failed;
}

int main(int argc, char **argv)
{
	return run_cases(argc, argv, CASES, run_case);
}
