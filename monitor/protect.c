/* SPDX-License-Identifier: MIT */
#include "protect.h"

#include <errno.h>
#include <string.h>

#include "enter.h"
#include "machine/paging.h"
#include "machine/traps.h"

static bool is_done(const struct kvm_run *run) {
    return run->exit_reason == KVM_EXIT_IO && run->io.direction == KVM_EXIT_IO_OUT && run->io.port == TRAPS_EDIT_PORT;
}

/* The registers, which are lost, are in vm.run->s.regs before and after. */
static int carry_out(struct guest *guest, struct io *io, const struct paging_edit *edit, int *result,
                     struct error *err) {
    struct vm *vm = &guest->vm;
    uint64_t *entries = region_at(&guest->system, SYSTEM_EDIT_OFFSET, sizeof edit->values);
    memcpy(entries, edit->values, edit->count * sizeof *entries);
    traps_enter_edit(&guest->system, edit->target, edit->count, &vm->run->s.regs);
    vm_write_registers(vm);
    enum entered entered = enter_guest(guest, io, err);
    if (entered == ENTERED_ERROR)
        return -1;
    bool done = entered == ENTERED_EXIT && is_done(vm->run);
    /* The stub's `out`, too, is completed before the registers change. */
    *result = vm_read_registers(vm) == 0 && done ? 0 : -EIO;
    return 0;
}

int protect_pages(struct guest *guest, struct io *io, const struct io_edit *wanted, int *result, struct error *err) {
    struct paging_edit edit = {.next = wanted->address};
    uint64_t end = wanted->address + wanted->length;
    *result = -ENOSPC;
    if (paging_needed(&guest->paging, wanted->address, end) > paging_unused(&guest->paging))
        return 0;
    *result = -EIO;
    if (vm_read_registers(&guest->vm))
        return 0;
    struct kvm_sync_regs registers = guest->vm.run->s.regs;
    *result = 0;
    while (edit.next < end && *result == 0) {
        paging_plan(&guest->paging, edit.next, end, wanted->prot, &edit);
        if (carry_out(guest, io, &edit, result, err))
            return -1;
    }
    guest->vm.run->s.regs = registers;
    vm_write_registers(&guest->vm);
    return 0;
}
