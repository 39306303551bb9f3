/* Any bytes as a text: each of its words is valid UTF-8, as it is and by its
 * stem. */
#include "base/utf8.h"
#include "fuzz.h"
#include "text/words.h"

static void check(struct words *words, const uint8_t *data, size_t size)
{
	words_find(words, (const char *)data, size);
	if (words->count > 0 && words->words[0].joined)
		__builtin_trap();
	for (size_t i = 0; i < words->count; i++) {
		const struct word *word = &words->words[i];
		const char *text = words->bytes + word->begin;

		if (word->length == 0 ||
		    word->begin + word->length > words->used ||
		    utf8_first_invalid((const unsigned char *)text,
				       word->length) != word->length)
			__builtin_trap();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct words plain, stems;

	if (stems.stemmer == NULL && !words_stem(&stems, "english"))
		__builtin_trap();
	if (setjmp(fuzz_back) == 0) {
		check(&plain, data, size);
		check(&stems, data, size);
	}
	return 0;
}
