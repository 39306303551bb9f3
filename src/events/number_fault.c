#include "events/number_fault.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"

/* Bytes of a sign of currency, or of a unit, at most. */
enum { MAX_SIGN = 12 };

/* A text between two places. */
struct span {
	const char *begin, *end;
};

/* The parts of what may be a number: "-$1,234.50 net" has the sign "$", the
 * digits "1,234.50" and the unit "net". */
struct parts {
	enum number_fault fault;
	struct span sign;   /* before or after the digits; may be empty */
	struct span digits; /* from the first digit to the last */
	char last;          /* mark between digits, ' ' for any blank, or 0 */
	char other;         /* a mark before the last that differs, or 0 */
	unsigned count;     /* of the last mark */
	size_t after;       /* digits after it */
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static struct span trim(struct span span)
{
	size_t length = (size_t)(span.end - span.begin);

	utf8_trim(&span.begin, &length);
	span.end = span.begin + length;
	return span;
}

/* The mark at a place between digits, and how many bytes it has; 0: none. */
static char mark_at(const char *at, const char *end, size_t *size)
{
	size_t blank = utf8_blank(at, (size_t)(end - at));

	*size = blank > 0 ? blank : 1;
	if (blank > 0)
		return ' ';
	if (end - at > 3 && memcmp(at, "\xe2\x80\x99", 3) == 0) {
		*size = 3;
		return '\'';
	}
	return memchr(".,'_", *at, 4) != NULL ? *at : '\0';
}

/* Look at the marks between the digits; false where something else is there. */
static bool find_marks(struct parts *parts)
{
	const char *at = parts->digits.begin, *end = parts->digits.end;
	size_t size;

	while (at < end) {
		if (is_digit(*at)) {
			parts->after++;
			at++;
			continue;
		}
		char mark = mark_at(at, end, &size);
		if (mark == '\0')
			return false;
		if (parts->last != '\0' && mark != parts->last) {
			if (parts->other != '\0')
				return false;
			parts->other = parts->last;
			parts->count = 0;
		}
		parts->last = mark;
		parts->count++;
		parts->after = 0;
		at += size;
	}
	return true;
}

/* A dash, which some programs write for a minus, at one end of a text: its
 * bytes, or 0.  The sign U+2212 is none: it is read as a minus. */
static size_t dash_size(struct span text, bool first)
{
	enum { SIZE = 3 };

	if (text.end - text.begin < SIZE)
		return 0;
	const char *at = first ? text.begin : text.end - SIZE;
	bool dash = memcmp(at, "\xe2\x80", 2) == 0 &&
		    memchr("\x90\x91\x92\x93\x94", at[2], 5) != NULL;
	return dash ? SIZE : 0;
}

/* Take one sign of plus or minus, at an end of what is before the digits; *dash
 * is set where it is a dash. */
static struct span drop_plus_minus(struct span before, bool *dash)
{
	size_t front = dash_size(before, true), back = dash_size(before, false);

	*dash = front + back > 0;
	if (front > 0)
		before.begin += front;
	else
		before.end -= back;
	if (*dash)
		return trim(before);
	size_t length = (size_t)(before.end - before.begin);

	if (length > 0 && memchr("+-", *before.begin, 2) != NULL)
		before.begin++;
	else if (length > 0 && memchr("+-", before.end[-1], 2) != NULL)
		before.end--;
	return trim(before);
}

/* True for what may be a sign of currency, of percent or a unit.  An
 * identifier such as "abc1" or "A123" has none: letters right before the digits
 * are one where they are a code of currency. */
static bool is_sign(struct span sign, const char *digits)
{
	size_t length = (size_t)(sign.end - sign.begin);
	bool letters = true, capitals = true;

	/* "1e" is an exponent cut off. */
	if (length > MAX_SIGN ||
	    (length == 1 && memchr("eE", *sign.begin, 2) != NULL))
		return false;
	for (const char *at = sign.begin; at < sign.end; at++) {
		if (memchr("()+-,'\"_:;<>=#@!?*|/\\", *at, 21) != NULL)
			return false;
		capitals = capitals && *at >= 'A' && *at <= 'Z';
		letters = letters && ((*at >= 'A' && *at <= 'Z') ||
				      (*at >= 'a' && *at <= 'z'));
	}
	return !letters || sign.end != digits || (capitals && length == 3);
}

/* Find where the digits begin and end, and what is around them. */
static struct parts split(const char *text, size_t length)
{
	struct parts parts = {.fault = NUMBER_OTHER,
			      .sign = {text + length, text + length},
			      .digits = {text + length, text + length}};
	struct span all = trim((struct span){text, text + length});
	bool brackets = all.end - all.begin > 2 && *all.begin == '(' &&
			all.end[-1] == ')';

	if (brackets)
		all = (struct span){all.begin + 1, all.end - 1};
	struct span before = {all.begin, all.begin}, after = {all.end, all.end};
	while (before.end < after.end && !is_digit(*before.end))
		before.end++;
	while (after.begin > before.end && !is_digit(after.begin[-1]))
		after.begin--;
	if (before.end == after.begin)
		return parts;
	parts.digits = (struct span){before.end, after.begin};
	/* ".5" and "5." are numbers; so are "+5" and "-5". */
	if (before.end > before.begin && before.end[-1] == '.')
		before.end--;
	if (after.end > after.begin && *after.begin == '.')
		after.begin++;
	bool dash;
	before = drop_plus_minus(trim(before), &dash);
	after = trim(after);
	bool minus = after.end - after.begin == 1 && *after.begin == '-';
	if (minus)
		after.begin++;
	else if (after.end - after.begin == 3 && dash_size(after, true) > 0)
		after.begin = after.end, minus = true;
	bool both = before.end > before.begin && after.end > after.begin;
	if (!find_marks(&parts) || both)
		return parts;
	parts.sign = before.end > before.begin ? before : after;
	if (parts.sign.end > parts.sign.begin)
		parts.fault = is_sign(parts.sign, parts.digits.begin)
				      ? NUMBER_SIGN
				      : NUMBER_OTHER;
	else if (brackets || minus || dash)
		parts.fault = NUMBER_NEGATIVE;
	/* Several of one mark are between thousands. */
	else if (parts.last != '\0' && (parts.count == 1 || parts.after == 3))
		parts.fault = NUMBER_MARKS;
	return parts;
}

/* The fault of a text with these parts. */
static enum number_fault fault_of(const struct decimal_style *style,
				  const struct parts *parts)
{
	/* A point alone is no mark that an option would explain. */
	if (parts->fault == NUMBER_MARKS && parts->last == '.' &&
	    parts->other == '\0' && style->point == '.' && parts->count == 1)
		return NUMBER_OTHER;
	return parts->fault;
}

enum number_fault number_fault_find(const struct decimal_style *style,
				    const char *text, size_t length)
{
	struct parts parts = split(text, length);

	return fault_of(style, &parts);
}

/* ----------------------------------------------------------------- remedies */

/* A mark as an argument of the shell. */
static const char *argument(char mark)
{
	return mark == ' '    ? "' '"
	       : mark == '\'' ? "\"'\""
	       : mark == '_'  ? "_"
	       : mark == ','  ? ","
			      : ".";
}

/* Write the options that explain the marks between the digits; nothing where
 * the style has them. */
static void put_options(const struct decimal_style *style,
			const struct parts *parts, char *to, size_t room)
{
	bool two = parts->other != '\0';
	char thousands = two ? parts->other : parts->last;
	bool mark = parts->last == ',' || parts->last == '.';
	/* One comma with three digits after it may be either. */
	bool either = !two && mark && parts->count == 1;
	decimal value;

	*to = '\0';
	/* Nothing is wrong with the digits by themselves. */
	if (parts->last == '\0' ||
	    decimal_read_styled(
		    style, parts->digits.begin,
		    (size_t)(parts->digits.end - parts->digits.begin),
		    &value) != DECIMAL_TEXT)
		return;
	if (either && parts->last == style->point)
		return;
	if (either && parts->last != style->thousands)
		snprintf(to, room,
			 parts->after == 3
				 ? "--decimal %s or --thousands %s says what "
				   "the mark is"
				 : "--decimal %s says what the mark is",
			 argument(parts->last), argument(parts->last));
	else if (two && parts->last != style->point)
		snprintf(to, room,
			 "--decimal %s --thousands %s say what the marks are",
			 argument(parts->last), argument(thousands));
	else if (thousands != style->thousands)
		snprintf(to, room, "--thousands %s says what the mark is",
			 argument(thousands));
	else
		snprintf(to, room,
			 "marks between thousands stand between groups of "
			 "three digits");
}

/* The sign as sed's s/// takes it. */
static void put_sed(const struct parts *parts, char to[2 * MAX_SIGN + 1])
{
	for (const char *at = parts->sign.begin; at < parts->sign.end; at++) {
		if (memchr("$.*[]^\\/", *at, 8) != NULL)
			*to++ = '\\';
		*to++ = *at;
	}
	*to = '\0';
}

/* Letters alone: they may be part of a word in another column. */
static bool is_word(const struct span *sign)
{
	for (const char *at = sign->begin; at < sign->end; at++)
		if (!isalpha((unsigned char)*at))
			return false;
	return true;
}

/* The power of ten that the unit may stand for, as "k" does for thousands; 0:
 * it is none.  Without it the number would be another. */
static int power_of(const struct parts *parts)
{
	static const struct {
		const char *name;
		int power;
	} factors[] = {{"k", 3},   {"tsd", 3}, {"m", 6},  {"mn", 6}, {"mio", 6},
		       {"mln", 6}, {"b", 9},   {"bn", 9}, {"mrd", 9}};
	size_t length = (size_t)(parts->sign.end - parts->sign.begin);

	for (size_t i = 0; i < sizeof factors / sizeof *factors; i++)
		if (parts->sign.begin >= parts->digits.end &&
		    strlen(factors[i].name) == length &&
		    strncasecmp(factors[i].name, parts->sign.begin, length) ==
			    0)
			return factors[i].power;
	return 0;
}

/* Words that say whether an amount is a debit or a credit, in English and
 * German: without them both would have the same sign. */
static bool is_side(const struct parts *parts)
{
	static const char *const sides[] = {"dr",     "cr",   "db",   "debit",
					    "credit", "soll", "haben"};
	size_t length = (size_t)(parts->sign.end - parts->sign.begin);

	/* A small one is a unit, seconds or hours. */
	if (length == 1)
		return *parts->sign.begin == 'S' || *parts->sign.begin == 'H';
	for (size_t i = 0; i < sizeof sides / sizeof *sides; i++)
		if (strlen(sides[i]) == length &&
		    strncasecmp(sides[i], parts->sign.begin, length) == 0)
			return true;
	return false;
}

/* The command that takes the sign away; a word as a whole, as "2 kits" has no
 * sign "k". */
static void put_command(const struct parts *parts, char *to, size_t room)
{
	char sign[2 * MAX_SIGN + 1];

	put_sed(parts, sign);
	if (!is_word(&parts->sign))
		snprintf(to, room, "sed 's/%s//g'", sign);
	else if (parts->sign.begin >= parts->digits.end)
		snprintf(to, room, "sed -E 's/([0-9]) *%s\\b/\\1/g'", sign);
	else
		snprintf(to, room, "sed -E 's/\\b%s *([0-9])/\\1/g'", sign);
}

/* Hours, minutes and seconds, or two of them, as 1:02:03. */
static bool is_clock(const char *text, size_t length)
{
	size_t colons = 0, digits = 0;

	for (size_t i = 0; i < length; i++) {
		bool colon = text[i] == ':' && digits > 0;

		if (!colon && !is_digit(text[i]))
			return false;
		if (colon && colons > 0 && digits != 2)
			return false;
		colons += colon;
		digits = colon ? 0 : digits + 1;
	}
	return colons > 0 && colons < 3 && digits == 2;
}

/* The command that writes a minus for brackets, which end after the last digit;
 * "" where there are none. */
static const char *bracket_command(const struct parts *parts, const char *end)
{
	const char *digits = parts->digits.end;

	if (memchr(digits, ')', (size_t)(end - digits)) == NULL)
		return "";
	/* Blanks and apostrophes of any kind may stand between thousands. */
	return parts->last == ' ' || parts->last == '\'' ||
			       parts->other == ' ' || parts->other == '\''
		       ? ", as with sed -E 's/[(]([0-9][^()A-Za-z]*)[)]/-\\1/g'"
		       : ", as with sed -E 's/[(]([0-9.,]+)[)]/-\\1/g'";
}

void number_fault_describe(const struct decimal_style *style, const char *text,
			   size_t length, char to[NUMBER_FAULT_ROOM])
{
	struct parts parts = split(text, length);
	enum number_fault fault = fault_of(style, &parts);
	char options[80], command[80];
	const char *reason = number_fault_reason(fault);

	const char *brackets = bracket_command(&parts, text + length);

	put_options(style, &parts, options, sizeof options);
	int power = power_of(&parts);

	if (fault == NUMBER_SIGN && power > 0) {
		snprintf(to, NUMBER_FAULT_ROOM,
			 "%s: if %.*s stands for 10^%d, as with sed -E "
			 "'s/([0-9]) *%.*s\\b/\\1e%d/g'%s%s",
			 reason, (int)(parts.sign.end - parts.sign.begin),
			 parts.sign.begin, power,
			 (int)(parts.sign.end - parts.sign.begin),
			 parts.sign.begin, power, *options ? ", and " : "",
			 options);
	} else if (fault == NUMBER_SIGN && is_side(&parts)) {
		int size = (int)(parts.sign.end - parts.sign.begin);

		snprintf(to, NUMBER_FAULT_ROOM,
			 "%s: if %.*s says whether it is a debit or a credit, "
			 "write a minus for one of them in place of it%s%s",
			 reason, size, parts.sign.begin,
			 *options ? ", and " : "", options);
	} else if (fault == NUMBER_SIGN) {
		put_command(&parts, command, sizeof command);
		snprintf(to, NUMBER_FAULT_ROOM,
			 "%s: take it away before, as with %s%s%s", reason,
			 command, *options ? ", and " : "", options);
	} else if (fault == NUMBER_NEGATIVE) {
		snprintf(to, NUMBER_FAULT_ROOM, "%s: write -%.*s%s%s%s", reason,
			 (int)(parts.digits.end - parts.digits.begin > 30
				       ? 30
				       : parts.digits.end - parts.digits.begin),
			 parts.digits.begin, brackets, *options ? ", and " : "",
			 options);
	} else if (fault == NUMBER_OTHER && is_clock(text, length)) {
		snprintf(to, NUMBER_FAULT_ROOM,
			 "%s; a time such as 1:02:03 is none: write it in "
			 "seconds",
			 reason);
	} else {
		snprintf(to, NUMBER_FAULT_ROOM, "%s%s%s", reason,
			 fault == NUMBER_MARKS && *options ? "; " : "",
			 fault == NUMBER_MARKS ? options : "");
	}
}

const char *number_fault_reason(enum number_fault fault)
{
	switch (fault) {
	case NUMBER_SIGN:
		return "a sign of currency, percent or a unit";
	case NUMBER_NEGATIVE:
		return "a negative number without a minus before it";
	case NUMBER_MARKS:
		return "expected a number";
	default:
		return decimal_reason(DECIMAL_TEXT);
	}
}
