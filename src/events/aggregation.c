#include "events/aggregation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/errors.h"
#include "base/io.h"
#include "base/output_files.h"
#include "base/repeated_inputs.h"
#include "events/customer_names.h"
#include "events/group_by.h"
#include "events/item_join.h"
#include "events/item_tags.h"
#include "events/profile_merge.h"
#include "events/profile_output.h"
#include "events/profile_reader.h"
#include "events/rejects.h"
#include "events/row_account.h"
#include "events/tag_separators.h"

/* The work on event logs: what is open, and what became of the rows. */
struct aggregation {
	struct aggregation_options *options;
	struct customer_names names;
	struct profile_output output;
	struct item_tags items;
	struct group_by groups;
	struct rejects rejects;
	struct event_reader events;
	struct row_account account;
	struct doubtful_names doubtful;
};

/* ----------------------------------------------------------------- columns */

/* Whether events count by weights of any kind. */
static bool weighs(const struct aggregation_options *options)
{
	return row_filter_weighs(&options->filter) ||
	       options->tag_weight != NULL;
}

/* What the values are called: weighted ones by their weights, too, so that
 * those of other weights are not added to them. */
static char *value_name(const struct aggregation_options *options)
{
	const char *column = options->columns.names[COLUMN_VALUE];
	struct output name;

	if (!weighs(options))
		return column ? alloc_text(column, strlen(column)) : NULL;
	output_memory(&name);
	output_print(&name, PROFILE_WEIGHTED "%s", column ? column : "events");
	if (options->weight_by != NULL)
		output_print(&name, "_by_%.*s",
			     (int)strcspn(options->weight_by, ":"),
			     options->weight_by);
	if (options->tag_weight != NULL)
		output_print(&name, "_by_tag_%s", options->tag_weight);
	if (options->from != NULL)
		output_print(&name, "_from_%s_half_life_%g", options->from,
			     options->half_life);
	char *whole = alloc_text((char *)name.buffer, name.held);
	free(name.buffer);
	return whole;
}

static void write_header(struct aggregation *work)
{
	const struct columns *columns = &work->options->columns;
	const struct item_tags *items = work->events.items;
	/* A first line that is a row names no column. */
	const char *tag = items == NULL ? columns->names[COLUMN_TAG]
			  : work->events.join.header ? NULL
						     : items->tag_name;
	char *value = value_name(work->options);

	profile_output_header(&work->output, columns->names[COLUMN_USER], tag,
			      value);
	free(value);
}

/* Find the column that --half-by names.  Tags are halved where it is theirs:
 * the catalogue's column of tags, or without one the log's. */
static void select_half(struct aggregation *work, struct csv_file *file,
			const struct csv_names *names)
{
	const struct aggregation_options *options = work->options;
	struct event_reader *events = &work->events;
	const struct item_tags *items = events->items;

	if (options->half_by == NULL)
		return;
	events->half_by_tag = items != NULL && items->tag_name != NULL &&
			      strcmp(options->half_by, items->tag_name) == 0;
	if (events->half_by_tag)
		return;
	file->hash_column = columns_index(file, options->half_by,
					  options->columns.headed, names);
	events->half_by_tag = items == NULL &&
			      file->hash_column == file->selected[COLUMN_TAG];
}

static void select_columns(void *context, struct csv_source *source,
			   size_t file, const struct csv_names *names)
{
	struct aggregation *work = context;
	struct aggregation_options *options = work->options;
	const struct csv_file *files = source->files;

	columns_detect(&options->columns, &source->files[file], names);
	select_half(work, &source->files[file], names);
	row_filter_select(&options->filter, &source->files[file],
			  options->columns.headed, names);
	if (options->rejects != NULL && file > 0 && options->columns.headed &&
	    (files[file].header_size != files[0].header_size ||
	     memcmp(files[file].header, files[0].header,
		    files[0].header_size) != 0))
		die("%s: its header is not that of %s: rows of both cannot be "
		    "set aside in one file",
		    files[file].name, files[0].name);
}

/* ----------------------------------------------------------------- opening */

/* Bytes for records and names: all less what blocks and parts need. */
static size_t group_memory(const struct aggregation_options *options)
{
	size_t fixed = options->threads * ((size_t)3 << 20);

	return options->memory > 2 * fixed ? options->memory - fixed
					   : options->memory / 2;
}

/* Read the key of pseudonyms and the customers that are left out. */
static void read_names(struct customer_names *names,
		       const struct aggregation_options *options)
{
	if (options->key != NULL)
		customer_names_read_key(names, options->key);
	if (options->forget != NULL)
		customer_names_read_forgotten(names, options->forget);
}

/* Set what the options say of weights. */
static void open_filter(struct aggregation_options *options)
{
	const double day = 86400000;

	row_filter_set_style(&options->filter, &options->style);
	if (options->weight_by != NULL)
		row_filter_read_weights(&options->filter, options->weight_by,
					&options->dialect,
					options->columns.headed);
	options->filter.decays = options->from != NULL;
	if (options->filter.decays)
		forward_decay_begin(&options->filter.decay, options->landmark,
				    (int64_t)(options->half_life * day + 0.5));
}

/* Read the catalogue of --tags. */
static void open_items(struct aggregation *work)
{
	struct aggregation_options *options = work->options;
	const struct item_tags_source catalogue = {
		.option = "--tags",
		.argument = options->tags,
		.dialect = options->dialect,
		.style = options->style,
		.headed = options->columns.headed,
		.trim = options->trim,
		.separator = options->separator,
		.nulls = {options->nulls, options->null_count},
		.keep_item = options->keep_item,
		.weight = options->tag_weight,
		.levels = options->levels};

	if (options->tags == NULL)
		return;
	item_tags_read(&work->items, &catalogue);
	if (options->separator == NULL)
		tag_separators_notice(&work->items.tags, work->items.file);
	work->events.items = &work->items;
	options->columns.joined = true;
	options->columns.join = work->items.item_name;
}

static void open_source(struct aggregation *work, char **paths, size_t count)
{
	struct aggregation_options *options = work->options;
	struct csv_source *source = &work->events.source;

	csv_reader_begin(source, paths, count, &options->dialect,
			 options->columns.headed);
	source->skip = options->skip;
	source->piped = true;
	source->places =
		COLUMNS_DETECTED +
		row_filter_set_places(&options->filter, COLUMNS_DETECTED);
	source->opened = select_columns;
	source->context = work;
	source->hashed = options->half != HALF_ALL;
	source->hash_key = options->seed;
}

static void open_rejects(struct aggregation *work)
{
	struct aggregation_options *options = work->options;
	struct rejects *rejects = &work->rejects;

	rejects_begin(rejects, &work->events.source, options->columns.names,
		      options->threads, options->rejects != NULL);
	rejects->style = options->style;
	rejects->time = options->filter.time;
	rejects->type = options->filter.type;
	rejects->time_place = row_filter_time_place(&options->filter);
	rejects->type_place = row_filter_type_place(&options->filter);
}

/* Open everything; paths are read later. */
static void open_logs(struct aggregation *work, char **paths, size_t count)
{
	struct aggregation_options *options = work->options;
	struct event_reader *events = &work->events;

	open_filter(options);
	read_names(&work->names, options);
	*events = (struct event_reader){.columns = &options->columns,
					.separator = options->separator,
					.half = options->half,
					.half_key = options->seed,
					.groups = &work->groups,
					.rejects = &work->rejects,
					.names = &work->names};
	profile_output_open(&work->output, options->output, options->shards);
	open_items(work);
	open_source(work, paths, count);
	events->rules = (struct row_rules){
		.columns = &options->columns,
		.filter = &options->filter,
		.style = options->style,
		.nulls = {options->nulls, options->null_count},
		.trim = options->trim,
		.heaviest = work->items.heaviest,
		.tag_may_be_empty =
			events->items == NULL && events->separator != NULL};
	group_by_begin(&work->groups, options->threads, group_memory(options));
	open_rejects(work);
}

/* ----------------------------------------------------------------- reading */

/* Say what may be done about wrong rows. */
static void advise(const struct row_account *account,
		   const struct rejects *rejects)
{
	if (rejects_count(rejects, REJECT_CSV + CSV_QUOTE_INSIDE) +
		    rejects_count(rejects, REJECT_CSV + CSV_QUOTE_AFTER) >
	    0)
		fputs("  where quotes follow other rules: --quote none, or "
		      "--escape backslash\n",
		      stderr);
	if (account->rejected == account->in)
		fputs("  all rows are wrong: are these the right columns "
		      "(-u, -t, -v), and is it the\n"
		      "  right format (-d, --decimal, --quote, --escape, "
		      "--no-header)?\n",
		      stderr);
	else
		fputs("  to set such rows aside and go on: --rejects FILE\n",
		      stderr);
}

/* Where rows are wrong, report them, and end the process unless they are set
 * aside. */
static void end_if_rejected(struct aggregation *work)
{
	const struct aggregation_options *options = work->options;
	struct rejects *rejects = &work->rejects;
	const struct row_account *account = &work->account;

	if (account->rejected == 0)
		return;
	if (!options->rejects || !options->quiet)
		rejects_warn(rejects, account->in);
	if (options->rejects)
		return;
	/* Without a profile, so that the report alone gets its name. */
	profile_output_discard(&work->output);
	row_account_report(account, rejects, options->report);
	if (!options->quiet)
		advise(account, rejects);
	exit(STATUS_WRONG);
}

/* Count what became of the rows. */
static void count_rows(struct aggregation *work)
{
	const struct aggregation_options *options = work->options;
	const struct event_reader *events = &work->events;

	work->account = (struct row_account){
		.in = events->rows_in,
		.used = events->rows_used,
		.untagged = events->rows_untagged,
		.other = events->rows_other,
		.rejected = rejects_count(&work->rejects, REJECT_NONE),
		.left_out = events->rows_left_out,
		.filtered = options->filter.condition_count > 0 ||
			    options->filter.time != NULL ||
			    options->filter.type != NULL,
		.forgotten = events->rows_forgotten,
		.forgets = options->forget != NULL,
		.observations = events->observations,
		.timed = options->filter.time != NULL,
		.halved = options->half != HALF_ALL};
}

/* Read all rows; ends the process where some are wrong and not set aside. */
static void read_logs(struct aggregation *work)
{
	const struct aggregation_options *options = work->options;
	struct event_reader *events = &work->events;
	const char *error = NULL;

	event_reader_run(events);
	count_rows(work);
	if (options->columns.by_known_name && !options->quiet)
		row_account_warn_columns(&options->columns);
	if (!options->quiet) {
		row_account_warn_encoding(events);
		row_account_warn_header(events);
	}
	end_if_rejected(work);
	if (events->items != NULL)
		error = item_join_check(&events->join, events->items, "--tags",
					"rows' items");
	die_if(error);
}

/* ----------------------------------------------------------------- writing */

static void write_profile(struct aggregation *work)
{
	const struct aggregation_options *options = work->options;
	struct run_writer profile = {.kind = RUN_WRITER_PROFILE,
				     .output = work->output.lines,
				     .valued = options->columns.valued ||
					       weighs(options)};

	profile.prefix = options->prefix;
	profile.prefix_length = options->prefix ? strlen(options->prefix) : 0;
	write_header(work);
	work->account.counts = group_by_write(&work->groups, &profile);
	work->doubtful = profile.doubtful;
	work->account.grouped = true;
}

/* Where the reasons go; beside a device, a pipe and standard output there is no
 * file for them. */
static char *reasons_path(const char *file)
{
	struct stat status;

	if (strcmp(file, "-") == 0 || output_files_descriptor(file) >= 0 ||
	    (stat(file, &status) == 0 && !S_ISREG(status.st_mode)))
		return alloc_print("/dev/null");
	return alloc_print("%s.why", file);
}

/* Write the rows that are set aside, and why, to FILE and FILE.why. */
static void write_rejects(struct rejects *rejects, const char *file)
{
	struct output set_aside, why;

	if (file == NULL)
		return;
	char *path = reasons_path(file);
	output_open(&set_aside, file);
	output_open(&why, path);
	rejects_write(rejects, &set_aside, &why);
	output_close(&why);
	output_close(&set_aside);
	free(path);
}

/* Close the outputs, report, and free everything. */
static void close_logs(struct aggregation *work)
{
	struct aggregation_options *options = work->options;
	const struct row_account *account = &work->account;

	write_rejects(&work->rejects, options->rejects);
	row_account_report(account, &work->rejects, options->report);
	profile_output_close(&work->output);
	if (!options->quiet) {
		row_account_warn_observations(&account->observations,
					      &options->style);
		doubtful_names_warn(&work->doubtful, account->counts.users,
				    options->null_count == 0);
	}
	if (!options->quiet &&
	    (options->columns.by_known_name || account->untagged > 0 ||
	     account->left_out > 0 || account->forgotten > 0 ||
	     account->other > 0 || account->rejected > 0 || options->verbose))
		row_account_warn(account);
	if (!options->quiet && account->in > 0 &&
	    account->left_out == account->in)
		warn("no row is left%s%s",
		     *work->events.first_row != '\0' ? "; in the first one "
						     : "",
		     work->events.first_row);
	if (!options->quiet && account->forgets && account->forgotten == 0)
		customer_names_warn_none(&work->names, options->forget);
	group_by_end(&work->groups);
	rejects_end(&work->rejects);
	csv_reader_end(&work->events.source);
	item_tags_free(&work->items);
	row_filter_free(&options->filter);
	columns_free(&options->columns);
	customer_names_free(&work->names);
}

void aggregation_run(struct aggregation_options *options, char **paths,
		     size_t count)
{
	struct aggregation work = {.options = options};

	repeated_inputs_notice(paths, count);
	open_logs(&work, paths, count);
	read_logs(&work);
	write_profile(&work);
	close_logs(&work);
}

void aggregation_merge(const struct aggregation_options *options, char **paths,
		       size_t count)
{
	struct row_account account = {.grouped = true};
	struct customer_names names = {0};
	struct profile_output output;

	repeated_inputs_notice(paths, count);
	read_names(&names, options);
	customer_names_hash_forgotten(&names);
	profile_output_open(&output, options->output, options->shards);
	const struct profile_merge_options merge = {
		.prefix = options->prefix,
		.memory = group_memory(options),
		.names = &names,
		.threads = options->threads};
	const struct profile_merge_counts merged =
		profile_merge(paths, count, &merge, output.lines);
	account.counts = merged.written;
	account.in = merged.lines;
	account.forgotten = merged.forgotten;
	account.used = account.in - account.forgotten;
	account.forgets = options->forget != NULL;
	row_account_report(&account, NULL, options->report);
	profile_output_close(&output);
	if (options->verbose || (account.forgotten > 0 && !options->quiet))
		row_account_warn(&account);
	if (!options->quiet && account.forgets && account.forgotten == 0)
		customer_names_warn_none(&names, options->forget);
	customer_names_free(&names);
}
