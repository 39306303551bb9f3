#include "text/csv_scan.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

const char *const csv_fault_text[CSV_FAULTS] = {
	[CSV_QUOTE_INSIDE] = "a quote within a field that is not quoted",
	[CSV_QUOTE_AFTER] = "text after the quote that closes a field",
	[CSV_QUOTE_OPEN] = "a quote that is not closed by the end of the file",
	[CSV_NUL] = "a zero byte",
};

/* ------------------------------------------------------- a byte at a time */

enum state {
	BEGIN,  /* of a field */
	BARE,   /* in a field without quotes */
	QUOTED, /* within quotes */
	CLOSED, /* after a quote that closes a field, or is half of two */
	WRONG   /* in a row that breaks the rules */
};

static bool ends_line(unsigned char byte)
{
	return byte == '\n' || byte == '\r';
}

/* The state after a byte that ends no row. */
static enum state step(enum state state, unsigned char byte, char delimiter)
{
	bool quote = byte == '"', delimits = byte == (unsigned char)delimiter;

	switch (state) {
	case BEGIN:
		return quote ? QUOTED : delimits ? BEGIN : BARE;
	case BARE:
		return quote ? WRONG : delimits ? BEGIN : BARE;
	case QUOTED:
		return quote ? CLOSED : QUOTED;
	case CLOSED:
		return quote ? QUOTED : delimits ? BEGIN : WRONG;
	case WRONG:
		break;
	}
	return WRONG;
}

size_t csv_scan_row(const unsigned char *bytes, size_t size, char delimiter,
		    enum csv_fault *fault)
{
	enum state state = BEGIN;
	size_t i = 0;

	*fault = CSV_FINE;
	for (; i < size; i++) {
		if (state != QUOTED && ends_line(bytes[i]))
			break;
		enum state next = step(state, bytes[i], delimiter);
		if (next == WRONG && state != WRONG)
			*fault = state == BARE ? CSV_QUOTE_INSIDE
					       : CSV_QUOTE_AFTER;
		state = next;
	}
	if (state == QUOTED)
		*fault = CSV_QUOTE_OPEN;
	if (memchr(bytes, '\0', i) != NULL)
		*fault = CSV_NUL;
	if (i < size && bytes[i] == '\r' && i + 1 < size &&
	    bytes[i + 1] == '\n')
		i++;
	return i < size ? i + 1 : size;
}

size_t csv_scan_lines(const unsigned char *bytes, size_t size)
{
	size_t lines = 0;

	for (size_t i = 0; i < size; i++)
		lines += bytes[i] == '\n' ? i == 0 || bytes[i - 1] != '\r'
					  : bytes[i] == '\r';
	return lines;
}

struct csv_bounds csv_scan_bounds_plain(const unsigned char *bytes, size_t size,
					char delimiter)
{
	struct csv_bounds bounds = {
		.blanks = true, .escapes = true, .doubled = true};
	enum state state = BEGIN;

	for (size_t i = 0; i < size; i++) {
		if (state != QUOTED && ends_line(bytes[i])) {
			state = BEGIN;
			bounds.end = i + 1;
		} else {
			state = step(state, bytes[i], delimiter);
		}
	}
	bounds.lines = csv_scan_lines(bytes, bounds.end);
	bounds.nul = memchr(bytes, '\0', size) != NULL;
	return bounds;
}

/* -------------------------------------------------------- 64 at a time */

/* Which of 64 bytes are what: a bit for each. */
struct masks {
	uint64_t quotes, delimiters, feeds, returns, blanks, tabs, slashes,
		zeros;
};

#ifdef __SSE2__
/* A bit for each of 16 bytes that are c. */
static __m128i is(__m128i bytes, char c)
{
	return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c));
}

static uint64_t mask_of(__m128i found, int group)
{
	return (uint64_t)(unsigned)_mm_movemask_epi8(found) << 16 * group;
}

/* The masks of bytes that most groups have none of. */
static void mask_rare(struct masks *masks, __m128i bytes, int group)
{
	masks->returns |= mask_of(is(bytes, '\r'), group);
	masks->blanks |= mask_of(is(bytes, ' '), group);
	masks->tabs |= mask_of(is(bytes, '\t'), group);
	masks->slashes |= mask_of(is(bytes, '\\'), group);
	masks->zeros |= mask_of(is(bytes, '\0'), group);
}

static struct masks mask_group(const unsigned char *bytes, char delimiter)
{
	struct masks masks = {0};

	for (int i = 0; i < 4; i++) {
		__m128i v = _mm_loadu_si128(
			(const __m128i *)(const void *)(bytes + 16 * i));
		__m128i rare = _mm_or_si128(
			_mm_or_si128(_mm_or_si128(is(v, '\r'), is(v, ' ')),
				     _mm_or_si128(is(v, '\t'), is(v, '\\'))),
			is(v, '\0'));
		masks.quotes |= mask_of(is(v, '"'), i);
		masks.delimiters |= mask_of(is(v, delimiter), i);
		masks.feeds |= mask_of(is(v, '\n'), i);
		if (_mm_movemask_epi8(rare) != 0)
			mask_rare(&masks, v, i);
	}
	masks.blanks = (masks.blanks | masks.tabs) & ~masks.delimiters;
	return masks;
}
#else
static struct masks mask_group(const unsigned char *bytes, char delimiter)
{
	struct masks masks = {0};

	for (int i = 0; i < 64; i++) {
		uint64_t bit = UINT64_C(1) << i;
		unsigned char c = bytes[i];
		masks.quotes |= c == '"' ? bit : 0;
		masks.delimiters |= c == (unsigned char)delimiter ? bit : 0;
		masks.feeds |= c == '\n' ? bit : 0;
		masks.returns |= c == '\r' ? bit : 0;
		masks.blanks |= c == ' ' ? bit : 0;
		masks.tabs |= c == '\t' ? bit : 0;
		masks.slashes |= c == '\\' ? bit : 0;
		masks.zeros |= c == '\0' ? bit : 0;
	}
	masks.blanks = (masks.blanks | masks.tabs) & ~masks.delimiters;
	return masks;
}
#endif

/* Bit i: the parity of bits 0 to i. */
static uint64_t parity(uint64_t bits)
{
	for (int i = 1; i < 64; i *= 2)
		bits ^= bits << i;
	return bits;
}

/* What one group of 64 hands to the next: the last bit of each mask.  (The scan
 * by masks and the parity of quotes is that of Langdale and Lemire, "Parsing
 * gigabytes of JSON per second", 2019.) */
struct carried {
	uint64_t within;  /* quotes: all ones, or zero */
	uint64_t opener;  /* a field, or the second of two quotes, may begin */
	uint64_t closing; /* a quote that closes */
	uint64_t bound;   /* a delimiter or the end of a line */
	uint64_t blank, returned;
};

/* Scan a group of 64 bytes; false where a quote breaks the rules, so that the
 * parity of quotes does not tell what is quoted.  *quoted: what is;
 * *lines: the ends of lines. */
static bool scan_group(const struct masks *m, struct carried *carried,
		       struct csv_bounds *bounds, uint64_t *quoted,
		       uint64_t *lines)
{
	uint64_t within = parity(m->quotes) ^ carried->within;
	uint64_t feeds = m->feeds | m->returns, bound = m->delimiters | feeds;
	uint64_t opening = m->quotes & within, closing = m->quotes & ~within;
	uint64_t opener = (bound & ~within) | closing;

	if (opening & ~(opener << 1 | carried->opener) ||
	    (closing << 1 | carried->closing) & ~(bound | m->quotes))
		return false;
	if (opening & (closing << 1 | carried->closing))
		bounds->doubled = true;
	bounds->nul = bounds->nul || m->zeros != 0;
	/* A blank after a bound, or a bound after a blank. */
	if ((m->blanks & (bound << 1 | carried->bound)) |
	    (bound & (m->blanks << 1 | carried->blank)))
		bounds->blanks = true;
	if (m->slashes | (feeds & within) |
	    (m->tabs & ~(m->delimiters & ~within)))
		bounds->escapes = true;
	*quoted = within;
	*lines = feeds & ~(m->feeds & (m->returns << 1 | carried->returned));
	carried->within = within >> 63 ? ~UINT64_C(0) : 0;
	carried->opener = opener >> 63;
	carried->closing = closing >> 63;
	carried->bound = bound >> 63;
	carried->blank = m->blanks >> 63;
	carried->returned = m->returns >> 63;
	return true;
}

/* How many bits are set: few, so they are cleared one by one (for the oldest
 * processors of this kind a compiler calls a function to count them). */
static size_t count_bits(uint64_t mask)
{
	size_t count = 0;

	for (; mask != 0; mask &= mask - 1)
		count++;
	return count;
}

/* Bits 0 to last. */
static uint64_t low(unsigned last)
{
	return ~UINT64_C(0) >> (63 - last);
}

struct csv_bounds csv_scan_bounds(const unsigned char *bytes, size_t size,
				  char delimiter, uint64_t *marks)
{
	struct csv_bounds bounds = {.marked = marks != NULL};
	struct carried carried = {.opener = 1, .bound = 1};
	unsigned char rest[64];
	size_t lines = 0;

	for (size_t at = 0; at < size; at += 64) {
		uint64_t there = ~UINT64_C(0), quoted, ended;
		const unsigned char *group = bytes + at;
		if (size - at < 64) {
			memset(rest, '\n', sizeof rest);
			memcpy(rest, group, size - at);
			group = rest;
			there = low((unsigned)(size - at - 1));
		}
		struct masks masks = mask_group(group, delimiter);
		if (!scan_group(&masks, &carried, &bounds, &quoted, &ended))
			return csv_scan_bounds_plain(bytes, size, delimiter);
		uint64_t bare = there & ~quoted;
		uint64_t ends = (masks.feeds | masks.returns) & bare;
		if (marks != NULL)
			marks[at / 64] = ends | (masks.delimiters & bare);
		ended &= there;
		if (ends != 0) {
			unsigned last = 63 - (unsigned)__builtin_clzll(ends);
			bounds.end = at + last + 1;
			bounds.lines = lines + count_bits(ended & low(last));
		}
		lines += count_bits(ended);
	}
	return bounds;
}
