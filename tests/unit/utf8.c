/* utf8: characters of RFC 3629 and nothing else, at any place of a text; blanks
 * at its ends. */
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

static int failed;

static void expect(const char *bytes, size_t size, size_t invalid)
{
	char text[64];

	/* At every place of a longer text, across the steps of eight bytes. */
	for (size_t before = 0; before < 20; before++) {
		memset(text, 'a', sizeof text);
		memcpy(text + before, bytes, size);
		size_t found = utf8_first_invalid((unsigned char *)text,
						  before + size + 17);
		size_t wanted =
			invalid == size ? before + size + 17 : before + invalid;

		if (found != wanted) {
			printf("%s at %zu: %zu, expected %zu\n", bytes, before,
			       found, wanted);
			failed = 1;
		}
	}
}

/* Blanks around a text are trimmed, and none within it. */
static void expect_trimmed(const char *blank)
{
	char text[64];
	const char *begin = text;
	size_t size = strlen(blank);
	size_t length = (size_t)snprintf(text, sizeof text, "%s%sa%sb%s%s",
					 blank, blank, blank, blank, blank);

	utf8_trim(&begin, &length);
	if (begin != text + 2 * size || length != size + 2 ||
	    utf8_blank(blank, size) != size ||
	    utf8_blank(blank, size - 1) != 0) {
		printf("\"%s\": not trimmed\n", text);
		failed = 1;
	}
	begin = text;
	length = 2 * size;
	utf8_trim(&begin, &length);
	if (length != 0) {
		printf("\"%s\" twice: not trimmed\n", blank);
		failed = 1;
	}
}

int main(void)
{
	static const char *const blanks[] = {" ",
					     "\t",
					     "\xc2\xa0",
					     "\xe2\x80\x89",
					     "\xe2\x80\x8b",
					     "\xe2\x80\xaf",
					     "\xe3\x80\x80",
					     "\xef\xbb\xbf",
					     "\xc2\xad",
					     "\xe1\x9a\x80",
					     "\xe2\x80\x80",
					     "\xe2\x80\x8a",
					     "\xe2\x80\xa8",
					     "\xe2\x80\xae",
					     "\xe2\x81\x9f",
					     "\xe2\x81\xa6",
					     "\xe2\x81\xa9"};

	for (size_t i = 0; i < sizeof blanks / sizeof *blanks; i++)
		expect_trimmed(blanks[i]);
	if (utf8_blank("a ", 2) != 0 || utf8_blank("\xc3\xa0", 2) != 0 ||
	    utf8_blank("\n", 1) != 0 || utf8_blank("\xe2\x80\x8d", 3) != 0 ||
	    utf8_blank("\xe2\x80\xaex", 2) != 0 ||
	    utf8_blank("\xe2\xc0\x80", 3) != 0)
		failed = 1;
	expect("plain", 5, 5);
	expect("\xc3\xa9", 2, 2);
	expect("\xe2\x82\xac", 3, 3);
	expect("\xf0\x9f\x98\x80", 4, 4);
	expect("\xf4\x8f\xbf\xbf", 4, 4);
	expect("\xe9", 1, 0);     /* of ISO 8859-1 */
	expect("\x80", 1, 0);     /* not the first byte */
	expect("\xc0\xaf", 2, 0); /* longer than needed */
	expect("\xe0\x9f\xbf", 3, 0);
	expect("\xed\xa0\x80", 3, 0);     /* a surrogate */
	expect("\xf4\x90\x80\x80", 4, 0); /* above U+10FFFF */
	expect("\xc3\xa9\xff", 3, 2);
	if (utf8_first_invalid((const unsigned char *)"ab\xc3", 3) != 2 ||
	    utf8_first_invalid((const unsigned char *)"", 0) != 0 ||
	    utf8_character((const unsigned char *)"\xe2\x82", 2) != 0 ||
	    utf8_order_mark("\xef\xbb\xbfz", 4) != 3 ||
	    utf8_order_mark("\xef\xbb\xbf", 2) != 0 ||
	    utf8_order_mark("\xef\xbb\xbe", 3) != 0)
		failed = 1;
	/* Cut between characters; what is no UTF-8, anywhere. */
	if (utf8_cut("abc", 3, 3) != 3 || utf8_cut("abcd", 4, 3) != 3 ||
	    utf8_cut("a\xc3\xa9", 3, 2) != 1 ||
	    utf8_cut("\xf0\x9f\x98\x80", 4, 3) != 0 ||
	    utf8_cut("\x80\x80\x80\x80\x80\x80", 6, 5) != 5)
		failed = 1;
	return failed;
}
