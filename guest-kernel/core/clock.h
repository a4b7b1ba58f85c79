/* SPDX-License-Identifier: MIT */
#ifndef UK_CLOCK_H
#define UK_CLOCK_H

#include <stdint.h>

__extension__ typedef unsigned __int128 uk_uint128;

/* Nanoseconds in `ticks` of the TSC. The product has up to 128 bits: 64 would wrap within seconds. ABI.md, TIME-01. */
static inline uint64_t uk_ticks_to_ns(uint64_t ticks, uint64_t mult) {
    return (uint64_t)(((uk_uint128)ticks * mult) >> 32);
}

#endif
