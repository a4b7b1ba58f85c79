/* SPDX-License-Identifier: MIT */
#include "bitmap.h"

/* The bits of word `index` that belong to [start, end). */
static uint64_t mask_of(size_t index, size_t start, size_t end) {
    size_t first = index * UK_BITMAP_WORD_BITS;
    uint64_t mask = UINT64_MAX;
    if (start > first)
        mask &= UINT64_MAX << (start - first);
    if (end - first < UK_BITMAP_WORD_BITS)
        mask &= ~(UINT64_MAX << (end - first));
    return mask;
}

/* The first bit in [from, to) whose word, XORed with `flip`, has it set; `to` if there is none. */
static size_t next(const struct uk_bitmap *bitmap, size_t from, size_t to, uint64_t flip) {
    if (from >= to)
        return to;
    for (size_t i = from / UK_BITMAP_WORD_BITS; i * UK_BITMAP_WORD_BITS < to; i++) {
        uint64_t word = (bitmap->words[i] ^ flip) & mask_of(i, from, to);
        if (word)
            return i * UK_BITMAP_WORD_BITS + (size_t)__builtin_ctzll(word);
    }
    return to;
}

size_t uk_bitmap_next_set(const struct uk_bitmap *bitmap, size_t from, size_t to) {
    return next(bitmap, from, to, 0);
}

size_t uk_bitmap_next_clear(const struct uk_bitmap *bitmap, size_t from, size_t to) {
    return next(bitmap, from, to, UINT64_MAX);
}

void uk_bitmap_set(struct uk_bitmap *bitmap, size_t start, size_t n) {
    for (size_t i = start / UK_BITMAP_WORD_BITS; i * UK_BITMAP_WORD_BITS < start + n; i++)
        bitmap->words[i] |= mask_of(i, start, start + n);
}

void uk_bitmap_clear(struct uk_bitmap *bitmap, size_t start, size_t n) {
    for (size_t i = start / UK_BITMAP_WORD_BITS; i * UK_BITMAP_WORD_BITS < start + n; i++)
        bitmap->words[i] &= ~mask_of(i, start, start + n);
}

/* The least index from `index` on that is aligned. */
static size_t aligned_from(size_t index, size_t align, size_t phase) {
    return index + (-(index + phase) & (align - 1));
}

size_t uk_bitmap_alloc(struct uk_bitmap *bitmap, size_t n, size_t align, size_t phase) {
    bitmap->low = uk_bitmap_next_clear(bitmap, bitmap->low, bitmap->count);
    size_t start = aligned_from(bitmap->low, align, phase);
    while (start <= bitmap->count && n <= bitmap->count - start) {
        size_t taken = uk_bitmap_next_set(bitmap, start, start + n);
        if (taken == start + n) {
            uk_bitmap_set(bitmap, start, n);
            if (start == bitmap->low)
                bitmap->low += n;
            return start;
        }
        start = aligned_from(uk_bitmap_next_clear(bitmap, taken, bitmap->count), align, phase);
    }
    return UK_BITMAP_NONE;
}

bool uk_bitmap_free(struct uk_bitmap *bitmap, size_t start, size_t n) {
    if (start > bitmap->count || n > bitmap->count - start ||
        uk_bitmap_next_clear(bitmap, start, start + n) != start + n)
        return false;
    uk_bitmap_clear(bitmap, start, n);
    if (start < bitmap->low)
        bitmap->low = start;
    return true;
}
