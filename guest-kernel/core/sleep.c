/* SPDX-License-Identifier: MIT */
#include "ukvm.h"

void uk_sleep_until(uint64_t deadline) {
    while (uk_clock_monotonic() < deadline)
        uk_wait(deadline);
}

void uk_sleep(uint64_t duration) {
    uint64_t now = uk_clock_monotonic();
    uk_sleep_until(duration < UKVM_DEADLINE_NONE - now ? now + duration : UKVM_DEADLINE_NONE);
}
