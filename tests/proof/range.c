/* SPDX-License-Identifier: MIT */
/*
 * range.h and region.h with integers of 6 bits in the place of 64: the same text, for every value that there is. No
 * line of it holds a constant other than 0 and 1, so what wraps at 2^64 wraps at 2^6.
 */
#include "tap.h"
#include "ukvm_abi.h" /* before its integers become narrow: its layout is fixed */

#define BITS 6
#define VALUES (1u << BITS)

typedef unsigned _BitInt(BITS) narrow;
#define uint64_t narrow
#include "base/range.h"
#include "base/region.h"
#undef uint64_t

#define EACH(name) for (unsigned name = 0; name < VALUES; name++)

static bool within(unsigned offset, unsigned length, unsigned size) {
    return range_within((narrow)offset, (narrow)length, (narrow)size);
}

static void prove_within(void) {
    unsigned wrong = 0;
    EACH(offset) EACH(length) EACH(size) wrong += within(offset, length, size) != (offset + length <= size);
    is_u64(wrong, 0, "range_within()");
}

static void prove_overlaps(void) {
    unsigned wrong = 0;
    EACH(a) EACH(a_length) EACH(b) EACH(b_length) {
        if (a + a_length >= VALUES || b + b_length >= VALUES || a_length == 0 || b_length == 0)
            continue; /* the caller's promise */
        bool overlaps = false;
        unsigned end = a + a_length < b + b_length ? a + a_length : b + b_length;
        for (unsigned at = a > b ? a : b; at < end; at++)
            overlaps = true;
        wrong += range_overlaps((narrow)a, (narrow)a_length, (narrow)b, (narrow)b_length) != overlaps;
    }
    is_u64(wrong, 0, "range_overlaps()");
}

static void prove_alignment(void) {
    unsigned wrong = 0;
    for (unsigned alignment = 1; alignment < VALUES; alignment *= 2)
        EACH(value) {
            wrong += is_aligned((narrow)value, (narrow)alignment) != (value % alignment == 0);
            wrong += align_down((narrow)value, (narrow)alignment) != value / alignment * alignment;
            if (value + alignment - 1 < VALUES)
                wrong += align_up((narrow)value, (narrow)alignment) != (value + alignment - 1) / alignment * alignment;
        }
    is_u64(wrong, 0, "is_aligned(), align_down(), align_up()");
}

/* The one way from a guest's number to a host pointer: it leads into the region or nowhere. */
static void prove_region(void) {
    static uint8_t memory[VALUES];
    unsigned wrong = 0;
    EACH(base) EACH(size) {
        const struct region region = {.base = (narrow)base, .size = (narrow)size, .host = memory};
        if (base + size >= VALUES)
            continue; /* no region wraps */
        EACH(address) EACH(length) {
            bool inside = address >= base && address + length <= base + size;
            const uint8_t *want = inside ? memory + (address - base) : NULL;
            wrong += region_at_address(&region, (narrow)address, (narrow)length) != want;
            want = address + length <= size ? memory + address : NULL;
            wrong += region_at(&region, (narrow)address, (narrow)length) != want;
        }
    }
    is_u64(wrong, 0, "region_at(), region_at_address()");
}

int main(void) {
    prove_within();
    prove_overlaps();
    prove_alignment();
    prove_region();
    return done_testing();
}
