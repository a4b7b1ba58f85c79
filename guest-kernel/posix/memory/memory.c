/* SPDX-License-Identifier: MIT */
/*
 * mmap() and its family over the page allocator. Virtual is physical and never changes (ABI.md, MEM-01): a mapping is a
 * run of pages, and one that cannot grow where it is moves by copying.
 */
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "core/pages.h"
#include "posix/files/file.h"
#include "posix/fs/shared.h"
#include "protect.h"

/* Freed memory that is worth an exit to give back, and how often at most. */
#define TRIM_PAGES 256u
#define TRIM_INTERVAL (100 * UK_MILLISECOND)

static bool is_page_aligned(const void *address) {
    return (uintptr_t)address % UKVM_PAGE_SIZE == 0;
}

bool uk_memory_is_mapped(const void *pages, size_t count) {
    while (count > 0) {
        const struct ukvm_range *range = uk_range_at((uintptr_t)pages);
        if (!range)
            return false;
        size_t n = (range->base + range->size - (uintptr_t)pages) / UKVM_PAGE_SIZE;
        n = n < count ? n : count;
        if (range->kind == UKVM_RANGE_FREE && !uk_pages_are_taken(pages, n))
            return false;
        pages = (const char *)pages + n * UKVM_PAGE_SIZE;
        count -= n;
    }
    return true;
}

/* ---- mapping */

void *uk_memory_allocate(size_t count) {
    void *pages = uk_pages_alloc(count);
    if (!pages) {
        uk_protect_settle();
        pages = uk_pages_alloc(count);
    }
    if (pages)
        uk_pages_clear(pages, count);
    return pages;
}

/* Reads a file into pages just mapped. What lies behind its end stays zero. */
static int fill(void *pages, size_t size, struct uk_file *file, off_t offset) {
    size_t done = 0;
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
    if (!file->ops->seekable || !file->ops->read)
        return -ENODEV;
    if (!(flags & MAP_SHARED) || !(prot & PROT_WRITE))
        return 0;
    if ((file->flags & O_ACCMODE) != O_RDWR)
        return -EACCES;
    return file->ops->map || file->ops->is_zeros ? 0 : -ENODEV;
}

/* Whether all of the pages are memory that may be mapped at all, and none of them a file's. */
static bool is_placeable(const char *address, size_t count) {
    if (count > uk_pages_total())
        return false;
    for (size_t i = 0; i < count; i++)
        if (!uk_pages_tag(address + i * UKVM_PAGE_SIZE))
            return false;
    return !uk_content_has_placed(address, count);
}

/* Over what is mapped already, or not: the same pages again, zeroed. Those of a file stay the file's. */
int uk_memory_map_over(void *pages, size_t count) {
    char *address = pages;
    if (!is_placeable(address, count))
        return -ENOMEM;
    int result = uk_protect(address, count, PROT_READ | PROT_WRITE);
    if (result)
        return result;
    for (size_t i = 0; i < count; i++)
        if (!uk_pages_are_taken(address + i * UKVM_PAGE_SIZE, 1))
            uk_pages_take(address + i * UKVM_PAGE_SIZE, 1);
    memset(address, 0, count * UKVM_PAGE_SIZE);
    return 0;
}

/* Where a mapping is to lie. */
struct place {
    void *at;
    enum { ANYWHERE, RATHER_THERE, ONLY_IF_FREE, OVER_WHAT_IS_THERE } how;
};

static int find_pages(const struct place *place, size_t count, void **pages) {
    *pages = place->at;
    if (place->how == OVER_WHAT_IS_THERE)
        return uk_memory_map_over(place->at, count);
    if (place->how != ANYWHERE && uk_pages_take(place->at, count)) {
        uk_pages_clear(place->at, count);
        return 0;
    }
    if (place->how == ONLY_IF_FREE)
        return is_placeable(place->at, count) ? -EEXIST : -ENOMEM;
    return (*pages = uk_memory_allocate(count)) ? 0 : -ENOMEM;
}

/* Where the monitor protects nothing, everything is open; that is no reason to have no memory. */
static int protect_new(void *pages, size_t count, int prot) {
    int result = 0;
    if (!(prot & (PROT_READ | PROT_WRITE)))
        uk_protect_new(pages, count);
    else if (!(prot & PROT_WRITE))
        result = uk_protect(pages, count, prot);
    if (result == -ENOMEM)
        uk_protect_free(pages, count);
    return result == -ENOSYS ? 0 : result;
}

static int map_anonymous(const struct place *place, size_t count, int prot, void **pages) {
    int result = find_pages(place, count, pages);
    return result ? result : protect_new(*pages, count, prot);
}

static int map_copy(const struct place *place, size_t size, int prot, struct uk_file *file, off_t offset,
                    void **pages) {
    int result = map_anonymous(place, uk_pages_of(size), PROT_READ | PROT_WRITE, pages);
    if (result)
        return result;
    if ((result = fill(*pages, size, file, offset)) < 0) {
        uk_memory_unmap(*pages, size);
        return result;
    }
    return protect_new(*pages, uk_pages_of(size), prot);
}

static bool is_free(const void *pages, size_t count) {
    return !uk_pages_next_taken(pages, count);
}

int uk_memory_unmap_all(void *pages, size_t count) {
    int result = uk_shared_unmap(pages, count);
    if (result == 0)
        uk_memory_unmap(pages, count * UKVM_PAGE_SIZE);
    return result;
}

static int map_shared(const struct place *place, size_t size, int prot, struct uk_file *file, off_t offset,
                      void **pages) {
    size_t count = uk_pages_of(size);
    void *at = place->how == OVER_WHAT_IS_THERE || place->how == ONLY_IF_FREE ? place->at : NULL;
    int result = 0;
    if (place->how == ONLY_IF_FREE && !is_free(at, count))
        return -EEXIST;
    if (place->how == OVER_WHAT_IS_THERE) {
        /* What is closed is free only once it is open again. */
        if (uk_pages_are_taken(at, count))
            result = uk_protect(at, count, PROT_READ | PROT_WRITE);
        if (result == 0)
            result = uk_memory_unmap_all(at, count);
    }
    return result ? result : file->ops->map(file, offset, count, at, prot, pages);
}

/* What MAP_SHARED_VALIDATE knows: Linux's LEGACY_MAP_MASK. */
#define KNOWN_FLAGS                                                                                              \
    (MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_DENYWRITE | MAP_EXECUTABLE | MAP_GROWSDOWN |     \
     MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB | MAP_32BIT | 0x800000 | \
     (0x3f << MAP_HUGE_SHIFT))

static int check_flags(int flags) {
    int type = flags & MAP_TYPE;
    if (type != MAP_PRIVATE && type != MAP_SHARED && (type != MAP_SHARED_VALIDATE || (flags & MAP_ANONYMOUS)))
        return -EINVAL;
    if (type == MAP_SHARED_VALIDATE && (flags & ~(KNOWN_FLAGS | MAP_FIXED_NOREPLACE)))
        return -EOPNOTSUPP;
    if ((flags & MAP_GROWSDOWN) && type != MAP_PRIVATE)
        return -EINVAL;
    return flags & (MAP_HUGETLB | MAP_32BIT) ? -ENOMEM : 0; /* there are neither huge pages nor addresses so low */
}

static int check_mmap(uintptr_t address, size_t size, int prot, int flags, off_t offset) {
    off_t end;
    if (size == 0 || offset % UKVM_PAGE_SIZE)
        return -EINVAL;
    if (size > UK_ADDRESS_LIMIT)
        return -ENOMEM;
    if (offset < 0 || __builtin_add_overflow(offset, (off_t)size, &end))
        return -EOVERFLOW;
    if ((flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) && address % UKVM_PAGE_SIZE)
        return -EINVAL;
    if ((flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) && (address == 0 || address > UK_ADDRESS_LIMIT - size))
        return -ENOMEM; /* what is not memory of the guest; page 0 never is: MEM-01 */
    int result = check_flags(flags);
    if (result)
        return result;
    return prot & PROT_EXEC ? -EACCES : 0; /* memory is never both written and executed: MEM-02 */
}

static struct place place_of(void *address, int flags) {
    struct place place = {.at = (void *)((uintptr_t)address & -(uintptr_t)UKVM_PAGE_SIZE), .how = ANYWHERE};
    if (flags & MAP_FIXED_NOREPLACE)
        place.how = ONLY_IF_FREE;
    else if (flags & MAP_FIXED)
        place.how = OVER_WHAT_IS_THERE;
    else if (place.at)
        place.how = RATHER_THERE;
    return place;
}

void *uk_sys_mmap(void *address, size_t size, int prot, int flags, int fd, off_t offset) {
    struct uk_file *file = flags & MAP_ANONYMOUS ? NULL : uk_fd_get(fd);
    struct place place = place_of(address, flags);
    void *pages;
    if (offset % UKVM_PAGE_SIZE == 0 && !(flags & MAP_ANONYMOUS) && !file)
        return (void *)-EBADF;
    int result = check_mmap((uintptr_t)address, size, prot, flags, offset);
    if (result == 0 && !(flags & MAP_ANONYMOUS))
        result = check_file(file, prot, flags);
    if (result)
        return (void *)(long)result;
    if (place.how != ANYWHERE)
        uk_protect_settle();
    if (!file || file->ops->is_zeros) {
        result = map_anonymous(&place, uk_pages_of(size), prot, &pages);
    } else {
        uk_file_ref(file);
        result = (flags & MAP_SHARED) && file->ops->map ? map_shared(&place, size, prot, file, offset, &pages)
                                                        : map_copy(&place, size, prot, file, offset, &pages);
        uk_file_unref(file);
    }
    return result ? (void *)(long)result : pages;
}

/* Not what a file has placed there, which stays the file's. */
static void free_some(const char *at, size_t count) {
    const char *end = at + count * UKVM_PAGE_SIZE;
    char *page;
    while (at < end && (page = uk_pages_next_taken(at, (size_t)(end - at) / UKVM_PAGE_SIZE))) {
        if (!uk_content_has_placed(page, 1))
            uk_protect_free(page, 1);
        at = page + UKVM_PAGE_SIZE;
    }
}

void uk_memory_unmap(void *address, size_t size) {
    size_t count = uk_pages_of(size);
    if (uk_pages_are_taken(address, count) && !uk_content_has_placed(address, count))
        uk_protect_free(address, count);
    else
        free_some(address, count); /* with holes in it */
}

long uk_sys_munmap(void *address, size_t size) {
    if (!is_page_aligned(address) || size == 0 || size > UK_ADDRESS_LIMIT ||
        (uintptr_t)address > UK_ADDRESS_LIMIT - size)
        return -EINVAL;
    uk_protect_settle();
    return uk_memory_unmap_all(address, uk_pages_of(size));
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
