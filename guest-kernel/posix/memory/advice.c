/* SPDX-License-Identifier: MIT */
/* mprotect() and what else is said or asked of memory that is mapped. */
#include <errno.h>
#include <sys/mman.h>

#include "core/pages.h"
#include "memory.h"
#include "posix/fs/shared.h"
#include "protect.h"

/* Linux: include/uapi/asm-generic/mman-common.h, mman.h. musl has not all of them. */
#define PROT_SEM 8
#define MADV_DONTFORK_ 10
#define MADV_DOFORK_ 11
#define MADV_WIPEONFORK_ 18
#define MADV_KEEPONFORK_ 19
#define MADV_COLD_ 20
#define MADV_PAGEOUT_ 21
#define MADV_POPULATE_READ_ 22
#define MADV_POPULATE_WRITE_ 23
#define MLOCK_ONFAULT_ 1
#define MCL_ONFAULT_ 4

static bool is_page_aligned(const void *address) {
    return (uintptr_t)address % UKVM_PAGE_SIZE == 0;
}

/* The image and the boot stack have the protection of their segments, for good. */
static int keep_protection(const void *address, size_t count, int prot) {
    const char *at = address;
    uint32_t wanted = (prot & PROT_READ ? UKVM_PROT_READ : 0u) | (prot & PROT_WRITE ? UKVM_PROT_WRITE : 0u);
    if (!uk_memory_is_mapped(address, count))
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        const struct ukvm_range *range = uk_range_at((uintptr_t)at + i * UKVM_PAGE_SIZE);
        if (range->kind == UKVM_RANGE_FREE || range->prot != wanted)
            return -EACCES;
    }
    return 0;
}

long uk_sys_mprotect(void *address, size_t size, int prot) {
    size_t count = uk_pages_of(size);
    if (!is_page_aligned(address))
        return -EINVAL;
    if (size == 0)
        return 0;
    if (size > UK_ADDRESS_LIMIT)
        return -ENOMEM;
    if (prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM))
        return -EINVAL;
    if (prot & PROT_EXEC)
        return -EACCES;
    uk_protect_settle();
    if (!uk_pages_are_taken(address, count))
        return keep_protection(address, count, prot);
    if (uk_content_has_placed(address, count))
        return uk_shared_protect(address, count, prot);
    return uk_protect(address, count, prot);
}

static long discard(void *address, size_t count) {
    if (!uk_pages_are_taken(address, count))
        return -EINVAL;                        /* the image and the boot stack: what they hold is nowhere else */
    if (uk_content_has_placed(address, count)) /* the file has it, and keeps it */
        return uk_shared_covers(address, count) ? 0 : -EINVAL;
    return uk_pages_discard(address, count) ? 0 : -EIO;
}

static bool is_without_effect(int advice) {
    switch (advice) {
    case MADV_FREE:
    case MADV_NORMAL:
    case MADV_RANDOM:
    case MADV_SEQUENTIAL:
    case MADV_WILLNEED:
    case MADV_HUGEPAGE:
    case MADV_NOHUGEPAGE:
    case MADV_DONTDUMP:
    case MADV_DODUMP:
    case MADV_DONTFORK_:
    case MADV_DOFORK_:
    case MADV_WIPEONFORK_:
    case MADV_KEEPONFORK_:
    case MADV_COLD_:
    case MADV_PAGEOUT_:
    case MADV_POPULATE_READ_:
    case MADV_POPULATE_WRITE_:
        return true;
    default:
        return false;
    }
}

long uk_sys_madvise(void *address, size_t size, int advice) {
    if (!is_page_aligned(address) || (advice != MADV_DONTNEED && !is_without_effect(advice)) || size > UK_ADDRESS_LIMIT)
        return -EINVAL;
    if (size == 0)
        return 0;
    uk_protect_settle();
    if (!uk_memory_is_mapped(address, uk_pages_of(size)))
        return -ENOMEM;
    return advice == MADV_DONTNEED ? discard(address, uk_pages_of(size)) : 0; /* a promise: zero afterwards */
}

/* All of memory is there all of the time: locking it and asking for it have nothing to do. */
static long check_mapped(const void *address, size_t size) {
    size_t before = (uintptr_t)address % UKVM_PAGE_SIZE;
    if (size > UK_ADDRESS_LIMIT)
        return -ENOMEM;
    uk_protect_settle();
    return size == 0 || uk_memory_is_mapped((const char *)address - before, uk_pages_of(size + before)) ? 0 : -ENOMEM;
}

long uk_sys_mincore(void *address, size_t size, unsigned char *resident) {
    long result = is_page_aligned(address) ? check_mapped(address, size) : -EINVAL;
    if (result == 0)
        memset(resident, 1, uk_pages_of(size));
    return result;
}

long uk_sys_mlock(const void *address, size_t size) {
    return check_mapped(address, size);
}

long uk_sys_mlock2(const void *address, size_t size, int flags) {
    return flags & ~MLOCK_ONFAULT_ ? -EINVAL : check_mapped(address, size);
}

long uk_sys_mlockall(int flags) {
    bool known = (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT_)) == 0;
    return known && (flags & (MCL_CURRENT | MCL_FUTURE)) ? 0 : -EINVAL;
}

long uk_sys_munlockall(void) {
    return 0;
}

long uk_sys_msync(const void *address, size_t size, int flags) {
    if (!is_page_aligned(address) || (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) ||
        (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
        return -EINVAL;
    return check_mapped(address, size);
}
