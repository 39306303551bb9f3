/* profile_lines: lines that are parsed in memory are those that the reader of
 * profiles reads, and boundaries lie between customers. */
#include "events/profile_lines.h"

#include "cases.h"
#include "events/profile_reader.h"

enum { MAX_LINES = 40, TEXT = 4096 };

static char path[] = "profiles.tsv";
static const char header[] = "c\tt\te\tv\n";
static size_t plain_cases, faulty_cases;

/* Lines in order; *faulty: something in one is not plain. */
static size_t draw_lines(char *text, bool *faulty)
{
	static const char *const faults[] = {"\\n", "\r", "\\\\", "\t", "\n",
					     "-",   "x",  "0x1",  "",   " "};
	size_t size = 0, customer = 0, tag = 0, count = 1 + chance(MAX_LINES);
	size_t fault = chance(2) ? chance(count) : count;

	*faulty = fault < count;
	for (size_t i = 0; i < count; i++) {
		const char *extra[4] = {"", "", "", ""};
		if (i == fault)
			extra[chance(4)] =
				faults[chance(sizeof faults / sizeof *faults)];
		if (chance(4) == 0 || tag > 90) {
			customer++;
			tag = 0;
		}
		tag += 1 + chance(5) - (i == fault && chance(3) == 0);
		size += (size_t)sprintf(
			text + size, "%sc%03zu\t%st%02zu\t%zu%s\t%d.%zu%s\n",
			extra[0], customer, extra[1], tag, 1 + chance(99),
			extra[2], (int)chance(50) - 9, chance(1000), extra[3]);
	}
	return size;
}

static void write_file(const char *text, size_t size)
{
	FILE *file = fopen(path, "wb");

	if (file == NULL || fputs(header, file) < 0 ||
	    fwrite(text, 1, size, file) != size || fclose(file) != 0)
		exit(2);
}

/* Compare with what the reader reads, which ends the process where a line is
 * wrong. */
static int compare_with_reader(const struct profile_lines *lines)
{
	char *paths[] = {path};
	struct profile_reader profiles;
	size_t customer = 0, pair = 0;
	bool same = true;

	profile_reader_open(&profiles, paths, 1);
	while (profile_reader_next(&profiles)) {
		const struct string_slice *name = &lines->names[customer];
		if (customer == lines->customers)
			return fail("a customer was not parsed");
		same = same && name->length == profiles.customer_length &&
		       memcmp(name->text, profiles.customer, name->length) == 0;
		for (size_t i = 0; i < profiles.count; i++, pair++) {
			const struct profile_entry *entry =
				&profiles.entries[i];
			const struct string_slice *tag = &lines->tags[pair];
			same = same && pair < lines->pairs &&
			       tag->length == entry->length &&
			       memcmp(tag->text, profiles.texts + entry->tag,
				      tag->length) == 0 &&
			       lines->events[pair] == entry->events &&
			       lines->values[pair] == entry->value;
		}
		same = same && lines->ends[customer++] == pair;
	}
	profile_reader_close(&profiles);
	if (!same || customer != lines->customers || pair != lines->pairs)
		return fail("other rows than the reader's");
	return 0;
}

/* A line at byte at > 0 begins a customer, of lines in order without faults. */
static bool begins_customer(const char *text, size_t at)
{
	const char *before = text + at - 1;

	while (before > text && before[-1] != '\n')
		before--;
	return memcmp(before, text + at, strcspn(before, "\t") + 1) != 0;
}

static int check_boundaries(const char *text, size_t size)
{
	size_t expected = size, last = 0;

	for (size_t at = size; at-- > 1;) {
		if (text[at - 1] == '\n' && begins_customer(text, at)) {
			expected = at;
			last = last > 0 ? last : at;
		}
		if (profile_lines_boundary(text, size, at) != expected)
			return fail("a boundary elsewhere");
	}
	if (profile_lines_boundary(text, size, 0) != 0 ||
	    profile_lines_boundary(text, size, size + 9) != size)
		return fail("a boundary at an end");
	return profile_lines_last_customer(text, size) == last
		       ? 0
		       : fail("the last customer begins elsewhere");
}

static struct profile_lines lines;

static int run_case(void)
{
	char text[TEXT];
	bool faulty;
	size_t size = draw_lines(text, &faulty);
	bool plain = profile_lines_parse(&lines, text, size);

	plain_cases += plain;
	faulty_cases += !plain;
	if (!faulty && (!plain || check_boundaries(text, size) != 0))
		return fail("lines without a fault are refused");
	if (!plain)
		return 0;
	write_file(text, size);
	return compare_with_reader(&lines);
}

int main(int argc, char **argv)
{
	int failed = run_cases(argc, argv, 1000, run_case);

	if (plain_cases == 0 || faulty_cases == 0)
		failed = fail("cases are all of one kind");
	profile_lines_free(&lines);
	return failed;
}
