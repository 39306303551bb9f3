#include "events/forward_decay.h"

/* Fixed point: a value of 1 is 2^POINT. */
enum { POINT = 62, MAX_DOUBLINGS = 56 };

__extension__ typedef unsigned __int128 wide;

/* The root, rounded down. */
static uint64_t square_root(wide x)
{
	uint64_t root = 0;

	for (int bit = 63; bit >= 0; bit--) {
		uint64_t next = root | UINT64_C(1) << bit;
		if ((wide)next * next <= x)
			root = next;
	}
	return root;
}

void forward_decay_begin(struct forward_decay *decay, int64_t landmark,
			 int64_t half_life)
{
	decay->landmark = landmark;
	decay->half_life = half_life;
	decay->roots[0] = square_root((wide)2 << 2 * POINT);
	for (int i = 1; i < FORWARD_DECAY_BITS; i++)
		decay->roots[i] =
			square_root((wide)decay->roots[i - 1] << POINT);
}

bool forward_decay_weight(const struct forward_decay *decay, int64_t time,
			  decimal *weight)
{
	int64_t age = time - decay->landmark;
	int64_t doublings = age / decay->half_life;
	int64_t rest = age % decay->half_life;
	wide power = (wide)1 << POINT;

	if (rest < 0) {
		rest += decay->half_life;
		doublings--;
	}
	if (doublings >= MAX_DOUBLINGS)
		return false;
	/* One binary digit of rest / half_life after the other. */
	for (int i = 0; i < FORWARD_DECAY_BITS && rest > 0; i++) {
		bool one = rest >= decay->half_life - rest;
		rest = one ? rest - (decay->half_life - rest) : 2 * rest;
		if (one)
			power = power * decay->roots[i] >> POINT;
	}
	*weight = 0;
	if (doublings < -32)
		return true;
	/* 2^93 at most: 10^9 of the unit, below 2 of the power. */
	wide scaled = power * 1000000000;
	int shift = POINT - (int)doublings;
	*weight = (decimal)((scaled + ((wide)1 << (shift - 1))) >> shift);
	return true;
}
