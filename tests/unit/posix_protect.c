/* SPDX-License-Identifier: MIT */
/* links: guest-kernel/posix/memory/protect.c guest-kernel/core/pages.c guest-kernel/core/bitmap.c */
/* Protection of pages, over the real page allocator and a monitor that has no more page tables when it is told so. */
#include "core/pages.h"
#include "posix/memory/protect.h"

#include <errno.h>
#include <sys/mman.h>

#include "tap.h"

enum { PAGE = UKVM_PAGE_SIZE, PAGES = 64, READ_WRITE = PROT_READ | PROT_WRITE };

static char *memory;
static unsigned rights[PAGES]; /* as the monitor has them */
static bool monitor_fails;
static unsigned messages;

void uk_panic(const char *format, ...) {
    printf("Bail out! panic: %s\n", format);
    exit(1);
}

void *uk_malloc(size_t size) {
    return malloc(size);
}

void uk_free(void *block) {
    free(block);
}

int uk_eprintf(const char *format, ...) {
    (void)format;
    messages++;
    return 0;
}

const char *uk_error_name(int error) {
    (void)error;
    return "ENOSPC";
}

const struct ukvm_boot *uk_boot(void) {
    static const struct ukvm_boot boot = {.features = UKVM_FEATURE_MEM_PROTECT};
    return &boot;
}

/* ---- the monitor: does what was submitted when it is entered */

static struct uk_io *submitted[PAGES];
static unsigned submissions;

void uk_submit(struct uk_io *io) {
    io->in_flight = true;
    submitted[submissions++] = io;
}

static size_t index_of(uint64_t address) {
    return (size_t)(address - (uintptr_t)memory) / PAGE;
}

static int32_t perform(const struct ukvm_sqe *sqe) {
    if (monitor_fails)
        return -UKVM_ENOSPC;
    for (size_t i = 0; i < sqe->length / PAGE; i++)
        rights[index_of(sqe->offset) + i] = sqe->device;
    return 0;
}

unsigned uk_poll(void) {
    unsigned count = submissions;
    for (unsigned i = 0; i < count; i++) {
        struct uk_io *io = submitted[i];
        io->in_flight = false;
        io->result = perform(&io->sqe);
        if (io->done)
            io->done(io, io->result);
    }
    submissions = 0;
    return count;
}

int32_t uk_await(struct uk_io *io) {
    uk_poll();
    return io->result;
}

/* ---- */

static bool is_open(const char *at) {
    return rights[index_of((uintptr_t)at)] == (UKVM_PROT_READ | UKVM_PROT_WRITE);
}

static char *closed_pages(size_t count) {
    char *at = uk_pages_alloc(count);
    uk_protect(at, count, PROT_NONE);
    return at;
}

static void test_failed_opening(void) {
    char *at = closed_pages(2);
    monitor_fails = true;
    ok(uk_protect(at, 2, READ_WRITE) == -ENOMEM, "opening fails where the monitor has no table");
    ok(uk_is_protected(at) && uk_protection(at, 2) == PROT_NONE, "and is still closed for the kernel, as it is");
    size_t before = uk_pages_available();
    uk_protect_free(at, 2);
    uk_poll();
    ok(uk_pages_available() == before && uk_pages_are_taken(at, 2) && messages == 1,
       "it is not free as long as it cannot be opened, which is said");
    ok(uk_is_protected(at), "nor open");
    monitor_fails = false;
    uk_protect_free(at, 2);
    uk_poll();
    ok(uk_pages_available() == before + 2 && is_open(at) && !uk_is_protected(at), "later it is both");
}

static void test_failed_closing(void) {
    char *at = uk_pages_alloc(2);
    monitor_fails = true;
    ok(uk_protect(at, 2, PROT_READ) == -ENOMEM, "closing fails");
    ok(!uk_is_protected(at) && uk_protection(at, 2) == READ_WRITE, "and the pages are open, as they are");
    monitor_fails = false;
    uk_protect_free(at, 2);
    is_u64(submissions, 0, "freeing them asks the monitor for nothing");
}

static void test_freed_twice(void) {
    size_t before = uk_pages_available();
    char *at = closed_pages(3);
    uk_protect_free(at, 3);
    uk_protect_free(at, 3);
    is_u64(submissions, 1, "what is being opened is not opened again");
    ok(uk_pages_are_taken(at, 3), "it is taken until then");
    uk_protect_settle();
    ok(uk_pages_available() == before && is_open(at), "and free once");
}

static void test_kinds(void) {
    char *at = uk_pages_alloc(3);
    uk_protect(at, 1, PROT_READ);
    uk_protect(at + PAGE, 1, PROT_NONE);
    ok(uk_protection(at, 1) == PROT_READ, "read-only");
    ok(uk_protection(at + PAGE, 1) == PROT_NONE, "closed");
    ok(uk_protection(at + 2 * PAGE, 1) == READ_WRITE, "open");
    ok(uk_protection(at, 2) == -EFAULT, "two kinds at once");
    uk_protect_free(at, 3);
    uk_protect_settle();
    ok(is_open(at) && is_open(at + PAGE) && !uk_pages_next_taken(at, 3), "all of them are open and free");
}

static void test_put_off(void) {
    char *at = uk_pages_alloc(4);
    uk_protect_new(at, 4);
    is_u64(submissions, 0, "a new closed mapping waits");
    ok(uk_protect(at + PAGE, 3, READ_WRITE) == 0, "most of it is opened");
    ok(!rights[index_of((uintptr_t)at)] && is_open(at + PAGE), "and only the rest was ever closed");
    uk_protect_free(at, 4);
    uk_protect_settle();
}

int main(void) {
    memory = aligned_alloc(PAGE, PAGES * PAGE);
    memset(memory, 0, PAGES * PAGE);
    for (size_t i = 0; i < PAGES; i++)
        rights[i] = UKVM_PROT_READ | UKVM_PROT_WRITE;
    const struct ukvm_range range = {
        .base = (uintptr_t)memory, .size = PAGES * PAGE, .kind = UKVM_RANGE_FREE, .prot = 6};
    uk_pages_init(&range, 1);
    test_failed_opening();
    test_failed_closing();
    test_freed_twice();
    test_kinds();
    test_put_off();
    return done_testing();
}
