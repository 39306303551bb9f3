#include "events/doubtful_names.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/errors.h"
#include "base/number.h"
#include "base/utf8.h"

/* \N is of MySQL and PostgreSQL; the last stands for any number of blanks. */
static const struct {
	size_t length;
	const char *text;
} words[DOUBTFUL_NAMES_WORDS] = {
	{4, "NULL"},   {4, "null"},    {4, "Null"},      {6, "(null)"},
	{6, "<null>"}, {2, "\\N"},     {3, "NaN"},       {3, "nan"},
	{3, "NAN"},    {4, "None"},    {4, "none"},      {3, "N/A"},
	{3, "n/a"},    {4, "#N/A"},    {2, "NA"},        {4, "<NA>"},
	{3, "NaT"},    {3, "nil"},     {9, "undefined"}, {1, "-"},
	{5, "#REF!"},  {7, "#VALUE!"}, {6, "#NAME?"},    {7, "#DIV/0!"},
	{2, "--"},     {1, "?"},       {1, "."},         {1, " "}};

enum { LONGEST = 9 };

/* The word that a name is, or -1. */
static int find_word(const char *name, size_t length)
{
	static const char *const first = "Nn(<\\#u-?.";

	if (utf8_blank(name, length) > 0) {
		utf8_trim(&name, &length);
		return length == 0 ? DOUBTFUL_NAMES_WORDS - 1 : -1;
	}
	if (length == 0 || length > LONGEST || *name == '\0' ||
	    strchr(first, *name) == NULL)
		return -1;
	/* Escaped, a backslash is two. */
	if (length > 1 && name[0] == '\\' && name[1] == '\\') {
		name++;
		length--;
	}
	for (int i = 0; i < DOUBTFUL_NAMES_WORDS; i++)
		if (words[i].length == length &&
		    memcmp(words[i].text, name, length) == 0)
			return i;
	return -1;
}

/* Keep the larger count, of equal ones the lesser name; name is cut. */
static void keep_larger(struct doubtful_names *doubtful, uint64_t events,
			const char *name, size_t length)
{
	char cut[sizeof doubtful->most_name];

	if (events < doubtful->most || events == 0)
		return;
	snprintf(cut, sizeof cut, "%.*s", (int)length, name);
	if (events == doubtful->most && strcmp(cut, doubtful->most_name) >= 0)
		return;
	doubtful->most = events;
	memcpy(doubtful->most_name, cut, strlen(cut) + 1);
}

/* True for a number as a spreadsheet shows one of more than eleven digits. */
static bool is_cut_number(const char *name, size_t length)
{
	size_t at = 0;

	while (at < length && isdigit((unsigned char)name[at]))
		at++;
	if (at != 1 || length < 6 || memchr(".,", name[at], 2) == NULL)
		return false;
	for (at++; at < length && isdigit((unsigned char)name[at]);)
		at++;
	if (length - at < 3 || memcmp(name + at, "E+", 2) != 0)
		return false;
	for (at += 2; at < length && isdigit((unsigned char)name[at]);)
		at++;
	return at == length;
}

/* Keep the lesser of two names of which the first is there where the events
 * that it has are not 0. */
static void keep_lesser(char kept[48], uint64_t *kept_events, uint64_t events,
			const char *name, size_t length)
{
	char text[48];

	snprintf(text, sizeof text, "%.*s", (int)length, name);
	if (*kept_events == 0 || strcmp(text, kept) < 0)
		memcpy(kept, text, strlen(text) + 1);
	*kept_events += events;
}

/* Count a customer whose name is a number that is cut, as 12.0, or whole. */
static void add_number(struct doubtful_names *doubtful, uint64_t events,
		       const char *name, size_t length)
{
	size_t digits = 0;

	while (digits < length && isdigit((unsigned char)name[digits]))
		digits++;
	if (digits == 0)
		return;
	if (digits == length)
		doubtful->whole_events += events;
	else if (length - digits == 2 && memcmp(name + digits, ".0", 2) == 0)
		keep_lesser(doubtful->point_name, &doubtful->point_events,
			    events, name, length);
	else if (is_cut_number(name, length))
		keep_lesser(doubtful->cut_name, &doubtful->cut_events, events,
			    name, length);
}

/* Count a customer whose name is no number either, but of another file's form.
 */
static void add_form(struct doubtful_names *doubtful, uint64_t events,
		     const char *name, size_t length)
{
	size_t dashes = 0;

	while (dashes < length && name[dashes] == '-')
		dashes++;
	if (length > 3 && memcmp(name, "=\"", 2) == 0)
		keep_lesser(doubtful->formula_name, &doubtful->formula_events,
			    events, name, length);
	else if (length > 2 && dashes == length)
		keep_lesser(doubtful->line_name, &doubtful->line_events, events,
			    name, length);
}

void doubtful_names_add_user(struct doubtful_names *doubtful, const char *user,
			     size_t length, uint64_t events)
{
	int word = find_word(user, length);

	doubtful->events += events;
	add_number(doubtful, events, user, length);
	add_form(doubtful, events, user, length);
	if (word >= 0)
		doubtful->users[word] += events;
	else
		keep_larger(doubtful, events, user, length);
}

void doubtful_names_add_tag(struct doubtful_names *doubtful, const char *tag,
			    size_t length, uint64_t events)
{
	int word = find_word(tag, length);

	if (word >= 0)
		doubtful->tags[word] += events;
}

static void merge_kept(char kept[48], uint64_t *kept_events, const char *name,
		       uint64_t events)
{
	if (events > 0)
		keep_lesser(kept, kept_events, events, name, strlen(name));
}

void doubtful_names_merge(struct doubtful_names *doubtful,
			  const struct doubtful_names *other)
{
	doubtful->events += other->events;
	doubtful->whole_events += other->whole_events;
	merge_kept(doubtful->cut_name, &doubtful->cut_events, other->cut_name,
		   other->cut_events);
	merge_kept(doubtful->point_name, &doubtful->point_events,
		   other->point_name, other->point_events);
	merge_kept(doubtful->formula_name, &doubtful->formula_events,
		   other->formula_name, other->formula_events);
	merge_kept(doubtful->line_name, &doubtful->line_events,
		   other->line_name, other->line_events);
	keep_larger(doubtful, other->most, other->most_name,
		    strlen(other->most_name));
	for (int i = 0; i < DOUBTFUL_NAMES_WORDS; i++) {
		doubtful->users[i] += other->users[i];
		doubtful->tags[i] += other->tags[i];
	}
}

/* Warn of the words that customers, or tags, are called. */
static void warn_words(const uint64_t counts[DOUBTFUL_NAMES_WORDS],
		       uint64_t all, const char *kind)
{
	char names[640] = "", options[640] = "";
	char events[NUMBER_TEXT], total[NUMBER_TEXT];
	size_t used = 0, used_options = 0, found = 0;
	uint64_t sum = 0;

	for (int i = 0; i < DOUBTFUL_NAMES_WORDS; i++) {
		if (counts[i] == 0)
			continue;
		used += (size_t)snprintf(names + used, sizeof names - used,
					 "%s\"%s\"", found > 0 ? ", " : "",
					 words[i].text);
		used_options += (size_t)snprintf(options + used_options,
						 sizeof options - used_options,
						 " --null '%s'", words[i].text);
		sum += counts[i];
		found++;
	}
	if (found == 0)
		return;
	warn("%s%s%s named %s, with %s of %s events: if that means no %s,%s",
	     found == 1 ? "a " : "", kind, found == 1 ? " is" : "s are", names,
	     number_commas(events, sum), number_commas(total, all), kind,
	     options);
}

/* Warn of customers whose names have a form, if there are any. */
static void warn_form(const struct doubtful_names *doubtful, const char *name,
		      uint64_t count, const char *what)
{
	char events[NUMBER_TEXT], all[NUMBER_TEXT];

	if (count > 0)
		warn("customers are named as \"%s\", with %s of %s events: %s",
		     name, number_commas(events, count),
		     number_commas(all, doubtful->events), what);
}

void doubtful_names_warn(const struct doubtful_names *doubtful, uint64_t users,
			 bool about_words)
{
	enum { MIN_CUSTOMERS = 10 };
	char events[NUMBER_TEXT], all[NUMBER_TEXT];

	if (about_words) {
		warn_words(doubtful->users, doubtful->events, "customer");
		warn_words(doubtful->tags, doubtful->events, "tag");
	}
	if (users >= MIN_CUSTOMERS && doubtful->most > doubtful->events / 5)
		warn("customer \"%s\" has %s of %s events: if that means no "
		     "customer, --null '%s'",
		     doubtful->most_name, number_commas(events, doubtful->most),
		     number_commas(all, doubtful->events), doubtful->most_name);
	warn_form(doubtful, doubtful->cut_name, doubtful->cut_events,
		  "a spreadsheet has cut their numbers: save them as text");
	if (doubtful->whole_events > 0)
		warn_form(doubtful, doubtful->point_name,
			  doubtful->point_events,
			  "others have whole numbers: if \"1.0\" means 1, "
			  "write it so before");
	warn_form(doubtful, doubtful->formula_name, doubtful->formula_events,
		  "a spreadsheet writes texts so: " DOUBTFUL_NAMES_FORMULA);
	warn_form(doubtful, doubtful->line_name, doubtful->line_events,
		  "if that is a line below the header, --comment -");
}
