/* SPDX-License-Identifier: MIT */
/*
 * dirty_pages FILE: prints how many pages of the file the host's page cache has not written back. Needs root: they are
 * found by the numbers of their page frames. Linux, Documentation/admin-guide/mm/pagemap.rst.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096u
#define MAP_PRESENT (UINT64_C(1) << 63)
#define MAP_FRAME ((UINT64_C(1) << 55) - 1)
#define FLAG_DIRTY (UINT64_C(1) << 4)
#define FLAG_WRITEBACK (UINT64_C(1) << 8)

static int fail(const char *what) {
    perror(what);
    return 1;
}

int main(int argc, char **argv) {
    struct stat status;
    unsigned dirty = 0;
    int file = argc == 2 ? open(argv[1], O_RDONLY) : -1;
    int map = open("/proc/self/pagemap", O_RDONLY), flags = open("/proc/kpageflags", O_RDONLY);
    if (file < 0 || fstat(file, &status) < 0)
        return fail("FILE");
    if (map < 0 || flags < 0)
        return fail("/proc/kpageflags");
    volatile uint8_t *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, file, 0);
    if (bytes == MAP_FAILED)
        return fail("mmap");
    for (off_t at = 0; at < status.st_size; at += PAGE) {
        uint64_t entry, flag;
        (void)bytes[at]; /* maps it */
        if (pread(map, &entry, sizeof entry, (off_t)(((uintptr_t)bytes + (uintptr_t)at) / PAGE * sizeof entry)) < 0)
            return fail("/proc/self/pagemap");
        if (!(entry & MAP_PRESENT) || (entry & MAP_FRAME) == 0)
            continue;
        if (pread(flags, &flag, sizeof flag, (off_t)((entry & MAP_FRAME) * sizeof flag)) < 0)
            return fail("/proc/kpageflags");
        dirty += (flag & (FLAG_DIRTY | FLAG_WRITEBACK)) != 0;
    }
    printf("%u\n", dirty);
    return 0;
}
