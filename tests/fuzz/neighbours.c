/* Any bytes as the neighbours that cs-knn writes, with their # lines: read for
 * a summary, which is written in three formats, and merged. */
#include "explain/neighbours_merge.h"
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
	struct neighbours_merge both = {0};
	struct output output;

	output_memory(&output);
	neighbours_merge_read(&both, context);
	neighbours_merge_read(&both, context);
	neighbours_merge_write(&both, &output, 2);
	neighbours_merge_free(&both);
	free(output.buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(void *path) = {summarize, merge};

	fuzz_readers(data, size, readers, sizeof readers / sizeof *readers);
	return 0;
}
