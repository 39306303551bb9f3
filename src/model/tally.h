/* tally: the counts of model/tag_tally over the customers of one or several
 * shards, as a file, so that cs-matrix can make each shard's matrix as a part
 * of that of all.
 *
 * Counts that need others of all customers come in rounds:
 *   TALLY_TAGS    the tags and the customers of each: which tags stay
 *                 (--min-users), which value is used (--value auto)
 *   TALLY_COUNTS  of the tags and customers that stay: customers of each tag,
 *                 squares, numbers of tags: weights and tenths
 *   TALLY_TENTHS  customers of each tag by tenth
 * A tally has what its stage has and all before it; the first round has the
 * second's, too, where the options allow that.  Tallies of a round are added
 * up, and the sum is what the next round is made with.
 *
 * The file is one of model/safetensors with the tensors tags.offsets,
 * tags.bytes, tags.file (I32 [m]: which of the files side by side), tags.users
 * (I64 [m]), totals (I64 [TALLY_TOTALS]); from TALLY_COUNTS on active (I64
 * [m+1]: customers with so many tags) and, of several files, tags.squares (I64
 * [m, 8], of base/exact_sum); tags.tenths and tenths, as in a matrix. Metadata:
 * tally.stage, tally.as (the id of the tally it was made with) and the options
 * matrix.* (model/matrix_metadata). */
#ifndef MODEL_TALLY_H
#define MODEL_TALLY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/io.h"
#include "base/string_table.h"
#include "model/safetensors.h"
#include "model/tag_tally.h"

enum tally_stage { TALLY_TAGS, TALLY_COUNTS, TALLY_TENTHS };

/* The words of these, in order, NULL-terminated. */
extern const char *const tally_words[];

/* Customers read in the first round; their pairs of which the tag is no
 * attribute, and those of them of several events; customers who stay; customers
 * read in the last round. */
enum {
	TALLY_CUSTOMERS,
	TALLY_PAIRS,
	TALLY_REPEATED,
	TALLY_STAYING,
	TALLY_READ,
	TALLY_TOTALS
};

/* Owns its arrays; texts belong to the file, or to whom it was made of. */
struct tally {
	enum tally_stage stage;
	size_t m;                  /* tags */
	struct string_slice *tags; /* m, ascending */
	int32_t *file;             /* m */
	uint64_t totals[TALLY_TOTALS];
	struct tag_tally counts; /* users and what the stage has */
	json_t *metadata;        /* owned */
	struct input input;      /* of one that was opened */
	struct safetensors format;
	struct string_table names; /* of a sum: what tags point to */
	/* After tally_use: the value that is used, and the share of pairs of
	 * several events (model/profile_store.h). */
	enum value value;
	double repeated;
};

/* Whether a regular file is a tally. */
bool tally_is(const char *path);

/* Open and check a tally; NULL or an error text that does not name the file.
 * To be closed in both cases. */
const char *tally_open(struct tally *tally, const char *path);

/* Why an open tally of all cannot be used for the next round, or NULL: shards
 * are missing in it or counted twice. */
const char *tally_check_whole(const struct tally *tally);

/* Make an open tally of all ready for use with its own options: set value and
 * repeated, keep the tags of at least so many customers, rank customers.  NULL
 * or an error text: no tag stays. */
const char *tally_use(struct tally *tally, enum value asked, size_t min_users);

/* The index of the tag, or SIZE_MAX, by bisection. */
size_t tally_find(const struct tally *tally, const char *text, size_t length);

/* Write the file; the output stays open. */
void tally_write(const struct tally *tally, struct output *output);

void tally_close(struct tally *tally);

#endif
