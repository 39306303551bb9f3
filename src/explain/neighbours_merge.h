/* neighbours_merge: files of neighbours (explain/neighbours_tsv.h) made one: of
 * each query the best of what the files say, ranks counted anew.  Queries come
 * in the order in which they are first met, file after file. */
#ifndef EXPLAIN_NEIGHBOURS_MERGE_H
#define EXPLAIN_NEIGHBOURS_MERGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/string_table.h"
#include "base/io.h"

/* Zero at first. */
struct neighbours_merge {
	struct string_table queries;
	struct merge_list *lists; /* of each query */
	size_t room;              /* of lists */
	bool begun, why;          /* a file is read; it has the column why */
};

/* Read a file.  Returns NULL, or an error text on what is no line of
 * neighbours, and where its header is not that of the files before; what cannot
 * be read ends the process, as text/tsv.h says. */
const char *neighbours_merge_read(struct neighbours_merge *merge,
				  const char *path);

/* Write the limit best of each query, after a header line; nothing where there
 * are none.  A neighbour that stands in several files with one similarity is
 * written once; with several, that is an error.  *written becomes how many
 * lines there are, without the header.  Returns NULL, or an error text. */
const char *neighbours_merge_write(struct neighbours_merge *merge,
				   struct output *output, size_t limit,
				   size_t *written);

/* Read count files (none: standard input), write the merge and free it;
 * *written and what is returned as above. */
const char *neighbours_merge_files(char *const *paths, size_t count,
				   struct output *output, size_t limit,
				   size_t *written);

/* Free all, and set it to zero. */
void neighbours_merge_free(struct neighbours_merge *merge);

#endif
