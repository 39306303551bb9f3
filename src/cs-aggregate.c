/* cs-aggregate: event logs to profiles: for each customer and tag, the number
 * of events and the exact sum of their values.
 *
 * Rows of CSV (text/csv_reader.h) become records (events/event_reader.h), which
 * are summed and written in the order of their text (events/group_by.h); wrong
 * rows are counted and reported (events/rejects.h). */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/date.h"
#include "base/errors.h"
#include "base/io.h"
#include "base/machine_limits.h"
#include "base/number.h"
#include "base/options.h"
#include "text/tsv.h"
#include "events/column_detect.h"
#include "events/customer_names.h"
#include "events/event_reader.h"
#include "events/group_by.h"
#include "events/item_join.h"
#include "events/item_tags.h"
#include "events/profile_merge.h"
#include "events/profile_reader.h"
#include "events/rejects.h"
#include "events/row_account.h"
#include "events/row_filter.h"
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
	KEY_SKIP,
	KEY_COMMENT,
	KEY_QUOTE,
	KEY_ESCAPE,
	KEY_ENCODING,
	KEY_PSEUDONYM,
	KEY_FORGET
};

static struct choices {
	struct columns columns;
	struct csv_dialect dialect;
	struct decimal_style style;
	char **nulls; /* escaped as fields are */
	size_t null_count, null_room;
	size_t skip;
	unsigned quote, escape; /* of their words */
	bool merge;
	struct row_filter filter;
	const char *weight_by, *from; /* of events, or NULL */
	double half_life;             /* days, or 0 */
	int64_t landmark;
	bool keep_item;
	const char *levels; /* their names, or NULL */
	const char *tags, *separator, *prefix, *rejects, *report, *output;
	const char *key, *forget; /* files, or NULL */
	struct customer_names names;
	const char *half_by; /* a column, or NULL: each event by itself */
	enum event_half half;
	size_t seed;
	size_t shards; /* 0: one file */
	size_t memory;
	unsigned threads;
} choices = {.columns.headed = true,
	     .dialect.delimiter = ",",
	     .style.point = '.',
	     .seed = 1};

/* Quotation marks, line ends and NUL separate nothing. */
static void read_delimiter(const char *argument)
{
	if (strcmp(argument, "\\t") == 0 || strcmp(argument, "tab") == 0)
		argument = "\t";
	if (*argument == '\0' || strlen(argument) > 15 ||
	    strpbrk(argument, "\"\r\n") != NULL)
		die_usage("-d, --delimiter \"%s\": expected up to 15 bytes, no "
			  "quote and no line end; a tab is '\\t', ' +' is a "
			  "run of blanks",
			  argument);
	choices.dialect.delimiter = argument;
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

static const char *const quote_words[] = {"double", "none", NULL};
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

static const char *const half_words[] = {"A", "B", NULL};

static void read_half(const char *argument)
{
	(void)argument;
	choices.half = options_choice(half_words) == 0 ? HALF_A : HALF_B;
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
	{NULL, KEY_SKIP, "skip", "N", "lines before the header [0]",
	 OPTION_TO_INTEGER(choices.skip, 0, 1000000)},
	{NULL, KEY_COMMENT, "comment", "CHAR",
	 "lines that begin with it are no rows [none]",
	 OPTION_TO_FUNCTION(read_comment)},
	{NULL, KEY_QUOTE, "quote", "Q",
	 "double, none: quotes are data [double]",
	 OPTION_TO_CHOICE(choices.quote, quote_words)},
	{NULL, KEY_ESCAPE, "escape", "E", "none, backslash [none]",
	 OPTION_TO_CHOICE(choices.escape, escape_words)},
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
	 OPTION_TO_FLAG(choices.merge, true)},
	{NULL, KEY_REJECTS, "rejects", "FILE",
	 "set wrong rows aside, reasons in FILE.why",
	 OPTION_TO_FILE(choices.rejects)},
	{"Halves", KEY_HALF, "half", "H",
	 "count one half of the events, A or B", OPTION_TO_FUNCTION(read_half)},
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
	{"Memory", 'S', "memory", "SIZE",
	 "how much it takes [a quarter of all]",
	 OPTION_TO_SIZE(choices.memory)},
	OPTION_OUTPUT_TO("Output", choices.output),
	{NULL, KEY_SHARDS, "shards", "N",
	 "-o names a directory: N files by customer",
	 OPTION_TO_INTEGER(choices.shards, 1, MAX_SHARDS)},
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
					 0};

	if (choices.filter.time == NULL && options_given(of_time) != NULL)
		die_usage("%s: --time says which column has the time",
			  options_given(of_time));
	if (choices.filter.time != NULL && options_given(needs_time) == NULL)
		die_usage("--time: it is for --since, --until and --half-life, "
			  "and there is none");
	if ((choices.half_life > 0) != (choices.from != NULL))
		die_usage("--half-life and --from go together");
}

static char **read_options(int argc, char **argv)
{
	static const int of_events[] = {'u',
					't',
					'v',
					'd',
					KEY_NO_HEADER,
					KEY_TAGS,
					KEY_KEEP_ITEM,
					KEY_LEVELS,
					KEY_WHERE,
					KEY_TIME,
					KEY_TIME_FORMAT,
					KEY_SINCE,
					KEY_UNTIL,
					KEY_WEIGHT_BY,
					KEY_HALF_LIFE,
					KEY_FROM,
					KEY_SEPARATOR,
					KEY_REJECTS,
					KEY_HALF,
					KEY_HALF_BY,
					0};

	choices.threads = machine_limits_processors();
	choices.memory = machine_limits_memory() / 4;
	char **paths = options_read(&text, argc, argv);
	if (choices.merge && options_given(of_events) != NULL)
		die_usage("%s says how a log is read: it does not go with "
			  "--merge",
			  options_given(of_events));
	if (choices.key != NULL && choices.rejects != NULL)
		die_usage("--pseudonym: rows that --rejects sets aside would "
			  "have their names");
	if (choices.merge && choices.key != NULL && choices.forget == NULL)
		die_usage("--pseudonym with --merge: it is for --forget FILE, "
			  "whose names are those of the logs");
	if (choices.shards > 0 &&
	    (choices.output == NULL || strcmp(choices.output, "-") == 0))
		die_usage("--shards: they are files of a directory: -o DIR "
			  "names it");
	check_times();
	if (choices.tags == NULL && (choices.keep_item || choices.levels))
		die_usage("%s: it is about the catalogue of --tags, and there "
			  "is none",
			  choices.keep_item ? "--keep-item" : "--levels");
	if (choices.half_by != NULL && choices.half == HALF_ALL)
		die_usage("--half-by: it says how --half cuts, and there is no "
			  "--half");
	return paths;
}

/* ---------------------------------------------------------------- the work */

/* Where the profile goes: a file, or the shards of a directory. */
struct destination {
	struct output file;
	struct shard_writer shards;
	struct output *profile; /* of one of both */
};

static void open_destination(struct destination *destination)
{
	destination->profile = choices.shards > 0 ? &destination->shards.lines
						  : &destination->file;
	if (choices.shards > 0)
		shard_writer_open(&destination->shards, choices.output,
				  choices.shards);
	else
		output_open(&destination->file, choices.output);
}

static void close_destination(struct destination *destination)
{
	if (choices.shards > 0)
		shard_writer_close(&destination->shards);
	else
		output_close(&destination->file);
}

static void discard_destination(struct destination *destination)
{
	if (choices.shards > 0)
		shard_writer_discard(&destination->shards);
	else
		output_discard(&destination->file);
}

/* What the values are called: weighted ones by their weights, too, so that
 * those of other weights are not added to them. */
static char *value_name(const char *column)
{
	struct output name;

	if (!row_filter_weighs(&choices.filter))
		return column ? alloc_text(column, strlen(column)) : NULL;
	output_memory(&name);
	output_print(&name, PROFILE_WEIGHTED "%s", column ? column : "events");
	if (choices.weight_by != NULL)
		output_print(&name, "_by_%.*s",
			     (int)strcspn(choices.weight_by, ":"),
			     choices.weight_by);
	if (choices.from != NULL)
		output_print(&name, "_from_%s_half_life_%g", choices.from,
			     choices.half_life);
	char *whole = alloc_text((char *)name.buffer, name.held);
	free(name.buffer);
	return whole;
}

static void write_header(struct output *output,
			 const struct event_reader *events)
{
	const struct columns *columns = events->columns;
	const struct item_tags *items = events->items;
	/* A first line that is a row names no column. */
	const char *tag = items == NULL         ? columns->names[COLUMN_TAG]
			  : events->join.header ? NULL
						: items->tag_name;
	char *value = value_name(columns->names[COLUMN_VALUE]);
	const char *names[] = {columns->names[COLUMN_USER], tag, "events",
			       value};
	static const char *const plain[] = {"customer", "tag", "events",
					    "value"};

	for (size_t i = 0; i < 4; i++) {
		const char *name = names[i] && *names[i] ? names[i] : plain[i];
		tsv_write_field(output, name, strlen(name));
		output_text(output, i < 3 ? "\t" : "\n");
	}
	free(value);
}

/* Find the column that --half-by names.  Tags are halved where it is theirs:
 * the catalogue's column of tags, or without one the log's. */
static void select_half(struct event_reader *events, struct csv_file *file,
			const struct csv_names *names)
{
	const struct item_tags *items = events->items;

	if (choices.half_by == NULL)
		return;
	events->half_by_tag = items != NULL && items->tag_name != NULL &&
			      strcmp(choices.half_by, items->tag_name) == 0;
	if (events->half_by_tag)
		return;
	file->hash_column = columns_index(file->name, choices.half_by,
					  choices.columns.headed, names);
	events->half_by_tag = items == NULL &&
			      file->hash_column == file->selected[COLUMN_TAG];
}

static void select_columns(void *context, struct csv_source *source,
			   size_t file, const struct csv_names *names)
{
	struct event_reader *events = context;
	struct columns *columns = events->columns;
	const struct csv_file *files = source->files;

	columns_detect(columns, &source->files[file], names);
	select_half(events, &source->files[file], names);
	row_filter_select(&choices.filter, &source->files[file],
			  columns->headed, names);
	if (choices.rejects != NULL && file > 0 && columns->headed &&
	    (files[file].header_size != files[0].header_size ||
	     memcmp(files[file].header, files[0].header,
		    files[0].header_size) != 0))
		die("%s: its header is not that of %s: rows of both cannot be "
		    "set aside in one file",
		    files[file].name, files[0].name);
}

static void write_rejects(struct rejects *rejects)
{
	struct output set_aside, why;
	size_t length = choices.rejects ? strlen(choices.rejects) : 0;

	if (choices.rejects == NULL)
		return;
	char *path = alloc(length + sizeof ".why", 1);
	memcpy(path, choices.rejects, length);
	memcpy(path + length, ".why", sizeof ".why");
	output_open(&set_aside, choices.rejects);
	output_open(&why, path);
	rejects_write(rejects, &set_aside, &why);
	output_close(&why);
	output_close(&set_aside);
	free(path);
}

/* Bytes for records and names: --memory less what blocks and parts need. */
static size_t group_memory(void)
{
	size_t fixed = choices.threads * ((size_t)3 << 20);

	return choices.memory > 2 * fixed ? choices.memory - fixed
					  : choices.memory / 2;
}

/* Read the key and the list of --pseudonym and --forget. */
static void read_names(void)
{
	if (choices.key != NULL)
		customer_names_read_key(&choices.names, choices.key);
	if (choices.forget != NULL)
		customer_names_read_forgotten(&choices.names, choices.forget);
}

/* The work on event logs: what is open, and what became of the rows. */
struct aggregation {
	struct destination output;
	struct item_tags items;
	struct group_by groups;
	struct rejects rejects;
	struct event_reader events;
	struct row_account account;
	struct suspects suspects;
};

/* Set what the options say of weights. */
static void open_filter(void)
{
	const double day = 86400000;

	if (choices.weight_by != NULL)
		row_filter_read_weights(&choices.filter, choices.weight_by,
					&choices.dialect,
					choices.columns.headed);
	choices.filter.decays = choices.from != NULL;
	if (choices.filter.decays)
		forward_decay_begin(&choices.filter.decay, choices.landmark,
				    (int64_t)(choices.half_life * day + 0.5));
}

/* Open everything; paths are read later. */
static void open_logs(struct aggregation *work, char **paths, size_t count)
{
	struct columns *columns = &choices.columns;
	struct event_reader *events = &work->events;

	open_filter();
	read_names();
	*events = (struct event_reader){.columns = columns,
					.separator = choices.separator,
					.half = choices.half,
					.half_key = choices.seed,
					.groups = &work->groups,
					.rejects = &work->rejects,
					.names = &choices.names};
	choices.dialect.unquoted = choices.quote == 1;
	choices.dialect.backslash = choices.escape == 1;
	open_destination(&work->output);
	if (choices.tags != NULL) {
		const struct item_tags_source catalogue = {
			.option = "--tags",
			.argument = choices.tags,
			.dialect = choices.dialect,
			.headed = columns->headed,
			.separator = choices.separator,
			.keep_item = choices.keep_item,
			.levels = choices.levels};
		item_tags_read(&work->items, &catalogue);
		events->items = &work->items;
		columns->joined = true;
		columns->join = work->items.item_name;
	}
	csv_reader_begin(&events->source, paths, count, &choices.dialect,
			 columns->headed);
	events->source.skip = choices.skip;
	events->source.places =
		COLUMNS_DETECTED +
		row_filter_take_places(&choices.filter, COLUMNS_DETECTED);
	events->rules = (struct row_rules){.columns = columns,
					   .filter = &choices.filter,
					   .style = choices.style,
					   .nulls = choices.nulls,
					   .null_count = choices.null_count,
					   .tag_may_be_empty =
						   events->items == NULL &&
						   events->separator != NULL};
	events->source.opened = select_columns;
	events->source.context = events;
	events->source.hashed = choices.half != HALF_ALL;
	events->source.hash_key = choices.seed;
	group_by_begin(&work->groups, choices.threads, group_memory());
	rejects_begin(&work->rejects, &events->source, columns->names,
		      choices.threads, choices.rejects != NULL);
	work->rejects.time = choices.filter.time;
	work->rejects.type = choices.filter.type;
	work->rejects.time_place = row_filter_time_place(&choices.filter);
	work->rejects.type_place = row_filter_type_place(&choices.filter);
}

/* Where rows are wrong, report them, and end the process unless they are set
 * aside. */
static void end_if_rejected(struct aggregation *work)
{
	struct rejects *rejects = &work->rejects;
	const struct row_account *account = &work->account;

	if (account->rejected == 0)
		return;
	if (!choices.rejects || !options_quiet)
		rejects_warn(rejects, account->in);
	if (choices.rejects)
		return;
	/* Without a profile, so that the report alone gets its name. */
	discard_destination(&work->output);
	row_account_report(account, rejects, choices.report);
	if (!options_quiet &&
	    rejects_count(rejects, REJECT_CSV + CSV_QUOTE_INSIDE) +
			    rejects_count(rejects,
					  REJECT_CSV + CSV_QUOTE_AFTER) >
		    0)
		fputs("  where quotes follow other rules: --quote none, or "
		      "--escape backslash\n",
		      stderr);
	if (account->rejected == account->in && !options_quiet)
		fputs("  all rows are wrong: are these the right columns "
		      "(-u, -t, -v), and is it the\n"
		      "  right format (-d, --decimal, --quote, --escape, "
		      "--no-header)?\n",
		      stderr);
	else if (!options_quiet)
		fputs("  to set such rows aside and go on: --rejects FILE\n",
		      stderr);
	exit(STATUS_WRONG);
}

/* Read all rows; ends the process where some are wrong and not set aside. */
static void read_logs(struct aggregation *work)
{
	struct event_reader *events = &work->events;

	event_reader_run(events);
	work->account.halved = choices.half != HALF_ALL;
	work->account.in = events->rows_in;
	work->account.used = events->rows_used;
	work->account.untagged = events->rows_untagged;
	work->account.other = events->rows_other;
	work->account.left_out = events->rows_left_out;
	work->account.forgotten = events->rows_forgotten;
	work->account.forgets = choices.forget != NULL;
	work->account.filtered = choices.filter.condition_count > 0 ||
				 choices.filter.time != NULL ||
				 choices.filter.type != NULL;
	work->account.notes = events->notes;
	work->account.rejected = rejects_count(&work->rejects, REJECT_NONE);
	if (choices.columns.by_known_name && !options_quiet)
		row_account_warn_columns(&choices.columns);
	if (!options_quiet)
		row_account_warn_encoding(events);
	if (!options_quiet)
		row_account_warn_header(events);
	end_if_rejected(work);
	if (events->items != NULL)
		item_join_check(&events->join, events->items, "--tags",
				"rows' items");
}

static void write_profile(struct aggregation *work)
{
	struct run_writer profile = {
		.kind = RUN_WRITER_PROFILE,
		.output = work->output.profile,
		.valued = choices.columns.valued ||
			  row_filter_weighs(&choices.filter)};

	profile.prefix = choices.prefix;
	profile.prefix_length = choices.prefix ? strlen(choices.prefix) : 0;
	write_header(work->output.profile, &work->events);
	work->account.counts = group_by_write(&work->groups, &profile);
	work->suspects = profile.suspects;
	work->account.grouped = true;
}

/* Close the outputs, report, and free everything. */
static void close_logs(struct aggregation *work)
{
	const struct row_account *account = &work->account;

	write_rejects(&work->rejects);
	row_account_report(account, &work->rejects, choices.report);
	close_destination(&work->output);
	if (!options_quiet) {
		row_account_warn_notes(&account->notes);
		row_account_warn_suspects(&work->suspects,
					  account->counts.users,
					  choices.null_count == 0);
	}
	if (!options_quiet &&
	    (choices.columns.by_known_name || account->untagged > 0 ||
	     account->left_out > 0 || account->forgotten > 0 ||
	     account->other > 0 || account->rejected > 0 || options_chatty()))
		row_account_warn(account);
	group_by_end(&work->groups);
	rejects_end(&work->rejects);
	csv_reader_end(&work->events.source);
	item_tags_free(&work->items);
	row_filter_free(&choices.filter);
	columns_free(&choices.columns);
	customer_names_free(&choices.names);
}

static void aggregate(char **paths, size_t count)
{
	struct aggregation work = {0};

	open_logs(&work, paths, count);
	read_logs(&work);
	write_profile(&work);
	close_logs(&work);
}

static void merge(char **paths, size_t count)
{
	struct row_account account = {.grouped = true};
	struct destination output;

	read_names();
	customer_names_hash_forgotten(&choices.names);
	open_destination(&output);
	account.counts = profile_merge(
		paths, count, choices.prefix, group_memory(), &choices.names,
		output.profile, &account.in, &account.forgotten);
	account.used = account.in - account.forgotten;
	account.forgets = choices.forget != NULL;
	row_account_report(&account, NULL, choices.report);
	close_destination(&output);
	if (options_chatty() || (account.forgotten > 0 && !options_quiet))
		row_account_warn(&account);
	customer_names_free(&choices.names);
}

int main(int argc, char **argv)
{
	char **paths = read_options(argc, argv);
	size_t count = (size_t)(argv + argc - paths);

	if (choices.merge)
		merge(paths, count);
	else
		aggregate(paths, count);
	return STATUS_DONE;
}
