/* options: one table of options for each program, from which come the parsing
 * (getopt_long), --help, and the tests that manual and completion agree with
 * it.  Only programs include this. */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How an option is read: the member of option_row.to that is set, and the one
 * of option_row.with that it is read with. */
enum option_kind {
	OPTION_KIND_COMMON,   /* those of OPTION_COMMON */
	OPTION_KIND_FLAG,     /* *to.flag = with.flag */
	OPTION_KIND_CONSTANT, /* *to.constant = with.constant */
	OPTION_KIND_TEXT,     /* the argument as it is; the last one counts */
	OPTION_KIND_FILE,     /* not empty, and given only once */
	OPTION_KIND_INTEGER,  /* in the range with.integer */
	OPTION_KIND_REAL,     /* in the range with.real */
	OPTION_KIND_SIZE,     /* bytes, such as 256M; at least 1 */
	OPTION_KIND_THREADS,  /* 1 to 1024 */
	OPTION_KIND_CHOICE,   /* the index in with.words */
	OPTION_KIND_LIST,     /* appended; the option may be repeated */
	OPTION_KIND_FUNCTION  /* the function reads the argument, or dies */
};

/* The arguments of a repeatable option, in their order; they are those of
 * argv.  Zero at first; free(texts). */
struct option_list {
	const char **texts;
	size_t count, capacity;
};

/* A row of the table; the last row is all zero.  The last three members are
 * set by one of the macros OPTION_TO_... */
struct option_row {
	const char *group; /* the heading of --help that begins here, or NULL */
	int key;           /* the letter, or a number from 256 on: no letter */
	const char *name;  /* the long name */
	const char *argument; /* what its argument is called, or NULL: none */
	const char *help;     /* what it does, and [its default]; NULL: not
				 listed, for one that is refused with advice */
	enum option_kind kind;
	union {
		bool *flag;
		int *constant;
		const char **text;
		size_t *integer;
		double *real;
		size_t *size;
		unsigned *threads;
		unsigned *choice; /* or an enumeration without negatives */
		struct option_list *list;
		void (*function)(const char *argument);
	} to;
	union {
		bool flag;
		int constant;
		struct {
			int64_t low, high; /* 0 <= low */
		} integer;
		struct {
			double low, high;
		} real;
		const char *const *words; /* NULL-terminated */
	} with;
};

/* The end of a row: where its value goes, the variable's initial value being
 * the default.  The variables must have static storage. */
#define OPTION_TO_FLAG(variable, value)                                        \
	.kind = OPTION_KIND_FLAG, .to.flag = &(variable), .with.flag = (value)
#define OPTION_TO_CONSTANT(variable, value)                                    \
	.kind = OPTION_KIND_CONSTANT, .to.constant = &(variable),              \
	.with.constant = (value)
#define OPTION_TO_TEXT(variable)                                               \
	.kind = OPTION_KIND_TEXT, .to.text = &(variable)
#define OPTION_TO_FILE(variable)                                               \
	.kind = OPTION_KIND_FILE, .to.text = &(variable)
#define OPTION_TO_INTEGER(variable, minimum, maximum)                          \
	.kind = OPTION_KIND_INTEGER, .to.integer = &(variable),                \
	.with.integer = {(minimum), (maximum)}
#define OPTION_TO_REAL(variable, minimum, maximum)                             \
	.kind = OPTION_KIND_REAL, .to.real = &(variable),                      \
	.with.real = {(minimum), (maximum)}
#define OPTION_TO_SIZE(variable)                                               \
	.kind = OPTION_KIND_SIZE, .to.size = &(variable)
#define OPTION_TO_THREADS(variable)                                            \
	.kind = OPTION_KIND_THREADS, .to.threads = &(variable)
#define OPTION_TO_CHOICE(variable, choices)                                    \
	.kind = OPTION_KIND_CHOICE, .to.choice = &(variable),                  \
	.with.words = (choices)
#define OPTION_TO_LIST(variable)                                               \
	.kind = OPTION_KIND_LIST, .to.list = &(variable)
#define OPTION_TO_FUNCTION(name)                                               \
	.kind = OPTION_KIND_FUNCTION, .to.function = (name)

/* What --help says besides the table. */
struct options_text {
	const char *name;  /* "cs-knn" */
	const char *usage; /* lines after "usage: ", the first with the name */
	const char *purpose; /* a few lines: what the program does */
	const char *footer;  /* exit statuses, examples */
	const struct option_row *rows;
};

/* The rows that programs share, for their tables.  -o FILE goes to a const char
 * *, -j to an unsigned. */
#define OPTION_OUTPUT_TO(group, variable)                                      \
	{                                                                      \
		group, 'o', "output", "FILE",                                  \
			"write FILE, whole or not at all",                     \
			.kind = OPTION_KIND_FILE, .to.text = &(variable)       \
	}
#define OPTION_THREADS_TO(variable)                                            \
	{                                                                      \
		"General", 'j', "threads", "N", "threads [all processors]",    \
			.kind = OPTION_KIND_THREADS, .to.threads = &(variable) \
	}
#define OPTION_COMMON                                                          \
	{"General", 'q', "quiet", NULL, "print errors alone"},                 \
		{NULL, OPTION_PROGRESS, "progress", NULL,                      \
		 "show progress off a terminal, too"},                         \
		{NULL, 'h', "help", NULL, "this text"},                        \
		{NULL, 'V', "version", NULL, "the version"},                   \
	{                                                                      \
		0                                                              \
	}
enum { OPTION_PROGRESS = 255 };

/* Set by options_read: --quiet, and --progress. */
extern bool options_quiet, options_progress;

/* The version of all programs. */
extern const char *const options_version;

/* Read all options, each into its variable.  Sets the name of the program for
 * messages and the C locale, and takes care of closed standard streams; the
 * text must outlive the run.  --help and --version end the process; an unknown
 * option, a missing or a wrong argument is wrong usage.  Returns the first
 * operand; the operands end with NULL. */
char **options_read(const struct options_text *text, int argc, char **argv);

/* Of the options with these keys (0 ends them) the one that came last on the
 * command line, as "--name"; NULL where none was given. */
const char *options_given(const int keys[]);

/* The same of all options but those, and but --quiet and --progress. */
const char *options_given_besides(const int keys[]);

/* For the functions of OPTION_TO_FUNCTION: the argument of the option that is
 * read, the whole text, or wrong usage with a message that names the option. */
int64_t options_integer(int64_t low, int64_t high);

/* The argument; wrong usage where it is empty, or the option came before: of
 * two files one would be passed over.  before is NULL, or what it was then. */
const char *options_once(const char *before);

/* The index of the argument in a NULL-terminated list of words. */
int options_choice(const char *const words[]);

/* True where progress and summaries of the work are printed: standard error is
 * a terminal, or --progress was given; never under --quiet. */
bool options_verbose(void);

#endif
