/* term_weights: terms of random texts by plain counting of every word and pair,
 * and by hand. */
#include <math.h>
#include <stdio.h>

#include "cases.h"
#include "events/term_weights.h"

enum { ITEMS = 12, WORDS = 7, USES = 60 };

/* How often an item has a term. */
static size_t count_in(const struct catalogue_words *c, uint32_t item,
		       uint32_t first, uint32_t second)
{
	size_t count = 0;

	for (size_t i = 0; i < c->count; i++)
		if (second == TERM_SINGLE)
			count += c->uses[i].item == item &&
				 c->uses[i].word == first;
		else
			count += i > 0 && c->uses[i].joined &&
				 c->uses[i].item == item &&
				 c->uses[i - 1].word == first &&
				 c->uses[i].word == second;
	return count;
}

/* How many items have it. */
static size_t items_with(const struct catalogue_words *c, uint32_t first,
			 uint32_t second)
{
	size_t count = 0;

	for (uint32_t item = 0; item < c->items.count; item++)
		count += count_in(c, item, first, second) > 0;
	return count;
}

/* The weight before it is scaled; 0: no term of the item. */
static double weight_of(const struct catalogue_words *c,
			const struct term_options *o, uint32_t item,
			uint32_t first, uint32_t second)
{
	double n = (double)c->items.count;
	double limit = o->most > 0 ? o->most * n : fmax(0.1 * n, 10);
	size_t tf = count_in(c, item, first, second);
	size_t df = items_with(c, first, second);

	if (tf == 0 || df < o->least ||
	    (double)items_with(c, first, TERM_SINGLE) > limit)
		return 0;
	if (second != TERM_SINGLE &&
	    (!o->pairs || (double)items_with(c, second, TERM_SINGLE) > limit))
		return 0;
	return (1 + log((double)tf)) * log(n / (double)df);
}

/* The terms of one item, weights[first at begin..end): all that it has, or the
 * heaviest of them, in order, with a length of 1. */
static int check_item(const struct term_weights *w,
		      const struct catalogue_words *c,
		      const struct term_options *o, uint32_t item, size_t begin,
		      size_t end)
{
	double squares = 0, least = INFINITY, scaled = 0;
	size_t terms = 0, heavier = 0;

	for (size_t i = begin; i < end; i++) {
		const struct item_term *t = &w->terms[i];
		double weight = weight_of(c, o, item, t->first, t->second);

		if (weight <= 0)
			return fail("a term that is none");
		if (weight > least * (1 + 1e-12))
			return fail("a heavier term stands behind");
		least = weight;
		squares += weight * weight;
		scaled += t->weight * t->weight;
	}
	if (end > begin && fabs(scaled - 1) > 1e-12)
		return fail("the length of an item is not 1");
	for (size_t i = begin; i < end; i++) {
		const struct item_term *t = &w->terms[i];
		double weight = weight_of(c, o, item, t->first, t->second);

		if (fabs(t->weight - weight / sqrt(squares)) > 1e-12)
			return fail("another weight");
	}
	for (uint32_t first = 0; first < c->words.count; first++)
		for (uint32_t s = 0; s <= c->words.count; s++) {
			double weight =
				weight_of(c, o, item, first,
					  s < c->words.count ? s : TERM_SINGLE);
			terms += weight > 0;
			heavier += weight > least * (1 + 1e-12);
		}
	if (end - begin != (terms < o->kept ? terms : o->kept) ||
	    (end > begin && heavier >= o->kept))
		return fail("other terms");
	return 0;
}

static int run_case(void)
{
	struct catalogue_words c = {0};
	struct term_weights w;
	struct term_options o = {.most = chance(2) ? 0
						   : 0.1 * (double)chance(11),
				 .least = 1 + chance(3),
				 .kept = chance(2) ? 50 : 1 + chance(4),
				 .pairs = chance(4) > 0};
	size_t items = chance(ITEMS), uses = items ? chance(USES) : 0, at = 0;
	char name[16];
	int failed = 0;

	for (size_t i = 0; i < items; i++)
		string_table_add(&c.items, name,
				 (size_t)snprintf(name, 16, "i%zu", i));
	for (size_t i = 0; i < WORDS; i++)
		string_table_add(&c.words, name,
				 (size_t)snprintf(name, 16, "w%zu", WORDS - i));
	c.uses = calloc(uses + 1, sizeof *c.uses);
	for (; c.count < uses; c.count++) {
		bool new = c.count == 0 || chance(5) == 0;

		c.uses[c.count] =
			(struct word_use){new ? (uint32_t)chance(items)
					      : c.uses[c.count - 1].item,
					  (uint32_t)(chance(WORDS) * chance(2)),
					  !new &&chance(3) > 0};
	}
	term_weights_find(&w, &c, &o);
	for (uint32_t item = 0; item < items && !failed; item++) {
		size_t begin = at;

		while (at < w.count && w.terms[at].item == item)
			at++;
		failed = check_item(&w, &c, &o, item, begin, at);
	}
	if (!failed && at != w.count)
		failed = fail("items out of order");
	term_weights_free(&w);
	catalogue_words_free(&c);
	return failed;
}

int main(int argc, char **argv)
{
	return run_cases(argc, argv, 1000, run_case);
}
