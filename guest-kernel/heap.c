/* SPDX-License-Identifier: MIT */
/*
 * malloc and its family. Up to UK_CLASS_MAX_SIZE a block comes from a slab of its size class; which blocks of a slab
 * are taken is a bitmap in its header, so that a double free is noticed and no pointer lies in a freed block. Larger
 * blocks are whole pages. The page allocator's tag of a page says which of the two it belongs to.
 */
#include "kernel.h"
#include "sizeclass.h"

/* A tag is a kind and a number. 0: the page is none of ours. */
#define TAG_KIND 3u
#define TAG_SLAB 1u  /* every page of a slab; the number of pages before it in the slab */
#define TAG_LARGE 2u /* the first page of a large block; its pages */
#define TAG_SHIFT 2
#define LARGE_MAX_PAGES (UINT32_MAX >> TAG_SHIFT)

struct slab {
    struct slab *next, *previous; /* among those of the class that have a free block */
    uint64_t taken[UK_SLAB_MAX_BLOCKS / 64];
    uint32_t blocks_taken;
    uint32_t size_class;
};
_Static_assert(sizeof(struct slab) <= UK_SLAB_HEADER, "the header of a slab is too large");

static struct slab *partial[UK_CLASSES];

static void link_partial(struct slab *slab) {
    struct slab **head = &partial[slab->size_class];
    slab->previous = NULL;
    slab->next = *head;
    if (*head)
        (*head)->previous = slab;
    *head = slab;
}

static void unlink_partial(struct slab *slab) {
    if (slab->next)
        slab->next->previous = slab->previous;
    if (slab->previous)
        slab->previous->next = slab->next;
    else
        partial[slab->size_class] = slab->next;
}

static struct slab *slab_new(unsigned size_class) {
    size_t pages = uk_class_pages(size_class);
    struct slab *slab = uk_pages_alloc(pages);
    if (!slab)
        return NULL;
    *slab = (struct slab){.size_class = size_class};
    uint32_t *tags = uk_pages_tag(slab);
    for (size_t i = 0; i < pages; i++)
        tags[i] = (uint32_t)i << TAG_SHIFT | TAG_SLAB;
    link_partial(slab);
    return slab;
}

static void slab_delete(struct slab *slab) {
    size_t pages = uk_class_pages(slab->size_class);
    uint32_t *tags = uk_pages_tag(slab);
    unlink_partial(slab);
    for (size_t i = 0; i < pages; i++)
        tags[i] = 0;
    uk_pages_free(slab, pages);
}

/* The lowest free block: the pages behind it may never have been touched. */
static void *slab_take(struct slab *slab) {
    size_t word = 0;
    while (slab->taken[word] == UINT64_MAX)
        word++;
    unsigned bit = (unsigned)__builtin_ctzll(~slab->taken[word]);
    slab->taken[word] |= UINT64_C(1) << bit;
    if (++slab->blocks_taken == uk_class_blocks(slab->size_class))
        unlink_partial(slab);
    return (char *)slab + uk_class_first(slab->size_class) + (word * 64 + bit) * uk_class_size(slab->size_class);
}

static void slab_put(struct slab *slab, const void *block) {
    size_t offset = (size_t)((const char *)block - (char *)slab) - uk_class_first(slab->size_class);
    size_t index = offset / uk_class_size(slab->size_class); /* huge when the block lies in the header */
    uint64_t bit = UINT64_C(1) << index % 64;
    if (index >= uk_class_blocks(slab->size_class) || offset % uk_class_size(slab->size_class) != 0 ||
        !(slab->taken[index / 64] & bit))
        uk_panic("uk_free(%p): not allocated", block);
    slab->taken[index / 64] &= ~bit;
    if (slab->blocks_taken-- == uk_class_blocks(slab->size_class))
        link_partial(slab);
    /* None is kept: to make one again costs some tags and bits, and no page fault. */
    if (slab->blocks_taken == 0)
        slab_delete(slab);
}

static void *small_alloc(unsigned size_class) {
    struct slab *slab = partial[size_class] ? partial[size_class] : slab_new(size_class);
    return slab ? slab_take(slab) : NULL;
}

static void *large_alloc(size_t align, size_t size) {
    size_t pages = size / UKVM_PAGE_SIZE + (size % UKVM_PAGE_SIZE != 0);
    void *block = pages <= LARGE_MAX_PAGES ? uk_pages_alloc_aligned(pages, align) : NULL;
    if (block)
        *uk_pages_tag(block) = (uint32_t)pages << TAG_SHIFT | TAG_LARGE;
    return block;
}

/* The smallest class of blocks of at least this size and alignment; UK_CLASSES if there is none. */
static unsigned class_for(size_t align, size_t size) {
    unsigned size_class = size <= UK_CLASS_MAX_SIZE ? uk_class_of(size) : UK_CLASSES;
    while (size_class < UK_CLASSES && uk_class_align(size_class) < align)
        size_class++;
    return size_class;
}

void *uk_aligned_alloc(size_t align, size_t size) {
    if (size == 0)
        size = 1;
    unsigned size_class = class_for(align, size);
    void *block = size_class < UK_CLASSES ? small_alloc(size_class) : NULL;
    /* Also when no run of pages is left that is long enough for a slab. */
    return block ? block : large_alloc(align, size);
}

void *uk_malloc(size_t size) {
    return uk_aligned_alloc(16, size);
}

static uint32_t tag_of(const void *block) {
    const uint32_t *tag = uk_pages_tag(block);
    return tag ? *tag : 0;
}

static struct slab *slab_of(void *block, uint32_t tag) {
    uintptr_t page = (uintptr_t)block & ~(uintptr_t)(UKVM_PAGE_SIZE - 1);
    return (struct slab *)(page - (uintptr_t)(tag >> TAG_SHIFT) * UKVM_PAGE_SIZE);
}

static bool is_large(const void *block, uint32_t tag) {
    return (tag & TAG_KIND) == TAG_LARGE && (uintptr_t)block % UKVM_PAGE_SIZE == 0;
}

void uk_free(void *block) {
    if (!block)
        return;
    uint32_t tag = tag_of(block);
    if ((tag & TAG_KIND) == TAG_SLAB) {
        slab_put(slab_of(block, tag), block);
    } else if (is_large(block, tag)) {
        *uk_pages_tag(block) = 0;
        uk_pages_free(block, tag >> TAG_SHIFT);
    } else {
        uk_panic("uk_free(%p): not allocated", block);
    }
}

/* The bytes that a block really has. */
static size_t capacity(void *block) {
    uint32_t tag = tag_of(block);
    if ((tag & TAG_KIND) == TAG_SLAB)
        return uk_class_size(slab_of(block, tag)->size_class);
    if (is_large(block, tag))
        return (size_t)(tag >> TAG_SHIFT) * UKVM_PAGE_SIZE;
    uk_panic("uk_realloc(%p): not allocated", block);
}

void *uk_realloc(void *block, size_t size) {
    if (!block)
        return uk_malloc(size);
    size_t old = capacity(block);
    /* Only a block that shrinks to less than half is worth moving, and not the smallest. */
    if (size <= old && (size > old / 2 || old <= 64))
        return block;
    void *moved = uk_malloc(size);
    if (!moved)
        return size <= old ? block : NULL;
    memcpy(moved, block, size < old ? size : old);
    uk_free(block);
    return moved;
}
