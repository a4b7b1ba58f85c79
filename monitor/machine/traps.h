/* SPDX-License-Identifier: MIT */
/*
 * The supervisor page: descriptor tables and, for each exception vector, a stub that does one `out` to
 * UKVM_PORT_TRAP + vector. The processor has pushed a frame on the trap stack by then; no register has changed.
 * Behind them is the stub that changes page tables, see ../protect.h.
 */
#ifndef UKVM_TRAPS_H
#define UKVM_TRAPS_H

#include <linux/kvm.h>
#include <stdbool.h>

#include "base/region.h"

/* What the processor was doing when the exception came. AMD64 APM vol. 2, 8.9.3. */
struct trap_frame {
    uint64_t error_code; /* 0 for vectors that have none */
    uint64_t rip, cs, rflags, rsp, ss;
};

/*
 * RFLAGS where the guest starts, and where its handler does: interrupts on, IOPL 3, nothing else. APM vol. 2, 3.1.6.
 * With IOPL 3 its ports are for ring 3 to use; hardware then does not look at the I/O bitmap, and every port is an
 * exit.
 */
#define TRAPS_RFLAGS (UINT64_C(1) << 1 | UINT64_C(1) << 9 | UINT64_C(3) << 12)

/* Fills the supervisor page at SYSTEM_TABLES_OFFSET of the system region. */
void traps_build(const struct region *system);

/* The segment and table registers that go with it: the guest's code at CPL 3. */
void traps_set_registers(const struct region *system, struct kvm_sregs *sregs);

/* Where the SYSCALL instruction must lead on a host that does not honour a clear EFER.SCE (LSTAR). */
uint64_t traps_syscall_target(const struct region *system);

/* Whether `rip` lies in the stubs: an `out` to a trap port is the processor's own only then. */
bool traps_in_stub(const struct region *system, uint64_t rip);

/* The edit stub is done: a byte to this port, from ring 0. */
#define TRAPS_EDIT_PORT (UKVM_PORT_TRAP + UKVM_TRAP_VECTORS)

/*
 * Puts the processor at the start of the edit stub in ring 0: it copies `count` page-table entries from the system
 * region's SYSTEM_EDIT_OFFSET to the guest address `target` and forgets the old ones. Needs no stack, and changes no
 * register but those in `state`.
 */
void traps_enter_edit(const struct region *system, uint64_t target, unsigned count, struct kvm_sync_regs *state);

/* Puts the processor, which is in a stub, at `rip` of the guest's code, at CPL 3. Changes nothing else in `state`. */
void traps_enter_guest(uint64_t rip, struct kvm_sync_regs *state);

/*
 * Reads the frame that the processor has pushed, with or without an error code: no stub changes RSP. All 0, and so not
 * from CPL 3, if `rsp` is not where an exception of the guest leaves it.
 */
void traps_read_frame(const struct region *system, uint64_t rsp, struct trap_frame *frame);

#endif
