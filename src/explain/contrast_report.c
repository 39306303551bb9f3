#include "explain/contrast_report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "explain/text_lines.h"
#include "model/tag_prefixes.h"
#include "text/tsv.h"

/* Digits of figures in TSV and JSON. */
enum { DIGITS = 9 };

/* Width of a tag's column in the text. */
enum { TAG_COLUMN = 30 };

/* Above this share of the tags that a customer has, having one says little. */
static const double most_tags = 0.8;

/* The tag as people know it: its name, or the tag itself.  Length in bytes. */
static const char *tag_text(const struct csr_matrix *matrix, size_t tag,
			    const struct display_name_set *names,
			    size_t *length)
{
	const char *id = text_array_at(&matrix->tags, tag, length);
	const char *name =
		names ? display_names_find(names, id, *length) : NULL;

	if (name != NULL)
		*length = strlen(name);
	return name != NULL ? name : id;
}

char *contrast_name(const struct csr_matrix *matrix,
		    const struct contrast_group *group,
		    const struct display_name_set *names)
{
	size_t count = group->more_count < CONTRAST_NAME_TAGS
			       ? group->more_count
			       : CONTRAST_NAME_TAGS;
	struct output text = {0};

	output_memory(&text);
	for (size_t i = 0; i < count; i++) {
		size_t length;
		const char *tag =
			tag_text(matrix, group->more[i].tag, names, &length);

		if (i > 0)
			output_text(&text, ", ");
		output_write(&text, tag, length);
	}
	char *name = alloc_text((const char *)text.buffer, text.held);
	free(text.buffer);
	return name;
}

static size_t listed(const struct contrast_report *report, size_t count)
{
	return report->limit > 0 && report->limit < count ? report->limit
							  : count;
}

/* --------------------------------------------------------------------- text */

struct page {
	const struct contrast_report *report;
	struct text_lines lines;
};

static const char *commas(struct page *page, size_t count)
{
	char text[NUMBER_TEXT];

	return text_lines_print(&page->lines, "%s", number_commas(text, count));
}

/* A ratio of about three digits; "-" where there is none. */
static const char *ratio(struct page *page, double value)
{
	if (!isfinite(value))
		return "-";
	if (value >= 1e5)
		return text_lines_print(&page->lines, "%.1g", value);
	return text_lines_print(&page->lines, "%.*f",
				value < 10    ? 2
				: value < 100 ? 1
					      : 0,
				value);
}

static const char *mean_text(struct page *page, double value)
{
	return isfinite(value)
		       ? text_lines_print(&page->lines, "%.*f",
					  fabs(value) < 100 ? 2 : 0, value)
		       : "-";
}

static void write_row(struct page *page, const struct contrast_tag *tag)
{
	const struct contrast_report *report = page->report;
	size_t length;
	const char *text = tag_text(&report->model->matrix, tag->tag,
				    report->names, &length);

	text = text_lines_escape(
		&page->lines,
		text_lines_print(&page->lines, "%.*s", (int)length, text));
	text_lines_put(&page->lines, "  ");
	text_lines_put_left(&page->lines, text, TAG_COLUMN);
	text_lines_put_right(&page->lines, commas(page, tag->members), 8);
	text_lines_put_right(
		&page->lines,
		text_lines_print(&page->lines, "%.1f", tag->expected), 10);
	text_lines_put_right(&page->lines, ratio(page, tag->times), 7);
	text_lines_put_right(&page->lines,
			     text_lines_print(&page->lines, "%s - %s",
					      ratio(page, tag->low),
					      ratio(page, tag->high)),
			     14);
	text_lines_put_right(&page->lines, mean_text(page, tag->mean), 9);
	text_lines_end(&page->lines);
}

static void write_list(struct page *page, const char *title,
		       const struct contrast_tag *tags, size_t count)
{
	size_t most = listed(page->report, count);

	if (count == 0)
		return;
	output_print(page->lines.output, "%-32s%8s%10s%7s%14s%9s\n", title,
		     "members", "expected", "times", "95 %", "mean");
	for (size_t i = 0; i < most; i++)
		write_row(page, &tags[i]);
	if (most < count)
		output_print(page->lines.output, "  ... and %zu more\n",
			     count - most);
}

static void put_text(struct page *page, const char *text)
{
	text_lines_put_words(&page->lines,
			     text_lines_print(&page->lines, "%s", text));
}

static void write_head(struct page *page, const struct contrast_group *group,
		       const char *title)
{
	const struct contrast_report *report = page->report;
	char *name =
		contrast_name(&report->model->matrix, group, report->names);

	put_text(page,
		 text_lines_escape(
			 &page->lines,
			 text_lines_print(&page->lines, "%s%s%s%s",
					  report->segments ? "segment " : "",
					  title, *name ? ": " : "", name)));
	text_lines_end(&page->lines);
	free(name);
	put_text(page, text_lines_print(&page->lines, "%s customer%s",
					commas(page, group->customers),
					group->customers == 1 ? "" : "s"));
	if (group->others == 0) {
		text_lines_end(&page->lines);
		return;
	}
	text_lines_put(&page->lines, ",");
	put_text(page, text_lines_print(&page->lines,
					"compared with %s other%s as active",
					commas(page, group->others),
					group->others == 1 ? "" : "s"));
	if (report->against != NULL)
		put_text(page, text_lines_escape(
				       &page->lines,
				       text_lines_print(&page->lines, "in %s",
							report->against)));
	if (group->compared < group->customers)
		put_text(page,
			 text_lines_print(
				 &page->lines,
				 "(%s left out: no other is in their tenth by "
				 "number of tags)",
				 commas(page,
					group->customers - group->compared)));
	text_lines_end(&page->lines);
}

/* Why a group has no lists; NULL where it may. */
static const char *why_none(struct page *page,
			    const struct contrast_group *group)
{
	size_t minimum = page->report->min_group;

	if (group->customers < minimum)
		return text_lines_print(&page->lines,
					"not described: it has fewer than %zu "
					"customers",
					minimum);
	if (group->compared == 0)
		return "not described: there is nobody else to compare with";
	if (group->compared < minimum)
		return text_lines_print(&page->lines,
					"not described: fewer than %zu of it "
					"have others as active to compare with",
					minimum);
	if (group->more_count + group->fewer_count == 0)
		return text_lines_print(
			&page->lines,
			"none of %zu tags differs from chance (false "
			"discovery rate of %g %%)",
			group->tested, page->report->rate * 100);
	return NULL;
}

/* What is no test, and what is one all the same. */
static void put_description(struct page *page)
{
	struct tag_prefixes attributes;

	tag_prefixes_of_attributes(&attributes, &page->report->model->file);
	put_text(page, "The groups were found in these same events: this "
		       "describes them, and tests nothing");
	if (attributes.count > 0)
		put_text(page, "but attributes, which had no part in finding "
			       "them:");
	for (size_t i = 0; i < attributes.count; i++)
		put_text(page,
			 text_lines_escape(&page->lines, attributes.texts[i]));
	text_lines_put(&page->lines, ".");
}

/* Where customers have most tags, to have one sets nobody apart. */
static void put_dense(struct page *page)
{
	const struct contrast_report *report = page->report;
	const struct csr_matrix *matrix = &report->model->matrix;
	double held = (double)matrix->nnz / (double)matrix->n;
	bool nothing = false;

	for (size_t i = 0; i < report->count; i++)
		nothing = nothing || (report->groups[i].tested > 0 &&
				      report->groups[i].more_count == 0 &&
				      report->groups[i].fewer_count == 0);
	if (nothing && held > most_tags * (double)matrix->m)
		put_text(page,
			 text_lines_print(
				 &page->lines,
				 "On average a customer has %.1f of the %zu "
				 "tags, so that having one sets few apart: "
				 "--rate 1 lists all, with means.",
				 held, matrix->m));
}

static void write_foot(struct page *page)
{
	const struct contrast_report *report = page->report;
	const struct csr_matrix *matrix = &report->model->matrix;

	if (report->unassigned > 0) {
		put_text(page,
			 text_lines_print(&page->lines,
					  "%s customers are in no "
					  "segment.",
					  commas(page, report->unassigned)));
		text_lines_end(&page->lines);
	}
	put_text(page,
		 text_lines_escape(
			 &page->lines,
			 text_lines_print(
				 &page->lines,
				 "mean: %s of a member who has the tag.",
				 matrix->value ? matrix->value : "the value")));
	put_dense(page);
	if (!report->descriptive)
		put_text(page,
			 text_lines_print(&page->lines,
					  "Listed tags: mid-p tests at a false "
					  "discovery rate of %g %%.",
					  report->rate * 100));
	else
		put_description(page);
	text_lines_end(&page->lines);
}

void contrast_write_text(struct output *output,
			 const struct contrast_report *report)
{
	struct page page = {.report = report, .lines = {.output = output}};

	for (size_t i = 0; i < report->count; i++) {
		const struct contrast_group *group = &report->groups[i];
		const char *why = why_none(&page, group);

		write_head(&page, group, report->titles[i]);
		if (why != NULL) {
			put_text(&page, why);
			text_lines_end(&page.lines);
		}
		write_list(&page, "more than expected", group->more,
			   group->more_count);
		write_list(&page, "fewer than expected", group->fewer,
			   group->fewer_count);
		text_lines_end(&page.lines);
	}
	write_foot(&page);
	text_lines_free(&page.lines);
}

/* ---------------------------------------------------------------------- TSV */

/* An empty field where the value is not finite. */
static void put_number(struct output *output, double value)
{
	char text[NUMBER_TEXT];

	output_text(output, "\t");
	if (isfinite(value)) {
		number_write(text, value, DIGITS);
		output_text(output, text);
	}
}

static void put_lines(struct output *output,
		      const struct contrast_report *report, size_t which,
		      const char *kind, const struct contrast_tag *tags,
		      size_t count)
{
	const struct csr_matrix *matrix = &report->model->matrix;

	for (size_t i = 0; i < listed(report, count); i++) {
		const struct contrast_tag *tag = &tags[i];
		size_t length;
		const char *id =
			text_array_at(&matrix->tags, tag->tag, &length);

		tsv_write_field(output, report->titles[which],
				strlen(report->titles[which]));
		output_text(output, "\t");
		tsv_write_field(output, id, length);
		output_print(output, "\t%s\t%zu\t%zu", kind, tag->members,
			     report->groups[which].compared);
		put_number(output, tag->expected);
		put_number(output, tag->times);
		put_number(output, tag->low);
		put_number(output, tag->high);
		put_number(output, tag->p);
		put_number(output, tag->mean);
		put_number(output, tag->mean_others);
		output_text(output, "\n");
	}
}

void contrast_write_tsv(struct output *output,
			const struct contrast_report *report)
{
	output_print(output,
		     "%s\ttag\thave\tmembers\tof\texpected\ttimes\tlow\thigh\t"
		     "p\tmean\tmean_others\n",
		     report->segments ? "segment" : "group");
	for (size_t i = 0; i < report->count; i++) {
		const struct contrast_group *group = &report->groups[i];

		put_lines(output, report, i, "more", group->more,
			  group->more_count);
		put_lines(output, report, i, "fewer", group->fewer,
			  group->fewer_count);
	}
}

/* --------------------------------------------------------------------- JSON */

void contrast_put_tag(struct json_writer *writer,
		      const struct csr_matrix *matrix,
		      const struct contrast_tag *tag,
		      const struct display_name_set *names, bool whole)
{
	size_t length;
	const char *id = text_array_at(&matrix->tags, tag->tag, &length);

	json_put_object(writer, NULL);
	json_put_string(writer, "tag", id, length);
	if (names != NULL)
		display_names_put(names, id, length, writer);
	json_put_count(writer, "members", tag->members);
	json_put_real(writer, "expected", tag->expected, DIGITS);
	json_put_real(writer, "times", tag->times, DIGITS);
	json_put_real(writer, "low", tag->low, DIGITS);
	json_put_real(writer, "high", tag->high, DIGITS);
	if (whole) {
		json_put_real(writer, "p", tag->p, DIGITS);
		json_put_real(writer, "mean", tag->mean, DIGITS);
		json_put_real(writer, "mean_others", tag->mean_others, DIGITS);
	}
	json_put_end(writer);
}

static void put_tags(struct json_writer *writer, const char *key,
		     const struct contrast_report *report,
		     const struct contrast_tag *tags, size_t count)
{
	json_put_array(writer, key);
	for (size_t i = 0; i < listed(report, count); i++)
		contrast_put_tag(writer, &report->model->matrix, &tags[i],
				 report->names, true);
	json_put_end(writer);
}

static void put_group(struct json_writer *writer,
		      const struct contrast_report *report, size_t i)
{
	const struct contrast_group *group = &report->groups[i];
	char *name =
		contrast_name(&report->model->matrix, group, report->names);

	json_put_object(writer, NULL);
	json_put_text(writer, report->segments ? "segment" : "group",
		      report->titles[i]);
	json_put_count(writer, "customers", group->customers);
	json_put_count(writer, "compared", group->compared);
	json_put_count(writer, "others", group->others);
	json_put_text(writer, "name", *name ? name : NULL);
	json_put_count(writer, "tags_tested", group->tested);
	put_tags(writer, "over_represented", report, group->more,
		 group->more_count);
	put_tags(writer, "under_represented", report, group->fewer,
		 group->fewer_count);
	json_put_end(writer);
	free(name);
}

void contrast_write_json(struct output *output,
			 const struct contrast_report *report)
{
	const struct csr_matrix *matrix = &report->model->matrix;
	struct tag_prefixes attributes;
	struct json_writer writer;
	char id[17];

	tag_prefixes_of_attributes(&attributes, &report->model->file);
	model_id(report->model, id);
	json_writer_init(&writer, output, JSON_STYLE_INDENTED);
	json_put_object(&writer, NULL);
	json_put_text(&writer, "model", id);
	json_put_count(&writer, "customers", matrix->n);
	json_put_text(&writer, "value", matrix->value);
	json_put_text(&writer, "against", report->against);
	json_put_bool(&writer, "descriptive", report->descriptive);
	json_put_array(&writer, "attributes");
	for (size_t i = 0; i < attributes.count; i++)
		json_put_text(&writer, NULL, attributes.texts[i]);
	json_put_end(&writer);
	json_put_count(&writer, "min_group", report->min_group);
	json_put_count(&writer, "min_members", report->min_members);
	json_put_real(&writer, "rate", report->rate, DIGITS);
	if (report->segments)
		json_put_count(&writer, "unassigned", report->unassigned);
	json_put_array(&writer, report->segments ? "segments" : "groups");
	for (size_t i = 0; i < report->count; i++)
		put_group(&writer, report, i);
	json_put_end(&writer);
	json_put_end(&writer);
	output_text(output, "\n");
}
