/* SPDX-License-Identifier: MIT */
/* The guest's monotonic time, which the guest computes from the TSC by itself. ABI.md, TIME-01. */
#ifndef UKVM_CLOCK_H
#define UKVM_CLOCK_H

#include <stdint.h>

struct clock {
    uint64_t tsc_base; /* TSC at time 0 */
    uint64_t tsc_mult; /* nanoseconds in a tick, times 2^32 */
};

/* `tsc_khz` is not 0. */
static inline uint64_t clock_mult(uint64_t tsc_khz) {
    return (uint64_t)(((unsigned __int128)1000000 << 32) / tsc_khz);
}

static inline uint64_t clock_ns_at(const struct clock *clock, uint64_t tsc) {
    return (uint64_t)(((unsigned __int128)(tsc - clock->tsc_base) * clock->tsc_mult) >> 32);
}

static inline uint64_t clock_now(const struct clock *clock) {
    return clock_ns_at(clock, __builtin_ia32_rdtsc());
}

#endif
