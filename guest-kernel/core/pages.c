/* SPDX-License-Identifier: MIT */
/*
 * The page allocator. What it knows of a page lies apart from it, at the start of the largest free range: one bit for
 * "taken", one for "freed since the host last had it", and a tag. All three are 0 for a page that was never used, so
 * that setting up costs nothing however large the memory is: the host fills FREE memory with zeros (MEM-02).
 */
#include "pages.h"
#include "bitmap.h"

/* More ranges than this are left unused; a monitor has a handful, around the image and the stack. */
#define MAX_RANGES 16

struct page_range {
    uintptr_t base;
    struct uk_bitmap taken;
    struct uk_bitmap dirty; /* the page was freed and not returned; it may be taken again meanwhile */
    uint32_t *tags;
};

static struct {
    struct page_range ranges[MAX_RANGES];
    size_t count;
    size_t total, available; /* pages */
    size_t freed;            /* since all was returned to the host */
    size_t recent;           /* the range that find() found last, and is likely to find next */
} memory;

static size_t metadata_size(size_t pages) {
    return uk_bitmap_words(pages) * 2 * sizeof(uint64_t) + (pages * sizeof(uint32_t) + 7) / 8 * 8;
}

/* Lays the metadata of one range out at `at` and returns what follows it. */
static uintptr_t add_range(uintptr_t base, size_t pages, uintptr_t at) {
    struct page_range *range = &memory.ranges[memory.count++];
    size_t bitmap_size = uk_bitmap_words(pages) * sizeof(uint64_t);
    range->base = base;
    range->taken = (struct uk_bitmap){.words = (uint64_t *)at, .count = pages};
    range->dirty = (struct uk_bitmap){.words = (uint64_t *)(at + bitmap_size), .count = pages};
    range->tags = (uint32_t *)(at + 2 * bitmap_size);
    memory.total += pages;
    return at + metadata_size(pages);
}

static bool is_usable(const struct ukvm_range *range) {
    return range->kind == UKVM_RANGE_FREE && range->size >= UKVM_PAGE_SIZE;
}

void uk_pages_init(const struct ukvm_range *ranges, size_t count) {
    const struct ukvm_range *largest = NULL;
    size_t metadata = 0, used = 0;
    memory.count = memory.total = memory.available = memory.freed = memory.recent = 0;
    for (size_t i = 0; i < count && used < MAX_RANGES; i++) {
        if (!is_usable(&ranges[i]))
            continue;
        used++;
        metadata += metadata_size(ranges[i].size / UKVM_PAGE_SIZE);
        if (!largest || ranges[i].size > largest->size)
            largest = &ranges[i];
    }
    size_t metadata_pages = (metadata + UKVM_PAGE_SIZE - 1) / UKVM_PAGE_SIZE;
    if (!largest || largest->size / UKVM_PAGE_SIZE <= metadata_pages)
        return;
    uintptr_t at = largest->base;
    for (size_t i = 0; i < count && memory.count < used; i++) {
        if (!is_usable(&ranges[i]))
            continue;
        size_t skip = &ranges[i] == largest ? metadata_pages : 0;
        at = add_range(ranges[i].base + skip * UKVM_PAGE_SIZE, ranges[i].size / UKVM_PAGE_SIZE - skip, at);
    }
    memory.available = memory.total;
}

static bool holds(const struct page_range *range, uintptr_t address, size_t n, size_t *index) {
    *index = (address - range->base) / UKVM_PAGE_SIZE;
    return address >= range->base && *index < range->taken.count && n <= range->taken.count - *index;
}

/* The range that holds all of `n` pages from `address`, and the index of the first in it. */
static struct page_range *find(uintptr_t address, size_t n, size_t *index) {
    if (memory.recent < memory.count && holds(&memory.ranges[memory.recent], address, n, index))
        return &memory.ranges[memory.recent];
    for (size_t i = 0; i < memory.count; i++)
        if (holds(&memory.ranges[i], address, n, index)) {
            memory.recent = i;
            return &memory.ranges[i];
        }
    return NULL;
}

static void *address_of(const struct page_range *range, size_t index) {
    return (void *)(range->base + index * UKVM_PAGE_SIZE);
}

void *uk_pages_alloc_aligned(size_t count, size_t align) {
    size_t align_pages = align > UKVM_PAGE_SIZE ? align / UKVM_PAGE_SIZE : 1;
    for (size_t i = 0; i < memory.count && count > 0; i++) {
        struct page_range *range = &memory.ranges[i];
        size_t index = uk_bitmap_alloc(&range->taken, count, align_pages, range->base / UKVM_PAGE_SIZE);
        if (index != UK_BITMAP_NONE) {
            memory.available -= count;
            return address_of(range, index);
        }
    }
    return NULL;
}

void *uk_pages_alloc(size_t count) {
    return uk_pages_alloc_aligned(count, UKVM_PAGE_SIZE);
}

void uk_pages_free(void *pages, size_t count) {
    size_t index;
    struct page_range *range = find((uintptr_t)pages, count, &index);
    if (!range || (uintptr_t)pages % UKVM_PAGE_SIZE != 0 || !uk_bitmap_free(&range->taken, index, count))
        uk_panic("uk_pages_free(%p, %zu): not allocated", pages, count);
    uk_bitmap_set(&range->dirty, index, count);
    memory.available += count;
    memory.freed += count;
}

void uk_pages_clear(void *pages, size_t count) {
    size_t index;
    struct page_range *range = find((uintptr_t)pages, count, &index);
    size_t end = index + count;
    for (size_t at = index; range && (at = uk_bitmap_next_set(&range->dirty, at, end)) < end;) {
        size_t to = uk_bitmap_next_clear(&range->dirty, at, end);
        memset(address_of(range, at), 0, (to - at) * UKVM_PAGE_SIZE);
        at = to;
    }
}

bool uk_pages_are_taken(const void *pages, size_t count) {
    size_t index;
    struct page_range *range = find((uintptr_t)pages, count, &index);
    return range && uk_bitmap_next_clear(&range->taken, index, index + count) == index + count;
}

/* The ranges rise, as the boot page has them. */
void *uk_pages_next_taken(const void *pages, size_t count) {
    uintptr_t start = (uintptr_t)pages, end = start + count * UKVM_PAGE_SIZE;
    for (size_t i = 0; i < memory.count; i++) {
        const struct page_range *range = &memory.ranges[i];
        uintptr_t range_end = range->base + range->taken.count * UKVM_PAGE_SIZE;
        uintptr_t from = start > range->base ? start : range->base, to = end < range_end ? end : range_end;
        if (from >= to)
            continue;
        size_t last = (to - range->base) / UKVM_PAGE_SIZE;
        size_t found = uk_bitmap_next_set(&range->taken, (from - range->base) / UKVM_PAGE_SIZE, last);
        if (found < last)
            return address_of(range, found);
    }
    return NULL;
}

bool uk_pages_take(void *pages, size_t count) {
    size_t index;
    struct page_range *range = find((uintptr_t)pages, count, &index);
    if (!range || uk_bitmap_next_set(&range->taken, index, index + count) != index + count)
        return false;
    uk_bitmap_set(&range->taken, index, count);
    memory.available -= count;
    return true;
}

size_t uk_pages_dirty(void) {
    return memory.freed;
}

uint32_t *uk_pages_tag(const void *address) {
    size_t index;
    struct page_range *range = find((uintptr_t)address, 1, &index);
    return range ? &range->tags[index] : NULL;
}

static bool take_dirty(struct page_range *range, size_t max, size_t *start, size_t *count) {
    size_t end = range->dirty.count;
    for (size_t at = 0; (at = uk_bitmap_next_set(&range->dirty, at, end)) < end;) {
        size_t dirty_end = uk_bitmap_next_clear(&range->dirty, at, end);
        size_t from = uk_bitmap_next_clear(&range->taken, at, dirty_end);
        size_t to = uk_bitmap_next_set(&range->taken, from, dirty_end);
        if (from < to) {
            *start = from;
            *count = to - from < max ? to - from : max;
            return true;
        }
        at = dirty_end;
    }
    return false;
}

void *uk_pages_take_dirty(size_t max, size_t *count) {
    for (size_t i = 0; i < memory.count; i++) {
        struct page_range *range = &memory.ranges[i];
        size_t start;
        if (!take_dirty(range, max, &start, count))
            continue;
        uk_bitmap_set(&range->taken, start, *count);
        uk_bitmap_clear(&range->dirty, start, *count);
        memory.available -= *count;
        return address_of(range, start);
    }
    memory.freed = 0;
    return NULL;
}

void uk_pages_put_back(void *pages, size_t count, enum uk_pages_state state) {
    size_t index;
    struct page_range *range = find((uintptr_t)pages, count, &index);
    if (!range || !uk_bitmap_free(&range->taken, index, count))
        uk_panic("uk_pages_put_back(%p, %zu): not taken", pages, count);
    if (state == UK_PAGES_DIRTY)
        uk_bitmap_set(&range->dirty, index, count);
    memory.available += count;
}

size_t uk_pages_available(void) {
    return memory.available;
}

size_t uk_pages_total(void) {
    return memory.total;
}
