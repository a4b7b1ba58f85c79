/* SPDX-License-Identifier: MIT */
#include "paging.h"

#include <inttypes.h>
#include <string.h>

#define PTE_PRESENT (UINT64_C(1) << 0)
#define PTE_WRITE (UINT64_C(1) << 1)
#define PTE_USER (UINT64_C(1) << 2)
#define PTE_ACCESSED (UINT64_C(1) << 5)
#define PTE_DIRTY (UINT64_C(1) << 6)
#define PTE_LARGE (UINT64_C(1) << 7)
#define PTE_NO_EXECUTE (UINT64_C(1) << 63)
#define PTE_ADDRESS UINT64_C(0x000ffffffffff000)

#define LARGE_PAGE (UINT64_C(2) << 20)

/* Upper levels allow everything; the entry at the bottom decides. */
#define PTE_TABLE (PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED)

/* The guest-physical address of an empty table, or 0. */
static uint64_t new_table(struct paging *paging) {
    if (paging->next == paging->end)
        return 0;
    uint64_t address = paging->region->base + paging->next;
    paging->next += UKVM_PAGE_SIZE;
    return address;
}

static int no_table(const struct paging *paging, struct error *err) {
    return error_set(err, EXIT_MONITOR, "internal error: the page tables do not fit below offset 0x%" PRIx64,
                     paging->end);
}

int paging_init(struct paging *paging, const struct region *region, uint64_t offset, uint64_t size, struct error *err) {
    *paging = (struct paging){.region = region, .next = offset, .end = offset + size};
    paging->root = new_table(paging);
    return paging->root ? 0 : no_table(paging, err);
}

static uint64_t *table_at(const struct paging *paging, uint64_t address) {
    return region_at_address(paging->region, address, UKVM_PAGE_SIZE);
}

/* Where the entry for `address` stands in a table of `level` (1: 4 KiB pages, 2: 2 MiB pages). */
static unsigned index_at(uint64_t address, unsigned level) {
    return (address >> (12 + 9 * (level - 1))) % PAGING_ENTRIES;
}

/* The entry for `address` at `level`, making the tables above it as needed. */
static uint64_t *find_entry(struct paging *paging, uint64_t address, unsigned level) {
    uint64_t table = paging->root;
    for (unsigned at = 4;; at--) {
        uint64_t *entry = &table_at(paging, table)[index_at(address, at)];
        if (at == level)
            return entry;
        if (!(*entry & PTE_PRESENT)) {
            uint64_t below = new_table(paging);
            if (!below)
                return NULL;
            *entry = below | PTE_TABLE;
        }
        table = *entry & PTE_ADDRESS;
    }
}

/*
 * An entry without any access is all zero: one that is only not present, but has an address, is what L1TF reads by.
 * Accessed and dirty are set beforehand, so that the processor never has to write a table.
 */
static uint64_t make_entry(uint64_t address, uint32_t prot, enum paging_level level) {
    if (prot == 0)
        return 0;
    return address | PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY | (level == PAGING_USER ? PTE_USER : 0) |
           (prot & UKVM_PROT_WRITE ? PTE_WRITE : 0) | (prot & UKVM_PROT_EXEC ? 0 : PTE_NO_EXECUTE);
}

int paging_map(struct paging *paging, uint64_t base, uint64_t size, uint32_t prot, enum paging_level level,
               struct error *err) {
    for (uint64_t address = base, end = base + size; address < end;) {
        int large = is_aligned(address, LARGE_PAGE) && end - address >= LARGE_PAGE;
        uint64_t *entry = find_entry(paging, address, large ? 2 : 1);
        if (!entry)
            return no_table(paging, err);
        *entry = make_entry(address, prot, level) | (large ? PTE_LARGE : 0);
        address += large ? LARGE_PAGE : UKVM_PAGE_SIZE;
    }
    return 0;
}

/* ---- changes ---- */

/* The address of the table that holds the entry for `address` at level 2; what is mapped has all tables down to it. */
static uint64_t directory_of(const struct paging *paging, uint64_t address) {
    uint64_t table = paging->root;
    for (unsigned at = 4; at > 2; at--)
        table = table_at(paging, table)[index_at(address, at)] & PTE_ADDRESS;
    return table;
}

/* The entry for the block of 2 MiB around `address`: a table, a large page, or 0, a large page without access. */
static uint64_t block_entry(const struct paging *paging, uint64_t address) {
    return table_at(paging, directory_of(paging, address))[index_at(address, 2)];
}

static bool is_table(uint64_t entry) {
    return (entry & PTE_PRESENT) && !(entry & PTE_LARGE);
}

static bool is_whole_block(uint64_t base, uint64_t end) {
    return is_aligned(base, LARGE_PAGE) && end - base >= LARGE_PAGE;
}

unsigned paging_needed(const struct paging *paging, uint64_t base, uint64_t end) {
    uint64_t last = align_down(end - 1, LARGE_PAGE);
    unsigned needed = !is_whole_block(base, end) && !is_table(block_entry(paging, base));
    if (last > base && last + LARGE_PAGE > end)
        needed += !is_table(block_entry(paging, last));
    return needed;
}

unsigned paging_unused(const struct paging *paging) {
    return (unsigned)((paging->end - paging->next) / UKVM_PAGE_SIZE);
}

/* A table that maps the block around `address` as its entry does now. */
static uint64_t split(struct paging *paging, uint64_t address) {
    uint64_t entry = block_entry(paging, address), block = align_down(address, LARGE_PAGE);
    uint32_t prot = !(entry & PTE_PRESENT) ? 0 : UKVM_PROT_READ | (entry & PTE_WRITE ? UKVM_PROT_WRITE : 0);
    uint64_t table = new_table(paging), *entries = table_at(paging, table);
    for (unsigned i = 0; i < PAGING_ENTRIES; i++)
        entries[i] = make_entry(block + i * UKVM_PAGE_SIZE, prot, PAGING_USER);
    return table;
}

static void plan_entry(struct paging_edit *edit, uint64_t entry, uint64_t covers) {
    edit->values[edit->count++] = entry;
    edit->next += covers;
}

/* Large pages, as many as this directory has. */
static void plan_blocks(const struct paging *paging, uint64_t end, uint32_t prot, struct paging_edit *edit) {
    do {
        uint64_t entry = make_entry(edit->next, prot, PAGING_USER);
        plan_entry(edit, entry ? entry | PTE_LARGE : 0, LARGE_PAGE);
    } while (index_at(edit->next, 2) != 0 && is_whole_block(edit->next, end) &&
             !is_table(block_entry(paging, edit->next)));
}

/* Pages, as many as one table has. */
static void plan_pages(uint64_t end, uint32_t prot, struct paging_edit *edit) {
    do
        plan_entry(edit, make_entry(edit->next, prot, PAGING_USER), UKVM_PAGE_SIZE);
    while (index_at(edit->next, 1) != 0 && edit->next < end);
}

void paging_plan(struct paging *paging, uint64_t base, uint64_t end, uint32_t prot, struct paging_edit *edit) {
    uint64_t entry = block_entry(paging, base), table = entry & PTE_ADDRESS;
    unsigned first = index_at(base, 1);
    edit->target = directory_of(paging, base) + index_at(base, 2) * sizeof(uint64_t);
    edit->count = 0;
    edit->next = base;
    if (is_table(entry)) {
        edit->target = table + first * sizeof(uint64_t);
        plan_pages(end, prot, edit);
    } else if (is_whole_block(base, end)) {
        plan_blocks(paging, end, prot, edit);
    } else {
        table = split(paging, base);
        plan_pages(end, prot, edit);
        memcpy(table_at(paging, table) + first, edit->values, edit->count * sizeof(uint64_t));
        edit->values[0] = table | PTE_TABLE;
        edit->count = 1;
    }
}
