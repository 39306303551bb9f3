/* doubtful_names: customers and tags of a profile whose name may stand for a
 * missing value: it is a word such as NULL, or the customer has a large share
 * of all events; and customers whose numbers a spreadsheet has cut, or who have
 * whole numbers that were written as decimals beside others that were not. */
#ifndef EVENTS_DOUBTFUL_NAMES_H
#define EVENTS_DOUBTFUL_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many words that databases, pandas and R write for a missing value are
 * known. */
enum { DOUBTFUL_NAMES_WORDS = 28 };

/* The command that makes 0012 of ="0012", and of "=""0012""", in CSV. */
#define DOUBTFUL_NAMES_FORMULA                                                 \
	"sed -E 's/\"=\"\"([^\"]*)\"\"\"/\\1/g; s/=\"([^\"]*)\"/\\1/g'"

struct doubtful_names {
	uint64_t events;    /* of all customers, a tag each */
	uint64_t most;      /* of the customer with the most of them */
	char most_name[48]; /* its name, cut */
	/* Of customers whose name is a number that a spreadsheet has cut, as
	 * 1.23457E+11, which several had before; and the first such name. */
	uint64_t cut_events;
	char cut_name[48];
	/* Of customers who are called as 12.0, and the first such name; and of
	 * those who are called as 12. */
	uint64_t point_events, whole_events;
	char point_name[48];
	/* Of customers who are called as ="0012", as spreadsheets write texts;
	 * or ---, as lines below headers have; and the first such name. */
	uint64_t formula_events, line_events;
	char formula_name[48], line_name[48];
	/* Of customers, and of tags, that are called one of the words. */
	uint64_t users[DOUBTFUL_NAMES_WORDS], tags[DOUBTFUL_NAMES_WORDS];
};

/* Count a customer, or a pair's tag, and its events.  Texts are escaped as in a
 * profile. */
void doubtful_names_add_user(struct doubtful_names *doubtful, const char *user,
			     size_t length, uint64_t events);
void doubtful_names_add_tag(struct doubtful_names *doubtful, const char *tag,
			    size_t length, uint64_t events);

/* Join what two writers of one profile found; the order does not matter. */
void doubtful_names_merge(struct doubtful_names *doubtful,
			  const struct doubtful_names *other);

/* Warn of them; users: the customers of the profile.  Of customers and tags
 * that are called one of the words where about_words is set; and, where there
 * are at least ten customers, of one with more than a fifth of all events; of
 * cut numbers; and of numbers such as 12.0 where others are whole. */
void doubtful_names_warn(const struct doubtful_names *doubtful, uint64_t users,
			 bool about_words);

#endif
