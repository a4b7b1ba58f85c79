/* SPDX-License-Identifier: MIT */
/* links: guest-kernel/core/bitmap.c */
#include "core/bitmap.h"

#include "tap.h"

#define BITS 203 /* not a whole number of words */

static uint64_t words[4];

static struct uk_bitmap fresh(void) {
    memset(words, 0, sizeof words);
    return (struct uk_bitmap){.words = words, .count = BITS};
}

static void runs(void) {
    struct uk_bitmap b = fresh();
    is_u64(uk_bitmap_alloc(&b, 1, 1, 0), 0, "the first bit is the first one taken");
    is_u64(uk_bitmap_alloc(&b, 100, 1, 0), 1, "a run across words follows it");
    is_u64(uk_bitmap_alloc(&b, 102, 1, 0), 101, "a run up to the very end");
    is_u64(uk_bitmap_alloc(&b, 1, 1, 0), UK_BITMAP_NONE, "nothing is left");
    ok(uk_bitmap_free(&b, 50, 64), "a part of a run can be freed");
    is_u64(uk_bitmap_alloc(&b, 65, 1, 0), UK_BITMAP_NONE, "what is free is one bit short");
    is_u64(uk_bitmap_alloc(&b, 64, 1, 0), 50, "the hole is found again");
    is_u64(words[3] >> (BITS % 64), 0, "no bit beyond the end is ever set");
}

static void refusals(void) {
    struct uk_bitmap b = fresh();
    is_u64(uk_bitmap_alloc(&b, BITS + 1, 1, 0), UK_BITMAP_NONE, "more than there is");
    is_u64(uk_bitmap_alloc(&b, SIZE_MAX, 1, 0), UK_BITMAP_NONE, "more than can be counted");
    uk_bitmap_alloc(&b, 10, 1, 0);
    ok(!uk_bitmap_free(&b, 5, 6), "a run with one free bit at its end cannot be freed");
    ok(!uk_bitmap_free(&b, BITS, 1), "nor one beyond the end");
    ok(!uk_bitmap_free(&b, 5, SIZE_MAX), "nor one that wraps");
    is_u64(words[0], 0x3ff, "a refusal changes nothing");
}

static void alignment(void) {
    struct uk_bitmap b = fresh();
    uk_bitmap_alloc(&b, 1, 1, 0);
    is_u64(uk_bitmap_alloc(&b, 3, 16, 0), 16, "the next multiple of 16");
    is_u64(uk_bitmap_alloc(&b, 3, 16, 5), 11, "index + phase is what is aligned");
    is_u64(uk_bitmap_alloc(&b, 10, 1, 0), 1, "the gap before is still there");
    is_u64(uk_bitmap_alloc(&b, 1, 256, 1), UK_BITMAP_NONE, "no aligned bit exists");
}

static void search(void) {
    struct uk_bitmap b = fresh();
    uk_bitmap_set(&b, 63, 2);
    is_u64(uk_bitmap_next_set(&b, 0, BITS), 63, "the last bit of a word");
    is_u64(uk_bitmap_next_set(&b, 0, 63), 63, "the limit counts");
    is_u64(uk_bitmap_next_clear(&b, 63, BITS), 65, "the end of a run across words");
    is_u64(uk_bitmap_next_clear(&b, 64, 65), 65, "no clear bit before the limit");
    is_u64(uk_bitmap_next_set(&b, 65, BITS), BITS, "none");
    is_u64(uk_bitmap_next_set(&b, 10, 5), 5, "an empty range");
    uk_bitmap_clear(&b, 63, 1);
    is_u64(uk_bitmap_next_set(&b, 0, BITS), 64, "one bit cleared");
}

/* Against the plainest model there is: an array of owners. */
static void random_walk(void) {
    struct uk_bitmap b = fresh();
    uint8_t owner[BITS] = {0};
    size_t start[32] = {0}, length[32] = {0};
    unsigned wrong = 0;
    srand(1);
    for (unsigned turn = 0; turn < 100000; turn++) {
        unsigned slot = (unsigned)rand() % 32;
        if (length[slot]) {
            wrong += !uk_bitmap_free(&b, start[slot], length[slot]);
            memset(owner + start[slot], 0, length[slot]);
            length[slot] = 0;
            continue;
        }
        size_t n = (size_t)rand() % 20 + 1, align = (size_t)1 << rand() % 4;
        size_t model = 0;
        for (size_t run = 0; model + n <= BITS && run < n; run++)
            if (owner[model + run] || model % align)
                run = SIZE_MAX, model++;
        size_t got = uk_bitmap_alloc(&b, n, align, 0);
        wrong += got != (model + n <= BITS ? model : UK_BITMAP_NONE);
        if (got == UK_BITMAP_NONE)
            continue;
        start[slot] = got;
        length[slot] = n;
        memset(owner + got, 1, n);
    }
    is_u64(wrong, 0, "100000 random steps agree with first fit over an array");
}

int main(void) {
    runs();
    refusals();
    alignment();
    search();
    random_walk();
    return done_testing();
}
