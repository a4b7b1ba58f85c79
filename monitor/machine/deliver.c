/* SPDX-License-Identifier: MIT */
#include "deliver.h"

#include "traps.h"

bool deliver(const struct layout *layout, const struct fault_event *event, struct ukvm_fault *shared, uint64_t address,
             struct kvm_sync_regs *state) {
    const struct kvm_regs *r = &event->regs;
    /* The only read: canonical, and no address of the monitor's, since it lies in the image. FAULT-05. */
    uint64_t handler = __atomic_load_n(&shared->handler, __ATOMIC_RELAXED);
    if (!event->user || !layout_is_code(layout, handler))
        return false;
    *shared = (struct ukvm_fault){
        .vector = event->vector,
        .error_code = event->error_code,
        .address = event->address,
        .r8 = r->r8,
        .r9 = r->r9,
        .r10 = r->r10,
        .r11 = r->r11,
        .r12 = r->r12,
        .r13 = r->r13,
        .r14 = r->r14,
        .r15 = r->r15,
        .rdi = r->rdi,
        .rsi = r->rsi,
        .rbp = r->rbp,
        .rbx = r->rbx,
        .rdx = r->rdx,
        .rax = r->rax,
        .rcx = r->rcx,
        .rsp = r->rsp,
        .rip = r->rip,
        .rflags = r->rflags,
    };
    state->regs = *r;
    state->regs.rdi = address;
    traps_enter_guest(handler, state);
    return true;
}
