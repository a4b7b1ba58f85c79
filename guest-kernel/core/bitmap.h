/* SPDX-License-Identifier: MIT */
/*
 * An allocator of runs over a bitmap that its caller supplies, zero-filled: a set bit is taken. First fit from the
 * lowest bit that can be free, so that what was freed is used again before anything new.
 */
#ifndef UK_BITMAP_H
#define UK_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UK_BITMAP_NONE SIZE_MAX
#define UK_BITMAP_WORD_BITS 64u

struct uk_bitmap {
    uint64_t *words;
    size_t count; /* bits; what the last word has beyond is never looked at */
    size_t low;   /* every bit below is taken */
};

/* Words that `bits` bits need. */
static inline size_t uk_bitmap_words(size_t bits) {
    return bits / UK_BITMAP_WORD_BITS + (bits % UK_BITMAP_WORD_BITS != 0);
}

/*
 * Takes `n` bits in a row, the first at an index i with (i + phase) a multiple of `align`, a power of two. Returns the
 * index, or UK_BITMAP_NONE. `n` is not 0.
 */
size_t uk_bitmap_alloc(struct uk_bitmap *bitmap, size_t n, size_t align, size_t phase);

/* Clears `n` bits if all of them are taken; otherwise changes nothing and returns false. */
bool uk_bitmap_free(struct uk_bitmap *bitmap, size_t start, size_t n);

/* Sets or clears [start, start + n), within the bitmap. */
void uk_bitmap_set(struct uk_bitmap *bitmap, size_t start, size_t n);
void uk_bitmap_clear(struct uk_bitmap *bitmap, size_t start, size_t n);

/* The first set (clear) bit in [from, to), or `to`. */
size_t uk_bitmap_next_set(const struct uk_bitmap *bitmap, size_t from, size_t to);
size_t uk_bitmap_next_clear(const struct uk_bitmap *bitmap, size_t from, size_t to);

#endif
