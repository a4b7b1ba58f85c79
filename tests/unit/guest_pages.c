/* SPDX-License-Identifier: MIT */
/* links: guest-kernel/core/pages.c guest-kernel/core/bitmap.c */
#include "core/pages.h"

#include <setjmp.h>

#include "tap.h"

#define PAGE UKVM_PAGE_SIZE
#define PAGES 600

static char *memory;
static jmp_buf panicked;

void uk_panic(const char *format, ...) {
    (void)format;
    longjmp(panicked, 1);
}

/* Whether freeing panics, as it must on anything that is not allocated. */
static bool refuses(void *pages, size_t count) {
    if (setjmp(panicked))
        return true;
    uk_pages_free(pages, count);
    return false;
}

static char *page(size_t index) {
    return memory + index * PAGE;
}

/* Two free ranges around an image: pages 0 to 99 and 200 to 599. */
static void init(void) {
    struct ukvm_range ranges[] = {
        {.base = (uintptr_t)page(0), .size = 100 * PAGE, .kind = UKVM_RANGE_FREE},
        {.base = (uintptr_t)page(100), .size = 50 * PAGE, .kind = UKVM_RANGE_IMAGE},
        {.base = (uintptr_t)page(150), .size = 50 * PAGE, .kind = UKVM_RANGE_STACK},
        {.base = (uintptr_t)page(200), .size = 400 * PAGE, .kind = UKVM_RANGE_FREE},
    };
    memset(memory, 0, PAGES * PAGE);
    uk_pages_init(ranges, 4);
}

static void boot(void) {
    init();
    unsigned touched = 0;
    for (size_t i = 0; i < PAGES * PAGE; i++)
        touched += memory[i] != 0;
    is_u64(touched, 0, "setting up writes no free memory");
    is_u64(uk_pages_total(), 499, "one page of 500 holds what is known of them");
    is_u64(uk_pages_available(), 499, "all are free");
}

static void ranges(void) {
    init();
    char *first = uk_pages_alloc(100);
    ok(first == page(0), "the lowest range first");
    char *second = uk_pages_alloc(399);
    ok(second == page(201), "behind the metadata of the largest range");
    is_u64(uk_pages_available(), 0, "nothing is left");
    ok(!uk_pages_alloc(1), "and nothing is given");
    ok(refuses(page(99), 2), "a run over the end of a range is refused");
    ok(refuses(page(200), 1), "the metadata cannot be freed");
    ok(refuses(first + 16, 1), "nor half a page");
    ok(refuses(page(120), 1), "nor the image");
    ok(refuses(NULL, 1), "nor nothing");
    uk_pages_free(first + 10 * PAGE, 5);
    ok(refuses(first + 10 * PAGE, 5), "nor what is free");
    ok(refuses(first + 14 * PAGE, 2), "nor what is half free");
    ok(uk_pages_alloc(5) == first + 10 * PAGE, "freed pages are used again");
    ok(!uk_pages_alloc(0), "no pages are no allocation");
    uk_pages_free(second, 399);
    is_u64(uk_pages_available(), 399, "counted back");
}

static void empty(void) {
    struct ukvm_range tiny = {.base = (uintptr_t)memory, .size = PAGE, .kind = UKVM_RANGE_FREE};
    uk_pages_init(&tiny, 1);
    ok(!uk_pages_alloc(1), "a range with room for its metadata only");
    uk_pages_init(NULL, 0);
    ok(!uk_pages_alloc(1), "no range at all");
}

static void alignment(void) {
    init();
    char *aligned = uk_pages_alloc_aligned(3, 16 * PAGE);
    ok(aligned && (uintptr_t)aligned % (16 * PAGE) == 0, "an alignment of 16 pages is one of the address");
    ok(uk_pages_alloc_aligned(1, 1), "an alignment below a page is a page");
}

static void tags(void) {
    init();
    char *two = uk_pages_alloc(2);
    is_u64(*uk_pages_tag(two), 0, "a tag starts at 0");
    *uk_pages_tag(two) = 7;
    is_u64(*uk_pages_tag(two + PAGE - 1), 7, "every address in the page has it");
    is_u64(*uk_pages_tag(two + PAGE), 0, "the next page has its own");
    ok(!uk_pages_tag(page(150)), "a page that is none of ours has none");
    ok(!uk_pages_tag(NULL), "nor has nothing");
    char *last = page(599);
    *uk_pages_tag(last) = 9;
    ok(uk_pages_alloc(300) == page(201), "tags and bitmaps do not overlap");
    is_u64(*uk_pages_tag(last), 9, "the last tag is still there");
}

static void dirty(void) {
    init();
    size_t count;
    ok(!uk_pages_take_dirty(1000, &count), "fresh memory holds nothing of the host's");
    char *run = uk_pages_alloc(20);
    uk_pages_free(run, 20);
    char *again = uk_pages_alloc(5);
    ok(again == run, "the first five are in use again");
    ok(uk_pages_take_dirty(10, &count) == run + 5 * PAGE && count == 10, "free and dirty, ten at most");
    is_u64(uk_pages_available(), 499 - 15, "nobody else gets them meanwhile");
    uk_pages_put_back(run + 5 * PAGE, 10, UK_PAGES_CLEAN);
    ok(uk_pages_take_dirty(1000, &count) == run + 15 * PAGE && count == 5, "then the rest");
    uk_pages_put_back(run + 15 * PAGE, 5, UK_PAGES_DIRTY);
    ok(uk_pages_take_dirty(1000, &count) == run + 15 * PAGE, "what failed is taken again");
    uk_pages_put_back(run + 15 * PAGE, 5, UK_PAGES_CLEAN);
    ok(!uk_pages_take_dirty(1000, &count), "then nothing is left");
    uk_pages_free(again, 5);
    ok(uk_pages_take_dirty(1000, &count) == again && count == 5, "what was in use comes later");
}

int main(void) {
    memory = aligned_alloc(PAGE, PAGES * PAGE);
    if (!memory)
        return 1;
    boot();
    ranges();
    empty();
    alignment();
    tags();
    dirty();
    free(memory);
    return done_testing();
}
