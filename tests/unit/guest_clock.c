/* SPDX-License-Identifier: MIT */
/* links: */
#include "core/clock.h"

#include "tap.h"

static uint64_t mult(uint64_t khz) {
    return (uint64_t)(((uk_uint128)1000000 << 32) / khz);
}

int main(void) {
    const uint64_t year = UINT64_C(31557600);
    is_u64(uk_ticks_to_ns(0, mult(3000000)), 0, "no ticks, no time");
    is_u64(uk_ticks_to_ns(12345, UINT64_C(1) << 32), 12345, "1 GHz: a tick is a nanosecond");
    is_u64(uk_ticks_to_ns(UINT64_C(2000000000), mult(2000000)), 1000000000, "2 GHz: a second");
    is_u64(uk_ticks_to_ns(500, mult(500000)), 1000, "500 MHz: a tick is two nanoseconds");
    /* (1 << 64) / 3e9 is 6 s: a product in 64 bits would have wrapped long before. */
    uint64_t got = uk_ticks_to_ns(3000000000u * year, mult(3000000)), want = year * 1000000000u;
    ok(want - got < 10 * UINT64_C(1000000000), "a year at 3 GHz is a year, within 10 s for the rounding of the scale");
    uint64_t previous = 0, back = 0;
    for (uint64_t ticks = UINT64_MAX / 8 - 100000; ticks < UINT64_MAX / 8; ticks += 7) {
        uint64_t now = uk_ticks_to_ns(ticks, mult(2894561));
        back += now < previous;
        previous = now;
    }
    is_u64(back, 0, "time never goes back");
    return done_testing();
}
