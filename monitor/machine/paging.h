/* SPDX-License-Identifier: MIT */
/*
 * The guest's page tables: 4-level, identity-mapped, built before the first instruction. A table in use is never
 * changed by a write from the host (a shadow-paging KVM would not see it), but by the guest's own processor in ring 0,
 * see ../protect.h. AMD64 Architecture Programmer's Manual vol. 2, 5.3.
 */
#ifndef UKVM_PAGING_H
#define UKVM_PAGING_H

#include "base/error.h"
#include "base/region.h"

enum paging_level { PAGING_SUPERVISOR, PAGING_USER };

struct paging {
    const struct region *region; /* that holds the tables */
    uint64_t next, end;          /* offsets in it: the tables not used yet */
    uint64_t root;               /* guest-physical address of the top table, for CR3 */
};

/* Tables are taken from [offset, offset + size) of `region`, which is zero-filled; both are multiples of a page. */
int paging_init(struct paging *paging, const struct region *region, uint64_t offset, uint64_t size, struct error *err);

/*
 * Maps [base, base + size) onto itself with UKVM_PROT_* `prot`, in 2 MiB pages where it can. Page-aligned, and nothing
 * in it is mapped yet.
 */
int paging_map(struct paging *paging, uint64_t base, uint64_t size, uint32_t prot, enum paging_level level,
               struct error *err);

#define PAGING_ENTRIES 512u /* in one table */

/* A run of entries of one table that are to be replaced. */
struct paging_edit {
    uint64_t target; /* guest address of the first entry */
    uint64_t values[PAGING_ENTRIES];
    unsigned count;
    uint64_t next; /* the first address that they do not map */
};

/* How many unused tables it takes to change the protection of [base, end), and how many there are. */
unsigned paging_needed(const struct paging *paging, uint64_t base, uint64_t end);
unsigned paging_unused(const struct paging *paging);

/*
 * The first step of giving [base, end) the protection `prot`: at most 512 entries, to be written before this is called
 * for what is left, from edit->next on. The pages were mapped for PAGING_USER by one paging_map(); paging_needed()
 * tables are there. A table that is new is filled here: nothing leads to it until the step is done.
 */
void paging_plan(struct paging *paging, uint64_t base, uint64_t end, uint32_t prot, struct paging_edit *edit);

#endif
