/* SPDX-License-Identifier: MIT */
/* links: guest-kernel/core/heap.c guest-kernel/core/pages.c guest-kernel/core/bitmap.c */
#include <setjmp.h>

#include "core/heap.h"
#include "core/pages.h"
#include "core/sizeclass.h"
#include "tap.h"

#define PAGES 2048
#define BLOCKS 512

static char *memory;
static jmp_buf panicked;

void uk_panic(const char *format, ...) {
    (void)format;
    longjmp(panicked, 1);
}

static bool refuses(void *block) {
    if (setjmp(panicked))
        return true;
    uk_free(block);
    return false;
}

static void size_classes(void) {
    unsigned wrong = 0, waste = 0, misplaced = 0, crowded = 0;
    for (size_t size = 1; size <= UK_CLASS_MAX_SIZE; size++) {
        unsigned class = uk_class_of(size);
        wrong += class >= UK_CLASSES || uk_class_size(class) < size || (class > 0 && uk_class_size(class - 1) >= size);
        waste += size > 64 && uk_class_size(class) - size > uk_class_size(class) / 5;
    }
    is_u64(wrong, 0, "every size has the smallest class that it fits");
    is_u64(waste, 0, "a fifth is wasted at most");
    is_u64(uk_class_size(UK_CLASSES - 1), UK_CLASS_MAX_SIZE, "the last class is the largest");
    for (unsigned i = 0; i < UK_CLASSES; i++) {
        size_t end = uk_class_first(i) + uk_class_blocks(i) * uk_class_size(i);
        misplaced += uk_class_first(i) < UK_SLAB_HEADER || uk_class_first(i) % uk_class_align(i) ||
                     end > uk_class_pages(i) * UKVM_PAGE_SIZE;
        crowded += uk_class_blocks(i) < 7 || uk_class_blocks(i) > UK_SLAB_MAX_BLOCKS;
    }
    is_u64(misplaced, 0, "blocks lie within their slab, aligned");
    is_u64(crowded, 0, "7 to 256 blocks a slab");
}

static void division(void) {
    unsigned wrong = 0;
    for (unsigned i = 0; i < UK_CLASSES; i++) {
        size_t end = uk_class_pages(i) * UKVM_PAGE_SIZE;
        wrong += end > UK_SLAB_MAX_SIZE;
        for (uint64_t offset = 0; offset < UK_SLAB_MAX_SIZE; offset++)
            wrong += offset * uk_class_reciprocal(i) >> 32 != offset / uk_class_size(i);
    }
    is_u64(wrong, 0, "the reciprocal divides every offset into a slab");
}

static void refusals(void) {
    char *small = uk_malloc(100), *large = uk_malloc(100000);
    ok(refuses(small + 16), "the middle of a small block cannot be freed");
    ok(refuses((char *)((uintptr_t)small & ~(uintptr_t)4095)), "nor the header of its slab");
    ok(refuses(large + 4096), "nor the middle of a large one");
    ok(refuses(large + 1), "nor a byte beside its start");
    ok(refuses(memory), "nor what the page allocator keeps for itself");
    ok(refuses(&panicked), "nor what lies elsewhere");
    uk_free(small);
    ok(refuses(small), "nor a small block twice");
    uk_free(large);
    ok(refuses(large), "nor a large one twice");
    uk_free(NULL);
    ok(!uk_malloc(SIZE_MAX) && !uk_malloc(SIZE_MAX - 4096) && !uk_malloc((size_t)PAGES * 4096),
       "more than there is is not given");
}

static void alignments(void) {
    unsigned wrong = 0;
    for (size_t align = 1; align <= 65536; align *= 2) {
        for (size_t size = 1; size < 40000; size = size * 2 + 1) {
            char *block = uk_aligned_alloc(align, size);
            wrong += !block || (uintptr_t)block % align || (uintptr_t)block % 16;
            memset(block, 1, size);
            uk_free(block);
        }
    }
    is_u64(wrong, 0, "alignments from 1 to 64 KiB");
}

static void reallocation(void) {
    char *block = uk_realloc(NULL, 10);
    memcpy(block, "ukvm grow", 10);
    ok(uk_realloc(block, 16) == block, "growing within the block stays");
    block = uk_realloc(block, 50000);
    is_str(block, "ukvm grow", "growing takes the contents along");
    ok(uk_realloc(block, 45000) == block, "shrinking a little stays");
    block = uk_realloc(block, 10);
    is_str(block, "ukvm grow", "shrinking a lot moves them");
    ok(!uk_realloc(block, SIZE_MAX), "what cannot grow");
    is_str(block, "ukvm grow", "is left as it was");
    uk_free(block);
}

static void large_blocks(void) {
    char *block = uk_malloc(20000);
    memcpy(block, "ukvm grow", 10);
    ok(uk_realloc(block, 100000) == block, "a large block grows where it is");
    is_u64(uk_heap_capacity(block), 102400, "to whole pages");
    char *wall = uk_malloc(20000);
    char *moved = uk_realloc(block, 200000);
    ok(moved && moved != block, "unless something is behind it");
    is_str(moved ? moved : "", "ukvm grow", "then it takes its contents along");
    size_t free_pages = uk_pages_available();
    ok(uk_realloc(moved, 100000) == moved && uk_pages_available() == free_pages + 24,
       "and gives pages back at its end");
    moved[50000] = 1;
    uk_free(moved);
    uk_free(wall);
    block = uk_malloc(100000);
    uk_heap_clear_large(block);
    bool zero = true;
    for (size_t i = 0; i < 100000; i++)
        zero = zero && block[i] == 0;
    ok(zero, "pages that were used before are cleared");
    uk_free(block);
    block = uk_malloc(100);
    ok(!uk_heap_clear_large(block), "a small block is not cleared as a large one");
    uk_free(block);
}

static uintptr_t page_of(const void *block) {
    return (uintptr_t)block & ~(uintptr_t)4095;
}

static void two_heaps(void) {
    char *kernel = uk_malloc(100), *program = uk_heap_alloc(UK_HEAP_PROGRAM, 16, 100);
    ok(page_of(kernel) != page_of(program), "kernel and program share no slab");
    ok(page_of(program) == page_of(uk_heap_alloc(UK_HEAP_PROGRAM, 16, 100)), "two blocks of the program do");
    program = uk_heap_realloc(UK_HEAP_PROGRAM, program, 1000);
    ok(page_of(program) == page_of(uk_heap_alloc(UK_HEAP_PROGRAM, 16, 1000)), "a block that moves stays in its heap");
    uk_free(kernel);
}

static void spares(void) {
    uk_free(uk_malloc(200));
    size_t free_pages = uk_pages_available();
    char *block = uk_malloc(200);
    is_u64(uk_pages_available(), free_pages, "an empty slab of small blocks is kept");
    uk_free(block);
    block = uk_malloc(16000);
    size_t without = uk_pages_available();
    uk_free(block);
    ok(uk_pages_available() > without, "one of large blocks is not");
    static char *many[100];
    for (unsigned i = 0; i < 100; i++)
        many[i] = uk_malloc(200);
    for (unsigned i = 0; i < 100; i++)
        uk_free(many[i]);
    is_u64(uk_pages_available(), free_pages, "nor a second one");
}

struct block {
    uint8_t *at;
    size_t size;
    uint8_t fill;
};

static bool intact(const struct block *block) {
    for (size_t i = 0; i < block->size; i++)
        if (block->at[i] != block->fill)
            return false;
    return true;
}

/* Sizes of all magnitudes: 2^0 to 2^16. */
static size_t random_size(void) {
    return (size_t)rand() % ((size_t)1 << rand() % 17) + 1;
}

static void random_walk(void) {
    static struct block blocks[BLOCKS];
    unsigned damaged = 0, misaligned = 0, taken = 0;
    srand(1);
    for (unsigned turn = 0; turn < 60000; turn++) {
        struct block *block = &blocks[rand() % BLOCKS];
        if (block->at) {
            damaged += !intact(block);
            uk_free(block->at);
            block->at = NULL;
            continue;
        }
        block->size = random_size();
        block->fill = (uint8_t)rand();
        block->at = uk_malloc(block->size);
        if (!block->at)
            continue;
        taken++;
        misaligned += (uintptr_t)block->at % 16 != 0;
        memset(block->at, block->fill, block->size);
    }
    for (unsigned i = 0; i < BLOCKS; i++)
        uk_free(blocks[i].at);
    is_u64(damaged, 0, "no block of %u changed under its owner", taken);
    is_u64(misaligned, 0, "all are aligned to 16");
}

static void exhaustion(void) {
    static void *blocks[PAGES * 2];
    size_t count = 0;
    while (count < PAGES * 2 && (blocks[count] = uk_malloc(4096)))
        count++;
    ok(count > PAGES * 7 / 8, "%zu blocks of 4096 come from %d pages", count, PAGES);
    for (size_t i = 0; i < count; i++)
        uk_free(blocks[i]);
    size_t total = uk_pages_total();
    uk_free(uk_malloc(100));
    ok(uk_pages_available() < total, "every page comes back, but for empty slabs");
    char *block = uk_malloc(total * 4096);
    ok(block, "and those when memory is short");
    uk_free(block);
    is_u64(uk_pages_available(), total, "then it is all of them");
}

int main(void) {
    memory = aligned_alloc(4096, (size_t)PAGES * 4096);
    if (!memory)
        return 1;
    memset(memory, 0, (size_t)PAGES * 4096);
    struct ukvm_range range = {.base = (uintptr_t)memory, .size = (size_t)PAGES * 4096, .kind = UKVM_RANGE_FREE};
    uk_pages_init(&range, 1);
    size_classes();
    refusals();
    alignments();
    reallocation();
    division();
    large_blocks();
    spares();
    random_walk();
    exhaustion();
    two_heaps();
    free(memory);
    return done_testing();
}
