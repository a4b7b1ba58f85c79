/* SPDX-License-Identifier: MIT */
/*
 * Memory, all of it: pages until there are no more, returned to the host and found zero-filled; the heap; the arena.
 *
 *     build/ukvm run --mem 64M build/tests/guests/mem.elf
 *
 * Prints TAP.
 */
#include "ukvm.h"

/* Every page that was allocated is in a list through its first word; the second is a mark of the page's own. */
struct page {
    struct page *next;
    uint64_t mark;
    uint64_t rest[UKVM_PAGE_SIZE / sizeof(uint64_t) - 2];
};

static unsigned tests, failed;

static void ok(bool passed, const char *name) {
    failed += !passed;
    uk_printf("%s %u - %s\n", passed ? "ok" : "not ok", ++tests, name);
}

static bool is_zero(const void *memory, size_t size) {
    const uint64_t *words = memory;
    for (size_t i = 0; i < size / sizeof *words; i++)
        if (words[i] != 0)
            return false;
    return true;
}

static uint64_t mark_of(const struct page *page) {
    return (uintptr_t)page * UINT64_C(0x9e3779b97f4a7c15);
}

/* Takes every page there is. `*zero` says whether all were zero-filled, which is looked at only in fresh memory. */
static struct page *take_all(size_t *count, bool *zero) {
    struct page *list = NULL, *page;
    *count = 0;
    *zero = true;
    while ((page = uk_pages_alloc(1))) {
        *zero = *zero && is_zero(page, sizeof *page);
        page->mark = mark_of(page);
        page->next = list;
        list = page;
        ++*count;
    }
    return list;
}

static bool give_all(struct page *list) {
    bool intact = true;
    while (list) {
        struct page *next = list->next;
        intact = intact && list->mark == mark_of(list);
        uk_pages_free(list, 1);
        list = next;
    }
    return intact;
}

static void pages(void) {
    size_t total = uk_pages_available(), count;
    bool zero;
    struct page *all = take_all(&count, &zero);
    uk_printf("# %zu pages\n", count);
    ok(count == total && uk_pages_available() == 0, "every page can be taken");
    ok(zero, "all are zero-filled at first");
    ok(!uk_malloc(1) && !uk_pages_alloc(1), "then nothing is left");
    ok(give_all(all), "no two of them are one");
    ok(uk_pages_available() == total, "all are free again");

    uint64_t returned = uk_pages_return();
    uk_printf("# %lu bytes returned in %lu submissions\n", returned, uk_stats().submissions);
    ok(returned == count * UKVM_PAGE_SIZE, "all go back to the host");
    ok(uk_pages_return() == 0, "once");
    all = take_all(&count, &zero);
    ok(count == total, "they can be taken again");
    ok(zero, "and are zero-filled again");
    give_all(all);
}

/* Every other page: as many runs as there can be. */
static void scattered(void) {
    enum { COUNT = 200 };
    static uint64_t *at[COUNT];
    bool zero = true, kept = true;
    uk_pages_return();
    for (unsigned i = 0; i < COUNT; i++)
        if ((at[i] = uk_pages_alloc(1)))
            *at[i] = i + 1;
    for (unsigned i = 0; i < COUNT; i += 2)
        uk_pages_free(at[i], 1);
    ok(uk_pages_return() == COUNT / 2 * UKVM_PAGE_SIZE, "single pages go back to the host");
    for (unsigned i = 0; i < COUNT; i++) {
        if (i % 2)
            kept = kept && *at[i] == i + 1;
        else
            zero = zero && *at[i] == 0; /* free, but still ours to look at */
    }
    ok(zero, "they read as zero");
    ok(kept, "their neighbours keep their contents");
    for (unsigned i = 1; i < COUNT; i += 2)
        uk_pages_free(at[i], 1);
}

struct block {
    uint8_t *at;
    size_t size;
};

static uint64_t random_state = 1;

static uint64_t random_number(void) {
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return random_state >> 33;
}

static bool is_filled(const struct block *block) {
    for (size_t i = 0; i < block->size; i++)
        if (block->at[i] != (uint8_t)block->size)
            return false;
    return true;
}

static void heap(void) {
    enum { BLOCKS = 256, TURNS = 20000 };
    static struct block blocks[BLOCKS];
    size_t before = uk_pages_available();
    bool intact = true;
    for (unsigned turn = 0; turn < TURNS; turn++) {
        struct block *block = &blocks[random_number() % BLOCKS];
        if (block->at) {
            intact = intact && is_filled(block);
            uk_free(block->at);
            block->at = NULL;
        } else {
            block->size = random_number() % (UINT64_C(1) << random_number() % 16) + 1;
            block->at = uk_malloc(block->size);
            if (block->at)
                memset(block->at, (uint8_t)block->size, block->size);
        }
    }
    for (unsigned i = 0; i < BLOCKS; i++)
        uk_free(blocks[i].at);
    ok(intact, "heap blocks keep their contents");
    /* one empty slab for each class up to 1 KiB */
    ok(uk_pages_available() <= before && uk_pages_available() + 60 >= before, "an empty heap holds some pages at most");
    void *one = uk_malloc(uk_pages_available() / 2 * UKVM_PAGE_SIZE);
    ok(one, "half of the memory in one block");
    uk_free(one);
}

static void arena(void) {
    size_t count = 0, wanted = 0;
    uint8_t *first = uk_arena_alloc(4096, 4096), *last = first, *next;
    ok(first && uk_arena_contains(first, 4096) && (uintptr_t)first % 4096 == 0, "a page of the arena");
    ok(first && uk_arena_pointer(uk_arena_offset(first)) == first, "an offset leads back to its pointer");
    /* Each buffer holds the address of the one before it. */
    memset(first, 0, 4096);
    for (count = 1; (next = uk_arena_alloc(4096, 512)); count++) {
        *(uint8_t **)(void *)next = last;
        last = next;
    }
    wanted = uk_boot()->arena_size / 4096;
    uk_printf("# %zu of %zu pages of the arena\n", count, wanted);
    ok(count >= wanted / 2 && count < wanted, "most of the arena can be taken, and not what the console has");
    for (size_t i = 0; i < count; i++) {
        next = *(uint8_t **)(void *)last;
        uk_arena_free(last, 4096);
        last = next;
    }
    ok(!last, "each buffer was a different one");
    next = uk_arena_alloc((count - 1) * 4096, 4096);
    ok(next, "and what is freed is whole again");
    uk_arena_free(next, (count - 1) * 4096);
}

int main(void) {
    pages();
    scattered();
    heap();
    arena();
    uk_printf("1..%u\n", tests);
    return failed > 0;
}
