/* Any bytes as the logs of cs-aggregate, with a catalogue, weights and lists
 * behind the byte 0x1e: dialects, columns, rows, rejects, profiles.  The first
 * byte chooses options; lines of a fourth part give others: a letter, and the
 * option's argument behind it. */
#include "events/aggregation.h"
#include "fuzz.h"

enum { PARTS = 4, LINES = 24, MANY_FILES = 201 };

struct run {
	uint8_t choice;
	char paths[PARTS - 1][64]; /* log, second file, third */
	char text[1024];           /* options: lines, cut into texts */
	char *nulls[LINES];
	const char *catalogue, *weights; /* columns of those files, or NULL */
	size_t files;                    /* how often the log is given */
	bool merges;
};

static char rejects[96];

int LLVMFuzzerInitialize(int *count, char ***arguments);

/* Where wrong rows go: links to /dev/null. */
int LLVMFuzzerInitialize(int *count, char ***arguments)
{
	char folder[64], why[100];

	(void)count;
	(void)arguments;
	fuzz_folder(folder);
	snprintf(rejects, sizeof rejects, "%s/rejects", folder);
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
		   char arguments[2][1200])
{
	snprintf(arguments[0], 1200, "%s", run->paths[1]);
	snprintf(arguments[1], 1200, "t:%s", run->paths[2]);
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

/* Where the argument of an option is kept, or NULL. */
static const char **place_of(struct aggregation_options *options,
			     struct run *run, char letter)
{
	switch (letter) {
	case 'u':
		return &options->columns.named[COLUMN_USER];
	case 't':
		return &options->columns.named[COLUMN_TAG];
	case 'v':
		return &options->columns.named[COLUMN_VALUE];
	case 'e':
		return &options->dialect.encoding;
	case 'T':
		return &options->filter.time;
	case 'f':
		return &options->filter.time_format;
	case 'l':
		return &options->levels;
	case 'g':
		return &options->tag_weight;
	case 'c':
		return &run->catalogue;
	case 'b':
		return &run->weights;
	case 'B':
		options->half = HALF_A;
		return &options->half_by;
	}
	return NULL;
}

/* Set the option that a line has. */
static void set_option(struct aggregation_options *options, struct run *run,
		       char letter, char *argument)
{
	const char **place = place_of(options, run, letter);

	if (place != NULL)
		*place = argument;
	switch (letter) {
	case 'd':
		options->dialect.delimiter =
			csv_dialect_read_delimiter(argument);
		break;
	case 'H':
		options->columns.headed = false;
		break;
	case 'q':
		options->dialect.quote = *argument;
		break;
	case 'E':
		options->dialect.backslash = true;
		break;
	case 's':
		options->skip = 1;
		break;
	case 'w':
		row_filter_add(&options->filter, argument);
		break;
	case 'U':
		options->filter.has_until = true;
		options->filter.until = INT64_C(1767225600000);
		break;
	case 'h':
		options->half_life = 1;
		options->from = "2026-01-01";
		options->landmark = INT64_C(1767225600000);
		break;
	case 'n':
		options->nulls = run->nulls;
		run->nulls[options->null_count++] = argument;
		break;
	case 'x':
		options->trim = true;
		break;
	case 'k':
		options->key = run->paths[1];
		break;
	case 'F':
		options->forget = run->paths[2];
		break;
	case 'm':
		run->merges = true;
		break;
	case '2':
		run->files = 2;
		break;
	case 'M':
		run->files = MANY_FILES;
		break;
	}
}

static void read_options(struct aggregation_options *options, struct run *run)
{
	char *next = run->text;

	for (size_t i = 0; i < LINES && next != NULL; i++) {
		char *line = strsep(&next, "\n");

		if (*line != '\0')
			set_option(options, run, *line, line + 1);
	}
}

/* The files of --tags and --weight-by, with the columns that lines name. */
static void name_files(struct aggregation_options *options, struct run *run,
		       char arguments[2][1200])
{
	if (run->catalogue != NULL) {
		snprintf(arguments[0], 1200, "%s%s%s", run->paths[1],
			 *run->catalogue != '\0' ? ":" : "", run->catalogue);
		options->tags = arguments[0];
	}
	if (run->weights != NULL) {
		size_t column = strcspn(run->weights, ":");

		snprintf(arguments[1], 1200, "%.*s:%s%s", (int)column,
			 run->weights, run->paths[2], run->weights + column);
		options->weight_by = arguments[1];
	}
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
	char arguments[2][1200];
	char *paths[MANY_FILES];

	choose(&options, run, arguments);
	read_options(&options, run);
	name_files(&options, run, arguments);
	for (size_t i = 0; i < MANY_FILES; i++)
		paths[i] = run->paths[i % 2];
	if (run->choice == 254)
		aggregation_merge(&options, paths, 2);
	else if (run->choice == 255 || run->merges)
		aggregation_merge(&options, paths, run->files);
	else
		aggregation_run(&options, paths, run->files);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int first_fd = fuzz_first_fd();
	struct run run = {.choice = size > 0 ? data[0] : 0, .files = 1};
	const uint8_t *part;

	data += size > 0;
	size -= size > 0;
	for (size_t i = 0; i < PARTS; i++) {
		size_t length = fuzz_part(&data, &size, &part);

		if (i < PARTS - 1)
			fuzz_file(part, length, run.paths[i]);
		else if (length > 0)
			memcpy(run.text, part,
			       length < sizeof run.text ? length
							: sizeof run.text - 1);
	}
	if (setjmp(fuzz_back) == 0)
		fuzz_run(aggregate, &run, first_fd);
	close_range((unsigned)first_fd, ~0U, 0);
	return 0;
}
