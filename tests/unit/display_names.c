/* display_names: names of ids, read from CSV, found, written and hashed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "explain/display_names.h"
#include "expect.h"

static const char path[] = "names.csv";
static void read_names(struct display_name_set *set, const char *text)
{
	FILE *file = fopen(path, "w");

	fputs(text, file);
	fclose(file);
	display_names_read(set, "--names", path);
	unlink(path);
}

static void expect_json(const struct display_name_set *set, const char *id,
			const char *expected)
{
	struct output output;
	struct json_writer writer;

	output_memory(&output);
	json_writer_init(&writer, &output, JSON_STYLE_SPACED);
	json_put_object(&writer, NULL);
	display_names_put(set, id, strlen(id), &writer);
	json_put_end(&writer);
	output_write(&output, "", 1);
	expect(id, (const char *)output.buffer, expected);
	free(output.buffer);
}

static void check_set(void)
{
	struct display_names names = {0};
	struct display_name_set *set = &names.tags;

	expect("of no file", display_names_find(set, "1", 1), NULL);
	expect_json(set, "1", "{}");
	read_names(set, "id,name\n1,one\n2,\"two \"\"2\"\"\"\n1,uno\n");
	read_names(set, "id,name\n2,due\n3,back\\slash\n");
	expect("first name of 1", display_names_find(set, "1", 1), "one");
	expect("name of 2", display_names_find(set, "2", 1), "two \"2\"");
	expect("name of 3", display_names_find(set, "3", 1), "back\\slash");
	expect("name of 4", display_names_find(set, "4", 1), NULL);
	expect_json(set, "1", "{\"name\": \"one\"}");
	expect_json(set, "4", "{\"name\": null}");
	display_names_free(&names);
	expect("after free", display_names_find(set, "1", 1), NULL);
}

/* Other names, other ids and the other set have other hashes. */
static void check_sum(void)
{
	static const char *const texts[] = {
		"id,name\n1,one\n", "id,name\n1,uno\n", "id,name\n2,one\n"};
	struct display_names names = {0};
	uint64_t sums[4];

	if (display_names_sum(&names) != 0)
		expect("hash of no names", "not 0", "0");
	for (size_t i = 0; i < 3; i++) {
		read_names(&names.tags, texts[i]);
		sums[i] = display_names_sum(&names);
		display_names_free(&names);
	}
	read_names(&names.customers, texts[0]);
	sums[3] = display_names_sum(&names);
	display_names_free(&names);
	for (size_t i = 0; i < 4; i++)
		for (size_t j = 0; j < i; j++)
			if (sums[i] == sums[j])
				expect("two hashes", "the same", "different");
	read_names(&names.tags, texts[0]);
	if (display_names_sum(&names) != sums[0])
		expect("a hash made again", "another", "the same");
	display_names_free(&names);
}

int main(void)
{
	check_set();
	check_sum();
	return failed;
}
