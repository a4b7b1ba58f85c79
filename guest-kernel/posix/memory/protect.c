/* SPDX-License-Identifier: MIT */
/*
 * ABI.md, MEM-06 to MEM-08. The allocator's tag of a page says what the page allows, and changes once the monitor has
 * changed it: after an error the tag still tells the truth.
 */
#include "protect.h"

#include <errno.h>
#include <sys/mman.h>

#include "core/pages.h"

#define READ_ONLY_TAG (UINT32_C(1) << 31)
#define CLOSED_TAG (UINT32_C(1) << 28)  /* bits 29 and 30 are fs/content.c's */
#define OPENING_TAG (UINT32_C(1) << 27) /* the page is being opened to be freed: it is nobody's any more */
#define PROTECTED_TAGS (READ_ONLY_TAG | CLOSED_TAG)

#define MAX_RUN (UKVM_PROTECT_MAX / UKVM_PAGE_SIZE)

/* Times that uk_protect_settle() looks; the monitor needs one for each ring full of changes. */
#define SETTLE_ROUNDS 64u

/* Pages that are protected now: as long as there are none, freeing memory need not look. */
static size_t protected_pages;

/* Changes in flight whose pages are then free. */
static size_t openings;

static uint32_t protection_tag(int prot) {
    return prot & PROT_WRITE ? 0 : prot & PROT_READ ? READ_ONLY_TAG : CLOSED_TAG;
}

static void mark(const char *pages, size_t count, uint32_t value) {
    for (size_t i = 0; i < count; i++) {
        uint32_t *tag = uk_pages_tag(pages + i * UKVM_PAGE_SIZE);
        if (!tag)
            continue;
        protected_pages -= (*tag & PROTECTED_TAGS) != 0;
        *tag = (*tag & ~(PROTECTED_TAGS | OPENING_TAG)) | value;
        protected_pages += (value & PROTECTED_TAGS) != 0;
    }
}

/* What is marked at a page: 0, or protected in one way. */
static uint32_t marked(const void *page) {
    const uint32_t *tag = protected_pages ? uk_pages_tag(page) : NULL;
    return tag ? *tag & (PROTECTED_TAGS | OPENING_TAG) : 0;
}

static uint16_t rights_of(int prot) {
    return (uint16_t)((prot & PROT_READ ? UKVM_PROT_READ : 0u) |
                      (prot & PROT_WRITE ? UKVM_PROT_WRITE | UKVM_PROT_READ : 0u));
}

static struct ukvm_sqe submission(void *pages, size_t count, int prot) {
    return (struct ukvm_sqe){
        .op = UKVM_OP_MEM_PROTECT,
        .device = rights_of(prot),
        .length = (uint32_t)(count * UKVM_PAGE_SIZE),
        .offset = (uintptr_t)pages,
    };
}

static bool is_offered(void) {
    return uk_boot()->features & UKVM_FEATURE_MEM_PROTECT;
}

static int change_now(void *pages, size_t count, int prot) {
    char *at = pages;
    if ((prot & PROT_WRITE) && protected_pages == 0)
        return 0;
    if (!is_offered())
        return -ENOSYS;
    while (count > 0) {
        size_t n = count < MAX_RUN ? count : MAX_RUN;
        struct uk_io io = {.sqe = submission(at, n, prot)};
        uk_submit(&io);
        if (uk_await(&io) < 0)
            return -ENOMEM; /* the monitor has no more page tables to split large pages with */
        mark(at, n, protection_tag(prot));
        at += n * UKVM_PAGE_SIZE;
        count -= n;
    }
    return 0;
}

/* ---- opening what is to be freed: without waiting, it is free when it is open */

struct change {
    struct uk_io io;
    void *pages;
    size_t count;
    uint32_t before; /* how it is marked if it cannot be opened */
};

static void done(struct uk_io *io, int32_t result) {
    struct change *change = uk_container_of(io, struct change, io);
    openings--;
    mark(change->pages, change->count, result < 0 ? change->before : 0);
    if (result < 0)
        uk_eprintf("ukvm: %zu pages at %p: their protection could not be changed: %s\n", change->count, change->pages,
                   uk_error_name(result));
    else
        uk_pages_free(change->pages, change->count);
    uk_free(change);
}

static bool open_soon(void *pages, size_t count) {
    struct change *change = count <= MAX_RUN ? uk_malloc(sizeof *change) : NULL;
    if (!change)
        return false;
    *change = (struct change){
        .io = {.done = done, .sqe = submission(pages, count, PROT_READ | PROT_WRITE)},
        .pages = pages,
        .count = count,
        .before = marked(pages),
    };
    mark(pages, count, change->before | OPENING_TAG);
    openings++;
    uk_submit(&change->io);
    return true;
}

void uk_protect_settle(void) {
    for (unsigned i = 0; openings > 0 && i < SETTLE_ROUNDS; i++)
        uk_poll();
}

/* ---- new mappings */

/* At once: a thread whose stack this is may overflow it before it ever sleeps. */
static void close_now(char *pages, size_t count) {
    if (count > 0 && change_now(pages, count, PROT_NONE) < 0)
        uk_eprintf("ukvm: %zu pages at %p stay open: no guard there\n", count, (void *)pages);
}

/*
 * pthread_create() maps a stack with PROT_NONE and then opens all of it but the guard page. So a new mapping that is to
 * be closed waits for that, or for the next time that the program sleeps, and only what stays closed costs anything.
 * But a program that handles its faults could tell.
 */
static struct {
    char *pages;
    size_t count; /* 0: none */
} closed;
static bool at_once;

void uk_protect_flush(void) {
    size_t count = closed.count;
    closed.count = 0;
    close_now(closed.pages, count);
}

void uk_protect_at_once(void) {
    at_once = true;
    uk_protect_flush();
}

void uk_protect_new(void *pages, size_t count) {
    uk_protect_flush();
    closed.pages = pages;
    closed.count = count;
    if (at_once)
        uk_protect_flush();
}

/* Whether [pages, + count) is in the mapping that waits; then the rest of it is closed. */
static bool opens_new(char *pages, size_t count) {
    size_t before = (size_t)(pages - closed.pages) / UKVM_PAGE_SIZE, all = closed.count;
    if (pages < closed.pages || before >= all || count > all - before)
        return false;
    closed.count = 0;
    close_now(closed.pages, before);
    close_now(pages + count * UKVM_PAGE_SIZE, all - before - count);
    return true;
}

int uk_protect(void *pages, size_t count, int prot) {
    if ((prot & PROT_WRITE) && closed.count > 0 && opens_new(pages, count))
        return 0;
    uk_protect_flush();
    return change_now(pages, count, prot);
}

/* ---- freeing */

bool uk_is_protected(const void *address) {
    return marked(address) != 0;
}

/* The pages from `at` on that are alike. */
static size_t run_length(const char *at, const char *end) {
    uint32_t first = marked(at);
    const char *to = at + UKVM_PAGE_SIZE;
    while (to < end && marked(to) == first)
        to += UKVM_PAGE_SIZE;
    return (size_t)(to - at) / UKVM_PAGE_SIZE;
}

int uk_protection(const void *pages, size_t count) {
    uk_protect_flush();
    if (protected_pages && run_length(pages, (const char *)pages + count * UKVM_PAGE_SIZE) < count)
        return -EFAULT;
    uint32_t tag = marked(pages);
    return tag & CLOSED_TAG ? PROT_NONE : tag & READ_ONLY_TAG ? PROT_READ : PROT_READ | PROT_WRITE;
}

static void free_closed(char *pages, size_t count) {
    if (!open_soon(pages, count) && change_now(pages, count, PROT_READ | PROT_WRITE) == 0)
        uk_pages_free(pages, count);
}

void uk_protect_free(void *pages, size_t count) {
    char *at = pages, *end = at + count * UKVM_PAGE_SIZE;
    if (protected_pages == 0 && closed.count == 0) {
        uk_pages_free(pages, count);
        return;
    }
    uk_protect_flush();
    while (at < end) {
        size_t n = run_length(at, end);
        uint32_t tag = marked(at);
        if (tag == 0)
            uk_pages_free(at, n);
        else if (!(tag & OPENING_TAG))
            free_closed(at, n);
        at += n * UKVM_PAGE_SIZE;
    }
}
