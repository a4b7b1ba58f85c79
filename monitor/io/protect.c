/* SPDX-License-Identifier: MIT */
#include "protect.h"

#include <errno.h>
#include <string.h>

#include "io.h"
#include "machine/traps.h"

/* Runs the vCPU until it leaves. A signal that is the guest's is taken, or KVM would not enter; another is the end. */
static int run(struct io *io) {
    struct error err;
    int result;
    do {
        result = vm_run(io->vm);
        if (result == -EINTR && (io_poll_signals(io, &err) || io->stop_signal))
            return -EIO;
    } while (result == -EINTR || result == -EAGAIN);
    return result;
}

static bool is_done(const struct kvm_run *run) {
    return run->exit_reason == KVM_EXIT_IO && run->io.direction == KVM_EXIT_IO_OUT && run->io.port == TRAPS_EDIT_PORT;
}

/* The registers, which are lost, are in io->vm->run->s.regs before and after. */
static int carry_out(struct io *io, const struct paging_edit *edit) {
    uint64_t *entries = region_at(io->system, SYSTEM_EDIT_OFFSET, sizeof edit->values);
    memcpy(entries, edit->values, edit->count * sizeof *entries);
    traps_enter_edit(io->system, edit->target, edit->count, &io->vm->run->s.regs);
    vm_write_registers(io->vm);
    int result = run(io);
    bool done = result == 0 && is_done(io->vm->run);
    /* The stub's `out`, too, is completed before the registers change. */
    return vm_read_registers(io->vm) == 0 && done ? 0 : -EIO;
}

int protect_pages(struct io *io, uint64_t address, uint64_t length, uint32_t prot) {
    struct paging_edit edit = {.next = address};
    uint64_t end = address + length;
    int result = 0;
    if (paging_needed(io->paging, address, end) > paging_unused(io->paging))
        return -ENOSPC;
    if (vm_read_registers(io->vm))
        return -EIO;
    struct kvm_sync_regs guest = io->vm->run->s.regs;
    while (edit.next < end && result == 0) {
        paging_plan(io->paging, edit.next, end, prot, &edit);
        result = carry_out(io, &edit);
    }
    io->vm->run->s.regs = guest;
    vm_write_registers(io->vm);
    return result;
}
