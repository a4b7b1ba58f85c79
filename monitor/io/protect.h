/* SPDX-License-Identifier: MIT */
/*
 * Changing page tables under a guest that has started: its own processor writes the entries, in ring 0, in a stub of
 * the monitor's. A write from the host would go unseen by a KVM that shadows the tables.
 * Documentation/virt/kvm/x86/mmu.rst
 */
#ifndef UKVM_PROTECT_H
#define UKVM_PROTECT_H

#include <stdint.h>

struct io;

/*
 * Gives [address, address + length), which lies within one UKVM_RANGE_FREE range, the protection `prot`. The guest is
 * at a hypercall and goes on behind it as if nothing had happened. 0, -ENOSPC when there is no table left and nothing
 * was changed, -EIO when KVM failed.
 */
int protect_pages(struct io *io, uint64_t address, uint64_t length, uint32_t prot);

#endif
