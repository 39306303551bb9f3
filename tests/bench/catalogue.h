/* catalogue: the tags and courses of a generated world, and the choices of
 * its customers.  Everything is integer arithmetic on the seed, so the same
 * seed makes the same bytes on every machine. */
#ifndef CATALOGUE_H
#define CATALOGUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/string_table.h"
#include "vocabulary.h"

/* What a number is drawn for: each has counters of its own. */
enum draw {
	DRAW_TURN,
	DRAW_PERSONA,
	DRAW_TASTE,
	DRAW_HABIT,
	DRAW_EVENT,
	DRAW_VIEW,
	DRAW_COURSE,
	DRAW_INTERESTS,
	DRAW_INTEREST,
	DRAW_FOLLOWED,
	DRAW_SCORES,
	DRAW_SCORE,
	DRAW_ASSESSED
};

enum { WHEEL = 4096, COURSE_TAGS = 4 };

struct course {
	char *name;
	const char *level;
	unsigned author;
	size_t tags[COURSE_TAGS]; /* the main one first, all different */
	size_t tag_count;
};

struct catalogue {
	uint64_t seed;
	size_t tag_count, course_count;
	size_t base; /* tags in the vocabulary; the rest are copies:
			tag t is copy t / base of tag t % base */
	struct string_table names; /* of the tags of the vocabulary */
	char **tag_names;          /* tag_count */
	uint64_t *popularity;   /* base: how often a tag is looked at, about */
	uint32_t *followers;    /* base: bit p is set where persona p has it */
	size_t *first_course;   /* tag_count + 1 */
	struct course *courses; /* by main tag */
	/* A slot of a wheel, taken at random, is a persona, or a tag: of one
	 * persona, or in the last wheel of anybody. */
	uint16_t persona_wheel[WHEEL];
	uint16_t tag_wheels[PERSONAS + 1][WHEEL];
};

/* How many tags the vocabulary has: the fewest a catalogue can have. */
size_t catalogue_least_tags(void);

/* Courses: at least one for each tag. */
void catalogue_make(struct catalogue *world, uint64_t seed, size_t tags,
		    size_t courses);

void catalogue_free(struct catalogue *world);

/* 64 bits for the counter-th choice of a sort. */
uint64_t catalogue_bits(const struct catalogue *world, enum draw draw,
			uint64_t counter);

/* Which of the personas a customer, from 0, is. */
size_t catalogue_persona(const struct catalogue *world, uint64_t customer);

/* A tag that the customer looks at, chosen by these bits. */
size_t catalogue_tag(const struct catalogue *world, uint64_t customer,
		     uint64_t bits);

/* A course of the tag: the customer's usual one, or one chosen by the bits. */
const struct course *catalogue_course(const struct catalogue *world,
				      uint64_t customer, size_t tag,
				      uint64_t bits);

/* A number below count, small ones likelier, by 16 bits: their square. */
size_t catalogue_skewed(size_t count, uint64_t bits);

#endif
