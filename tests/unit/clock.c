/* SPDX-License-Identifier: MIT */
/* links: */
#include "base/clock.h" /* the guest kernel has one of this name too */

#include "tap.h"

typedef unsigned __int128 u128;

#define CENTURY_SECONDS (UINT64_C(36525) * 86400)

/* Cyclic counters of real machines, and ends that none reaches. */
static const uint64_t khz[] = {1,       999,     1000,    100000,  999999,  1000000, 1000001,
                               2000000, 2399997, 2894561, 3000000, 3300001, 4700000, 5800000};
#define FREQUENCIES (sizeof khz / sizeof *khz)

static uint64_t exact_ns(uint64_t ticks, uint64_t frequency) {
    return (uint64_t)((u128)ticks * 1000000 / frequency);
}

int main(void) {
    const struct clock gigahertz = {.tsc_base = 5000, .tsc_mult = clock_mult(1000000)};
    is_u64(gigahertz.tsc_mult, UINT64_C(1) << 32, "1 GHz: a tick is a nanosecond");
    is_u64(clock_ns_at(&gigahertz, 5000), 0, "time 0 is at the base");
    is_u64(clock_ns_at(&gigahertz, 5001), 1, "a tick later");
    is_u64(clock_ns_at(&gigahertz, 4999 + (UINT64_C(1) << 63)), (UINT64_C(1) << 63) - 1, "292 years later");
    is_u64(clock_mult(2000000), UINT64_C(1) << 31, "2 GHz: half");
    is_u64(clock_mult(1), UINT64_C(1000000) << 32, "1 kHz: a million");
    ok(clock_mult(UINT64_C(1000000000)) > 0, "1 THz: not nothing");

    /* What tsc_mult loses by rounding down is less than a 2^32nd of a nanosecond in each tick. */
    unsigned wrong = 0, checked = 0;
    for (unsigned i = 0; i < FREQUENCIES; i++) {
        const struct clock clock = {.tsc_base = 0, .tsc_mult = clock_mult(khz[i])};
        uint64_t century = khz[i] * 1000 * CENTURY_SECONDS;
        for (uint64_t step = 1; step != 0 && step <= century / 2; step *= 2)
            for (uint64_t ticks = century - step, n = 0; n < 3; ticks = n == 0 ? step : step - 1, n++) {
                uint64_t exact = exact_ns(ticks, khz[i]);
                uint64_t got = clock_ns_at(&clock, ticks);
                wrong += got > exact || exact - got > (ticks >> 32) + 1;
                checked++;
            }
    }
    is_u64(wrong, 0, "never ahead, never behind by more than the rounding, up to a century");
    ok(checked > 1000, "at many times and frequencies");

    wrong = 0;
    for (unsigned i = 0; i < FREQUENCIES; i++) {
        const struct clock clock = {.tsc_base = UINT64_MAX - 1000, .tsc_mult = clock_mult(khz[i])};
        const struct clock zero = {.tsc_base = 0, .tsc_mult = clock.tsc_mult};
        for (uint64_t ticks = 0; ticks < 2000; ticks++)
            wrong += clock_ns_at(&clock, clock.tsc_base + ticks) != clock_ns_at(&zero, ticks);
    }
    is_u64(wrong, 0, "the counter may wrap around");

    wrong = 0;
    uint64_t last = 0;
    const struct clock odd = {.tsc_base = 0, .tsc_mult = clock_mult(2894561)};
    for (uint64_t ticks = UINT64_C(1) << 62; ticks < (UINT64_C(1) << 62) + 100000; ticks += 3) {
        uint64_t now = clock_ns_at(&odd, ticks);
        wrong += now < last;
        last = now;
    }
    is_u64(wrong, 0, "time never goes back");

    const struct clock here = {.tsc_base = __builtin_ia32_rdtsc(), .tsc_mult = clock_mult(1000000)};
    uint64_t first = clock_now(&here), second = clock_now(&here);
    ok(first <= second && second < UINT64_C(60000000000), "clock_now() counts from the base");
    return done_testing();
}
