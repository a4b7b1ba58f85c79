/* SPDX-License-Identifier: MIT */
/*
 * Where everything goes in the guest's address space. Pure arithmetic: no memory is touched here.
 *
 *   RAM region (--mem)          [free] image | UKVM_STACK_GUARD | boot stack | free ...
 *   system region (monitor's)   supervisor pages | guard | boot pages | guard | rings | guard | I/O arena | guard
 *                               | page tables
 *   initrd region (--initrd)    a file, where there is one
 *   image file region           the image's own file, where its note asks for it
 *
 * The RAM region of a static-PIE image and the system region lie at random 2 MiB boundaries, in the lower and the upper
 * half of the guest-physical addresses that the host offers; a static-PIE image starts at a random page of its RAM.
 * Where there are files, they take the lower half of the upper half: the image's the last quarter of that, an initrd
 * the rest. The guard takes addresses, and nothing of --mem.
 */
#ifndef UKVM_LAYOUT_H
#define UKVM_LAYOUT_H

#include "base/error.h"
#include "image/image.h"
#include "ukvm_abi.h"

#define LAYOUT_LARGE_PAGE (UINT64_C(2) << 20)
#define LAYOUT_MAX_RANGES (3 * IMAGE_MAX_SEGMENTS + 5)
#define LAYOUT_RANDOM_WORDS 5

/* The first pages of the system region, supervisor-only. */
#define SYSTEM_TABLES_OFFSET 0u                 /* descriptor tables and trap stubs: read, execute */
#define SYSTEM_TRAP_STACK_OFFSET UKVM_PAGE_SIZE /* where the processor pushes a trap frame: read, write */
#define SYSTEM_EDIT_OFFSET (2 * UKVM_PAGE_SIZE) /* entries on their way into a page table: read */

struct layout_request {
    const struct image *image;
    uint64_t memory;       /* bytes of RAM */
    uint64_t boot_size;    /* bytes of the boot structure with its blobs */
    uint64_t rings_size;   /* bytes of the rings */
    uint64_t arena_size;   /* bytes of the arena, a multiple of the page size */
    uint64_t initrd_size;  /* bytes of the initrd, 0 if there is none */
    uint64_t file_size;    /* bytes of the image's file, 0 if the guest is not to have it */
    unsigned address_bits; /* width of a guest-physical address */
    uint64_t random[LAYOUT_RANDOM_WORDS];
};

struct layout {
    uint64_t ram_base, ram_size; /* the guard included */
    uint64_t bias;               /* added to every linked address of the image */
    uint64_t entry;              /* of the image, bias included */
    uint64_t stack_base, stack_size;
    uint64_t system_base, system_size;
    uint64_t paging_offset; /* in the system region: page tables, supervisor-only */
    uint64_t paging_size;
    uint64_t boot_base, boot_size;
    uint64_t rings_base, rings_size;
    uint64_t arena_base, arena_size;
    uint64_t initrd_base, initrd_size; /* the size is the file's, to the byte */
    uint64_t file_base, file_size;     /* of the image, likewise */
    /* What the boot page lists (BOOT-03) and the page tables map. */
    struct ukvm_range ranges[LAYOUT_MAX_RANGES];
    unsigned ranges_count;
};

/* The range that holds `address`, or NULL. */
const struct ukvm_range *layout_find_range(const struct layout *layout, uint64_t address);

/* Whether the guest may execute what is at `address`. */
static inline bool layout_is_code(const struct layout *layout, uint64_t address) {
    const struct ukvm_range *range = layout_find_range(layout, address);
    return range && (range->prot & UKVM_PROT_EXEC);
}

int layout_plan(const struct layout_request *request, struct layout *layout, struct error *err);

#endif
