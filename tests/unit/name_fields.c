/* name_fields: the first field of a line, its fields, and which lines are lists
 * of names. */
#include <string.h>

#include "expect.h"
#include "text/name_fields.h"

/* The fields, with a | behind each. */
static const char *join(const struct name_fields *fields)
{
	static char text[256];
	const char *field = NULL;
	size_t count = 0;

	*text = '\0';
	while ((field = name_fields_next(fields, field)) != NULL) {
		strcat(strcat(text, field), "|");
		count++;
	}
	return count == fields->count ? text : "another count";
}

static void check_first(void)
{
	static const struct {
		const char *line, *first;
		size_t end;
	} lines[] = {
		{"ann", "ann", 3},
		{" ann \tx", "ann", 5},
		{"\"Smith, \"\"Ann\"\"\";2", "Smith, \"Ann\"", 16},
		{"\"no end, x", "no end, x", 10},
		{"", "", 0},
	};

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		char text[64];
		struct tsv_field line = {.text = text,
					 .length = strlen(lines[i].line)};

		strcpy(text, lines[i].line);
		check(name_fields_first(&line) == lines[i].end, lines[i].line);
		line.text[line.length] = '\0';
		expect(lines[i].line, line.text, lines[i].first);
	}
}

static void check_cut(void)
{
	static const char *const lines[][2] = {
		{"a,b;c d", "a|b|c|d|"},
		{",, a\n\nb\r\n", "a|b|"},
		{"\"x, y\",\"z\"", "x, y|z|"},
		{"\xc2\xa0", ""},
		{"", ""},
	};
	struct name_fields fields = {0};

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		name_fields_cut(&fields, lines[i][0], strlen(lines[i][0]),
				",; \t\r\n");
		expect(lines[i][0], join(&fields), lines[i][1]);
	}
	name_fields_free(&fields);
	check(fields.count == 0, "fields after free");
}

static void check_split(void)
{
	static const struct {
		const char *line, *fields;
		bool two;
	} lines[] = {
		{"a,b,c", "a|b|c|", false},
		{"a;b, c;d", "a|b, c|d|", false},
		{"Ann Smith\nBob Jones\nCyd", "Ann Smith|Bob Jones|Cyd|",
		 false},
		{"u1 u2 u3", "u1|u2|u3|", false},
		{"Ann B Smith", "", false},
		{"a,b", "", true},
		{"1 2", "", false},
		{"a,,", "", false},
		{"a", "", false},
		{"", "", false},
	};
	struct name_fields fields = {0};

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		const char *line = lines[i].line;
		bool two, split = name_fields_split(&fields, line, strlen(line),
						    &two);

		check(split == (*lines[i].fields != '\0'), line);
		check(two == lines[i].two, line);
		expect(line, join(&fields), lines[i].fields);
	}
	name_fields_free(&fields);
}

int main(void)
{
	check_first();
	check_cut();
	check_split();
	return failed;
}
