/* SPDX-License-Identifier: MIT */
/*
 * mmap() and its family over the page allocator. Virtual is physical and never changes (ABI.md, MEM-01): a mapping is a
 * run of pages, and one that cannot grow where it is moves by copying.
 */
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "posix/files/file.h"
#include "posix/fs/shared.h"
#include "protect.h"

/* The data segment: room for brk(), reserved at its first use and untouched until then. malloc() has no use for it, but
 * a program that brings one of its own may. */
#define BRK_PAGES 256u

/* Freed memory that is worth an exit to give back, and how often at most. */
#define TRIM_PAGES 256u
#define TRIM_INTERVAL (100 * UK_MILLISECOND)

static size_t pages_of(size_t size) {
    return size / UKVM_PAGE_SIZE + (size % UKVM_PAGE_SIZE != 0);
}

static bool is_page_aligned(const void *address) {
    return (uintptr_t)address % UKVM_PAGE_SIZE == 0;
}

/* ---- mapping */

static void *allocate(size_t count) {
    void *pages = uk_pages_alloc(count);
    if (pages)
        uk_pages_clear(pages, count);
    return pages;
}

/* Reads a file into pages just mapped. What lies behind its end stays zero. */
static int fill(void *pages, size_t size, struct uk_file *file, off_t offset) {
    size_t done = 0;
    if (!file->ops->read)
        return -ENODEV;
    while (done < size) {
        struct iovec iov = {(char *)pages + done, size - done};
        ssize_t n = file->ops->read(file, &iov, 1, offset + (off_t)done);
        if (n <= 0)
            return n < 0 ? (int)n : 0;
        done += (size_t)n;
    }
    return 0;
}

/* A private mapping is a copy of the file, and so is a shared one that can only be read of what does not change. */
static int check_file(const struct uk_file *file, int prot, int flags) {
    if (!file || (file->flags & O_PATH))
        return -EBADF;
    if ((file->flags & O_ACCMODE) == O_WRONLY)
        return -EACCES;
    if (!(flags & MAP_SHARED) || !(prot & PROT_WRITE))
        return 0;
    if ((file->flags & O_ACCMODE) != O_RDWR)
        return -EACCES;
    return file->ops->map || file->ops->is_zeros ? 0 : -ENODEV;
}

/* Over what is mapped already: the same pages again, zeroed. Those of a file stay the file's. */
static int map_fixed(void *address, size_t count) {
    if (uk_pages_are_taken(address, count) ? uk_content_has_placed(address, count) : !uk_pages_take(address, count))
        return -ENOMEM;
    uk_protect(address, count, PROT_READ | PROT_WRITE);
    memset(address, 0, count * UKVM_PAGE_SIZE);
    return 0;
}

static void protect_new(void *pages, size_t count, int prot) {
    if (prot == PROT_NONE)
        uk_protect_new(pages, count);
    else if (!(prot & PROT_WRITE))
        uk_protect(pages, count, prot);
}

static int map_anonymous(void *at, size_t count, int prot, void **pages) {
    int result = 0;
    if (at)
        result = map_fixed(*pages = at, count);
    else
        result = (*pages = allocate(count)) ? 0 : -ENOMEM;
    if (result == 0)
        protect_new(*pages, count, prot);
    return result;
}

static int map_copy(void *at, size_t size, int prot, struct uk_file *file, off_t offset, void **pages) {
    int result = map_anonymous(at, pages_of(size), PROT_READ | PROT_WRITE, pages);
    if (result)
        return result;
    if ((result = fill(*pages, size, file, offset)) < 0)
        uk_memory_unmap(*pages, size);
    else
        protect_new(*pages, pages_of(size), prot);
    return result;
}

static int unmap(void *address, size_t size) {
    int result = uk_shared_unmap(address, pages_of(size));
    if (result == 0)
        uk_memory_unmap(address, size);
    return result;
}

static int map_shared(void *at, size_t size, int prot, struct uk_file *file, off_t offset, void **pages) {
    int result = 0;
    if (at) {
        /* What is closed is free only once it is open again. */
        if (uk_pages_are_taken(at, pages_of(size)))
            uk_protect(at, pages_of(size), PROT_READ | PROT_WRITE);
        result = unmap(at, size);
    }
    return result ? result : file->ops->map(file, offset, pages_of(size), at, prot, pages);
}

static int check_mmap(uintptr_t address, size_t size, int prot, int flags, off_t offset) {
    off_t end;
    if (size == 0 || size > SIZE_MAX / 2 || offset < 0 || offset % UKVM_PAGE_SIZE || !(flags & MAP_TYPE))
        return -EINVAL;
    if ((flags & MAP_FIXED) && (address == 0 || address % UKVM_PAGE_SIZE))
        return -EINVAL;
    if (__builtin_add_overflow(offset, (off_t)size, &end))
        return -EOVERFLOW;
    return prot & PROT_EXEC ? -EACCES : 0; /* memory is never both written and executed: MEM-02 */
}

void *uk_sys_mmap(void *address, size_t size, int prot, int flags, int fd, off_t offset) {
    struct uk_file *file = flags & MAP_ANONYMOUS ? NULL : uk_fd_get(fd);
    void *at = flags & MAP_FIXED ? address : NULL, *pages;
    int result = check_mmap((uintptr_t)address, size, prot, flags, offset);
    if (result == 0 && !(flags & MAP_ANONYMOUS))
        result = check_file(file, prot, flags);
    if (result)
        return (void *)(long)result;
    if (!file || file->ops->is_zeros) {
        result = map_anonymous(at, pages_of(size), prot, &pages);
    } else {
        uk_file_ref(file);
        result = (flags & MAP_SHARED) && file->ops->map ? map_shared(at, size, prot, file, offset, &pages)
                                                        : map_copy(at, size, prot, file, offset, &pages);
        uk_file_unref(file);
    }
    return result ? (void *)(long)result : pages;
}

/* Not what a file has placed there, which stays the file's. */
static void free_some(char *at, size_t count) {
    for (; count > 0; count--, at += UKVM_PAGE_SIZE)
        if (uk_pages_are_taken(at, 1) && !uk_content_has_placed(at, 1))
            uk_protect_free(at, 1);
}

void uk_memory_unmap(void *address, size_t size) {
    size_t count = pages_of(size);
    if (uk_pages_are_taken(address, count) && !uk_content_has_placed(address, count))
        uk_protect_free(address, count);
    else
        free_some(address, count); /* with holes in it */
}

long uk_sys_munmap(void *address, size_t size) {
    if (!is_page_aligned(address) || size == 0 || size > SIZE_MAX / 2)
        return -EINVAL;
    return unmap(address, size);
}

void *uk_sys_mremap(void *old, size_t old_size, size_t new_size, int flags) {
    size_t old_count = pages_of(old_size), new_count = pages_of(new_size);
    if (!is_page_aligned(old) || new_size == 0 || new_size > SIZE_MAX / 2 || (flags & ~MREMAP_MAYMOVE))
        return (void *)-EINVAL;
    if (old_count == 0 || !uk_pages_are_taken(old, old_count))
        return (void *)-EFAULT;
    char *old_end = (char *)old + old_count * UKVM_PAGE_SIZE;
    if (new_count <= old_count) {
        char *end = (char *)old + new_count * UKVM_PAGE_SIZE;
        int result = end < old_end ? unmap(end, (size_t)(old_end - end)) : 0;
        return result ? (void *)(long)result : old;
    }
    if (uk_content_has_placed(old, old_count)) {
        void *pages = uk_shared_grow(old, old_count, new_count, flags & MREMAP_MAYMOVE);
        return pages ? pages : (void *)-ENOMEM;
    }
    if (uk_pages_take(old_end, new_count - old_count)) {
        uk_pages_clear(old_end, new_count - old_count);
        return old;
    }
    void *pages = flags & MREMAP_MAYMOVE ? allocate(new_count) : NULL;
    if (!pages)
        return (void *)-ENOMEM;
    memcpy(pages, old, old_count * UKVM_PAGE_SIZE);
    uk_memory_unmap(old, old_count * UKVM_PAGE_SIZE);
    return pages;
}

/* ---- the rest of the family */

long uk_sys_mprotect(void *address, size_t size, int prot) {
    if (!is_page_aligned(address) || size > SIZE_MAX / 2)
        return -EINVAL;
    if (prot & PROT_EXEC)
        return -EACCES;
    if (size == 0)
        return 0;
    /* The image and the boot stack have the protection of their segments, for good. */
    if (!uk_pages_are_taken(address, pages_of(size)))
        return -ENOMEM;
    if (uk_content_has_placed(address, pages_of(size)))
        return uk_shared_protect(address, pages_of(size), prot);
    return uk_protect(address, pages_of(size), prot);
}

long uk_sys_madvise(void *address, size_t size, int advice) {
    size_t count = pages_of(size);
    if (!is_page_aligned(address))
        return -EINVAL;
    switch (advice) {
    case MADV_DONTNEED: /* a promise: reads as zero afterwards */
        if (!uk_pages_are_taken(address, count))
            return -ENOMEM;
        if (uk_content_has_placed(address, count)) /* the file has it, and keeps it */
            return uk_shared_covers(address, count) ? 0 : -EINVAL;
        return uk_pages_discard(address, count) ? 0 : -EIO;
    case MADV_FREE:
    case MADV_NORMAL:
    case MADV_RANDOM:
    case MADV_SEQUENTIAL:
    case MADV_WILLNEED:
    case MADV_HUGEPAGE:
    case MADV_NOHUGEPAGE:
    case MADV_DONTDUMP:
    case MADV_DODUMP:
        return 0;
    default:
        return -EINVAL;
    }
}

uintptr_t uk_sys_brk(uintptr_t wanted) {
    static uintptr_t start, end, top;
    if (start == 0) {
        void *pages = uk_pages_alloc(BRK_PAGES);
        if (!pages)
            return 0;
        start = end = (uintptr_t)pages;
        top = start + BRK_PAGES * UKVM_PAGE_SIZE;
    }
    if (wanted < start || wanted > top)
        return end;
    uintptr_t old = (end + UKVM_PAGE_SIZE - 1) & -(uintptr_t)UKVM_PAGE_SIZE;
    end = wanted;
    if (end > old)
        uk_pages_clear((void *)old, pages_of(end - old));
    return end;
}

/* All of memory is there all of the time: locking it and asking for it have nothing to do. */
long uk_sys_mincore(void *address, size_t size, unsigned char *resident) {
    if (!is_page_aligned(address))
        return -EINVAL;
    memset(resident, 1, pages_of(size));
    return 0;
}

long uk_sys_mlock(void) {
    return 0;
}

long uk_sys_msync(void *address) {
    return is_page_aligned(address) ? 0 : -EINVAL;
}

void uk_memory_trim(void) {
    static uint64_t last;
    if (uk_pages_dirty() < TRIM_PAGES)
        return;
    uint64_t now = uk_clock_monotonic();
    if (now - last < TRIM_INTERVAL)
        return;
    last = now;
    uk_pages_return();
}
