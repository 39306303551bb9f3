/* forward_decay: weights of events that double every half-life after a
 * landmark: Cormode, Shkapenyuk, Srivastava, Xu, "Forward decay" (ICDE 2009).
 *
 * The weight of an event is a function of its time and the landmark alone, so
 * sums of one landmark add up, whenever they are made; at any later time all of
 * them have decayed by the same factor.  In integers, so that the weights are
 * the same on every machine. */
#ifndef EVENTS_FORWARD_DECAY_H
#define EVENTS_FORWARD_DECAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/decimal.h"

/* Binary digits of a fraction of a half-life that are used. */
enum { FORWARD_DECAY_BITS = 60 };

struct forward_decay {
	int64_t landmark, half_life;        /* milliseconds */
	uint64_t roots[FORWARD_DECAY_BITS]; /* 2^(2^-(i + 1)), in 2^-62 */
};

/* half_life: milliseconds, at least 1. */
void forward_decay_begin(struct forward_decay *decay, int64_t landmark,
			 int64_t half_life);

/* Set *weight to 2^((time - landmark) / half_life), rounded to 9 decimals;
 * false where it is 10^17 or more. */
bool forward_decay_weight(const struct forward_decay *decay, int64_t time,
			  decimal *weight);

#endif
