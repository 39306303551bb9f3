#include "base/options.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/json_memory.h"
#include "base/number.h"
#include "base/io.h"
#include "base/progress.h"
#include "base/thread_pool.h"

enum { MAX_THREADS = 1024 };

bool options_quiet, options_progress;
const char *const options_version = VERSION;

static const struct options_text *text;
static struct option *table;
static char *letters;
static int argument_count;
static char **arguments;
static const struct option_row *current;
static unsigned *order; /* for each row: when it came last, from 1; 0: not */
static unsigned read_count;

/* A standard descriptor that is closed would be given to the next file that is
 * opened, and what is written to standard output would go to that file.  So it
 * is opened for the other direction, in which its use fails. */
static void open_closed_standard(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) == -1 && errno == EBADF &&
		    open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
			_exit(STATUS_WRONG);
}

/* The process ends where its stack, or those of its threads, would overflow. */
static void check_stack(void)
{
	enum { LEAST = 256 << 10 };
	struct rlimit limit;

	if (getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur < LEAST)
		die("a limit (ulimit -s) leaves a stack of %llu KB, expected "
		    "%d or more",
		    (unsigned long long)limit.rlim_cur >> 10, LEAST >> 10);
}

static void begin(const struct options_text *what, int argc, char **argv)
{
	size_t rows = 0, out = 0;

	text = what;
	program = what->name;
	argument_count = argc;
	arguments = argv;
	open_closed_standard();
	check_stack();
	/* A write beyond ulimit -f fails, and is told, like any other. */
	signal(SIGXFSZ, SIG_IGN);
	json_memory_begin();
	while (what->rows[rows].key != 0)
		rows++;
	table = alloc(rows + 1, sizeof *table);
	letters = alloc(2 * rows + 2, 1);
	order = alloc(rows + 1, sizeof *order);
	for (size_t i = 0; i < rows; i++) {
		const struct option_row *row = &what->rows[i];
		table[i] = (struct option){
			.name = row->name,
			.has_arg =
				row->argument ? required_argument : no_argument,
			.val = row->key,
		};
		if (row->key >= OPTION_PROGRESS)
			continue;
		letters[out++] = (char)row->key;
		if (row->argument)
			letters[out++] = ':';
	}
}

/* "-n, --neighbours N", or "    --users FILE" for one without a letter. */
static int write_names(char *names, size_t room, const struct option_row *row)
{
	char letter[5] = "    ";

	if (row->key < OPTION_PROGRESS)
		snprintf(letter, sizeof letter, "-%c, ", row->key);
	return snprintf(names, room, "%s--%s%s%s", letter, row->name,
			row->argument ? " " : "",
			row->argument ? row->argument : "");
}

static _Noreturn void help(void)
{
	const char *group = NULL;
	char names[80];

	printf("usage: %s\n%s\n", text->usage, text->purpose);
	for (const struct option_row *row = text->rows; row->key; row++) {
		if (row->help == NULL)
			continue;
		if (row->group != NULL &&
		    (group == NULL || strcmp(group, row->group) != 0)) {
			group = row->group;
			printf("\n%s:\n", group);
		}
		write_names(names, sizeof names, row);
		/* Names too wide for their column have it to themselves. */
		if (strlen(names) > 26)
			printf("  %s\n%-30s%s\n", names, "", row->help);
		else
			printf("  %-26s  %s\n", names, row->help);
	}
	printf("\n%s\n", text->footer);
	io_finish_stdout();
	exit(STATUS_DONE);
}

static _Noreturn void version(void)
{
	printf("%s %s\n", text->name, options_version);
	io_finish_stdout();
	exit(STATUS_DONE);
}

static const struct option_row *row_of(int key)
{
	for (const struct option_row *row = text->rows; row->key; row++)
		if (row->key == key)
			return row;
	return NULL;
}

/* How many first bytes of the option's name are those of the word. */
static size_t common_prefix(const struct option_row *row, const char *word,
			    size_t length)
{
	size_t common = 0;

	while (common < length && row->name[common] == word[common])
		common++;
	return common;
}

/* The long options, up to three, that begin as the unknown one does, for three
 * bytes or all of it: "; near: --scale, --seed"; "" for none. */
static const char *near_options(const char *word)
{
	enum { LEAST = 3, MOST = 3 };
	size_t length = strcspn(word, "="), longest = 0;
	const char *near = "";
	int count = 0;

	for (const struct option_row *row = text->rows; row->key; row++) {
		size_t common = common_prefix(row, word, length);
		if (row->help != NULL && common > longest)
			longest = common;
	}
	if (longest == 0 || (longest < LEAST && longest < length))
		return "";
	for (const struct option_row *row = text->rows; row->key; row++)
		if (row->help != NULL && count < MOST &&
		    common_prefix(row, word, length) == longest)
			near = error_text(
				"%s%s--%s", near,
				count++ > 0 ? ", " : "; near: ", row->name);
	return near;
}

/* getopt_long's own messages begin with argv[0]; ours with the program, and
 * they name --help. */
static _Noreturn void refuse(int key)
{
	const char *word = arguments[optind > 0 ? optind - 1 : 0];
	const struct option_row *row = row_of(optopt);

	if (key == ':' && row != NULL)
		die_usage("--%s: expected %s after it", row->name,
			  row->argument);
	if (row != NULL && strncmp(word, "--", 2) == 0)
		die_usage("%s: this option takes no argument", word);
	if (optopt != 0 && strncmp(word, "--", 2) != 0)
		die_usage("unknown option -%c", optopt);
	die_usage("unknown option %s%s", word, near_options(word + 2));
}

/* The option whose argument is read, as a message names it. */
static const char *named(void)
{
	static char name[64];

	if (current->key < OPTION_PROGRESS)
		snprintf(name, sizeof name, "-%c, --%s", current->key,
			 current->name);
	else
		snprintf(name, sizeof name, "--%s", current->name);
	return name;
}

static _Noreturn void refuse_argument(const char *expected)
{
	die_usage("%s: \"%s\": expected %s", named(), optarg, expected);
}

const char *options_once(const char *before)
{
	if (*optarg == '\0')
		die_usage("%s: expected a text that is not empty", named());
	if (before != NULL)
		die_usage("%s: given twice, with \"%s\" and \"%s\"", named(),
			  before, optarg);
	return optarg;
}

int64_t options_integer(int64_t low, int64_t high)
{
	int64_t value;
	char expected[96];

	if (number_integer(optarg, low, high, &value))
		return value;
	if (high == INT64_MAX)
		snprintf(expected, sizeof expected,
			 "a whole number from %lld on", (long long)low);
	else
		snprintf(expected, sizeof expected,
			 "a whole number from %lld to %lld", (long long)low,
			 (long long)high);
	refuse_argument(expected);
}

static double real(double low, double high)
{
	double value;
	char expected[96];

	if (number_real(optarg, &value) && value >= low && value <= high)
		return value;
	snprintf(expected, sizeof expected, "a number from %g to %g", low,
		 high);
	refuse_argument(expected);
}

static size_t size(void)
{
	size_t bytes;

	if (number_size(optarg, &bytes) && bytes > 0)
		return bytes;
	refuse_argument("a size in bytes such as 256M or 2G");
}

int options_choice(const char *const words[])
{
	char expected[256] = "";
	size_t used = 0;

	for (int i = 0; words[i] != NULL; i++)
		if (strcmp(words[i], optarg) == 0)
			return i;
	for (int i = 0; words[i] != NULL && used < sizeof expected; i++)
		used += (size_t)snprintf(expected + used,
					 sizeof expected - used, "%s%s",
					 i == 0         ? ""
					 : words[i + 1] ? ", "
							: " or ",
					 words[i]);
	refuse_argument(expected);
}

static void append(struct option_list *list, const char *argument)
{
	list->texts = alloc_grow(list->texts, &list->capacity, list->count + 1,
				 sizeof *list->texts);
	list->texts[list->count++] = argument;
}

/* Read the argument of a row with a target. */
static void read_argument(const struct option_row *row)
{
	switch (row->kind) {
	case OPTION_KIND_COMMON:
		break;
	case OPTION_KIND_FLAG:
		*row->to.flag = row->with.flag;
		break;
	case OPTION_KIND_CONSTANT:
		*row->to.constant = row->with.constant;
		break;
	case OPTION_KIND_TEXT:
		*row->to.text = optarg;
		break;
	case OPTION_KIND_FILE:
		*row->to.text = options_once(*row->to.text);
		break;
	case OPTION_KIND_INTEGER:
		*row->to.integer = (size_t)options_integer(
			row->with.integer.low, row->with.integer.high);
		break;
	case OPTION_KIND_REAL:
		*row->to.real = real(row->with.real.low, row->with.real.high);
		break;
	case OPTION_KIND_SIZE:
		*row->to.size = size();
		break;
	case OPTION_KIND_THREADS:
		*row->to.threads = (unsigned)options_integer(1, MAX_THREADS);
		break;
	case OPTION_KIND_CHOICE:
		*row->to.choice = (unsigned)options_choice(row->with.words);
		break;
	case OPTION_KIND_LIST:
		append(row->to.list, optarg);
		break;
	case OPTION_KIND_FUNCTION:
		row->to.function(optarg);
		break;
	}
}

/* Read the option of the current row. */
static void read_option(void)
{
	switch (current->key) {
	case 'h':
		help();
	case 'V':
		version();
	case 'q':
		options_quiet = true;
		notices_enable(false);
		return;
	case OPTION_PROGRESS:
		options_progress = true;
		return;
	}
	order[current - text->rows] = ++read_count;
	read_argument(current);
}

char **options_read(const struct options_text *what, int argc, char **argv)
{
	char pattern[128];
	int key;

	begin(what, argc, argv);
	snprintf(pattern, sizeof pattern, ":%s", letters);
	opterr = 0;
	while ((key = getopt_long(argument_count, arguments, pattern, table,
				  NULL)) != -1) {
		if (key == ':' || key == '?')
			refuse(key);
		current = row_of(key);
		read_option();
	}
	progress_enable(options_verbose());
	return argv + optind;
}

static bool is_among(int key, const int keys[])
{
	while (*keys != 0 && *keys != key)
		keys++;
	return *keys != 0;
}

/* The last option given whose key is among the keys, or is not. */
static const char *last_given(const int keys[], bool among)
{
	static char name[64];
	unsigned last = 0;

	for (size_t i = 0; text->rows[i].key != 0; i++)
		if (order[i] > last &&
		    is_among(text->rows[i].key, keys) == among) {
			last = order[i];
			snprintf(name, sizeof name, "--%s", text->rows[i].name);
		}
	return last > 0 ? name : NULL;
}

const char *options_given(const int keys[])
{
	return last_given(keys, true);
}

const char *options_given_besides(const int keys[])
{
	return last_given(keys, false);
}

bool options_verbose(void)
{
	return !options_quiet && (options_progress || isatty(STDERR_FILENO));
}
