/* SPDX-License-Identifier: MIT */
#include "clock.h"

#include "ukvm.h"

uint64_t uk_clock_monotonic(void) {
    const struct ukvm_boot *boot = uk_boot();
    return uk_ticks_to_ns(__builtin_ia32_rdtsc() - boot->tsc_base, boot->tsc_mult);
}

uint64_t uk_clock_wall(void) {
    return uk_boot()->wall_base + uk_clock_monotonic();
}
