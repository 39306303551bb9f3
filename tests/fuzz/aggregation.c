/* Any bytes as the logs of cs-aggregate, with a catalogue, weights and lists
 * behind the byte 0x1e: dialects, columns, rows, rejects, profiles.  The first
 * byte chooses options. */
#include "events/aggregation.h"
#include "fuzz.h"

struct run {
	uint8_t choice;
	char paths[3][64]; /* log, second file, third */
};

static char rejects[64];

int LLVMFuzzerInitialize(int *count, char ***arguments);

/* Where wrong rows go: links to /dev/null. */
int LLVMFuzzerInitialize(int *count, char ***arguments)
{
	char why[80];

	(void)count;
	(void)arguments;
	snprintf(rejects, sizeof rejects, "/tmp/fuzz-rejects-%d", getpid());
	snprintf(why, sizeof why, "%s.why", rejects);
	if (symlink("/dev/null", rejects) != 0 ||
	    symlink("/dev/null", why) != 0)
		__builtin_trap();
	return 0;
}

static void set_filter(struct aggregation_options *options)
{
	options->filter.time = "t";
	options->filter.has_since = true;
	options->filter.since = 1000;
	options->half_life = 7;
	options->from = "2026-01-01";
	options->landmark = INT64_C(1767225600000);
	row_filter_add(&options->filter, "v>0");
	row_filter_add(&options->filter, "k!=x");
}

/* The byte's low bits are one of these, its high ones go with any. */
static void choose(struct aggregation_options *options, struct run *run,
		   char arguments[2][128])
{
	snprintf(arguments[0], 128, "%s", run->paths[1]);
	snprintf(arguments[1], 128, "t:%s", run->paths[2]);
	switch (run->choice % 8) {
	case 1:
		options->columns.headed = false;
		options->columns.named[COLUMN_USER] = "1";
		options->columns.named[COLUMN_TAG] = "2";
		options->columns.named[COLUMN_VALUE] = "3";
		break;
	case 2:
		options->dialect.delimiter = ";";
		options->style = (struct decimal_style){',', '.'};
		break;
	case 3:
		options->tags = arguments[0];
		options->keep_item = true;
		break;
	case 4:
		set_filter(options);
		break;
	case 5:
		options->key = run->choice & 128 ? run->paths[2] : NULL;
		options->weight_by = arguments[1];
		options->forget = run->paths[1];
		break;
	case 6:
		options->dialect = (struct csv_dialect){
			.delimiter = " +",
			.unquoted = true,
			.backslash = true,
			.comment = '#',
			.encoding = "UTF-16LE",
		};
		break;
	case 7:
		options->dialect.encoding = "LATIN1";
		options->dialect.comment = '%';
		options->skip = 1;
		options->half = HALF_B;
		options->half_by = "u";
		break;
	}
	options->rejects = run->choice & 8 && !options->key ? rejects : NULL;
	options->separator = run->choice & 16 ? "|" : NULL;
	options->prefix = run->choice & 32 ? "p:" : NULL;
	options->quiet = run->choice & 64;
	options->verbose = !options->quiet;
}

static void aggregate(void *context)
{
	struct run *run = context;
	struct aggregation_options options = {.columns.headed = true,
					      .dialect.delimiter = ",",
					      .style.point = '.',
					      .output = "/dev/null",
					      .memory = 1 << 20,
					      .threads = 1};
	char arguments[2][128];
	char *paths[] = {run->paths[0]};

	char *both[] = {run->paths[0], run->paths[1]};

	choose(&options, run, arguments);
	if (run->choice == 254)
		aggregation_merge(&options, both, 2);
	else if (run->choice == 255)
		aggregation_merge(&options, paths, 1);
	else
		aggregation_run(&options, paths, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int first_fd = fuzz_first_fd();
	struct run run = {.choice = size > 0 ? data[0] : 0};
	const uint8_t *part;

	data += size > 0;
	size -= size > 0;
	for (size_t i = 0; i < 3; i++) {
		size_t length = fuzz_part(&data, &size, &part);

		fuzz_file(part, length, run.paths[i]);
	}
	if (setjmp(fuzz_back) == 0)
		fuzz_run(aggregate, &run, first_fd);
	close_range((unsigned)first_fd, ~0U, 0);
	return 0;
}
