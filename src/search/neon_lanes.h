/* neon_lanes: what the kernels of 64-bit ARM share. */
#ifndef SEARCH_NEON_LANES_H
#define SEARCH_NEON_LANES_H

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>

#define INLINE static inline __attribute__((always_inline))

/* Bits 0 to 3: the lanes that are all ones. */
INLINE unsigned lane_mask(uint32x4_t lanes)
{
	static const uint32_t bits[4] = {1, 2, 4, 8};

	return vaddvq_u32(vandq_u32(lanes, vld1q_u32(bits)));
}

/* Bit 4 l of 64 for lane l of 16 that is all ones. */
INLINE uint64_t sixteen_mask(const uint32x4_t lanes[4])
{
	uint16x8_t low = vuzp1q_u16(vreinterpretq_u16_u32(lanes[0]),
				    vreinterpretq_u16_u32(lanes[1]));
	uint16x8_t high = vuzp1q_u16(vreinterpretq_u16_u32(lanes[2]),
				     vreinterpretq_u16_u32(lanes[3]));
	uint8x16_t bytes = vuzp1q_u8(vreinterpretq_u8_u16(low),
				     vreinterpretq_u8_u16(high));
	uint8x8_t nibbles = vshrn_n_u16(vreinterpretq_u16_u8(bytes), 4);

	return vget_lane_u64(vreinterpret_u64_u8(nibbles), 0) &
	       UINT64_C(0x1111111111111111);
}

/* The first lane of such a mask, which is not 0. */
INLINE size_t first_lane(uint64_t mask)
{
	return (size_t)__builtin_ctzll(mask) / 4;
}

#endif
