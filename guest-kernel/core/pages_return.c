/* SPDX-License-Identifier: MIT */
/* Freed pages back to the host. ABI.md, MEM-05. */
#include "pages.h"

#define BATCH 16                              /* runs returned by one exit */
#define MAX_RUN ((1u << 30) / UKVM_PAGE_SIZE) /* pages in one submission: its length has 32 bits */

struct run {
    struct uk_io io;
    void *pages;
    size_t count;
};

static bool start(struct run *run) {
    run->pages = uk_pages_take_dirty(MAX_RUN, &run->count);
    if (!run->pages)
        return false;
    run->io = (struct uk_io){.sqe = {
                                 .op = UKVM_OP_MEM_RETURN,
                                 .length = (uint32_t)(run->count * UKVM_PAGE_SIZE),
                                 .offset = (uintptr_t)run->pages,
                             }};
    uk_submit(&run->io);
    return true;
}

static uint64_t finish(struct run *run) {
    int32_t result = uk_await(&run->io);
    uk_pages_put_back(run->pages, run->count, result < 0 ? UK_PAGES_DIRTY : UK_PAGES_CLEAN);
    return result < 0 ? 0 : run->count * UKVM_PAGE_SIZE;
}

/* Returns one batch. 0 at the end: nothing is left, or the host takes nothing. */
static uint64_t return_batch(void) {
    struct run runs[BATCH];
    size_t count = 0;
    uint64_t bytes = 0;
    while (count < BATCH && start(&runs[count]))
        count++;
    for (size_t i = 0; i < count; i++)
        bytes += finish(&runs[i]);
    return bytes;
}

uint64_t uk_pages_return(void) {
    uint64_t total = 0, bytes;
    if (!(uk_boot()->features & UKVM_FEATURE_MEM_RETURN))
        return 0;
    while ((bytes = return_batch()) > 0)
        total += bytes;
    return total;
}

bool uk_pages_discard(void *pages, size_t count) {
    char *at = pages;
    if (!(uk_boot()->features & UKVM_FEATURE_MEM_RETURN)) {
        memset(pages, 0, count * UKVM_PAGE_SIZE);
        return true;
    }
    while (count > 0) {
        size_t n = count < MAX_RUN ? count : MAX_RUN;
        struct uk_io io = {.sqe = {
                               .op = UKVM_OP_MEM_RETURN,
                               .length = (uint32_t)(n * UKVM_PAGE_SIZE),
                               .offset = (uintptr_t)at,
                           }};
        uk_submit(&io);
        if (uk_await(&io) < 0)
            return false;
        at += n * UKVM_PAGE_SIZE;
        count -= n;
    }
    return true;
}
