/* Any bytes as a list of customers and as a file of names (of tags, and of
 * customers): --users, --among, --seeds, --names, --who. */
#include "base/bitset.h"
#include "explain/customer_list.h"
#include "explain/display_names.h"
#include "fuzz.h"
#include "model/model.h"
#include "text/tsv.h"

static struct model model;

int LLVMFuzzerInitialize(int *count, char ***arguments);

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
	(void)count;
	(void)arguments;
	if (model_open_copy(&model, "tests/fuzz/seeds-model/indexed") != NULL)
		__builtin_trap();
	return 0;
}

static void read_list(void *context)
{
	struct customer_list list = {0};
	uint64_t *bits = bitset_new(model.matrix.n);

	customer_list_file(&list, &model, context);
	for (size_t i = 0; i < list.count; i++)
		if (customer_list_row(&list, i) >= model.matrix.n)
			__builtin_trap();
	customer_list_free(&list);
	customer_list_mark(bits, &model, context, true, false);
	customer_list_mark(bits, &model, context, false, true);
	customer_list_seeds(&list, bits, &model, context);
	customer_list_all(&list, &model);
	if (customer_list_row(&list, 0) != 0)
		__builtin_trap();
	customer_list_free(&list);
	free(bits);
}

/* The first line as the argument of -u, and as an id of a request. */
static void read_name(void *context)
{
	struct customer_list list = {0};
	struct tsv_reader lines;

	tsv_open(&lines, context);
	if (tsv_next_line(&lines)) {
		char *name = lines.fields[0].text;
		size_t length = lines.fields[0].length;

		customer_list_user(&list, &model, name);
		list.ignore_unknown = true;
		customer_list_user(&list, &model, name);
		for (size_t i = 0; i < list.count; i++)
			if (customer_list_row(&list, i) >= model.matrix.n)
				__builtin_trap();
		customer_list_find(&model, &name, &length);
	}
	tsv_close(&lines);
	customer_list_free(&list);
}

static void read_names(void *context)
{
	struct display_names names = {0};
	struct item_join join = {0};

	display_names_read(&names.tags, "--names", context);
	display_names_read(&names.customers, "--who", context);
	display_names_find(&names.tags, "1", 1);
	display_names_look_up(&names.tags, "1", 1, &join);
	display_names_sum(&names);
	display_names_check(&names.tags, &join, "--names", "tags");
	display_names_free(&names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(void *path) = {read_list, read_name,
						      read_names};

	fuzz_readers(data, size, readers, sizeof readers / sizeof *readers);
	return 0;
}
