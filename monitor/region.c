/* SPDX-License-Identifier: MIT */
#include "region.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

int region_map(struct region *region, uint64_t base, uint64_t size, const char *what, struct error *err) {
    void *host = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (host == MAP_FAILED)
        return error_set(err, EXIT_MONITOR, "cannot reserve %llu bytes for %s: %s", (unsigned long long)size, what,
                         strerror(errno));
    *region = (struct region){.base = base, .size = size, .host = host};
    return 0;
}
