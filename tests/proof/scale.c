/* SPDX-License-Identifier: MIT */
/* The clock's scale for every frequency, and the block that a region lies in for every size that --mem takes. */
#include "base/clock.h"
#include "base/region.h"
#include "tap.h"

typedef unsigned __int128 u128;

#define KHZ_MAX 10000000u /* 10 GHz */
#define NS_PER_MS UINT64_C(1000000)
#define LIFE_MS (UINT64_C(50) * 365 * 86400 * 1000) /* at 10 GHz a TSC goes round after 58 years */

/*
 * TIME-01: tsc_mult is the largest that does not run fast. Then a time is never late by more than a nanosecond and
 * 2^-32 of the ticks, and it cannot fall: it is a product with a constant, and what 128 bits hold without wrapping.
 */
static void prove_clock(void) {
    unsigned wrong = 0;
    for (uint64_t khz = 1; khz <= KHZ_MAX; khz++) {
        struct clock clock = {.tsc_mult = clock_mult(khz)};
        u128 ideal = (u128)NS_PER_MS << 32;
        wrong += clock.tsc_mult * (u128)khz > ideal || (clock.tsc_mult + (u128)1) * khz <= ideal;
        uint64_t ticks = khz * LIFE_MS, ns = clock_ns_at(&clock, ticks), exact = NS_PER_MS * LIFE_MS;
        wrong += ns > exact || exact - ns > (ticks >> 32) + 1;
    }
    is_u64(wrong, 0, "every frequency up to 10 GHz: never fast, and slow by less than 2^-32 of the ticks in 50 years");
}

static bool is_block(uint64_t size) {
    uint64_t block = region_block_size(size);
    return (block & (block - 1)) == 0 && block >= size && (size <= 1 || block / 2 < size);
}

static void prove_block_size(void) {
    unsigned wrong = 0;
    for (uint64_t pages = 0; pages <= UINT64_C(1) << 28; pages++) /* 1 TiB, the most that --mem takes */
        wrong += !is_block(pages * UKVM_PAGE_SIZE);
    is_u64(wrong, 0, "region_block_size(): the least power of two that holds the region");
}

int main(void) {
    prove_clock();
    prove_block_size();
    return done_testing();
}
