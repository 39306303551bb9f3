/* customer_list: names of a command line and of files, to rows and to bits. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bitset.h"
#include "explain/customer_list.h"
#include "small_model.h"

static const char path[] = "customers.txt";
static int failed;

static void expect(const char *what, size_t found, size_t expected)
{
	if (found == expected)
		return;
	printf("%s: %zu, expected %zu\n", what, found, expected);
	failed = 1;
}

static void write_file(const char *text)
{
	FILE *file = fopen(path, "w");

	fputs(text, file);
	fclose(file);
}

static void check_rows(const struct model *model)
{
	struct customer_list list = {0};

	customer_list_user(&list, model, "dee");
	write_file("ann\r\n\n\r\nc\\yd\ncyd");
	list.ignore_unknown = true;
	customer_list_file(&list, model, path);
	list.ignore_unknown = false;
	expect("count", list.count, 3);
	expect("row of dee", customer_list_row(&list, 0), 3);
	expect("row of ann", customer_list_row(&list, 1), 0);
	expect("row of cyd", customer_list_row(&list, 2), 2);
	expect("missed", list.missed, false);
	customer_list_user(&list, model, "dea");
	expect("unknown customer is missed", list.missed, true);
	expect("count", list.count, 3);
	customer_list_free(&list);
	expect("count after free", list.count, 0);
}

/* Lists as other programs write them. */
static void check_notations(const struct model *model)
{
	static const char *const texts[] = {
		"\xef\xbb\xbf\"ann\"\r\n\"dee\"\r\n",
		"\xef\xbb\xbfuser_id,name\nann,\"x\"\ndee,y\n",
		"Customer ID\nann \n dee\t\n \n",
		"ann;1;2\n\"dee\";3\n",
		"ann\tx\ndee\ty",
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct customer_list list = {0};

		write_file(texts[i]);
		customer_list_file(&list, model, path);
		expect(texts[i], list.count, 2);
		expect(texts[i], list.missed, false);
		if (list.count == 2) {
			expect(texts[i], list.rows[0], 0);
			expect(texts[i], list.rows[1], 3);
		}
		customer_list_free(&list);
	}
}

static void check_missed(const struct model *model)
{
	struct customer_list list = {0};

	write_file("\n\n");
	customer_list_file(&list, model, path);
	expect("a file that names no one is missed", list.missed, true);
	list.missed = false;
	write_file("nobody\n");
	customer_list_file(&list, model, path);
	expect("an unknown name is missed", list.missed, true);
	customer_list_free(&list);
}

static void check_all(const struct model *model)
{
	struct customer_list list = {0};

	customer_list_all(&list, model);
	expect("all", list.count, SMALL_CUSTOMERS);
	expect("their rows", customer_list_row(&list, 4), 4);
	customer_list_free(&list);
}

static void check_bits(const struct model *model)
{
	struct customer_list list = {0};
	uint64_t bits[1] = {0};

	write_file("bob\neve\nno one\n");
	expect("any known", customer_list_mark(bits, model, path, true, true),
	       true);
	expect("bits", (size_t)bits[0], 1 << 1 | 1 << 4);
	write_file("eve\nann\n");
	expect("any known", customer_list_mark(bits, model, path, false, true),
	       true);
	expect("bits left", (size_t)bits[0], 1 << 1);
	customer_list_seeds(&list, bits, model, path);
	expect("bits added", (size_t)bits[0], 1 << 0 | 1 << 1 | 1 << 4);
	expect("rows beside bits", list.count, 0);
	write_file("nobody\n");
	expect("none known", customer_list_mark(bits, model, path, true, true),
	       false);
	expect("none of those to leave out is known",
	       customer_list_mark(bits, model, path, false, false), false);
	expect("unknown names ignored",
	       customer_list_mark(bits, model, path, false, true), true);
	write_file("");
	expect("nobody to leave out",
	       customer_list_mark(bits, model, path, false, false), true);
	customer_list_free(&list);
}

int main(void)
{
	struct model model = small_model();

	check_rows(&model);
	check_notations(&model);
	check_missed(&model);
	check_all(&model);
	check_bits(&model);
	unlink(path);
	return failed;
}
