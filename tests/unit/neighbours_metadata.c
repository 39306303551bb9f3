/* neighbours_metadata: the lines #model, #profile and #tag read back as they
 * were written, whatever the names; and what does not fit is refused. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "explain/neighbours_metadata.h"
#include "explain/neighbours_profiles.h"
#include "expect.h"
#include "small_model.h"

static struct tsv_reader open_lines(struct output *output)
{
	static char path[] = "metadata.tsv";
	struct tsv_reader table = {0};
	FILE *file = fopen(path, "w");

	fwrite(output->buffer, 1, output->held, file);
	fclose(file);
	output->held = 0;
	tsv_open(&table, path);
	unlink(path);
	return table;
}

static void check_model(struct output *output, double min_similarity)
{
	const struct model_metadata written = {
		.id = (char[]){"0123"},
		.metric = (char[]){"cosine"},
		.scale = (char[]){"us"},
		.customer = (char[]){"a=b;c%d\te"},
		.tag = (char[]){""},
		.value = (char[]){"%3B"},
		.kind = (char[]){"sum"},
		.among = (char[]){"file\n.txt"},
		.customers = 1000,
		.without_signal = 1,
		.tags = 3,
		.dimensions = 2,
		.limit = 10,
		.candidates = 999,
		.matching = isnan(min_similarity) ? -1 : 7,
		.min_similarity = min_similarity,
		.captured = min_similarity,
		.median_pair = 0.123456789,
		.top_percent_pair = -1e-9,
		.tenths = {1, 2, 3, 4, 5, 6, 7, 8, 9, INT64_MAX},
	};
	struct model_metadata read = {0};
	struct tsv_reader table;
	const char *error;

	neighbours_metadata_write_model(output, &written);
	table = open_lines(output);
	if (!tsv_next(&table) || table.count != 2)
		expect_number("fields of #model", (double)table.count, 2);
	error = neighbours_metadata_read_model(table.fields[1].text, &read);
	expect("error", error ? error : "", "");
	expect("id", read.id, written.id);
	expect("scale", read.scale, written.scale);
	expect("customer", read.customer, written.customer);
	expect("tag", read.tag, written.tag);
	expect("value", read.value, written.value);
	expect("among", read.among, written.among);
	expect_number("asked", (double)read.limit, 10);
	expect_number("matching", (double)read.matching,
		      (double)written.matching);
	expect_number("min_similarity", read.min_similarity, min_similarity);
	expect_number("captured", read.captured, min_similarity);
	expect_number("median_pair", read.median_pair, written.median_pair);
	expect_number("top pair", read.top_percent_pair,
		      written.top_percent_pair);
	if (memcmp(read.tenths, written.tenths, sizeof read.tenths) != 0)
		expect("tenths", "other", "the same");
	model_metadata_free(&read);
	tsv_close(&table);
}

static void check_refused(const char *line, const char *expected)
{
	struct model_metadata read = {0};
	char text[64];
	const char *error;

	snprintf(text, sizeof text, "%s", line);
	error = neighbours_metadata_read_model(text, &read);
	expect(line, error, expected);
	model_metadata_free(&read);
}

/* The profile of a customer with the tags a and b, and that of a query that is
 * no customer of the model. */
static void check_profiles(struct output *output, const struct model *model)
{
	static const char *const names[] = {"a", "b"};
	static const double values[] = {10, 5};
	struct model_metadata of = {.customers = SMALL_CUSTOMERS,
				    .tenths = {3, 2}};
	struct profile_writer writer;
	struct profile_line profile;
	struct tag_line tag;
	struct tsv_reader table;
	char *name;
	double value;

	profile_writer_init(&writer, model);
	if (profile_writer_write_profile(&writer, output, model, 0, true) ||
	    profile_writer_write_profile(&writer, output, model, 4, false) ||
	    profile_writer_write_tags(&writer, output))
		expect("error", "some", "none");
	table = open_lines(output);
	tsv_next(&table);
	if (neighbours_profiles_read_profile(&table, false, &profile) != NULL)
		expect("#profile", "refused", "read");
	expect("name", profile.name, "ann");
	expect_number("tenth", profile.tenth, 1);
	for (size_t i = 0; i < 2; i++) {
		neighbours_profiles_next_value(&profile.values, &name, &value);
		expect("tag of the profile", name, names[i]);
		expect_number("its value", value, values[i]);
	}
	neighbours_profiles_next_value(&profile.values, &name, &value);
	if (name != NULL)
		expect("third tag", name, "none");
	tsv_next(&table);
	if (neighbours_profiles_read_profile(&table, false, &profile) == NULL)
		expect("a neighbour that is no customer", "read", "refused");
	tsv_next(&table);
	if (neighbours_profiles_read_tag(&table, &of, &tag) != NULL)
		expect("#tag", "refused", "read");
	expect("tag", tag.name, "a");
	expect_number("its customers", (double)tag.counts.customers, 1);
	expect_number("of tenth 1", (double)tag.counts.tenths[1], 1);
	of.customers++;
	tsv_next(&table);
	if (neighbours_profiles_read_tag(&table, &of, &tag) == NULL)
		expect("#tag of another model", "read", "refused");
	if (tsv_next(&table))
		expect("a line more", table.fields[0].text, "none");
	tsv_close(&table);
	profile_writer_free(&writer);
}

/* The shortest text of a float, for chosen ones. */
static void check_raw(void)
{
	static const float values[] = {0,    1,      -2.5f,       0.1f,
				       1e9f, 3e-39f, 16777217.0f, 0.33333334f};
	char text[NUMBER_TEXT];

	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		expect_number("raw value",
			      (double)strtof(neighbours_profiles_print_raw(
						     text, values[i]),
					     NULL),
			      (double)values[i]);
	expect("0.1", neighbours_profiles_print_raw(text, 0.1f), "0.1");
}

int main(void)
{
	struct model model = small_model();
	struct output output;

	output_memory(&output);
	check_model(&output, 0.25);
	check_model(&output, NAN);
	check_refused("id", "#model: \"id\": expected key=value");
	check_refused("id=1;id=2", "#model: the key id again");
	check_refused("id=1;new=2", "#model: the key customers is missing");
	check_refused("tags=-1", "#model: tags: \"-1\": expected a number");
	check_refused("tenths=1,2", "#model: tenths: \"1\": expected ten "
				    "counts with commas between");
	check_profiles(&output, &model);
	check_raw();
	free(output.buffer);
	return failed;
}
