/* segments: files of customers and segments, right and wrong, and how they fit
 * a matrix. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "explain/segments.h"

static int failed;

static void check(int right, const char *what)
{
	if (!right) {
		printf("%s\n", what);
		failed = 1;
	}
}

static void refuses(const char *text, const char *message)
{
	struct segments segments = {0};
	const char *error = segments_parse(&segments, text, strlen(text));

	if (error == NULL || strcmp(error, message) != 0) {
		printf("%s: \"%s\", expected \"%s\"\n", text,
		       error ? error : "", message);
		failed = 1;
	}
	segments_free(&segments);
}

static void check_found(void)
{
	static const char text[] =
		"customer\tsegment\tsimilarity\tmargin\n"
		"#model\tid=0123456789abcdef;segments=3;seed=1\n"
		"b\t10\t0.5\t0.25\n"
		"a\\tz\t9\t-1\t0\n"
		"c\t\t\t\n"
		"q\t2\t\t\n";
	static const int64_t offsets[] = {0, 3, 4, 5, 6};
	const struct csr_matrix matrix = {
		.n = 4,
		.users = {offsets, (const unsigned char *)"a\tzbcd", 4},
	};
	struct segments s = {0};
	uint32_t group[4], place[4];

	check(segments_parse(&s, text, strlen(text)) == NULL, "refused");
	check(strcmp(s.model, "0123456789abcdef") == 0, "the model's id");
	check(s.customers.count == 4 && s.names.count == 3, "counts");
	check(strcmp(string_table_text(&s.names, 0), "2") == 0 &&
		      strcmp(string_table_text(&s.names, 1), "9") == 0 &&
		      strcmp(string_table_text(&s.names, 2), "10") == 0,
	      "names are not in the order of numbers");
	check(s.similarity[0] == 0.5F && s.similarity[1] == -1 &&
		      isnan(s.similarity[2]),
	      "similarities");
	struct segments_match match = segments_match(&s, &matrix, group, place);
	check(match.known == 3 && match.unknown == 1 && match.missing == 1 &&
		      match.first == 3,
	      "what both have");
	check(group[0] == 1 && group[1] == 2 && group[2] == SEGMENTS_NONE &&
		      group[3] == SEGMENTS_NONE,
	      "segments of rows");
	check(place[0] == 1 && place[1] == 0 && place[2] == 2 &&
		      place[3] == UINT32_MAX,
	      "places of rows");
	segments_free(&s);
}

int main(void)
{
	struct segments s = {0};
	static const char given[] = "c\ts\na\tsilver\nb\tgold\nc\t7\n";

	check_found();
	check(segments_parse(&s, given, strlen(given)) == NULL &&
		      s.model[0] == '\0' &&
		      strcmp(string_table_text(&s.names, 0), "7") == 0 &&
		      strcmp(string_table_text(&s.names, 2), "silver") == 0 &&
		      s.segment[0] == 2 && s.segment[1] == 1,
	      "segments from outside, in the order of bytes");
	segments_free(&s);
	refuses("", "1: empty");
	refuses("c\ts\n", "1: no customer follows");
	refuses("c\ts\na\t1\na\t2\n", "3: customer a comes twice");
	refuses("c\ts\na\t1", "2: the last line has no end: the file was cut");
	refuses("c\ts\na\t1\tx\n", "2: similarity \"x\": expected a number");
	refuses("c\ts\n#model\tid=0123\na\t1\n",
		"2: #model: expected an id of 16 digits");
	return failed;
}
