/* gram_follower: ranks other than 0 while rank 0 finds singular triplets: it
 * alone computes with dense matrices and decides, so that the kinds of
 * processors do not matter; the others add their rows' part of each product. */
#ifndef LINALG_GRAM_FOLLOWER_H
#define LINALG_GRAM_FOLLOWER_H

#include "linalg/gram_operator.h"

/* Take part in the products of rank 0 until it calls gram_follower_release().
 */
void gram_follower_run(const struct gram_operator *gram);

/* Of rank 0: no more products are needed. */
void gram_follower_release(void);

#endif
