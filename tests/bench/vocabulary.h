/* vocabulary: who the customers of the generator are, and what they learn. */
#ifndef VOCABULARY_H
#define VOCABULARY_H

/* A kind of customer: how many of a hundred or so are of it, and the tags
 * they look at, the likeliest first, parted by blanks. */
struct persona {
	const char *name;
	unsigned share;
	const char *tags;
};

enum { PERSONAS = 18 };

/* Customer 1 is of the first kind. */
extern const struct persona personas[PERSONAS];

/* Tags that no kind of customer looks at in particular, the likeliest first. */
extern const char *const niche_tags;

/* How a course is called: before, its main tag, after; and its level. */
struct title {
	const char *before, *after, *level;
};

enum { TITLES = 20 };

extern const struct title titles[TITLES];

#endif
