/* cs-aggregate: event logs to profiles: for each customer and tag, the number
 * of events and the exact sum of their values (events/aggregation.h). */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/date.h"
#include "base/errors.h"
#include "base/machine_limits.h"
#include "base/options.h"
#include "text/tsv.h"
#include "events/aggregation.h"
#include "events/shard_writer.h"

/* ---------------------------------------------------------------- options */

enum {
	KEY_NO_HEADER = 256,
	KEY_TAGS,
	KEY_KEEP_ITEM,
	KEY_WHERE,
	KEY_TIME,
	KEY_TIME_FORMAT,
	KEY_SINCE,
	KEY_UNTIL,
	KEY_WEIGHT_BY,
	KEY_HALF_LIFE,
	KEY_FROM,
	KEY_LEVELS,
	KEY_TAG_WEIGHT,
	KEY_SEPARATOR,
	KEY_PREFIX,
	KEY_MERGE,
	KEY_REJECTS,
	KEY_REPORT,
	KEY_HALF,
	KEY_HALF_BY,
	KEY_SHARDS,
	KEY_SEED,
	KEY_DECIMAL,
	KEY_THOUSANDS,
	KEY_NULL,
	KEY_TRIM,
	KEY_SKIP,
	KEY_COMMENT,
	KEY_QUOTE,
	KEY_ESCAPE,
	KEY_ENCODING,
	KEY_PSEUDONYM,
	KEY_FORGET,
	KEY_FORGOTTEN
};

static struct aggregation_options choices = {.columns.headed = true,
					     .dialect.delimiter = ",",
					     .style.point = '.',
					     .seed = 1};
static unsigned escape; /* of its words */
static bool merge;

static void read_delimiter(const char *argument)
{
	choices.dialect.delimiter = csv_dialect_read_delimiter(argument);
}

static char read_byte(const char *option, const char *argument)
{
	if (strlen(argument) != 1 || strchr("\"\r\n", *argument) != NULL)
		die_usage("%s \"%s\": expected one byte", option, argument);
	return *argument;
}

static void read_decimal(const char *argument)
{
	choices.style.point = read_byte("--decimal", argument);
}

static void read_thousands(const char *argument)
{
	choices.style.thousands = read_byte("--thousands", argument);
}

static void read_comment(const char *argument)
{
	choices.dialect.comment = read_byte("--comment", argument);
}

static void read_null(const char *argument)
{
	choices.nulls =
		alloc_grow(choices.nulls, &choices.null_room,
			   choices.null_count + 1, sizeof *choices.nulls);
	choices.nulls[choices.null_count++] =
		tsv_escape_text(argument, strlen(argument));
}

static void read_quote(const char *argument)
{
	choices.dialect.unquoted = strcmp(argument, "none") == 0;
	choices.dialect.quote = '\0';
	if (strcmp(argument, "double") != 0 && !choices.dialect.unquoted)
		choices.dialect.quote = read_byte("--quote", argument);
}

static const char *const escape_words[] = {"none", "backslash", NULL};

/* A separator and a prefix as they stand in TSV; kept to the end. */
static void read_separator(const char *argument)
{
	choices.separator = tsv_escape_text(options_once(choices.separator),
					    strlen(argument));
}

static void read_prefix(const char *argument)
{
	choices.prefix =
		tsv_escape_text(options_once(choices.prefix), strlen(argument));
}

/* In the order of enum event_half. */
static const char *const half_words[] = {"A",  "B",  "AA", "AB",
					 "BA", "BB", NULL};

static void read_half(const char *argument)
{
	(void)argument;
	choices.half = HALF_A + (enum event_half)options_choice(half_words);
}

static void read_where(const char *argument)
{
	const char *error = row_filter_add(&choices.filter, argument);

	if (error != NULL)
		die_usage("--where %s", error);
}

static int64_t read_date(const char *option, const char *argument)
{
	int64_t time = 0;

	if (!date_read(argument, strlen(argument), &time))
		die_usage("%s \"%s\": expected a date, such as 2026-01-31 or "
			  "2026-01-31T10:15:00Z",
			  option, argument);
	return time;
}

static void read_since(const char *argument)
{
	choices.filter.since = read_date("--since", argument);
	choices.filter.has_since = true;
}

static void read_until(const char *argument)
{
	choices.filter.until = read_date("--until", argument);
	choices.filter.has_until = true;
}

static void read_from(const char *argument)
{
	choices.landmark = read_date("--from", argument);
	choices.from = argument;
}

static const struct option_row rows[] = {
	{"Columns", 'u', "user", "COL", "of the customer, by name or number",
	 OPTION_TO_FILE(choices.columns.named[COLUMN_USER])},
	{NULL, 't', "tag", "COL", "of the tag, or with --tags of the item",
	 OPTION_TO_FILE(choices.columns.named[COLUMN_TAG])},
	{NULL, 'v', "value", "COL", "of what is summed",
	 OPTION_TO_FILE(choices.columns.named[COLUMN_VALUE])},
	{NULL, 'd', "delimiter", "STR",
	 "between fields: '\\t', ' +' for blanks [,]",
	 OPTION_TO_FUNCTION(read_delimiter)},
	{NULL, KEY_NO_HEADER, "no-header", NULL,
	 "files have none: columns by number",
	 OPTION_TO_FLAG(choices.columns.headed, false)},
	{"Input format", KEY_DECIMAL, "decimal", "CHAR", "decimal mark [.]",
	 OPTION_TO_FUNCTION(read_decimal)},
	{NULL, KEY_THOUSANDS, "thousands", "CHAR",
	 "mark between groups of three digits [none]",
	 OPTION_TO_FUNCTION(read_thousands)},
	{NULL, KEY_NULL, "null", "STR", "a field STR is empty; may be repeated",
	 OPTION_TO_FUNCTION(read_null)},
	{NULL, KEY_TRIM, "trim", NULL,
	 "no blanks at the ends of customers and tags",
	 OPTION_TO_FLAG(choices.trim, true)},
	{NULL, KEY_SKIP, "skip", "N", "lines before the header [0]",
	 OPTION_TO_INTEGER(choices.skip, 0, 1000000)},
	{NULL, KEY_COMMENT, "comment", "CHAR",
	 "lines that begin with it are no rows [none]",
	 OPTION_TO_FUNCTION(read_comment)},
	{NULL, KEY_QUOTE, "quote", "Q",
	 "double, none or CHAR, around fields [double]",
	 OPTION_TO_FUNCTION(read_quote)},
	{NULL, KEY_ESCAPE, "escape", "E", "none, backslash [none]",
	 OPTION_TO_CHOICE(escape, escape_words)},
	{NULL, KEY_ENCODING, "encoding", "NAME",
	 "of the files, as iconv knows it [UTF-8]",
	 OPTION_TO_TEXT(choices.dialect.encoding)},
	{"Tags", KEY_TAGS, "tags", "FILE",
	 "FILE[:ITEM,TAG[,TAG]...]: the tags of items",
	 OPTION_TO_FILE(choices.tags)},
	{NULL, KEY_KEEP_ITEM, "keep-item", NULL,
	 "an item is a tag of itself, too",
	 OPTION_TO_FLAG(choices.keep_item, true)},
	{NULL, KEY_LEVELS, "levels", "NAMES",
	 "of the item and each TAG [their columns]",
	 OPTION_TO_FILE(choices.levels)},
	{NULL, KEY_TAG_WEIGHT, "tag-weight", "COL",
	 "of FILE: how much an event counts for TAG",
	 OPTION_TO_FILE(choices.tag_weight)},
	{NULL, KEY_SEPARATOR, "tag-sep", "CHAR",
	 "a cell holds several tags, this between",
	 OPTION_TO_FUNCTION(read_separator)},
	{NULL, KEY_PREFIX, "prefix", "STR", "write this before each tag",
	 OPTION_TO_FUNCTION(read_prefix)},
	{"Filter", KEY_WHERE, "where", "COND",
	 "COL=VALUE, or != < <= > >=; all must hold",
	 OPTION_TO_FUNCTION(read_where)},
	{NULL, KEY_TIME, "time", "COL", "of the date of an event",
	 OPTION_TO_FILE(choices.filter.time)},
	{NULL, KEY_TIME_FORMAT, "time-format", "FMT",
	 "as of strptime [ISO 8601, or seconds]",
	 OPTION_TO_FILE(choices.filter.time_format)},
	{NULL, KEY_SINCE, "since", "DATE", "events of that time and later",
	 OPTION_TO_FUNCTION(read_since)},
	{NULL, KEY_UNTIL, "until", "DATE", "events before that time",
	 OPTION_TO_FUNCTION(read_until)},
	{"Weight", KEY_WEIGHT_BY, "weight-by", "COL:FILE",
	 "FILE says what an event of each COL counts",
	 OPTION_TO_FILE(choices.weight_by)},
	{NULL, KEY_HALF_LIFE, "half-life", "DAYS",
	 "an event so much later counts twice as much",
	 OPTION_TO_REAL(choices.half_life, 1e-3, 1e6)},
	{NULL, KEY_FROM, "from", "DATE", "an event of that time counts 1",
	 OPTION_TO_FUNCTION(read_from)},
	{"Input", KEY_MERGE, "merge", NULL, "FILEs are profiles: add them up",
	 OPTION_TO_FLAG(merge, true)},
	{NULL, KEY_REJECTS, "rejects", "FILE",
	 "set wrong rows aside, reasons in FILE.why",
	 OPTION_TO_FILE(choices.rejects)},
	{"Halves", KEY_HALF, "half", "H",
	 "count one half of the events, A or B; AA, AB: of A",
	 OPTION_TO_FUNCTION(read_half)},
	{NULL, KEY_HALF_BY, "half-by", "COL", "what has one COL is in one half",
	 OPTION_TO_FILE(choices.half_by)},
	{NULL, KEY_SEED, "seed", "N", "of the hash that cuts [1]",
	 OPTION_TO_INTEGER(choices.seed, 0, INT64_MAX)},
	{"Customers", KEY_PSEUDONYM, "pseudonym", "KEYFILE",
	 "write a keyed hash in place of each name",
	 OPTION_TO_FILE(choices.key)},
	{NULL, KEY_FORGET, "forget", "FILE",
	 "leave out the customers in FILE, one a line",
	 OPTION_TO_FILE(choices.forget)},
	{NULL, KEY_FORGOTTEN, "forgotten", "FILE", "the same",
	 OPTION_TO_FILE(choices.forget)},
	{"Memory", 'S', "memory", "SIZE",
	 "how much it takes [a quarter of all]",
	 OPTION_TO_SIZE(choices.memory)},
	OPTION_OUTPUT_TO("Output", choices.output),
	{NULL, KEY_SHARDS, "shards", "N",
	 "-o names a directory: N files by customer",
	 OPTION_TO_INTEGER(choices.shards, 1, SHARD_WRITER_MAX_SHARDS)},
	{NULL, KEY_REPORT, "report", "FILE", "what became of the rows, as JSON",
	 OPTION_TO_FILE(choices.report)},
	OPTION_THREADS_TO(choices.threads),
	OPTION_COMMON};

static const struct options_text text = {
	.name = "cs-aggregate",
	.usage = "cs-aggregate [OPTION]... [FILE]...\n"
		 "       cs-aggregate --merge [OPTION]... [PROFILES]...",
	.purpose =
		"Write for each customer and tag the number of events and the "
		"sum of values.\n"
		"FILEs are CSV with a header line; columns not named are those "
		"with a name that\n"
		"is known.  Without a FILE, or for \"-\", standard input is "
		"read.",
	.footer = "exit: 0 done; 2 wrong use, input or output\n"
		  "  cs-aggregate views.csv | cs-matrix | cs-svd -o emb.bin\n"
		  "  cs-aggregate --tags products.csv:id,category -u buyer -v "
		  "price log.csv\n"
		  "The manual page, cs-aggregate(1), has the rest.",
	.rows = rows,
};

/* Options about time need each other. */
static void check_times(void)
{
	static const int of_time[] = {KEY_TIME_FORMAT, KEY_SINCE, KEY_UNTIL,
				      KEY_HALF_LIFE, 0};
	static const int needs_time[] = {KEY_SINCE, KEY_UNTIL, KEY_HALF_LIFE,
					 KEY_REPORT, 0};

	if (choices.filter.time == NULL && options_given(of_time) != NULL)
		die_usage("%s: --time says which column has the time",
			  options_given(of_time));
	if (choices.filter.has_since && choices.filter.has_until &&
	    choices.filter.since >= choices.filter.until)
		die_usage("--until: no time is before it and not before "
			  "--since");
	if (choices.filter.time != NULL && options_given(needs_time) == NULL)
		die_usage("--time: it is for --since, --until, --half-life and "
			  "--report, and there is none");
	if ((choices.half_life > 0) != (choices.from != NULL))
		die_usage("--half-life and --from go together");
}

static char **read_options(int argc, char **argv)
{
	static const int of_profiles[] = {
		'S',        'o',           'j',        KEY_MERGE,
		KEY_PREFIX, KEY_PSEUDONYM, KEY_FORGET, KEY_FORGOTTEN,
		KEY_REPORT, KEY_SHARDS,    0};
	static const int of_catalogue[] = {KEY_KEEP_ITEM, KEY_LEVELS,
					   KEY_TAG_WEIGHT, 0};

	choices.threads = machine_limits_processors();
	choices.memory = machine_limits_buffer(SIZE_MAX);
	char **paths = options_read(&text, argc, argv);
	if (merge && options_given_besides(of_profiles) != NULL)
		die_usage("%s says how a log is read: it does not go with "
			  "--merge",
			  options_given_besides(of_profiles));
	if (choices.key != NULL && choices.rejects != NULL)
		die_usage("--pseudonym: rows that --rejects sets aside would "
			  "have their names");
	if (merge && choices.key != NULL && choices.forget == NULL)
		die_usage("--pseudonym with --merge: it is for --forget FILE, "
			  "whose names are those of the logs");
	if (choices.shards > 0 &&
	    (choices.output == NULL || strcmp(choices.output, "-") == 0))
		die_usage("--shards: they are files of a directory: -o DIR "
			  "names it");
	check_times();
	if (choices.tags == NULL && options_given(of_catalogue) != NULL)
		die_usage("%s: it is about the catalogue of --tags, and there "
			  "is none",
			  options_given(of_catalogue));
	if (choices.half_by != NULL && choices.half == HALF_ALL)
		die_usage("--half-by: it says how --half cuts, and there is no "
			  "--half");
	choices.dialect.backslash = escape == 1;
	choices.quiet = options_quiet;
	choices.verbose = options_verbose();
	return paths;
}

int main(int argc, char **argv)
{
	char **paths = read_options(argc, argv);
	size_t count = (size_t)(argv + argc - paths);

	if (merge)
		aggregation_merge(&choices, paths, count);
	else
		aggregation_run(&choices, paths, count);
	return STATUS_DONE;
}
