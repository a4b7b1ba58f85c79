/* SPDX-License-Identifier: MIT */
/* mremap(2). What cannot grow where it is moves by copying, and keeps its protection. */
#include <errno.h>
#include <sys/mman.h>

#include "core/pages.h"
#include "memory.h"
#include "posix/fs/shared.h"
#include "protect.h"

struct remap {
    char *old;
    size_t old_count, new_count;
    int prot; /* of all of it */
    int flags;
    char *wanted; /* with MREMAP_FIXED */
};

static int protect(void *pages, size_t count, int prot) {
    int result = prot & PROT_WRITE ? 0 : uk_protect(pages, count, prot);
    return result == -ENOSYS ? 0 : result;
}

/* The new pages from `from` on get the protection of the old ones, or are free again. */
static int finish(const struct remap *q, char *pages, size_t from) {
    char *added = pages + from * UKVM_PAGE_SIZE;
    int result = protect(added, q->new_count - from, q->prot);
    if (result)
        uk_protect_free(added, q->new_count - from);
    return result;
}

/* Memory that may not be read is opened for it. */
static int copy(const struct remap *q, char *pages) {
    size_t count = q->old_count < q->new_count ? q->old_count : q->new_count;
    int result = q->prot == PROT_NONE ? uk_protect(q->old, count, PROT_READ) : 0;
    if (result && result != -ENOSYS)
        return result;
    memcpy(pages, q->old, count * UKVM_PAGE_SIZE);
    return 0;
}

static void *move(const struct remap *q, char *pages) {
    int result = copy(q, pages);
    if (result)
        uk_protect_free(pages, q->new_count);
    else
        result = finish(q, pages, 0);
    if (result) {
        protect(q->old, q->old_count, q->prot);
        return (void *)(long)result;
    }
    if (!(q->flags & MREMAP_DONTUNMAP)) {
        uk_memory_unmap(q->old, q->old_count * UKVM_PAGE_SIZE);
        return pages;
    }
    protect(q->old, q->old_count, q->prot);
    uk_pages_discard(q->old, q->old_count); /* the old place is empty now */
    return pages;
}

static void *move_there(const struct remap *q) {
    int result = uk_memory_map_over(q->wanted, q->new_count);
    return result ? (void *)(long)result : move(q, q->wanted);
}

static void *move_anywhere(const struct remap *q) {
    void *pages = q->flags & MREMAP_MAYMOVE ? uk_memory_allocate(q->new_count) : NULL;
    return pages ? move(q, pages) : (void *)-ENOMEM;
}

static void *grow(const struct remap *q) {
    char *end = q->old + q->old_count * UKVM_PAGE_SIZE;
    if (!uk_pages_take(end, q->new_count - q->old_count))
        return move_anywhere(q);
    uk_pages_clear(end, q->new_count - q->old_count);
    int result = finish(q, q->old, q->old_count);
    return result ? (void *)(long)result : q->old;
}

static void *shrink(const struct remap *q) {
    size_t rest = q->old_count - q->new_count;
    int result = rest ? uk_memory_unmap_all(q->old + q->new_count * UKVM_PAGE_SIZE, rest) : 0;
    return result ? (void *)(long)result : q->old;
}

static bool overlap(const struct remap *q) {
    return q->wanted < q->old + q->old_count * UKVM_PAGE_SIZE && q->old < q->wanted + q->new_count * UKVM_PAGE_SIZE;
}

static int check(const struct remap *q, size_t new_size) {
    bool fixed = q->flags & MREMAP_FIXED, keeps = q->flags & MREMAP_DONTUNMAP;
    if ((q->flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP)) || (uintptr_t)q->old % UKVM_PAGE_SIZE ||
        new_size == 0 || new_size > UK_ADDRESS_LIMIT)
        return -EINVAL;
    if ((fixed || keeps) && !(q->flags & MREMAP_MAYMOVE))
        return -EINVAL;
    if (keeps && q->old_count != q->new_count)
        return -EINVAL;
    if (fixed &&
        ((uintptr_t)q->wanted % UKVM_PAGE_SIZE || (uintptr_t)q->wanted > UK_ADDRESS_LIMIT - new_size || overlap(q)))
        return -EINVAL;
    return 0;
}

void *uk_sys_mremap(void *old, size_t old_size, size_t new_size, int flags, void *wanted) {
    struct remap q = {
        .old = old,
        .old_count = uk_pages_of(old_size),
        .new_count = uk_pages_of(new_size),
        .flags = flags,
        .wanted = wanted,
    };
    int result = check(&q, new_size);
    if (result)
        return (void *)(long)result;
    uk_protect_settle();
    if (!uk_pages_are_taken(old, q.old_count ? q.old_count : 1)) /* the boot stack ends at its guard */
        return (void *)(long)(uk_memory_is_mapped(old, q.old_count) ? -ENOMEM : -EFAULT);
    if (q.old_count == 0)
        return (void *)-EINVAL;
    if (uk_content_has_placed(old, q.old_count)) {
        if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
            return (void *)-EINVAL;
        if (q.new_count <= q.old_count)
            return shrink(&q);
        void *pages = uk_shared_grow(old, q.old_count, q.new_count, flags & MREMAP_MAYMOVE);
        return pages ? pages : (void *)-ENOMEM;
    }
    if (q.new_count <= q.old_count && !(flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)))
        return shrink(&q);
    if ((q.prot = uk_protection(old, q.old_count)) < 0)
        return (void *)-EFAULT;
    if (flags & MREMAP_FIXED)
        return move_there(&q);
    return flags & MREMAP_DONTUNMAP ? move_anywhere(&q) : grow(&q);
}
