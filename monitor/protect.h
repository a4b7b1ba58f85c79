/* SPDX-License-Identifier: MIT */
/*
 * Changing page tables under a guest that has started: its own processor writes the entries, in ring 0, in a stub of
 * the monitor's. A write from the host would go unseen by a KVM that shadows the tables.
 * Documentation/virt/kvm/x86/mmu.rst
 */
#ifndef UKVM_PROTECT_H
#define UKVM_PROTECT_H

#include "guest.h"
#include "io/io.h"

/*
 * Carries out what io_take() has asked for. The guest is at a hypercall and goes on behind it as if nothing had
 * happened. `*result` is 0, -ENOSPC when there is no table left and nothing was changed, or -EIO when KVM did something
 * else or the monitor was told to end. -1 with `err` when KVM cannot run the guest any more.
 */
int protect_pages(struct guest *guest, struct io *io, const struct io_edit *wanted, int *result, struct error *err);

#endif
