/* SPDX-License-Identifier: MIT */
/*
 * Size classes of the heap: 16, 32, 48, 64, then four to a power of two (80, 96, 112, 128, 160, 192...), so that at
 * most a fifth of a block larger than 64 bytes is wasted.
 */
#ifndef UK_SIZECLASS_H
#define UK_SIZECLASS_H

#include <stddef.h>
#include <stdint.h>

#include "ukvm_abi.h"

#define UK_CLASS_MAX_SIZE 16384u
#define UK_CLASSES 36u
#define UK_SLAB_HEADER 64u      /* bytes before the first block of a slab, at the least */
#define UK_SLAB_MAX_BLOCKS 256u /* in one slab */
#define UK_SLAB_MAX_SIZE ((size_t)(UK_CLASS_MAX_SIZE * 8 / UKVM_PAGE_SIZE + 1) * UKVM_PAGE_SIZE)

/* The class of blocks of `size` bytes, 1 to UK_CLASS_MAX_SIZE. */
static inline unsigned uk_class_of(size_t size) {
    if (size <= 64)
        return (unsigned)((size - 1) / 16);
    unsigned log2 = 63 - (unsigned)__builtin_clzll(size - 1);
    return (log2 - 6) * 4 + (unsigned)((size - 1) >> (log2 - 2));
}

static inline size_t uk_class_size(unsigned index) {
    if (index < 4)
        return 16 * ((size_t)index + 1);
    unsigned log2 = 6 + (index - 4) / 4;
    return ((size_t)1 << log2) + (size_t)((index - 4) % 4 + 1) * ((size_t)1 << (log2 - 2));
}

/* What blocks of a class are aligned to: the largest power of two in their size, a page at most. */
static inline size_t uk_class_align(unsigned index) {
    size_t size = uk_class_size(index);
    size_t power = size & -size;
    return power < UKVM_PAGE_SIZE ? power : UKVM_PAGE_SIZE;
}

/* A slab is a run of pages with a header and then blocks, at least seven. */
static inline size_t uk_class_first(unsigned index) {
    size_t align = uk_class_align(index);
    return (UK_SLAB_HEADER + align - 1) / align * align;
}

static inline size_t uk_class_pages(unsigned index) {
    return (uk_class_size(index) * 8 + UK_SLAB_HEADER - 1) / UKVM_PAGE_SIZE + 1;
}

static inline size_t uk_class_blocks(unsigned index) {
    return (uk_class_pages(index) * UKVM_PAGE_SIZE - uk_class_first(index)) / uk_class_size(index);
}

/*
 * 2^32 over the size of a block, rounded up: an offset into a slab times this, without its low 32 bits, is the offset
 * divided by the size. Exact, because the rounding adds less than offset * size / 2^32, and UK_SLAB_MAX_SIZE times
 * UK_CLASS_MAX_SIZE is below 2^32.
 */
static inline uint32_t uk_class_reciprocal(unsigned index) {
    return (uint32_t)(((UINT64_C(1) << 32) + uk_class_size(index) - 1) / uk_class_size(index));
}

#endif
