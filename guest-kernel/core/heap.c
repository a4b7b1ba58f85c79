/* SPDX-License-Identifier: MIT */
/*
 * malloc and its family. Up to UK_CLASS_MAX_SIZE a block comes from a slab of its size class; which blocks of a slab
 * are taken is a bitmap in its header, so that a double free is noticed and no pointer lies in a freed block. Larger
 * blocks are whole pages. The page allocator's tag of a page says which of the two it belongs to.
 *
 * The kernel and the program never share a slab: a program that writes beyond a block of its own meets its own.
 */
#include "heap.h"
#include "pages.h"
#include "sizeclass.h"

/* A tag is a kind and a number. 0: the page is none of ours. */
#define TAG_KIND 3u
#define TAG_SLAB 1u  /* every page of a slab; the number of pages before it in the slab */
#define TAG_LARGE 2u /* the first page of a large block; its pages */
#define TAG_SHIFT 2
#define LARGE_MAX_PAGES (UINT32_MAX >> TAG_SHIFT)

#define SPARE_MAX_BLOCK 1024u /* whose slab has three pages */

struct slab {
    struct slab *next, *previous; /* among those of the class that have a free block */
    uint64_t taken[UK_SLAB_MAX_BLOCKS / 64];
    uint32_t reciprocal; /* of block_size, to divide by it */
    uint16_t first;      /* bytes before the first block */
    uint16_t block_size;
    uint16_t blocks, blocks_taken;
    uint8_t size_class, heap;
};
_Static_assert(sizeof(struct slab) <= UK_SLAB_HEADER, "the header of a slab is too large");

static struct slab *partial[UK_HEAPS][UK_CLASSES];

static void link_partial(struct slab *slab) {
    struct slab **head = &partial[slab->heap][slab->size_class];
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
        partial[slab->heap][slab->size_class] = slab->next;
}

static void slab_delete(struct slab *slab) {
    size_t pages = uk_class_pages(slab->size_class);
    uint32_t *tags = uk_pages_tag(slab);
    unlink_partial(slab);
    for (size_t i = 0; i < pages; i++)
        tags[i] = 0;
    uk_pages_free(slab, pages);
}

/* One empty slab is worth keeping, for programs that allocate one block and free it, again and again. */
static bool is_spare(const struct slab *slab) {
    return slab->block_size <= SPARE_MAX_BLOCK && !slab->next && !slab->previous;
}

static bool free_spares(void) {
    bool freed = false;
    for (size_t heap = 0; heap < UK_HEAPS; heap++)
        for (size_t i = 0; i < UK_CLASSES; i++)
            if (partial[heap][i] && partial[heap][i]->blocks_taken == 0) {
                slab_delete(partial[heap][i]);
                freed = true;
            }
    return freed;
}

static void *pages_alloc(size_t count, size_t align) {
    void *pages = uk_pages_alloc_aligned(count, align);
    return pages || !free_spares() ? pages : uk_pages_alloc_aligned(count, align);
}

static struct slab *slab_new(enum uk_heap heap, unsigned size_class) {
    size_t pages = uk_class_pages(size_class);
    struct slab *slab = pages_alloc(pages, UKVM_PAGE_SIZE);
    if (!slab)
        return NULL;
    *slab = (struct slab){
        .reciprocal = uk_class_reciprocal(size_class),
        .first = (uint16_t)uk_class_first(size_class),
        .block_size = (uint16_t)uk_class_size(size_class),
        .blocks = (uint16_t)uk_class_blocks(size_class),
        .size_class = (uint8_t)size_class,
        .heap = (uint8_t)heap,
    };
    uint32_t *tags = uk_pages_tag(slab);
    for (size_t i = 0; i < pages; i++)
        tags[i] = (uint32_t)i << TAG_SHIFT | TAG_SLAB;
    link_partial(slab);
    return slab;
}

/* The lowest free block: the pages behind it may never have been touched. */
static void *slab_take(struct slab *slab) {
    size_t word = 0;
    while (slab->taken[word] == UINT64_MAX)
        word++;
    unsigned bit = (unsigned)__builtin_ctzll(~slab->taken[word]);
    slab->taken[word] |= UINT64_C(1) << bit;
    if (++slab->blocks_taken == slab->blocks)
        unlink_partial(slab);
    return (char *)slab + slab->first + (word * 64 + bit) * slab->block_size;
}

static void slab_put(struct slab *slab, const void *block) {
    /* Huge when the block lies in the header. */
    size_t offset = (size_t)((const char *)block - (char *)slab) - slab->first;
    size_t index = offset < UK_SLAB_MAX_SIZE ? offset * slab->reciprocal >> 32 : slab->blocks;
    uint64_t bit = UINT64_C(1) << index % 64;
    if (index >= slab->blocks || offset != index * slab->block_size || !(slab->taken[index / 64] & bit))
        uk_panic("free(%p): not allocated", block);
    slab->taken[index / 64] &= ~bit;
    if (slab->blocks_taken-- == slab->blocks)
        link_partial(slab);
    if (slab->blocks_taken == 0 && !is_spare(slab))
        slab_delete(slab);
}

static void *small_alloc(enum uk_heap heap, unsigned size_class) {
    struct slab *slab = partial[heap][size_class];
    if (!slab)
        slab = slab_new(heap, size_class);
    return slab ? slab_take(slab) : NULL;
}

static size_t pages_for(size_t size) {
    return size / UKVM_PAGE_SIZE + (size % UKVM_PAGE_SIZE != 0);
}

static void tag_large(void *block, size_t pages) {
    *uk_pages_tag(block) = (uint32_t)pages << TAG_SHIFT | TAG_LARGE;
}

static void *large_alloc(size_t align, size_t size) {
    size_t pages = pages_for(size);
    void *block = pages <= LARGE_MAX_PAGES ? pages_alloc(pages, align) : NULL;
    if (block)
        tag_large(block, pages);
    return block;
}

/* The smallest class of blocks of at least this size and alignment; UK_CLASSES if there is none. */
static unsigned class_for(size_t align, size_t size) {
    unsigned size_class = size <= UK_CLASS_MAX_SIZE ? uk_class_of(size) : UK_CLASSES;
    if (align > 16) /* that of every class */
        while (size_class < UK_CLASSES && uk_class_align(size_class) < align)
            size_class++;
    return size_class;
}

void *uk_heap_alloc(enum uk_heap heap, size_t align, size_t size) {
    if (size == 0)
        size = 1;
    unsigned size_class = class_for(align, size);
    void *block = size_class < UK_CLASSES ? small_alloc(heap, size_class) : NULL;
    /* Also when no run of pages is left that is long enough for a slab. */
    return block ? block : large_alloc(align, size);
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
        uk_panic("free(%p): not allocated", block);
    }
}

size_t uk_heap_capacity(void *block) {
    uint32_t tag = tag_of(block);
    if ((tag & TAG_KIND) == TAG_SLAB)
        return slab_of(block, tag)->block_size;
    if (is_large(block, tag))
        return (size_t)(tag >> TAG_SHIFT) * UKVM_PAGE_SIZE;
    uk_panic("realloc(%p): not allocated", block);
}

bool uk_heap_clear_large(void *block) {
    uint32_t tag = tag_of(block);
    if (!is_large(block, tag))
        return false;
    uk_pages_clear(block, tag >> TAG_SHIFT);
    return true;
}

/* A large block shrinks, or grows if what lies behind it is free, where it is. */
static bool resize_large(void *block, size_t size) {
    uint32_t tag = tag_of(block);
    if (!is_large(block, tag) || size <= UK_CLASS_MAX_SIZE)
        return false;
    size_t old = tag >> TAG_SHIFT, pages = pages_for(size);
    if (pages > LARGE_MAX_PAGES || (pages > old && !uk_pages_take((char *)block + old * UKVM_PAGE_SIZE, pages - old)))
        return false;
    if (pages < old)
        uk_pages_free((char *)block + pages * UKVM_PAGE_SIZE, old - pages);
    tag_large(block, pages);
    return true;
}

void *uk_heap_realloc(enum uk_heap heap, void *block, size_t size) {
    if (!block)
        return uk_heap_alloc(heap, 16, size);
    size_t old = uk_heap_capacity(block);
    /* Only a block that shrinks to less than half is worth moving, and not the smallest. */
    if (resize_large(block, size) || (size <= old && (size > old / 2 || old <= 64)))
        return block;
    void *moved = uk_heap_alloc(heap, 16, size);
    if (!moved)
        return size <= old ? block : NULL;
    memcpy(moved, block, size < old ? size : old);
    uk_free(block);
    return moved;
}

/* ---- the kernel's own, and that of programs without a C library */

void *uk_malloc(size_t size) {
    return uk_heap_alloc(UK_HEAP_KERNEL, 16, size);
}

void *uk_aligned_alloc(size_t align, size_t size) {
    return uk_heap_alloc(UK_HEAP_KERNEL, align, size);
}

void *uk_realloc(void *block, size_t size) {
    return uk_heap_realloc(UK_HEAP_KERNEL, block, size);
}
