/* cs-contrast: what sets groups of customers apart from others as active, each
 * difference with an interval and a test where a test is legitimate. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bitset.h"
#include "base/errors.h"
#include "base/io.h"
#include "base/machine_limits.h"
#include "base/number.h"
#include "base/options.h"
#include "explain/contrast.h"
#include "explain/contrast_report.h"
#include "explain/customer_list.h"
#include "explain/display_names.h"
#include "explain/segments.h"
#include "model/model.h"
#include "model/safetensors.h"

enum {
	KEY_SEGMENTS = 256,
	KEY_GROUP,
	KEY_WHERE,
	KEY_AGAINST,
	KEY_ON,
	KEY_MIN_GROUP,
	KEY_RATE,
	KEY_FORMAT,
	KEY_NAMES
};
enum report_format { REPORT_TEXT, REPORT_TSV, REPORT_JSON };

/* No tag is listed that fewer of a group have. */
enum { MIN_MEMBERS = 3 };

static const char *const format_words[] = {[REPORT_TEXT] = "text",
					   [REPORT_TSV] = "tsv",
					   [REPORT_JSON] = "json",
					   NULL};

static const char *segments_path, *group_path, *against_path, *half_path,
	*output_path;
static struct option_list where;
static size_t min_group = 10, limit;
static double rate = CONTRAST_RATE;
static unsigned format, threads;
static struct display_names names;

static void read_tag_names(const char *argument)
{
	display_names_read(&names.tags, "--names", argument);
}

static const struct option_row rows[] = {
	{"Groups", KEY_SEGMENTS, "segments", "FILE",
	 "each segment of cs-segment, or of a table",
	 OPTION_TO_FILE(segments_path)},
	{NULL, KEY_GROUP, "group", "FILE", "the customers in FILE, one a line",
	 OPTION_TO_FILE(group_path)},
	{NULL, KEY_WHERE, "where", "TAG",
	 "those who have TAG; repeated: all of them", OPTION_TO_LIST(where)},
	{"Comparison", KEY_AGAINST, "against", "FILE",
	 "the customers in FILE [all others]", OPTION_TO_FILE(against_path)},
	{NULL, KEY_ON, "on", "HALF", "test segments on a model of other events",
	 OPTION_TO_FILE(half_path)},
	{NULL, KEY_MIN_GROUP, "min-group", "N",
	 "no word on smaller groups [10]",
	 OPTION_TO_INTEGER(min_group, 1, 1000000000)},
	{NULL, KEY_RATE, "rate", "R", "false discovery rate; 1: list all [.05]",
	 OPTION_TO_REAL(rate, 0, 1)},
	{"Output", KEY_FORMAT, "format", "F", "text, tsv, json [text]",
	 OPTION_TO_CHOICE(format, format_words)},
	{NULL, 'n', "tags", "N", "list at most N of each kind [text: 10]",
	 OPTION_TO_INTEGER(limit, 1, 1000000000)},
	{NULL, KEY_NAMES, "names", "FILE[:ID,NAME]",
	 "names of tags, to show in their place",
	 OPTION_TO_FUNCTION(read_tag_names)},
	OPTION_OUTPUT_TO(NULL, output_path),
	OPTION_THREADS_TO(threads),
	OPTION_COMMON};

static const struct options_text text = {
	.name = "cs-contrast",
	.usage = "cs-contrast --segments FILE | --group FILE | --where TAG\n"
		 "                   [OPTION]... [MODEL]",
	.purpose =
		"Say what sets groups of customers apart from others as active: "
		"which tags more\n"
		"of them have than expected, and which fewer.  MODEL comes from "
		"cs-svd or\n"
		"cs-matrix; without one, or for \"-\", standard input is read.",
	.footer =
		"exit: 0 done; 1 no such tag or customers; 2 wrong use, input "
		"or output\n"
		"  cs-contrast --segments segments.tsv emb.bin\n"
		"  cs-contrast --group vip.txt emb.bin\n"
		"  cs-contrast --where css --against 2016.txt --format json "
		"emb.bin\n"
		"The manual page, cs-contrast(1), has the rest.",
	.rows = rows,
};

/* What is compared. */
struct groups {
	uint32_t *group; /* of each row */
	size_t count;
	const char **titles; /* count */
	bool *skipped;       /* m: tags that define a group; or NULL */
	bool descriptive;
	size_t unassigned;
	struct segments segments; /* own titles */
	char *title;              /* of the one group, or NULL */
};

static _Noreturn void not_found(void)
{
	exit(STATUS_NOT_FOUND);
}

static void open_model(struct model *model, const char *path)
{
	const char *error = model_open_any(model, path);

	if (error == NULL)
		error = safetensors_verify_all(&model->file, threads);
	if (error != NULL)
		die("%s: %s", model->input.name, error);
}

/* ------------------------------------------------------------------- groups */

/* One group: the rows whose bit is set. */
static void set_one(struct groups *groups, const struct model *model,
		    const uint64_t *bits, char *title)
{
	size_t n = model->matrix.n;

	groups->group = alloc(n + 1, sizeof *groups->group);
	for (size_t row = 0; row < n; row++)
		groups->group[row] = bitset_test(bits, row) ? 0 : CONTRAST_NONE;
	groups->count = 1;
	groups->title = title;
	groups->titles = alloc(1, sizeof *groups->titles);
	groups->titles[0] = title;
}

static void read_group(struct groups *groups, const struct model *model)
{
	uint64_t *bits = bitset_new(model->matrix.n);

	if (!customer_list_mark(bits, model, group_path, true, false))
		not_found();
	set_one(groups, model, bits,
		alloc_text(group_path, strlen(group_path)));
	free(bits);
}

/* Keep the bits of the customers who have the tag. */
static void keep_holders(uint64_t *bits, const struct csr_matrix *matrix,
			 size_t tag)
{
	for (size_t row = 0; row < matrix->n; row++) {
		const char *error = csr_matrix_check_row(matrix, row);
		bool has = false;

		die_if(error);
		for (int64_t i = matrix->indptr[row];
		     i < matrix->indptr[row + 1]; i++)
			has |= (size_t)matrix->indices[i] == tag &&
			       matrix->raw[i] > 0;
		if (!has)
			bitset_clear(bits, row);
	}
}

/* The customers who have all tags of --where; these are not tested. */
static void read_where(struct groups *groups, const struct model *model)
{
	const struct csr_matrix *matrix = &model->matrix;
	uint64_t *bits = bitset_new_full(matrix->n);
	struct output title = {0};

	output_memory(&title);
	groups->skipped = alloc(matrix->m + 1, sizeof *groups->skipped);
	for (size_t i = 0; i < where.count; i++) {
		const char *name = where.texts[i];
		size_t tag = text_array_find(&matrix->tags, name, strlen(name));

		if (tag == SIZE_MAX) {
			warn("%s: no tag %s", model->input.name, name);
			not_found();
		}
		groups->skipped[tag] = true;
		keep_holders(bits, matrix, tag);
		output_print(&title, "%s%s", i ? ", " : "those who have ",
			     name);
	}
	if (bitset_count(bits, matrix->n) == 0) {
		warn("%s: no customer has all of these tags",
		     model->input.name);
		not_found();
	}
	set_one(groups, model, bits,
		alloc_text((const char *)title.buffer, title.held));
	free(title.buffer);
	free(bits);
}

/* Whether a model has this id, or had it before customers left it. */
static bool has_id(const struct model *model, const char *wanted)
{
	const char *before = safetensors_option(&model->file, "forget.model");
	char id[17];

	model_id(model, id);
	return strcmp(id, wanted) == 0 ||
	       (before != NULL && strcmp(before, wanted) == 0);
}

/* Whether the segments were found in the events that are counted. */
static bool is_descriptive(const struct segments *segments,
			   const struct model *model, const struct model *half)
{
	char id[17];

	if (segments->model[0] == '\0')
		return false;
	model_id(model, id);
	if (!has_id(model, segments->model))
		die("%s: the segments were found in model %s, and %s is %s",
		    segments_path, segments->model, model->input.name, id);
	if (half == NULL)
		return true;
	if (has_id(half, segments->model))
		die_usage("--on %s: the segments were found in its events",
			  half->input.name);
	return false;
}

/* counts: the model whose events are counted. */
static void read_segments(struct groups *groups, const struct model *counts)
{
	struct segments *segments = &groups->segments;
	const char *error = segments_read(segments, segments_path);
	struct segments_match match;
	char known[NUMBER_TEXT], all[NUMBER_TEXT];

	die_if(error);
	groups->group = alloc(counts->matrix.n + 1, sizeof *groups->group);
	match = segments_match(segments, &counts->matrix, groups->group, NULL);
	if (match.known == 0)
		die("%s: none of its customers is in %s", segments_path,
		    counts->input.name);
	/* Half a log need not have all customers. */
	if (match.unknown > 0)
		notice("%s: %s of its %s customers are in %s%s%s",
		       segments_path, number_commas(known, match.known),
		       number_commas(all, segments->customers.count),
		       counts->input.name, half_path ? "" : "; not so ",
		       half_path ? ""
				 : string_table_text(&segments->customers,
						     match.first));
	groups->count = segments->names.count;
	groups->titles = alloc(groups->count + 1, sizeof *groups->titles);
	for (size_t i = 0; i < groups->count; i++)
		groups->titles[i] = string_table_text(&segments->names, i);
	for (size_t row = 0; row < counts->matrix.n; row++)
		groups->unassigned += groups->group[row] == CONTRAST_NONE;
}

/* -------------------------------------------------------------------- main */

static void write_report(const struct contrast_report *report)
{
	struct output output;

	output_open(&output, output_path);
	switch ((enum report_format)format) {
	case REPORT_TEXT:
		contrast_write_text(&output, report);
		break;
	case REPORT_TSV:
		contrast_write_tsv(&output, report);
		break;
	case REPORT_JSON:
		contrast_write_json(&output, report);
		break;
	}
	output_close(&output);
}

/* Compare the groups by the events of a model, and write what was found. */
static void contrast(struct groups *groups, const struct model *counts)
{
	struct contrast_group *result =
		alloc(groups->count + 1, sizeof *result);
	uint64_t *against = NULL;

	if (against_path != NULL) {
		against = bitset_new(counts->matrix.n);
		if (!customer_list_mark(against, counts, against_path, true,
					false))
			not_found();
	}
	const struct contrast_options options = {.min_group = min_group,
						 .min_members = MIN_MEMBERS,
						 .rate = rate,
						 .against = against,
						 .skipped = groups->skipped,
						 .threads = threads};
	const char *error = contrast_compute(&counts->matrix, groups->group,
					     groups->count, &options, result);
	if (error != NULL)
		die("%s: %s", counts->input.name, error);
	const struct contrast_report report = {
		.model = counts,
		.groups = result,
		.count = groups->count,
		.titles = groups->titles,
		.segments = segments_path != NULL,
		.descriptive = groups->descriptive,
		.against = against_path,
		.unassigned = groups->unassigned,
		.min_group = min_group,
		.min_members = MIN_MEMBERS,
		.rate = rate,
		.limit = limit > 0 || format != REPORT_TEXT ? limit : 10,
		.names = names.tags.given ? &names.tags : NULL};
	write_report(&report);
	contrast_free(result, groups->count);
	free(result);
	free(against);
}

static char **read_options(int argc, char **argv)
{
	char **operands;

	threads = machine_limits_processors();
	operands = options_read(&text, argc, argv);
	if ((segments_path != NULL) + (group_path != NULL) +
		    (where.count > 0) !=
	    1)
		die_usage("expected one of --segments, --group and --where");
	if (half_path != NULL && segments_path == NULL)
		die_usage("--on: it is for --segments; a group that comes from "
			  "outside is tested as it is");
	if (operands[0] != NULL && operands[1] != NULL)
		die_usage("%s: expected one MODEL", operands[1]);
	return operands;
}

int main(int argc, char **argv)
{
	struct groups groups = {0};
	struct model model, half = {0};
	const struct model *counts = &model;

	char **operands = read_options(argc, argv);
	open_model(&model, operands[0]);
	if (half_path != NULL) {
		open_model(&half, half_path);
		counts = &half;
	}
	if (segments_path != NULL) {
		read_segments(&groups, counts);
		groups.descriptive = is_descriptive(&groups.segments, &model,
						    half_path ? &half : NULL);
	} else if (group_path != NULL) {
		read_group(&groups, &model);
	} else {
		read_where(&groups, &model);
	}
	contrast(&groups, counts);
	free(groups.group);
	free(groups.titles);
	free(groups.skipped);
	free(groups.title);
	segments_free(&groups.segments);
	free(where.texts);
	display_names_free(&names);
	if (half_path != NULL)
		model_close(&half);
	model_close(&model);
	return STATUS_DONE;
}
