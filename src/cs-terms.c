/* cs-terms: the texts of a catalogue to weighted tags of its items, for
 * cs-aggregate --tags. */
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/io.h"
#include "base/number.h"
#include "base/options.h"
#include "events/catalogue_words.h"
#include "events/term_weights.h"

enum {
	KEY_NO_HEADER = 256,
	KEY_ENCODING,
	KEY_TEXT,
	KEY_STEM,
	KEY_MOST,
	KEY_LEAST,
	KEY_NO_PAIRS
};

static struct {
	struct catalogue_words_source source;
	struct option_list texts;
	struct term_options terms;
	const char *output;
} choices = {.source.dialect.delimiter = ",",
	     .source.headed = true,
	     .terms = {.least = 2, .kept = 50, .pairs = true}};

static void read_delimiter(const char *argument)
{
	choices.source.dialect.delimiter = csv_dialect_read_delimiter(argument);
}

static const struct option_row rows[] = {
	{"Columns", 'i', "item", "COL", "of the item, by name or number [1]",
	 OPTION_TO_FILE(choices.source.item)},
	{NULL, KEY_TEXT, "text", "COL", "of a text; may be repeated [2]",
	 OPTION_TO_LIST(choices.texts)},
	{NULL, 'd', "delimiter", "STR",
	 "between fields: '\\t', ' +' for blanks [,]",
	 OPTION_TO_FUNCTION(read_delimiter)},
	{NULL, KEY_NO_HEADER, "no-header", NULL,
	 "files have none: columns by number",
	 OPTION_TO_FLAG(choices.source.headed, false)},
	{NULL, KEY_ENCODING, "encoding", "NAME",
	 "of the files, as iconv knows it [UTF-8]",
	 OPTION_TO_TEXT(choices.source.dialect.encoding)},
	{"Terms", KEY_STEM, "stem", "LANG",
	 "reduce words to stems: english, german, ...",
	 OPTION_TO_FILE(choices.source.stem)},
	{NULL, KEY_NO_PAIRS, "no-pairs", NULL, "words alone, no pairs of words",
	 OPTION_TO_FLAG(choices.terms.pairs, false)},
	{NULL, KEY_MOST, "most", "P",
	 "leave out words of more than P of the items [.1]",
	 OPTION_TO_REAL(choices.terms.most, 1e-9, 1)},
	{NULL, KEY_LEAST, "least", "N",
	 "leave out terms of fewer than N items [2]",
	 OPTION_TO_INTEGER(choices.terms.least, 1, UINT32_MAX)},
	{NULL, 'n', "terms", "N", "of an item, those of most weight [50]",
	 OPTION_TO_INTEGER(choices.terms.kept, 1, UINT32_MAX)},
	OPTION_OUTPUT_TO("Output", choices.output),
	OPTION_COMMON};

static const struct options_text text = {
	.name = "cs-terms",
	.usage = "cs-terms [OPTION]... [FILE]...",
	.purpose =
		"Write the terms of items, words and pairs of words in their "
		"texts, with weights:\n"
		"tags for \"cs-aggregate --tags\".  FILEs are CSV with a "
		"header line.  Without a\n"
		"FILE, or for \"-\", standard input is read.",
	.footer = "exit: 0 done; 2 wrong use, input or output\n"
		  "  cs-terms --text title --stem english courses.csv > "
		  "tags.csv\n"
		  "  cs-aggregate --tags tags.csv --tag-weight weight "
		  "views.csv > profiles.tsv\n"
		  "The manual page, cs-terms(1), has the rest.",
	.rows = rows,
};

static void report(const struct catalogue_words *catalogue,
		   const struct term_weights *weights)
{
	char items[NUMBER_TEXT], bare[NUMBER_TEXT], words[NUMBER_TEXT],
		pairs[NUMBER_TEXT], stop[NUMBER_TEXT];

	if (weights->bare > 0 || options_verbose())
		notice("%s items, %s without a term; %s words and %s pairs are "
		       "terms, %s words are of too many items",
		       number_commas(items, catalogue->items.count),
		       number_commas(bare, weights->bare),
		       number_commas(words, weights->singles),
		       number_commas(pairs, weights->pairs),
		       number_commas(stop, weights->stop_words));
}

int main(int argc, char **argv)
{
	struct catalogue_words catalogue = {0};
	struct term_weights weights;
	struct output output;

	choices.source.paths = options_read(&text, argc, argv);
	choices.source.count = (size_t)(argv + argc - choices.source.paths);
	choices.source.texts = choices.texts.texts;
	choices.source.text_count = choices.texts.count;
	if (choices.texts.count > CATALOGUE_WORDS_MAX_TEXTS)
		die_usage("--text: expected at most %d",
			  CATALOGUE_WORDS_MAX_TEXTS);
	output_open(&output, choices.output);
	catalogue_words_read(&catalogue, &choices.source);
	term_weights_find(&weights, &catalogue, &choices.terms);
	term_weights_write(&output, &weights, &catalogue);
	report(&catalogue, &weights);
	output_close(&output);
	term_weights_free(&weights);
	catalogue_words_free(&catalogue);
	free(choices.texts.texts);
	return STATUS_DONE;
}
