/* cpu_features: which vector instructions this processor has.  Kernels that are
 * compiled for several of them are chosen by these functions; each stands for
 * all instructions that any kernel of its kind uses, so that one kind of kernel
 * runs everywhere in a process. */
#ifndef BASE_CPU_FEATURES_H
#define BASE_CPU_FEATURES_H

#include <stdbool.h>

bool cpu_is_x86(void); /* 64 bits; elsewhere it has none of the others */
bool cpu_has_sse42(void);
bool cpu_has_avx(void);
bool cpu_has_avx2(void);         /* with FMA */
bool cpu_has_avx512(void);       /* F, BW, DQ and VL, with popcnt */
bool cpu_has_vnni(void);         /* of AVX-512 */
bool cpu_has_dot_products(void); /* of bytes, of 64-bit ARM */

#endif
