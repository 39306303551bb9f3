/* neon_lanes: what the kernels of 64-bit ARM share. */
#ifndef SEARCH_NEON_LANES_H
#define SEARCH_NEON_LANES_H

#include <arm_neon.h>
#include <stdint.h>

#define INLINE static inline __attribute__((always_inline))

/* Bits 0 to 3: the lanes that are all ones. */
INLINE unsigned lane_mask(uint32x4_t lanes)
{
	static const uint32_t bits[4] = {1, 2, 4, 8};

	return vaddvq_u32(vandq_u32(lanes, vld1q_u32(bits)));
}

#endif
