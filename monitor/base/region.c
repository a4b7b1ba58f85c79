/* SPDX-License-Identifier: MIT */
#include "region.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

void region_populate(const struct region *region, uint64_t offset, uint64_t length) {
    uint64_t start = align_down(offset, UKVM_PAGE_SIZE);
    uint64_t size = align_up(offset + length, UKVM_PAGE_SIZE) - start;
    void *host = region_at(region, start, size);
    if (host)
        (void)madvise(host, size, MADV_POPULATE_WRITE);
}

int region_map(struct region *region, uint64_t base, uint64_t size, const char *what, struct error *err) {
    uint64_t block = region_block_size(size);
    /* Address space for three blocks, of which an aligned one and the one behind it stay reserved. */
    uint8_t *space = mmap(NULL, 3 * block, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    uint8_t *host = space == MAP_FAILED ? NULL : space + (-(uint64_t)space & (block - 1));
    if (!host || mprotect(host, size, PROT_READ | PROT_WRITE) < 0)
        return error_set(err, EXIT_MONITOR,
                         "cannot reserve %llu bytes for %s: %s: take less, or raise the limit on address space "
                         "(ulimit -v, vm.overcommit_memory)",
                         (unsigned long long)size, what, strerror(errno));
    *region = (struct region){.base = base, .size = size, .host = host};
    return 0;
}

int region_map_file(struct region *region, uint64_t base, int fd, uint64_t size, const char *path, struct error *err) {
    uint8_t *host = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (host == MAP_FAILED)
        return error_set(err, EXIT_MONITOR, "%s: cannot be mapped: %s", path, strerror(errno));
    *region = (struct region){.base = base, .size = align_up(size, UKVM_PAGE_SIZE), .host = host};
    return 0;
}
