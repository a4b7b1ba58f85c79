/* SPDX-License-Identifier: MIT */
/*
 * The guest's page tables: 4-level, identity-mapped, built before the first instruction and never changed by a write
 * from the host afterwards (a shadow-paging KVM would not see it). AMD64 Architecture Programmer's Manual vol. 2, 5.3.
 */
#ifndef UKVM_PAGING_H
#define UKVM_PAGING_H

#include "error.h"
#include "region.h"

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

#endif
