/* options: one table of options for each program.  Parsing (getopt_long),
 * --help, and the tests that hold the manual and the completion to it all
 * come from that table. */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A row of the table; the last row is all zero. */
struct option_row {
	const char *group; /* label in the margin, where a group begins */
	int key;           /* the letter, or a number from 256 on: no letter */
	const char *name;  /* the long name */
	const char *argument; /* what its argument is called, or NULL: none */
	const char *help;     /* what it does, and [its default] */
};

/* What --help says besides the table. */
struct options_text {
	const char *name;  /* "cs-knn" */
	const char *usage; /* lines after "usage: ", the first with the name */
	const char *purpose; /* a few lines: what the program does */
	const char *footer;  /* exit statuses, examples */
	const struct option_row *rows;
};

/* The rows that programs share, for their tables.  options_next deals with
 * -q, --progress, -h and -V itself; -o and -j come back like any other. */
#define OPTION_OUTPUT(group)                                                   \
	{                                                                      \
		group, 'o', "output", "FILE",                                  \
			"write FILE, whole or not at all"                      \
	}
#define OPTION_THREADS                                                         \
	{                                                                      \
		NULL, 'j', "threads", "N", "threads [all processors]"          \
	}
#define OPTION_COMMON                                                          \
	{NULL, 'q', "quiet", NULL, "no word but errors"},                      \
		{NULL, OPTION_PROGRESS, "progress", NULL,                      \
		 "show progress off a terminal, too"},                         \
		{NULL, 'h', "help", NULL, "this text"},                        \
		{NULL, 'V', "version", NULL, "the version"},                   \
	{                                                                      \
		0                                                              \
	}
enum { OPTION_PROGRESS = 255 };

/* Set by options_next: --quiet, and --progress. */
extern bool options_quiet, options_progress;

/* The version of all programs. */
extern const char *const options_version;

/* Name the program for messages, before options_next; sets the C locale and
 * takes care of closed standard streams.  The text must outlive the run. */
void options_begin(const struct options_text *text, int argc, char **argv);

/* The key of the next option, its argument in optarg; -1 after the last, and
 * then optind is the first operand.  --help and --version end the process;
 * an unknown option or a missing argument is wrong usage. */
int options_next(void);

/* The argument of the option just returned, read whole, or wrong usage with
 * a message that names the option. */
int64_t options_integer(int64_t low, int64_t high);
double options_real(double low, double high);
size_t options_size(void);
unsigned options_threads(void);

/* The argument; wrong usage where it is empty, or the option came before: of
 * two files one would be passed over.  before is NULL, or what it was then. */
const char *options_once(const char *before);

/* The index of the argument in a NULL-terminated list of words. */
int options_choice(const char *const words[]);

/* True where news that no one asked for may be printed: standard error is a
 * terminal, or --progress was given; never under --quiet. */
bool options_chatty(void);

#endif
