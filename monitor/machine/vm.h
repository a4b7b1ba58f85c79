/* SPDX-License-Identifier: MIT */
/* One KVM virtual machine with one vCPU. Everything that knows KVM's ioctls is in vm.c. */
#ifndef UKVM_VM_H
#define UKVM_VM_H

#include <linux/kvm.h>
#include <signal.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/region.h"
#include "cpuid.h"

struct vm {
    int kvm_fd, vm_fd, vcpu_fd;
    struct kvm_run *run; /* shared with the kernel */
    size_t run_size;
    struct cpuid cpuid;
    struct cpu_features cpu;
    unsigned slots; /* memory slots in use */
};

/* Opens /dev/kvm, checks what it offers, makes the machine. Says which group or module is missing. */
int vm_open(struct vm *vm, struct error *err);

/* What the guest may do with a region at most, whatever its page tables say. */
enum vm_access { VM_READ_WRITE, VM_READ_ONLY };

/* Shows the region to the guest at its base. */
int vm_add_region(struct vm *vm, const struct region *region, enum vm_access access, struct error *err);

/*
 * Makes the vCPU; last, because KVM changes the map of memory by waiting for its readers: once there has been a vCPU,
 * that takes some milliseconds on a busy host instead of 0.03.
 */
int vm_add_vcpu(struct vm *vm, struct error *err);

struct vm_entry {
    const struct region *system; /* where traps_build() has been */
    uint64_t page_table;         /* CR3 */
    uint64_t rip, rsp, rdi;
};

/* Puts the vCPU at the first instruction of the guest: 64-bit mode, CPL 3. ABI.md, ENTRY-01 to ENTRY-03. */
int vm_set_entry(struct vm *vm, const struct vm_entry *entry, struct error *err);

/* Makes the guest's TSC the host's and measures it; time 0 is now. */
int vm_start_clock(struct vm *vm, struct clock *clock, struct error *err);

/* The signals that are let through while the guest runs; they are blocked otherwise. */
int vm_set_signal_mask(struct vm *vm, const sigset_t *mask, struct error *err);

/* Enters the guest. 0: see vm->run->exit_reason. -EINTR: a signal came. Any other negative: KVM's error. */
int vm_run(struct vm *vm);

/*
 * Completes a pending `out` and reads the registers into vm->run->s.regs, without running a guest instruction.
 * KVM_RUN with immediate_exit, so that no other ioctl is needed after lock-down. KVM API, 5: kvm_run, sync regs.
 */
int vm_read_registers(struct vm *vm);

/* Lets the next entry begin by setting the registers that are in vm->run->s.regs. */
void vm_write_registers(struct vm *vm);

/* "KVM_EXIT_IO" and so on. */
const char *vm_exit_name(uint32_t reason);

#endif
