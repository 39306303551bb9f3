#include "events/term_weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "text/tsv.h"

/* A term in a text: its words, the first in the upper half. */
struct occurrence {
	uint64_t term;
	uint32_t item;
};

/* What the work has. */
struct search {
	const struct catalogue_words *catalogue;
	const struct term_options *options;
	uint32_t *frequency; /* of each word: items that have it */
	struct occurrence *occurrences;
	size_t count, capacity;
	size_t room;    /* of the terms that are found */
	double limit;   /* items that may have a word */
	uint32_t *rank; /* of each word by its bytes */
};

static uint64_t term_of(uint32_t first, uint32_t second)
{
	return (uint64_t)first << 32 | second;
}

static int by_term(const void *a, const void *b)
{
	const struct occurrence *x = a, *y = b;

	if (x->term != y->term)
		return x->term < y->term ? -1 : 1;
	return (x->item > y->item) - (x->item < y->item);
}

static void add_occurrence(struct search *search, uint64_t term, uint32_t item)
{
	search->occurrences =
		alloc_grow(search->occurrences, &search->capacity,
			   search->count + 1, sizeof *search->occurrences);
	search->occurrences[search->count++] = (struct occurrence){term, item};
}

static void sort_occurrences(struct search *search)
{
	if (search->count > 0)
		qsort(search->occurrences, search->count,
		      sizeof *search->occurrences, by_term);
}

/* The end of the sorted occurrences of the term that begins there; *items: how
 * many items have it. */
static size_t term_end(const struct search *search, size_t begin,
		       uint32_t *items)
{
	const struct occurrence *all = search->occurrences;
	size_t end = begin;

	*items = 0;
	for (; end < search->count && all[end].term == all[begin].term; end++)
		*items += end == begin || all[end].item != all[end - 1].item;
	return end;
}

/* Count for each word the items that have it. */
static void count_words(struct search *search, struct term_weights *weights)
{
	const struct catalogue_words *catalogue = search->catalogue;
	double n = (double)catalogue->items.count;

	search->frequency =
		alloc(catalogue->words.count, sizeof *search->frequency);
	for (size_t i = 0; i < catalogue->count; i++)
		add_occurrence(search,
			       term_of(catalogue->uses[i].word, TERM_SINGLE),
			       catalogue->uses[i].item);
	sort_occurrences(search);
	for (size_t i = 0; i < search->count;) {
		uint32_t word = (uint32_t)(search->occurrences[i].term >> 32);

		i = term_end(search, i, &search->frequency[word]);
	}
	search->limit = search->options->most * n;
	if (search->options->most == 0)
		search->limit = fmax(0.1 * n, 10);
	for (size_t i = 0; i < catalogue->words.count; i++)
		weights->stop_words += search->frequency[i] > search->limit;
}

/* Whether a word may be in a term; what holds for a pair holds for each of its
 * words. */
static bool counts(const struct search *search, uint32_t word)
{
	return search->frequency[word] >= search->options->least &&
	       search->frequency[word] <= search->limit;
}

/* Collect the words that count, and pairs of them. */
static void collect_terms(struct search *search)
{
	const struct catalogue_words *catalogue = search->catalogue;
	const struct word_use *uses = catalogue->uses;

	search->count = 0;
	for (size_t i = 0; i < catalogue->count; i++) {
		if (!counts(search, uses[i].word))
			continue;
		add_occurrence(search, term_of(uses[i].word, TERM_SINGLE),
			       uses[i].item);
		if (search->options->pairs && i > 0 && uses[i].joined &&
		    counts(search, uses[i - 1].word))
			add_occurrence(search,
				       term_of(uses[i - 1].word, uses[i].word),
				       uses[i].item);
	}
	sort_occurrences(search);
}

/* Add a term to the items that have it: occurrences [begin, end) are of it. */
static void add_term(struct search *search, struct term_weights *weights,
		     size_t begin, size_t end, uint32_t items)
{
	const struct occurrence *all = search->occurrences;
	uint64_t term = all[begin].term;
	double inverse =
		log((double)search->catalogue->items.count / (double)items);

	if (items < search->options->least || inverse <= 0)
		return;
	weights->singles += (uint32_t)term == TERM_SINGLE;
	weights->pairs += (uint32_t)term != TERM_SINGLE;
	for (size_t i = begin, next; i < end; i = next) {
		for (next = i; next < end && all[next].item == all[i].item;)
			next++;
		weights->terms =
			alloc_grow(weights->terms, &search->room,
				   weights->count + 1, sizeof *weights->terms);
		weights->terms[weights->count++] = (struct item_term){
			all[i].item, (uint32_t)(term >> 32), (uint32_t)term,
			(1 + log((double)(next - i))) * inverse};
	}
}

static int by_weight(const void *a, const void *b, void *ranks)
{
	const struct item_term *x = a, *y = b;
	const uint32_t *rank = ranks;

	if (x->item != y->item)
		return x->item < y->item ? -1 : 1;
	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	if (x->first != y->first)
		return rank[x->first] < rank[y->first] ? -1 : 1;
	if (x->second == y->second)
		return 0;
	if (x->second == TERM_SINGLE || y->second == TERM_SINGLE)
		return x->second == TERM_SINGLE ? -1 : 1;
	return rank[x->second] < rank[y->second] ? -1 : 1;
}

/* Keep the first terms of each item, scaled to a length of 1; terms are
 * sorted. */
static void select_terms(const struct search *search,
			 struct term_weights *weights)
{
	struct item_term *terms = weights->terms;
	size_t kept = 0, items = 0;

	for (size_t i = 0, next; i < weights->count; i = next) {
		double squares = 0;
		size_t begin = kept;

		for (next = i;
		     next < weights->count && terms[next].item == terms[i].item;
		     next++) {
			if (next - i >= search->options->kept)
				continue;
			squares += terms[next].weight * terms[next].weight;
			terms[kept++] = terms[next];
		}
		for (size_t j = begin; j < kept; j++)
			terms[j].weight /= sqrt(squares);
		items++;
	}
	weights->count = kept;
	weights->bare = search->catalogue->items.count - items;
}

void term_weights_find(struct term_weights *weights,
		       const struct catalogue_words *catalogue,
		       const struct term_options *options)
{
	struct search search = {.catalogue = catalogue, .options = options};
	uint32_t items;

	*weights = (struct term_weights){0};
	count_words(&search, weights);
	collect_terms(&search);
	for (size_t i = 0, end; i < search.count; i = end) {
		end = term_end(&search, i, &items);
		add_term(&search, weights, i, end, items);
	}
	search.rank = alloc(catalogue->words.count, sizeof *search.rank);
	string_table_rank(&catalogue->words, search.rank);
	if (weights->count > 0)
		qsort_r(weights->terms, weights->count, sizeof *weights->terms,
			by_weight, search.rank);
	select_terms(&search, weights);
	free(search.frequency);
	free(search.occurrences);
	free(search.rank);
}

/* Write a field of CSV, in quotation marks where it takes them. */
static void write_field(struct output *output, const char *text, size_t length)
{
	bool plain = length > 0 && text[0] != ' ' && text[length - 1] != ' ';

	for (size_t i = 0; i < length; i++)
		plain = plain && memchr(",\"\r\n\t", text[i], 5) == NULL;
	if (!plain)
		output_text(output, "\"");
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '"')
			output_text(output, "\"");
		output_write(output, text + i, 1);
	}
	if (!plain)
		output_text(output, "\"");
}

static void write_word(struct output *output, const struct string_table *words,
		       uint32_t word)
{
	output_write(output, string_table_text(words, word),
		     string_table_length(words, word));
}

void term_weights_write(struct output *output,
			const struct term_weights *weights,
			const struct catalogue_words *catalogue)
{
	const char *name = catalogue->item_name;
	struct output field;

	output_memory(&field);
	if (name == NULL || strcmp(name, "term") == 0 ||
	    strcmp(name, "weight") == 0)
		name = "item";
	write_field(output, name, strlen(name));
	output_text(output, ",term,weight\n");
	for (size_t i = 0; i < weights->count; i++) {
		const struct item_term *term = &weights->terms[i];
		size_t length =
			string_table_length(&catalogue->items, term->item);

		output_write(&field,
			     string_table_text(&catalogue->items, term->item),
			     length);
		tsv_unescape((char *)field.buffer, &length);
		write_field(output, (char *)field.buffer, length);
		output_text(output, ",");
		field.held = 0;
		write_word(&field, &catalogue->words, term->first);
		if (term->second != TERM_SINGLE) {
			output_text(&field, " ");
			write_word(&field, &catalogue->words, term->second);
		}
		write_field(output, (char *)field.buffer, field.held);
		output_print(output, ",%.6f\n", term->weight);
		field.held = 0;
	}
	free(field.buffer);
}

void term_weights_free(struct term_weights *weights)
{
	free(weights->terms);
	*weights = (struct term_weights){0};
}
