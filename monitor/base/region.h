/* SPDX-License-Identifier: MIT */
/*
 * Memory that the monitor maps and the guest sees. region_at() is the one function of the monitor that turns a guest's
 * address or offset into a host pointer; region_at_address() is the same with the base taken off.
 */
#ifndef UKVM_REGION_H
#define UKVM_REGION_H

#include <stddef.h>

#include "error.h"
#include "range.h"

struct region {
    uint64_t base; /* guest address of the first byte */
    uint64_t size; /* bytes, a multiple of the page size */
    uint8_t *host; /* the monitor's mapping of it */
};

/*
 * Maps `size` bytes of private, zero-filled memory for guest address `base`. Nothing is touched: pages cost only when
 * they are used. The mapping starts at a multiple of region_block_size(), and nothing else lies in its block nor in the
 * one behind it, so that a filter of system calls can tell by masks what belongs to it. It lasts as long as the
 * process.
 */
int region_map(struct region *region, uint64_t base, uint64_t size, const char *what, struct error *err);

/*
 * Maps the `size` bytes of the file `fd`, rounded up to pages, for guest address `base`. Only the guest may read it: if
 * the file becomes shorter, touching what it has lost is a fault, and that fault must not be the monitor's own. Nothing
 * is read now.
 */
int region_map_file(struct region *region, uint64_t base, int fd, uint64_t size, const char *path, struct error *err);

/*
 * Makes the pages of [offset, offset + length) at once, which takes a third of the time that a fault for each of them
 * takes. A host that cannot do it makes each page at its first use. Linux 5.14, MADV_POPULATE_WRITE.
 */
void region_populate(const struct region *region, uint64_t offset, uint64_t length);

/* `size` rounded up to a power of two. */
static inline uint64_t region_block_size(uint64_t size) {
    return size <= 1 ? 1 : UINT64_C(1) << (64 - __builtin_clzll(size - 1));
}

/* The `length` bytes at `offset` of the region, or NULL if any of them lies outside. */
static inline void *region_at(const struct region *region, uint64_t offset, uint64_t length) {
    return range_within(offset, length, region->size) ? region->host + offset : NULL;
}

static inline void *region_at_address(const struct region *region, uint64_t address, uint64_t length) {
    return address >= region->base ? region_at(region, address - region->base, length) : NULL;
}

#endif
