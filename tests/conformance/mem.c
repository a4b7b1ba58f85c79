/* SPDX-License-Identifier: MIT */
/* What a guest asks of its free memory. ABI.md, MEM-05 to MEM-08; what a protection forbids is in end.c. */
#include "guest.h"

enum { PAGE = UKVM_PAGE_SIZE };

#define BLOCK (UINT64_C(2) << 20)
#define RO UKVM_PROT_READ
#define RW (UKVM_PROT_READ | UKVM_PROT_WRITE)

/* ---- MEM_RETURN ---- */

static int32_t give_back(uint64_t address, uint64_t length) {
    return perform((struct ukvm_sqe){.op = UKVM_OP_MEM_RETURN, .offset = address, .length = (uint32_t)length});
}

static void memory(void) {
    const struct ukvm_range *range = largest_free();
    uint64_t first = range->base, last = range->base + range->size - PAGE,
             middle = first + range->size / 2 / PAGE * PAGE;
    if (!(boot->features & UKVM_FEATURE_MEM_RETURN)) {
        is(give_back(middle, PAGE), -UKVM_EINVAL, "not offered, and refused");
        return;
    }
    memset((void *)(middle - PAGE), 0xaa, 18 * PAGE);
    is(give_back(middle, 16 * PAGE), 0, "pages of a FREE range go back");
    ok(all_bytes((void *)middle, 0, 16 * PAGE), "and read as zero afterwards");
    ok(all_bytes((void *)(middle - PAGE), 0xaa, PAGE) && all_bytes((void *)(middle + 16 * PAGE), 0xaa, PAGE),
       "those around them stay");
    memset((void *)middle, 0xbb, PAGE);
    ok(all_bytes((void *)middle, 0xbb, PAGE), "they can be used again");
    *(uint8_t *)first = *(uint8_t *)last = 0xcc;
    is(give_back(first, PAGE), 0, "the first page of the range");
    is(give_back(last, PAGE), 0, "the last page of the range");
    ok(*(volatile uint8_t *)first == 0 && *(volatile uint8_t *)last == 0, "read as zero");
    memset((void *)middle, 0xaa, PAGE);
    static uint8_t in_image[2 * PAGE] __attribute__((aligned(PAGE)));
    memset(in_image, 0xaa, sizeof in_image);
    is(give_back(middle + 512, PAGE), -UKVM_EINVAL, "an unaligned address");
    is(give_back(middle, PAGE / 2), -UKVM_EINVAL, "half a page");
    is(give_back(middle, 0), -UKVM_EINVAL, "nothing");
    is(give_back(last, 2 * PAGE), -UKVM_EINVAL, "over the end of the range");
    is(give_back(first - PAGE, 2 * PAGE), -UKVM_EINVAL, "over its start");
    is(give_back(last + PAGE, PAGE), -UKVM_EINVAL, "behind the range");
    is(give_back(0, PAGE), -UKVM_EINVAL, "page 0");
    is(give_back((uintptr_t)in_image, PAGE), -UKVM_EINVAL, "the image");
    is(give_back((entry_registers[RSP] - 1) & ~(uint64_t)(PAGE - 1), PAGE), -UKVM_EINVAL, "the stack");
    is(give_back((uintptr_t)boot, PAGE), -UKVM_EINVAL, "the boot page");
    is(give_back(boot->arena_addr, PAGE), -UKVM_EINVAL, "the arena");
    is(give_back(-(uint64_t)PAGE, 2 * PAGE), -UKVM_EINVAL, "memory that wraps");
    ok(all_bytes((void *)middle, 0xaa, PAGE) && all_bytes(in_image, 0xaa, sizeof in_image),
       "what was refused has changed nothing");
}

/* Fills memory and gives it back, 1 MiB at a time, then sleeps: the test outside looks at what the monitor holds. */
static void thrift(void) {
    const struct ukvm_range *range = largest_free();
    const uint64_t step = 1 << 20;
    for (uint64_t at = range->base; at + step <= range->base + range->size; at += step) {
        memset((void *)at, 0xaa, step);
        if (boot->features & UKVM_FEATURE_MEM_RETURN)
            give_back(at, step);
    }
    say("returned");
    flush();
    for (;;)
        wait_until(UKVM_DEADLINE_NONE);
}

/* ---- MEM_PROTECT ---- */

static struct ukvm_sqe protection(uint64_t address, uint64_t length, unsigned prot) {
    return (struct ukvm_sqe){
        .op = UKVM_OP_MEM_PROTECT, .device = (uint16_t)prot, .length = (uint32_t)length, .offset = address};
}

static int32_t protect(uint64_t address, uint64_t length, unsigned prot) {
    return perform(protection(address, length, prot));
}

/* The first whole block of the largest range. */
static uint64_t first_block(void) {
    return (largest_free()->base + BLOCK - 1) & ~(BLOCK - 1);
}

/* A word of its own at each page's start and end. */
static void mark(uint64_t address, uint64_t length) {
    for (uint64_t page = address; page < address + length; page += PAGE)
        *(volatile uint64_t *)page = *(volatile uint64_t *)(page + PAGE - 8) = ~page;
}

static bool is_marked(uint64_t address, uint64_t length) {
    bool right = true;
    for (uint64_t page = address; page < address + length; page += PAGE)
        right = right && *(volatile uint64_t *)page == ~page && *(volatile uint64_t *)(page + PAGE - 8) == ~page;
    return right;
}

static struct ukvm_sqe in_arena(struct ukvm_sqe sqe) {
    sqe.arena = ARENA_FREE;
    return sqe;
}

static struct ukvm_sqe with_flags(struct ukvm_sqe sqe, uint8_t flags) {
    sqe.flags = flags;
    return sqe;
}

static void unprotectable(void) {
    static uint64_t in_image[PAGE / 8] __attribute__((aligned(PAGE)));
    const struct ukvm_range *range = largest_free();
    uint64_t first = range->base, end_of_it = range->base + range->size, page = first_block();
    uint64_t stack = (entry_registers[RSP] - 1) & ~(uint64_t)(PAGE - 1);
    const struct bad bad[] = {
        {"execution alone", protection(page, PAGE, UKVM_PROT_EXEC)},
        {"reading and execution", protection(page, PAGE, RO | UKVM_PROT_EXEC)},
        {"everything", protection(page, PAGE, RW | UKVM_PROT_EXEC)},
        {"writing alone", protection(page, PAGE, UKVM_PROT_WRITE)},
        {"writing and execution", protection(page, PAGE, UKVM_PROT_WRITE | UKVM_PROT_EXEC)},
        {"bit 3", protection(page, PAGE, RW | 8)},
        {"bit 8", protection(page, PAGE, RO | 0x100)},
        {"bit 15", protection(page, PAGE, 0x8000)},
        {"all bits", protection(page, PAGE, UINT16_MAX)},
        {"a buffer in the arena", in_arena(protection(page, PAGE, 0))},
        {"a quiet one", with_flags(protection(page, PAGE, 0), UKVM_SQE_QUIET)},
        {"nothing", protection(page, 0, 0)},
        {"half a page", protection(page, PAGE / 2, 0)},
        {"a page and a byte", protection(page, PAGE + 1, 0)},
        {"an unaligned address", protection(page + 512, PAGE, 0)},
        {"one page more than UKVM_PROTECT_MAX", protection(page, UKVM_PROTECT_MAX + PAGE, RO)},
        {"the longest length", protection(page, UINT32_MAX & -(uint32_t)PAGE, RO)},
        {"over the end of the range", protection(end_of_it - PAGE, 2 * PAGE, RO)},
        {"over its start", protection(first - PAGE, 2 * PAGE, RO)},
        {"behind the range", protection(end_of_it, PAGE, RO)},
        {"page 0", protection(0, PAGE, RW)},
        {"the image's data", protection((uintptr_t)in_image, PAGE, RO)},
        {"the image's code", protection((uintptr_t)unprotectable & ~(uint64_t)(PAGE - 1), PAGE, RW)},
        {"the stack", protection(stack, PAGE, RO)},
        {"the boot page", protection((uintptr_t)boot, PAGE, RW)},
        {"the rings", protection(boot->sq_addr & ~(uint64_t)(PAGE - 1), PAGE, RO)},
        {"the arena", protection(boot->arena_addr, PAGE, RO)},
        {"memory that wraps", protection(-(uint64_t)PAGE, 2 * PAGE, RO)},
    };
    mark(page, PAGE);
    refused(bad, COUNT(bad));
    flush(); /* before what follows ends the guest */
    ok(is_marked(page, PAGE), "what was refused has changed nothing");
    mark(page, PAGE);
    mark(end_of_it - PAGE, PAGE);
    mark((uintptr_t)in_image, PAGE);
    *(volatile uint8_t *)arena(0) = 0;
    ok(true, "and everything can be written as before");
}

static void one_page(uint64_t block) {
    const uint64_t page = block + 3 * PAGE;
    mark(block, BLOCK);
    is(protect(page, PAGE, RO), 0, "a page becomes read-only");
    ok(is_marked(block, BLOCK), "it and those around it have their contents");
    mark(block, 3 * PAGE);
    mark(page + PAGE, BLOCK - 4 * PAGE);
    ok(true, "those around it can be written");
    is(protect(page, PAGE, RO), 0, "it becomes what it is");
    is(protect(page, PAGE, RW), 0, "and writable again");
    mark(page, PAGE);
    is(protect(page, PAGE, 0), 0, "it is closed");
    ok(is_marked(block, 3 * PAGE), "the others are not");
    is(protect(page, PAGE, RO), 0, "it is opened");
    ok(is_marked(page, PAGE), "and has its contents");
    is(protect(page, PAGE, RW), 0, "it is as it was");
    mark(block, BLOCK);
}

static void many_pages(uint64_t block) {
    mark(block, 4 * BLOCK);
    is(protect(block + BLOCK, 2 * BLOCK, 0), 0, "two blocks of 2 MiB are closed");
    ok(is_marked(block, BLOCK) && is_marked(block + 3 * BLOCK, BLOCK), "those around them are not");
    is(protect(block + BLOCK + 5 * PAGE, PAGE, RO), 0, "one of their pages is opened");
    ok(is_marked(block + BLOCK + 5 * PAGE, PAGE), "and has its contents");
    is(protect(block + BLOCK - 7 * PAGE, 2 * BLOCK + 14 * PAGE, RO), 0, "they become read-only, over both edges");
    ok(is_marked(block, 4 * BLOCK), "and have their contents");
    mark(block, BLOCK - 7 * PAGE);
    mark(block + 3 * BLOCK + 7 * PAGE, BLOCK - 7 * PAGE);
    is(protect(block, 4 * BLOCK, RW), 0, "all of it is writable again");
    mark(block, 4 * BLOCK);
    is(protect(block, UKVM_PROTECT_MAX, RO), 0, "as much as UKVM_PROTECT_MAX");
    ok(is_marked(block, 4 * BLOCK), "can be read");
    is(protect(block, UKVM_PROTECT_MAX, RW), 0, "and made writable again");
    mark(block, UKVM_PROTECT_MAX);
}

static void edges(void) {
    const struct ukvm_range *range = largest_free(), before = *range;
    uint64_t last = range->base + range->size - PAGE;
    is(protect(range->base, PAGE, 0), 0, "the first page of the range");
    is(protect(last, PAGE, 0), 0, "the last page of the range");
    ok(memcmp(range, &before, sizeof before) == 0 && range->prot == RW, "the range table stays as it is");
    is(protect(range->base, PAGE, RW), 0, "the first one again");
    is(protect(last, PAGE, RW), 0, "the last one again");
    mark(range->base, PAGE);
    mark(last, PAGE);
}

/* A guest that would be too early or too late with an access does not outlive it. */
static void at_once(uint64_t block) {
    static const unsigned prots[] = {0, RO, RW};
    unsigned count = boot->sq_entries / COUNT(prots) * COUNT(prots), wrong = 0;
    struct ukvm_cqe cqe;
    protect(block, PAGE, 0);
    push(protection(block, PAGE, RW));
    kick();
    mark(block, PAGE);
    ok(true, "it takes effect before the hypercall returns");
    await(1);
    take(&cqe);
    for (unsigned i = 0; i < count; i++)
        push(protection(block, PAGE, prots[i % COUNT(prots)]));
    kick();
    mark(block, PAGE);
    ok(await(count), "as many as the ring holds complete");
    while (take(&cqe))
        wrong += cqe.result != 0;
    is(wrong, 0, "and are done in their order");
    push(protection(block, PAGE, RO));
    ok(registers_survive(UKVM_PORT_KICK), "no register changes");
    await(1);
    take(&cqe);
    is(protect(block, PAGE, RW), 0, "and another one");
}

static void with_return(uint64_t block) {
    if (!(boot->features & UKVM_FEATURE_MEM_RETURN))
        return;
    mark(block, 3 * PAGE);
    protect(block, PAGE, RO);
    protect(block + PAGE, PAGE, 0);
    is(give_back(block, 2 * PAGE), 0, "pages of any protection can be returned");
    ok(all_bytes((void *)block, 0, PAGE), "those that can be read are zero");
    is(protect(block + PAGE, PAGE, RO), 0, "one that was closed is opened");
    ok(all_bytes((void *)(block + PAGE), 0, PAGE), "and is zero");
    ok(is_marked(block + 2 * PAGE, PAGE), "the next one has its contents");
    protect(block, 2 * PAGE, RW);
}

static void protections(void) {
    uint64_t block = first_block();
    one_page(block);
    many_pages(block);
    edges();
    at_once(block);
    with_return(block);
}

/* Closes one page of each block of free memory, until there is no table left; leaves the page that had none. */
static unsigned split_blocks(const struct ukvm_range **range, uint64_t *page, int32_t *result) {
    unsigned count = 0;
    for (*range = ranges(); *range < ranges() + boot->ranges_count; ++*range) {
        if ((*range)->kind != UKVM_RANGE_FREE)
            continue;
        for (*page = (*range)->base; *page < (*range)->base + (*range)->size;
             *page = (*page | (BLOCK - 1)) + 1, count++)
            if ((*result = protect(*page, PAGE, 0)) != 0)
                return count;
    }
    return count;
}

static void tables(void) {
    const struct ukvm_range *range;
    uint64_t page = 0;
    int32_t result = LOST;
    unsigned count = split_blocks(&range, &page, &result);
    note("blocks", count);
    ok(result == 0 || (result == -UKVM_ENOSPC && count >= 256), "256 blocks can be taken apart, or all there are");
    if (result == 0 || page % BLOCK || page - BLOCK < range->base || page + BLOCK > range->base + range->size)
        return;
    mark(page, BLOCK);
    ok(is_marked(page, BLOCK), "where there is no table left, nothing has changed");
    is(protect(page - PAGE, 2 * PAGE, 0), -UKVM_ENOSPC, "pages of which one needs a table");
    mark(page - PAGE, 2 * PAGE);
    ok(is_marked(page - PAGE, 2 * PAGE), "both stay as they are");
    is(protect(page - BLOCK, PAGE, RW), 0, "a block that is apart can be changed");
    mark(page - BLOCK, PAGE);
    is(protect(page, BLOCK, RO), 0, "and a whole one");
    is(protect(page - BLOCK, 2 * BLOCK, RW), 0, "and both together");
    mark(page - BLOCK, 2 * BLOCK);
}

/* A guest that ends with a change of its memory in the ring, and text behind that. */
static void last_words(void) {
    static const char words[] = "last words\n";
    memcpy(arena(ARENA_FREE), words, sizeof words - 1);
    push((struct ukvm_sqe){.op = UKVM_OP_MEM_PROTECT, .length = PAGE, .offset = first_block()});
    push((struct ukvm_sqe){
        .op = UKVM_OP_CONSOLE_WRITE, .device = UKVM_CONSOLE_OUT, .arena = ARENA_FREE, .length = sizeof words - 1});
    __asm__ volatile("ud2");
}

const struct check checks[] = {
    {"UKVM-MEM-05", memory},
    {"UKVM-MEM-05 thrift", thrift},
    {"UKVM-MEM-06 refused", unprotectable},
    {"UKVM-MEM-06", protections},
    {"UKVM-MEM-08", tables},
    {"UKVM-FAULT-09", last_words},
    {NULL, NULL},
};
