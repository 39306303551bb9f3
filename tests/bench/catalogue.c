#include "catalogue.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/random.h"

/* Of 256 events of a customer so many follow the first persona, and so many
 * another; the rest are what anybody looks at. */
enum { FIRST = 160, SECOND = 48 };

/* What the tags of no persona weigh together, as a persona's share does. */
enum { NICHE_SHARE = 8 };

uint64_t catalogue_bits(const struct catalogue *world, enum draw draw,
			uint64_t counter)
{
	return random_bits(world->seed << 8 | (uint64_t)draw, counter);
}

size_t catalogue_skewed(size_t count, uint64_t bits)
{
	uint64_t u = bits & 0xffff;

	return (size_t)((uint64_t)count * (u * u) >> 32);
}

/* Weight in a list of tags, by place: the tail of 1 / place, less its peak. */
static uint64_t place_weight(size_t place)
{
	return 10000 / (place + 3);
}

/* The length of the first word of a list, and the list after it. */
static size_t word_length(const char *list)
{
	return strcspn(list, " ");
}

static const char *after_word(const char *list)
{
	list += word_length(list);
	return *list ? list + 1 : list;
}

static void add_words(struct string_table *names, const char *list)
{
	for (; *list; list = after_word(list))
		string_table_add(names, list, word_length(list));
}

static void add_vocabulary(struct string_table *names)
{
	for (size_t p = 0; p < PERSONAS; p++)
		add_words(names, personas[p].tags);
	add_words(names, niche_tags);
}

size_t catalogue_least_tags(void)
{
	struct string_table names = {0};

	add_vocabulary(&names);
	size_t count = names.count;
	string_table_free(&names);
	return count;
}

/* Give each item slots of the wheel by its weight. */
static void wheel_make(uint16_t wheel[WHEEL], const uint64_t *weights,
		       size_t count)
{
	uint64_t total = 0, before = 0;
	size_t slot = 0;

	for (size_t i = 0; i < count; i++)
		total += weights[i];
	for (size_t i = 0; i < count; i++) {
		before += weights[i];
		while (slot < WHEEL && slot * total < before * WHEEL)
			wheel[slot++] = (uint16_t)i;
	}
}

/* Add the weights of a list of tags, each so many times. */
static void weigh_list(const struct catalogue *world, const char *list,
		       uint64_t times, uint64_t *weights)
{
	for (size_t place = 0; *list; list = after_word(list))
		weights[string_table_find(&world->names, list,
					  word_length(list))] +=
			times * place_weight(place++);
}

static void make_wheels(struct catalogue *world)
{
	uint64_t shares[PERSONAS];
	uint64_t *weights = alloc(world->base, sizeof *weights);

	for (size_t p = 0; p < PERSONAS; p++) {
		memset(weights, 0, world->base * sizeof *weights);
		weigh_list(world, personas[p].tags, 1, weights);
		wheel_make(world->tag_wheels[p], weights, world->base);
		for (size_t t = 0; t < world->base; t++) {
			world->popularity[t] += weights[t] * personas[p].share;
			world->followers[t] |= (uint32_t)(weights[t] > 0) << p;
		}
		shares[p] = personas[p].share;
	}
	weigh_list(world, niche_tags, NICHE_SHARE, world->popularity);
	wheel_make(world->tag_wheels[PERSONAS], world->popularity, world->base);
	wheel_make(world->persona_wheel, shares, PERSONAS);
	free(weights);
}

static void name_tags(struct catalogue *world)
{
	char name[64];

	world->tag_names = alloc(world->tag_count, sizeof *world->tag_names);
	for (size_t t = 0; t < world->tag_count; t++) {
		const char *base =
			string_table_text(&world->names, t % world->base);
		int length = t < world->base
				     ? snprintf(name, sizeof name, "%s", base)
				     : snprintf(name, sizeof name, "%s-%zu",
						base, t / world->base + 1);
		world->tag_names[t] = alloc_text(name, (size_t)length);
	}
}

/* Courses go to tags by popularity, copies of a tag having less of it; what
 * the division leaves over goes to the first tags. */
static void share_courses(struct catalogue *world)
{
	size_t spare = world->course_count - world->tag_count, given = 0;
	uint64_t *weights = alloc(world->tag_count, sizeof *weights);
	size_t *counts = alloc(world->tag_count, sizeof *counts);
	uint64_t total = 0;

	for (size_t t = 0; t < world->tag_count; t++) {
		weights[t] = world->popularity[t % world->base] /
			     (t / world->base + 1);
		total += weights[t];
	}
	for (size_t t = 0; t < world->tag_count; t++)
		given += counts[t] = (size_t)(spare * weights[t] / total);
	for (size_t t = 0; given < spare; given++, t++)
		counts[t]++;
	world->first_course =
		alloc(world->tag_count + 1, sizeof *world->first_course);
	for (size_t t = 0; t < world->tag_count; t++)
		world->first_course[t + 1] =
			world->first_course[t] + 1 + counts[t];
	free(weights);
	free(counts);
}

static bool has_tag(const struct course *course, size_t tag)
{
	for (size_t i = 0; i < course->tag_count; i++)
		if (course->tags[i] == tag)
			return true;
	return false;
}

/* Up to three tags beside the main one: what a persona that looks at the main
 * one looks at too. */
static void add_tags(const struct catalogue *world, struct course *course,
		     uint64_t bits)
{
	uint32_t followers = world->followers[course->tags[0] % world->base];
	size_t wanted = bits & 3, persona = bits >> 2 & 63;

	if (followers == 0)
		return;
	while (!(followers >> persona % PERSONAS & 1))
		persona++;
	bits >>= 8;
	for (; wanted > 0; wanted--, bits >>= 12) {
		size_t tag = world->tag_wheels[persona % PERSONAS]
					      [bits & (WHEEL - 1)];
		if (!has_tag(course, tag))
			course->tags[course->tag_count++] = tag;
	}
}

/* The k-th course of a tag: one of the titles, and a number from the second
 * round of the titles on. */
static void make_course(const struct catalogue *world, size_t index, size_t tag)
{
	struct course *course = &world->courses[index];
	size_t k = index - world->first_course[tag];
	const struct title *title = &titles[k % TITLES];
	uint64_t bits = catalogue_bits(world, DRAW_COURSE, index);
	char name[128], edition[32] = "";

	if (k >= TITLES)
		snprintf(edition, sizeof edition, "-part-%zu", k / TITLES + 1);
	int length = snprintf(name, sizeof name, "%s%s%s%s", title->before,
			      world->tag_names[tag], title->after, edition);
	course->name = alloc_text(name, (size_t)length);
	course->level = title->level;
	course->author =
		(unsigned)catalogue_skewed(world->course_count / 3 + 1, bits) +
		1;
	course->tags[0] = tag;
	course->tag_count = 1;
	add_tags(world, course, bits >> 16);
}

void catalogue_make(struct catalogue *world, uint64_t seed, size_t tags,
		    size_t courses)
{
	memset(world, 0, sizeof *world);
	world->seed = seed;
	world->tag_count = tags;
	world->course_count = courses;
	add_vocabulary(&world->names);
	world->base = world->names.count;
	world->popularity = alloc(world->base, sizeof *world->popularity);
	world->followers = alloc(world->base, sizeof *world->followers);
	make_wheels(world);
	name_tags(world);
	share_courses(world);
	world->courses = alloc(courses, sizeof *world->courses);
	for (size_t t = 0; t < tags; t++)
		for (size_t c = world->first_course[t];
		     c < world->first_course[t + 1]; c++)
			make_course(world, c, t);
}

void catalogue_free(struct catalogue *world)
{
	for (size_t c = 0; c < world->course_count; c++)
		free(world->courses[c].name);
	for (size_t t = 0; t < world->tag_count; t++)
		free(world->tag_names[t]);
	free(world->courses);
	free(world->tag_names);
	free(world->first_course);
	free(world->followers);
	free(world->popularity);
	string_table_free(&world->names);
}

size_t catalogue_persona(const struct catalogue *world, uint64_t customer)
{
	if (customer == 0)
		return 0;
	return world
		->persona_wheel[catalogue_bits(world, DRAW_PERSONA, customer) %
				WHEEL];
}

/* The other persona that a customer follows now and then; the first customer
 * has no other. */
static size_t second_persona(const struct catalogue *world, uint64_t customer)
{
	if (customer == 0)
		return 0;
	return world
		->persona_wheel[catalogue_bits(world, DRAW_PERSONA, customer) /
				WHEEL % WHEEL];
}

/* How much a customer likes a tag: decides between two that were drawn, so
 * that customers of one persona differ. */
static uint64_t taste(const struct catalogue *world, uint64_t customer,
		      size_t tag)
{
	return catalogue_bits(world, DRAW_TASTE, customer << 16 | tag);
}

size_t catalogue_tag(const struct catalogue *world, uint64_t customer,
		     uint64_t bits)
{
	unsigned source = bits & 255;
	const uint16_t *wheel =
		world->tag_wheels[source < FIRST
					  ? catalogue_persona(world, customer)
				  : source < FIRST + SECOND
					  ? second_persona(world, customer)
					  : PERSONAS];
	size_t one = wheel[bits >> 8 & (WHEEL - 1)];
	size_t two = wheel[bits >> 20 & (WHEEL - 1)];
	size_t tag = one == two || taste(world, customer, one) >=
					     taste(world, customer, two)
			     ? one
			     : two;
	size_t copies =
		(world->tag_count - tag + world->base - 1) / world->base;

	return tag + world->base * catalogue_skewed(copies, bits >> 32);
}

const struct course *catalogue_course(const struct catalogue *world,
				      uint64_t customer, size_t tag,
				      uint64_t bits)
{
	size_t first = world->first_course[tag];

	if (bits & 1)
		bits = catalogue_bits(world, DRAW_HABIT, customer << 16 | tag);
	return &world->courses[first +
			       catalogue_skewed(world->first_course[tag + 1] -
							first,
						bits >> 1)];
}
