/* SPDX-License-Identifier: MIT */
/* links: */
#include "base/range.h"

#include "tap.h"

typedef unsigned __int128 u128;

/* Where arithmetic goes wrong: the ends, the powers of two, and the neighbours of all of these. */
static const uint64_t edges[] = {
    0,
    1,
    2,
    4095,
    4096,
    4097,
    INT32_MAX,
    UINT64_C(1) << 31,
    UINT32_MAX,
    UINT64_C(1) << 32,
    (UINT64_C(1) << 32) + 1,
    INT64_MAX,
    UINT64_C(1) << 63,
    (UINT64_C(1) << 63) + 1,
    UINT64_MAX - 4096,
    UINT64_MAX - 4095,
    UINT64_MAX - 1,
    UINT64_MAX,
};
#define EDGES (sizeof edges / sizeof *edges)

static void test_within(void) {
    unsigned wrong = 0;
    for (unsigned i = 0; i < EDGES * EDGES * EDGES; i++) {
        uint64_t offset = edges[i % EDGES], length = edges[i / EDGES % EDGES], size = edges[i / EDGES / EDGES];
        wrong += range_within(offset, length, size) != ((u128)offset + length <= size);
    }
    is_u64(wrong, 0, "range_within() is right for every combination of edges");
    ok(range_within(0, 0, 0), "the empty range is within nothing");
    ok(range_within(8, 0, 8), "an empty range may lie at the very end");
    ok(!range_within(9, 0, 8), "and not beyond it");
    ok(!range_within(UINT64_MAX, 2, UINT64_MAX), "a range that wraps is within nothing");
}

static void test_overlaps(void) {
    unsigned wrong = 0, checked = 0;
    for (unsigned i = 0; i < EDGES * EDGES * EDGES * EDGES; i++) {
        uint64_t a = edges[i % EDGES], a_length = edges[i / EDGES % EDGES];
        uint64_t b = edges[i / EDGES / EDGES % EDGES], b_length = edges[i / EDGES / EDGES / EDGES];
        if (a_length == 0 || b_length == 0 || !range_within(a, a_length, UINT64_MAX) ||
            !range_within(b, b_length, UINT64_MAX))
            continue; /* the caller's promise */
        u128 start = a > b ? a : b;
        u128 a_end = (u128)a + a_length, b_end = (u128)b + b_length;
        wrong += range_overlaps(a, a_length, b, b_length) != (start < (a_end < b_end ? a_end : b_end));
        checked++;
    }
    is_u64(wrong, 0, "range_overlaps() is right for every combination of edges that does not wrap");
    ok(checked > 1000, "of which there are many");
    ok(!range_overlaps(0, 4096, 4096, 4096), "neighbours do not overlap");
}

static void test_alignment(void) {
    unsigned wrong = 0;
    for (unsigned shift = 0; shift < 64; shift++) {
        uint64_t alignment = UINT64_C(1) << shift;
        for (unsigned i = 0; i < EDGES; i++) {
            uint64_t value = edges[i];
            wrong += is_aligned(value, alignment) != (value % alignment == 0);
            wrong += align_down(value, alignment) != value / alignment * alignment;
            u128 up = ((u128)value + alignment - 1) / alignment * alignment;
            if ((u128)value + alignment - 1 <= UINT64_MAX)
                wrong += align_up(value, alignment) != up;
        }
    }
    is_u64(wrong, 0, "is_aligned(), align_down() and align_up() are right at every power of two");
}

int main(void) {
    test_within();
    test_overlaps();
    test_alignment();
    return done_testing();
}
