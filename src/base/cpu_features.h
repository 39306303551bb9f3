/* cpu_features: what kinds of vectors this processor has; loops in versions for
 * each are chosen by these.  A kind is all that any of its versions uses, so
 * that a processor takes one kind everywhere. */
#ifndef BASE_CPU_FEATURES_H
#define BASE_CPU_FEATURES_H

#include <stdbool.h>

bool cpu_has_avx2(void);   /* with FMA */
bool cpu_has_avx512(void); /* F, BW, DQ and VL, with popcnt */
bool cpu_has_vnni(void);   /* of AVX-512 */

#endif
