/* summary_reader: two queries read from a stream, as numbers; a query without
 * its lines is refused with file and line. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "explain/summary_reader.h"
#include "expect.h"

#define MODEL                                                                  \
	"#model\tid=aa;customers=20;without_signal=0;tags=3;dimensions=2;"     \
	"metric=cosine;median_pair=0.25;top_percent_pair=0.75;customer=c;"     \
	"tag=t;value=v;kind=sum;tenths=2,2,2,2,2,2,2,2,2,2;asked=1;"           \
	"candidates=19;matching=-1;min_similarity=;among=\n"
#define HEADER "query\trank\tneighbour\tsimilarity\twhy\n"
#define ANN                                                                    \
	"ann\t1\tbob\t0.9\t0.500000 tea + -0.250000 %2B + 0.65 (other)\n"      \
	"#profile\tann\t4\ttea=3.5;jam=0\n"                                    \
	"#profile\tbob\t5\ttea=4;+=1\n"                                        \
	"#tag\t+\t1\t20\t0,0,0,0,0,1,0,0,0,0\n"                                \
	"#tag\tjam\t0\t20\t0,0,0,0,0,0,0,0,0,0\n"                              \
	"#tag\ttea\t2\t20\t0,0,0,0,1,1,0,0,0,0\n"
/* A customer whose name is that of a # line. */
#define MARK                                                                   \
	"#tag\t1\tbob\t0.5\t0.5 (other)\n"                                     \
	"#profile\t#tag\t0\t\n"                                                \
	"#profile\tbob\t5\ttea=4\n"                                            \
	"#tag\ttea\t2\t20\t0,0,0,0,1,1,0,0,0,0\n"

static const char path[] = "reader.tsv";
static const char *open_text(struct summary_reader *reader, const char *text)
{
	FILE *file = fopen(path, "w");

	fputs(text, file);
	fclose(file);
	return summary_reader_open(reader, path);
}

static void check_ann(const struct summary *s)
{
	const struct summary_neighbour *bob = &s->neighbours[0];

	expect("query", s->query, "ann");
	expect_number("neighbours", (double)s->neighbour_count, 1);
	expect("neighbour", bob->name, "bob");
	expect_number("similarity", bob->similarity, 0.9);
	expect("other", bob->other, "0.65");
	expect_number("contributions", (double)bob->count, 2);
	expect("second tag", summary_tag_name(s, bob->contributions[1].tag),
	       "+");
	expect_number("its contribution", bob->contributions[1].amount, -0.25);
	expect_number("profiles", (double)s->profile_count, 2);
	expect_number("bob has the second tag",
		      summary_has_tag(bob->profile, bob->contributions[1].tag),
		      true);
	expect_number(
		"ann has the first tag",
		summary_has_tag(&s->profiles[0], bob->contributions[0].tag),
		true);
	expect_number("tags of ann",
		      (double)summary_count_tags(&s->profiles[0]), 1);
	expect_number("customers with the first tag",
		      (double)s->tag_facts[bob->contributions[0].tag]
			      .counts.customers,
		      2);
	if (!isnan(s->metadata.min_similarity))
		expect_number("min_similarity", s->metadata.min_similarity,
			      (double)NAN);
}

static void check_queries(void)
{
	struct summary_reader reader;
	struct summary summary;
	bool found;

	expect("error",
	       open_text(&reader, HEADER MODEL ANN MODEL MARK) ? "some"
							       : "none",
	       "none");
	if (summary_reader_next(&reader, &summary, &found) || !found)
		expect("first query", "none", "ann");
	else
		check_ann(&summary);
	summary_free(&summary);
	if (summary_reader_next(&reader, &summary, &found) || !found)
		expect("second query", "none", "#tag");
	expect("second query", summary.query, "#tag");
	expect_number("its group", (double)summary.group, 1);
	summary_free(&summary);
	if (summary_reader_next(&reader, &summary, &found) || found)
		expect("third query", "some", "none");
	summary_free(&summary);
	summary_reader_close(&reader);
}

static void check_refused(const char *text, const char *expected)
{
	struct summary_reader reader;
	struct summary summary = {0};
	bool found;
	const char *error = open_text(&reader, text);

	if (error == NULL)
		error = summary_reader_next(&reader, &summary, &found);
	expect(expected, error, expected);
	summary_free(&summary);
	summary_reader_close(&reader);
}

int main(void)
{
	check_queries();
	check_refused("", "reader.tsv: empty, expected neighbours from cs-knn");
	check_refused("a\tb\n",
		      "reader.tsv:1: no neighbours: expected the header line "
		      "of cs-knn: query, rank, neighbour, similarity, why");
	check_refused(HEADER MODEL, "reader.tsv:2: #model: no neighbours "
				    "follow");
	check_refused(HEADER MODEL "ann\t1\tbob\tx\\n\t1 (other)\n",
		      "reader.tsv:3: similarity \"x?\": expected a number");
	check_refused(HEADER MODEL "ann\t1\tbob\t0.9\t0.9 (other)\n",
		      "reader.tsv:3: customer ann: no lines that begin with "
		      "#: cs-knn writes them with --profiles, and for -u into "
		      "a pipe");
	unlink(path);
	return failed;
}
