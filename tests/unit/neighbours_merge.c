/* neighbours_merge: two files made one: the best of each query, ties by name,
 * ranks counted anew, what stands in both once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "explain/neighbours_merge.h"

static int failed;

static void read_text(struct neighbours_merge *merge, const char *text)
{
	static const char path[] = "merge.tsv";
	FILE *file = fopen(path, "w");

	fputs(text, file);
	fclose(file);
	if (neighbours_merge_read(merge, path) != NULL) {
		printf("a file is refused:\n%s\n", text);
		failed = 1;
	}
	unlink(path);
}

static void expect(struct neighbours_merge *merge, size_t limit, size_t count,
		   const char *expected)
{
	struct output output;
	size_t written;

	output_memory(&output);
	if (neighbours_merge_write(merge, &output, limit, &written) != NULL ||
	    written != count || output.held != strlen(expected) ||
	    (output.held > 0 &&
	     memcmp(output.buffer, expected, output.held) != 0)) {
		printf("%zu lines, expected %zu:\n%.*s\nexpected:\n%s\n",
		       written, count, (int)output.held,
		       (const char *)output.buffer, expected);
		failed = 1;
	}
	free(output.buffer);
	neighbours_merge_free(merge);
}

static const char first[] = "query\trank\tneighbour\tsimilarity\n"
			    "q\t1\tb\t0.5\n"
			    "q\t2\td\t-0.25\n"
			    "p\t1\tz\t1e-3\n";
static const char second[] = "query\trank\tneighbour\tsimilarity\n"
			     "q\t1\tc\t0.75\n"
			     "q\t2\tb\t0.5\n"
			     "q\t3\ta\t0.5\n";

static void check_order(void)
{
	struct neighbours_merge merge = {0};

	read_text(&merge, first);
	read_text(&merge, second);
	expect(&merge, 3, 4,
	       "query\trank\tneighbour\tsimilarity\n"
	       "q\t1\tc\t0.75\n"
	       "q\t2\ta\t0.5\n"
	       "q\t3\tb\t0.5\n"
	       "p\t1\tz\t1e-3\n");
}

static void check_why(void)
{
	struct neighbours_merge merge = {0};

	read_text(&merge, "query\trank\tneighbour\tsimilarity\twhy\n"
			  "q\\t\t1\tb\\\\\t0.5\t0.25 x + 0.25 (other)\n");
	expect(&merge, 9, 1,
	       "query\trank\tneighbour\tsimilarity\twhy\n"
	       "q\\t\t1\tb\\\\\t0.5\t0.25 x + 0.25 (other)\n");
}

static void check_empty(void)
{
	struct neighbours_merge merge = {0};

	read_text(&merge, "query\trank\tneighbour\tsimilarity\n");
	expect(&merge, 9, 0, "");
}

/* One similarity of a neighbour in two files is one neighbour; two of them are
 * an error, and nothing is left to free but the merge. */
static void check_two_similarities(void)
{
	struct neighbours_merge merge = {0};
	struct output output;
	const char *error;
	size_t written;

	read_text(&merge, first);
	read_text(&merge, "query\trank\tneighbour\tsimilarity\n"
			  "q\t1\tb\t0.25\n"
			  "q\t2\tb\t0.5\n");
	output_memory(&output);
	error = neighbours_merge_write(&merge, &output, 9, &written);
	if (error == NULL ||
	    strstr(error, "q has the neighbour b twice") == NULL) {
		printf("two similarities of b: %s\n",
		       error ? error : "no error");
		failed = 1;
	}
	free(output.buffer);
	neighbours_merge_free(&merge);
}

int main(void)
{
	check_order();
	check_why();
	check_empty();
	check_two_similarities();
	return failed;
}
