/* cs-summarize: neighbours described for a reader: who is alike and why, what
 * the group shares, what the query may be missing. */
#include <stddef.h>
#include <string.h>

#include "base/errors.h"
#include "base/io.h"
#include "base/options.h"
#include "base/progress.h"
#include "explain/display_names.h"
#include "explain/held_out_report.h"
#include "explain/summary_json.h"
#include "explain/summary_reader.h"
#include "explain/summary_text.h"
#include "explain/summary_tsv.h"

enum { KEY_FORMAT = 256, KEY_NAMES, KEY_WHO, KEY_MEASURED };
enum { TEXT_TAGS = 20 }; /* unless said */
enum summary_format { SUMMARY_TEXT, SUMMARY_JSON, SUMMARY_TSV };

static const char *const format_words[] = {[SUMMARY_TEXT] = "text",
					   [SUMMARY_JSON] = "json",
					   [SUMMARY_TSV] = "tsv",
					   NULL};

static unsigned format;
static size_t limit; /* of listed tags; 0: not said */
static const char *output_file;
static struct display_names names;
static const char *measured_file;

static void read_tag_names(const char *argument)
{
	display_names_read(&names.tags, "--names", argument);
}

static void read_customer_names(const char *argument)
{
	display_names_read(&names.customers, "--who", argument);
}

static const struct option_row rows[] = {
	{"Output", KEY_FORMAT, "format", "F",
	 "text; json, one object a line; tsv [text]",
	 OPTION_TO_CHOICE(format, format_words)},
	{NULL, 'n', "tags", "N",
	 "list at most N tags, of each level [text: 20]",
	 OPTION_TO_INTEGER(limit, 1, 1000000000)},
	{NULL, KEY_NAMES, "names", "FILE[:ID,NAME]",
	 "names of tags, to show beside them",
	 OPTION_TO_FUNCTION(read_tag_names)},
	{NULL, KEY_WHO, "who", "FILE[:ID,NAME]", "names of customers",
	 OPTION_TO_FUNCTION(read_customer_names)},
	{NULL, KEY_MEASURED, "measured", "FILE",
	 "what cs-eval --report found of listed tags",
	 OPTION_TO_FILE(measured_file)},
	OPTION_OUTPUT_TO(NULL, output_file),
	OPTION_COMMON};

static const struct options_text text = {
	.name = "cs-summarize",
	.usage = "cs-summarize [OPTION]... [NEIGHBOURS]",
	.purpose =
		"Describe neighbours (from cs-knn -u): who is alike and why, "
		"what they share\n"
		"beyond what customers as active share, and what the customer "
		"may be missing.\n"
		"Without NEIGHBOURS, or for \"-\", standard input is read.",
	.footer = "exit: 0 done; 2 wrong use, input or output\n"
		  "  cs-knn -u 1 emb.bin | cs-summarize\n"
		  "  cs-knn --users vip.txt --profiles emb.bin | "
		  "cs-summarize --format json\n"
		  "The manual page, cs-summarize(1), has the rest.",
	.rows = rows,
};

static struct held_out_ratio held_out;

static void write_json(const struct summary *summary, struct output *output)
{
	struct json_writer writer;

	json_writer_init(&writer, output, JSON_STYLE_SPACED);
	json_put_object(&writer, NULL);
	summary_json_put(&writer, summary, &names);
	json_put_end(&writer);
	output_text(output, "\n");
}

static void write_summary(const struct summary *summary, struct output *output,
			  bool is_first)
{
	if (format == SUMMARY_JSON) {
		write_json(summary, output);
	} else if (format == SUMMARY_TSV) {
		summary_tsv_write(summary, output);
	} else {
		output_text(output, is_first ? "" : "\n");
		summary_text_write(summary, &names, output);
	}
}

/* How many of the tags and customers in the summaries have a name. */
static struct item_join named_tags, named_customers;

static void look_up(const struct display_name_set *set, const char *id,
		    struct item_join *join)
{
	display_names_look_up(set, id, strlen(id), join);
}

static void look_up_names(const struct summary *summary)
{
	for (size_t i = 0; i < summary->tags.count; i++)
		if (*summary_tag_name(summary, i) != '\0')
			look_up(&names.tags, summary_tag_name(summary, i),
				&named_tags);
	look_up(&names.customers, summary->query, &named_customers);
	for (size_t i = 0; i < summary->neighbour_count; i++)
		look_up(&names.customers, summary->neighbours[i].name,
			&named_customers);
}

static void check_names(void)
{
	const char *error = display_names_check(&names.tags, &named_tags,
						"--names", "tags");

	if (error == NULL)
		error = display_names_check(&names.customers, &named_customers,
					    "--who", "customers");
	die_if(error);
}

/* Write a summary of each query. */
static void summarize(struct summary_reader *reader, struct output *output)
{
	struct summary summary;
	const char *error;
	bool is_first = true, found;

	if (format == SUMMARY_TSV)
		summary_tsv_write_header(output);
	progress_begin("customers", 0);
	for (;;) {
		error = summary_reader_next(reader, &summary, &found);
		die_if(error);
		if (!found)
			break;
		summary.held_out = held_out;
		look_up_names(&summary);
		if (limit > 0)
			summary_limit_listed(&summary, limit);
		write_summary(&summary, output, is_first);
		summary_free(&summary);
		is_first = false;
		progress_add(1);
	}
	progress_end();
	if (is_first)
		die("%s: a header alone: no neighbours to describe",
		    reader->table.name);
}

int main(int argc, char *argv[])
{
	char **operands = options_read(&text, argc, argv);
	struct summary_reader reader;
	struct output output;
	const char *error = NULL;

	if (operands[0] != NULL && operands[1] != NULL)
		die_usage("one file at a time: \"%s\" is too many",
			  operands[1]);
	if (measured_file != NULL)
		error = held_out_report_read(measured_file, &held_out);
	die_if(error);
	if (limit == 0 && format == SUMMARY_TEXT)
		limit = TEXT_TAGS;
	output_open(&output, output_file);
	error = summary_reader_open(&reader, operands[0]);
	die_if(error);
	summarize(&reader, &output);
	summary_reader_close(&reader);
	check_names();
	output_close(&output);
	display_names_free(&names);
	return STATUS_DONE;
}
