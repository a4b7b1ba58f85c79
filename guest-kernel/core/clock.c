/* SPDX-License-Identifier: MIT */
#include "clock.h"

#include "kernel.h"

uint64_t uk_clock_monotonic(void) {
    const struct ukvm_boot *boot = uk_boot();
    return uk_ticks_to_ns(__builtin_ia32_rdtsc() - boot->tsc_base, boot->tsc_mult);
}

uint64_t uk_clock_wall(void) {
    return uk_boot()->wall_base + uk_clock_monotonic();
}

void uk_sleep_until(uint64_t deadline) {
    while (uk_clock_monotonic() < deadline)
        uk_wait(deadline);
}

void uk_sleep(uint64_t duration) {
    uint64_t now = uk_clock_monotonic();
    uk_sleep_until(duration < UKVM_DEADLINE_NONE - now ? now + duration : UKVM_DEADLINE_NONE);
}
