#include "serve/reply_csv.h"

#include <stdlib.h>
#include <string.h>

#include "text/percent.h"

/* A field, in quotation marks where it needs them. */
static void put_field(const struct reply_csv *csv, const char *text)
{
	struct output *body = csv->body;
	bool quoted = strpbrk(text, "\",\r\n") != NULL;

	if (quoted)
		output_text(body, "\"");
	if (csv->safe && *text != '\0' && strchr("=+-@\t\r", *text) != NULL)
		output_text(body, "'");
	for (const char *quote; (quote = strchr(text, '"')) != NULL;
	     text = quote + 1) {
		output_write(body, text, (size_t)(quote - text) + 1);
		output_text(body, "\"");
	}
	output_text(body, text);
	if (quoted)
		output_text(body, "\"");
}

/* A name within a field, in UTF-8 as JSON shows it. */
static void put_encoded(struct output *output, const char *name)
{
	size_t length = strlen(name);
	char *encoded = percent_encode(name, &length);

	output_write(output, encoded ? encoded : name, length);
	free(encoded);
}

/* A name as a field. */
static void put_name(const struct reply_csv *csv, const char *name)
{
	size_t length = strlen(name);
	char *encoded = percent_encode(name, &length);

	put_field(csv, encoded ? encoded : name);
	free(encoded);
}

/* "0.29 DIAPERS + 0.08 SOUP + 0.34 (other)" */
static void put_reason(const struct reply_csv *csv,
		       const struct summary *summary,
		       const struct summary_neighbour *neighbour)
{
	struct output text;

	/* The similarity of a reply without contributions has no parts. */
	if (*neighbour->other == '\0')
		return;
	output_memory(&text);
	for (size_t i = 0; i < neighbour->count; i++) {
		const struct contribution *part = &neighbour->contributions[i];
		const char *tag = summary_tag_name(summary, part->tag);
		const char *label = display_names_find(&csv->labels->tags, tag,
						       strlen(tag));

		output_print(&text, "%.6f ", part->amount);
		put_encoded(&text, label ? label : tag);
		output_text(&text, " + ");
	}
	output_print(&text, "%s (other)", neighbour->other);
	output_write(&text, "", 1);
	put_field(csv, (const char *)text.buffer);
	free(text.buffer);
}

void reply_csv_write(const struct reply_csv *csv, const struct summary *summary)
{
	const struct display_name_set *customers = &csv->labels->customers;

	for (size_t i = 0; i < summary->neighbour_count; i++) {
		const struct summary_neighbour *neighbour =
			&summary->neighbours[i];
		const char *label = display_names_find(
			customers, neighbour->name, strlen(neighbour->name));

		if (csv->batch) {
			put_name(csv, summary->query);
			output_text(csv->body, ",");
		}
		put_name(csv, neighbour->name);
		if (customers->given) {
			output_text(csv->body, ",");
			put_name(csv, label ? label : "");
		}
		output_print(csv->body, ",%.9g,", neighbour->similarity);
		put_reason(csv, summary, neighbour);
		output_print(csv->body, ",%s,%s\r\n", csv->served->id,
			     csv->served->made);
	}
}

void reply_csv_write_header(const struct reply_csv *csv)
{
	output_print(csv->body, "%scustomer%s,similarity,reason,model,date\r\n",
		     csv->batch ? "query," : "",
		     csv->labels->customers.given ? ",name" : "");
}
