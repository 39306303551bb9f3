/* Any bytes as the neighbours that cs-knn writes, with their # lines: read for
 * a summary, which is written in three formats, merged, and written again. */
#include "explain/neighbours_merge.h"
#include "explain/neighbours_tsv.h"
#include "explain/summary_json.h"
#include "explain/summary_reader.h"
#include "explain/summary_text.h"
#include "explain/summary_tsv.h"
#include "fuzz.h"

static struct display_names names;

static void write_summary(const struct summary *summary)
{
	struct json_writer writer;
	struct output output;

	output_memory(&output);
	json_writer_init(&writer, &output, JSON_STYLE_SPACED);
	json_put_object(&writer, NULL);
	summary_json_put(&writer, summary, &names);
	json_put_end(&writer);
	summary_tsv_write(summary, &output);
	summary_text_write(summary, &names, &output);
	free(output.buffer);
}

static void summarize(void *context)
{
	struct summary_reader reader;
	struct summary summary = {0};
	bool found = true;

	if (summary_reader_open(&reader, context) != NULL)
		return;
	while (found &&
	       summary_reader_next(&reader, &summary, &found) == NULL) {
		if (found)
			write_summary(&summary);
		summary_free(&summary);
	}
	summary_free(&summary);
	summary_reader_close(&reader);
}

static void merge(void *context)
{
	char *paths[] = {context, context};
	struct output output;
	size_t written;

	output_memory(&output);
	neighbours_merge_files(paths, 2, &output, 2, &written);
	free(output.buffer);
}

/* Write the lines of neighbours that are read, with what their numbers give. */
static void write_again(void *context)
{
	struct tsv_reader table = {0};
	struct output output;

	output_memory(&output);
	tsv_open(&table, context);
	while (tsv_next(&table)) {
		struct reason reasons[8];
		struct neighbour line = {.reasons = reasons};
		char *number, *tag, *rest;

		if (table.count < 5 ||
		    !neighbours_read_number(table.fields[3].text,
					    &line.similarity))
			continue;
		line.name = table.fields[2].text;
		line.length = table.fields[2].length;
		rest = table.fields[4].text;
		while (line.reason_count < 8 &&
		       neighbours_next_item(&rest, &number, &tag)) {
			struct reason *reason = &reasons[line.reason_count];

			*reason = (struct reason){.tag = tag,
						  .length = strlen(tag)};
			line.reason_count += neighbours_read_number(
				number, &reason->contribution);
		}
		neighbours_write(&output, "query", 5, 1, &line, true);
		neighbours_round(&line);
	}
	tsv_close(&table);
	free(output.buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(void *path) = {summarize, merge,
						      write_again};

	fuzz_readers(data, size, readers, sizeof readers / sizeof *readers);
	return 0;
}
