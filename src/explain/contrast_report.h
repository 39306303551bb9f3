/* contrast_report: what sets groups apart, as text, TSV or JSON. */
#ifndef EXPLAIN_CONTRAST_REPORT_H
#define EXPLAIN_CONTRAST_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/io.h"
#include "explain/contrast.h"
#include "explain/display_names.h"
#include "model/model.h"
#include "text/json_writer.h"

/* How many tags a group's name is made of. */
enum { CONTRAST_NAME_TAGS = 3 };

/* Everything is borrowed. */
struct contrast_report {
	const struct model *model; /* of the counts */
	const struct contrast_group *groups;
	size_t count;
	const char *const *titles; /* count: what each group is called */
	bool segments;             /* titles are those of segments */
	bool descriptive;    /* groups were found in these same events: p is no
				test */
	const char *against; /* the file of those compared with, or NULL */
	size_t unassigned;   /* customers in no segment */
	size_t min_group, min_members;
	double rate;  /* of false discoveries */
	size_t limit; /* tags listed of each kind; 0: all */
	const struct display_name_set *names; /* of tags */
};

/* A group's name: its strongest tags, as "css, javascript, nodejs"; "" where it
 * has none.  free() it. */
char *contrast_name(const struct csr_matrix *matrix,
		    const struct contrast_group *group,
		    const struct display_name_set *names);

/* Write an object with the tag's figures; whole: p and means, too. */
void contrast_put_tag(struct json_writer *writer,
		      const struct csr_matrix *matrix,
		      const struct contrast_tag *tag,
		      const struct display_name_set *names, bool whole);

void contrast_write_text(struct output *output,
			 const struct contrast_report *report);
void contrast_write_tsv(struct output *output,
			const struct contrast_report *report);
void contrast_write_json(struct output *output,
			 const struct contrast_report *report);

#endif
