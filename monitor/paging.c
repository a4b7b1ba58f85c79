/* SPDX-License-Identifier: MIT */
#include "paging.h"

#include <inttypes.h>

#define PTE_PRESENT (UINT64_C(1) << 0)
#define PTE_WRITE (UINT64_C(1) << 1)
#define PTE_USER (UINT64_C(1) << 2)
#define PTE_ACCESSED (UINT64_C(1) << 5)
#define PTE_DIRTY (UINT64_C(1) << 6)
#define PTE_LARGE (UINT64_C(1) << 7)
#define PTE_NO_EXECUTE (UINT64_C(1) << 63)
#define PTE_ADDRESS UINT64_C(0x000ffffffffff000)

#define LARGE_PAGE (UINT64_C(2) << 20)
#define ENTRIES 512u

/* Upper levels allow everything; the entry at the bottom decides. */
#define PTE_TABLE (PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED)

/* The guest-physical address of an empty table, or 0. */
static uint64_t new_table(struct paging *paging, struct error *err) {
    if (paging->next == paging->end) {
        error_set(err, EXIT_MONITOR, "internal error: the page tables do not fit below offset 0x%" PRIx64, paging->end);
        return 0;
    }
    uint64_t address = paging->region->base + paging->next;
    paging->next += UKVM_PAGE_SIZE;
    return address;
}

int paging_init(struct paging *paging, const struct region *region, uint64_t offset, uint64_t size, struct error *err) {
    *paging = (struct paging){.region = region, .next = offset, .end = offset + size};
    paging->root = new_table(paging, err);
    return paging->root ? 0 : -1;
}

/* The entry for `address` at `level` (1: 4 KiB pages, 2: 2 MiB pages), making the tables above it as needed. */
static uint64_t *find_entry(struct paging *paging, uint64_t address, unsigned level, struct error *err) {
    uint64_t table = paging->root;
    for (unsigned at = 4;; at--) {
        uint64_t *entries = region_at_address(paging->region, table, UKVM_PAGE_SIZE);
        uint64_t *entry = &entries[(address >> (12 + 9 * (at - 1))) % ENTRIES];
        if (at == level)
            return entry;
        if (!(*entry & PTE_PRESENT)) {
            uint64_t below = new_table(paging, err);
            if (!below)
                return NULL;
            *entry = below | PTE_TABLE;
        }
        table = *entry & PTE_ADDRESS;
    }
}

int paging_map(struct paging *paging, uint64_t base, uint64_t size, uint32_t prot, enum paging_level level,
               struct error *err) {
    /* Accessed and dirty are set beforehand, so that the processor never has to write a table. */
    uint64_t flags = PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY;
    flags |= level == PAGING_USER ? PTE_USER : 0;
    flags |= prot & UKVM_PROT_WRITE ? PTE_WRITE : 0;
    flags |= prot & UKVM_PROT_EXEC ? 0 : PTE_NO_EXECUTE;

    for (uint64_t address = base, end = base + size; address < end;) {
        int large = is_aligned(address, LARGE_PAGE) && end - address >= LARGE_PAGE;
        uint64_t *entry = find_entry(paging, address, large ? 2 : 1, err);
        if (!entry)
            return -1;
        *entry = address | flags | (large ? PTE_LARGE : 0);
        address += large ? LARGE_PAGE : UKVM_PAGE_SIZE;
    }
    return 0;
}
