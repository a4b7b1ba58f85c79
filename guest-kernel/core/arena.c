/* SPDX-License-Identifier: MIT */
/*
 * The I/O arena. What is taken lies apart from it, in a bitmap: a buffer that overflows spoils its neighbours' data and
 * nothing else.
 */
#include "arena.h"
#include "bitmap.h"

#define GRANULE 512u   /* the smallest block of a disk, and a third of an Ethernet frame */
#define SMALL_WORDS 64 /* a bitmap for 2 MiB that costs no page of its own */

static struct {
    uintptr_t base;
    size_t size;
    struct uk_bitmap taken;
    uint64_t small[SMALL_WORDS];
} arena;

void uk_arena_init(const struct ukvm_boot *boot) {
    size_t granules = boot->arena_size / GRANULE;
    size_t words = uk_bitmap_words(granules);
    uint64_t *bitmap = arena.small;
    if (words > SMALL_WORDS)
        bitmap = uk_pages_alloc((words * sizeof *bitmap - 1) / UKVM_PAGE_SIZE + 1);
    if (!bitmap)
        uk_panic("no memory to manage an I/O arena of %zu bytes", (size_t)boot->arena_size);
    arena.base = boot->arena_addr;
    arena.size = boot->arena_size;
    arena.taken = (struct uk_bitmap){.words = bitmap, .count = granules};
}

static size_t granules_of(size_t size) {
    return size / GRANULE + (size % GRANULE != 0);
}

void *uk_arena_alloc(size_t size, size_t align) {
    size_t step = align > GRANULE ? align / GRANULE : 1;
    size_t index = size ? uk_bitmap_alloc(&arena.taken, granules_of(size), step, 0) : UK_BITMAP_NONE;
    return index == UK_BITMAP_NONE ? NULL : (void *)(arena.base + index * GRANULE);
}

void uk_arena_free(void *buffer, size_t size) {
    size_t offset = (uintptr_t)buffer - arena.base;
    if (!uk_arena_contains(buffer, size) || offset % GRANULE != 0 ||
        !uk_bitmap_free(&arena.taken, offset / GRANULE, granules_of(size)))
        uk_panic("uk_arena_free(%p, %zu): not allocated", buffer, size);
}

bool uk_arena_contains(const void *buffer, size_t size) {
    uintptr_t offset = (uintptr_t)buffer - arena.base; /* huge when it lies below */
    return offset < arena.size && size <= arena.size - offset;
}

uint64_t uk_arena_offset(const void *buffer) {
    if (!uk_arena_contains(buffer, 0))
        uk_panic("%p is not in the I/O arena", buffer);
    return (uintptr_t)buffer - arena.base;
}

void *uk_arena_pointer(uint64_t offset) {
    if (offset >= arena.size)
        uk_panic("offset %lu is not in the I/O arena", (unsigned long)offset);
    return (void *)(arena.base + offset);
}
