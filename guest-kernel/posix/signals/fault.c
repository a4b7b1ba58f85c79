/* SPDX-License-Identifier: MIT */
#include "fault.h"

#include <cpuid.h>
#include <errno.h>

#include "altstack.h"
#include "core/pages.h"
#include "posix/memory/protect.h"
#include "signal.h"

#define RED_ZONE 128u /* System V ABI for x86-64, 3.2.2 */

enum vector {
    VECTOR_DIVIDE = 0,
    VECTOR_DEBUG = 1,
    VECTOR_BREAKPOINT = 3,
    VECTOR_INVALID = 6,
    VECTOR_SEGMENT = 11,
    VECTOR_STACK = 12,
    VECTOR_PAGE = 14,
    VECTOR_X87 = 16,
    VECTOR_ALIGNMENT = 17,
    VECTOR_SIMD = 19,
    VECTORS = 32,
};

/* Page-fault error code, and RFLAGS: AMD64 APM vol. 2, 8.4.2 and 3.1.6. */
#define PAGE_PRESENT 1u
#define FLAG_TRAP 0x100u
#define FLAGS_FIXED 0x3202u   /* interrupts on, IOPL 3 */
#define FLAGS_CHANGE 0x50dd5u /* what a handler may change: arithmetic, direction, trap, resume, alignment check */

/* The state that FXSAVE and, in front of more, XSAVE write. AMD64 APM vol. 2, 11.4.4 and 11.5. */
#define FXSAVE_SIZE 512u
#define XSAVE_HEADER 64u

struct fxsave {
    uint16_t x87_control, x87_status;
    uint8_t skipped[20];
    uint32_t mxcsr;
};

/* What lies on the handler's stack, and where fault_entry.S looks into it. */
struct delivery {
    void *state;      /* FXSAVE's or XSAVE's; NULL: no handler, everything is put back at once */
    uint64_t xsave;   /* which */
    uint64_t iret[5]; /* RIP, CS, RFLAGS, RSP, SS */
    int signal;
    siginfo_t info;
    ucontext_t context;
};

_Static_assert(offsetof(struct delivery, state) == 0 && offsetof(struct delivery, xsave) == 8 &&
                   offsetof(struct delivery, iret) == 16 && offsetof(struct delivery, context.uc_mcontext.gregs) == 232,
               "as fault_entry.S has it");
_Static_assert(REG_R8 == 0 && REG_RDI == 8 && REG_RIP == 16 && REG_EFL == 17 &&
                   offsetof(struct ukvm_fault, rflags) - offsetof(struct ukvm_fault, r8) == 17 * sizeof(greg_t),
               "the registers of the monitor's structure are those of gregs, in their order");

/* fault_entry.S, and what it calls */
void uk_fault_entry(void);
struct delivery *uk_fault_begin(const struct ukvm_fault *fault, const struct fxsave *fpu);
void uk_fault_handle(struct delivery *d);

static void arm(void) {
    volatile struct ukvm_fault *shared = (volatile struct ukvm_fault *)uk_boot()->fault_addr;
    shared->handler = (uintptr_t)uk_fault_entry;
}

void uk_fault_handled(int signal) {
    bool is_fault = signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE || signal == SIGILL || signal == SIGTRAP;
    if (!is_fault || !(uk_boot()->features & UKVM_FEATURE_FAULT))
        return;
    uk_protect_at_once();
    arm();
}

/* ---- what happened, as Linux says it: arch/x86/kernel/traps.c, arch/x86/mm/fault.c */

/* The first that both hold of the exceptions raised and those let through. arch/x86/kernel/fpu/core.c */
static int float_code(unsigned raised) {
    if (raised & 1)
        return FPE_FLTINV;
    if (raised & 4)
        return FPE_FLTDIV;
    if (raised & 8)
        return FPE_FLTOVF;
    return raised & 0x12 ? FPE_FLTUND : raised & 0x20 ? FPE_FLTRES : 0;
}

/* What is there and closed is not "not mapped". */
static int page_code(const struct ukvm_fault *fault) {
    const struct ukvm_range *range = uk_range_at(fault->address);
    bool mapped = range && (range->kind != UKVM_RANGE_FREE || uk_pages_are_taken((const void *)fault->address, 1));
    return mapped || (fault->error_code & PAGE_PRESENT) ? SEGV_ACCERR : SEGV_MAPERR;
}

/* AMD64 APM vol. 2, table 8-1. Of the others the processor does not say where: SIGSEGV, and no address. */
static const struct kind {
    int signal, code;
} kinds[VECTORS] = {
    [VECTOR_DIVIDE] = {SIGFPE, FPE_INTDIV},     [VECTOR_DEBUG] = {SIGTRAP, TRAP_TRACE},
    [VECTOR_BREAKPOINT] = {SIGTRAP, SI_KERNEL}, [VECTOR_INVALID] = {SIGILL, ILL_ILLOPN},
    [VECTOR_SEGMENT] = {SIGBUS, SI_KERNEL},     [VECTOR_STACK] = {SIGBUS, SI_KERNEL},
    [VECTOR_PAGE] = {SIGSEGV, SEGV_MAPERR},     [VECTOR_X87] = {SIGFPE, 0},
    [VECTOR_ALIGNMENT] = {SIGBUS, BUS_ADRALN},  [VECTOR_SIMD] = {SIGFPE, 0},
};

static siginfo_t describe(const struct ukvm_fault *fault, const struct fxsave *fpu) {
    const struct kind *kind = &kinds[fault->vector % VECTORS];
    siginfo_t info = {.si_signo = kind->signal ? kind->signal : SIGSEGV};
    info.si_code = kind->signal ? kind->code : SI_KERNEL;
    if (info.si_code != SI_KERNEL)
        info.si_addr = (void *)fault->rip;
    if (fault->vector == VECTOR_PAGE) {
        info.si_code = page_code(fault);
        info.si_addr = (void *)fault->address;
    }
    if (fault->vector == VECTOR_X87)
        info.si_code = float_code(fpu->x87_status & ~fpu->x87_control & 0x3fu);
    if (fault->vector == VECTOR_SIMD)
        info.si_code = float_code(fpu->mxcsr & ~(fpu->mxcsr >> 7) & 0x3fu);
    return info;
}

/* ---- where the handler runs */

/* Bytes of the state, 0 in `xsave` where only FXSAVE can be had. */
static size_t state_size(uint64_t *xsave) {
    static size_t size;
    static uint64_t has_xsave;
    unsigned a, b, c, d;
    if (size == 0) {
        size = FXSAVE_SIZE;
        if (__get_cpuid(1, &a, &b, &c, &d) && (c & bit_OSXSAVE) && __get_cpuid_count(13, 0, &a, &b, &c, &d)) {
            size = b;
            has_xsave = 1;
        }
    }
    *xsave = has_xsave;
    return size;
}

static bool can_be_written(uintptr_t start, uintptr_t end) {
    for (uintptr_t page = start & -(uintptr_t)UKVM_PAGE_SIZE; page < end; page += UKVM_PAGE_SIZE) {
        const struct ukvm_range *range = uk_range_at(page);
        if (!range || !(range->prot & UKVM_PROT_WRITE) || uk_is_protected((const void *)page))
            return false;
    }
    return start < end;
}

/* NULL where there is no room: the stack has overflowed, or what is in RSP is no stack. */
static struct delivery *place(uintptr_t rsp, unsigned long flags) {
    uint64_t xsave;
    size_t size = state_size(&xsave);
    bool on_alternate = uk_on_alternate_stack(rsp);
    uintptr_t top = uk_alternate_stack_for(rsp, flags);
    if (top)
        on_alternate = true;
    else
        top = rsp - RED_ZONE;
    uintptr_t state = (top - size) & -(uintptr_t)64; /* XSAVE's alignment */
    uintptr_t start = (state - sizeof(struct delivery)) & -(uintptr_t)64;
    if (top > rsp && !on_alternate)
        return NULL;
    if ((on_alternate && start < uk_current->alternate_stack) || !can_be_written(start, top))
        return NULL;
    struct delivery *d = (struct delivery *)start;
    *d = (struct delivery){.state = (void *)state, .xsave = xsave};
    if (xsave)
        memset((char *)state + FXSAVE_SIZE, 0, XSAVE_HEADER);
    return d;
}

/* ---- there and back */

static void set_return(struct delivery *d) {
    const greg_t *gregs = d->context.uc_mcontext.gregs;
    uint16_t cs, ss;
    __asm__("mov %%cs, %0" : "=r"(cs));
    __asm__("mov %%ss, %0" : "=r"(ss));
    d->iret[0] = (uint64_t)gregs[REG_RIP];
    d->iret[1] = cs;
    d->iret[2] = ((uint64_t)gregs[REG_EFL] & FLAGS_CHANGE) | FLAGS_FIXED;
    d->iret[3] = (uint64_t)gregs[REG_RSP];
    d->iret[4] = ss;
}

static void fill_context(ucontext_t *context, const struct ukvm_fault *fault) {
    greg_t *gregs = context->uc_mcontext.gregs;
    memcpy(gregs, &fault->r8, 18 * sizeof *gregs);
    gregs[REG_ERR] = (greg_t)fault->error_code;
    gregs[REG_TRAPNO] = fault->vector;
    gregs[REG_CR2] = (greg_t)fault->address;
}

/* A trap has left its instruction behind: back to it. The others are of one byte, but for `int $3`. */
static uint64_t instruction(const struct ukvm_fault *fault) {
    const uint8_t *behind = (const uint8_t *)fault->rip;
    if (fault->vector == VECTOR_BREAKPOINT)
        return fault->rip - (behind[-1] == 0xcc ? 1 : 2);
    return fault->vector == VECTOR_DEBUG && !(fault->rflags & FLAG_TRAP) ? fault->rip - 1 : fault->rip;
}

/* On a stack of the kernel's own, with no handler armed: it must not fault. */
struct delivery *uk_fault_begin(const struct ukvm_fault *fault, const struct fxsave *fpu) {
    static struct delivery again;
    siginfo_t info = describe(fault, fpu);
    unsigned long flags;
    struct delivery *d = uk_signal_takes_fault(info.si_signo, &flags) ? place(fault->rsp, flags) : NULL;
    bool handled = d;
    if (!handled)
        d = &again;
    fill_context(&d->context, fault);
    d->context.uc_mcontext.fpregs = d->state;
    if (handled)
        d->context.uc_stack = uk_alternate_stack_enter(fault->rsp);
    d->signal = info.si_signo;
    d->info = info;
    if (!handled)
        d->context.uc_mcontext.gregs[REG_RIP] = (greg_t)instruction(fault);
    set_return(d);
    return d;
}

/* On the handler's stack. */
void uk_fault_handle(struct delivery *d) {
    arm();
    uk_signal_call(d->signal, &d->info, &d->context);
    uk_alternate_stack_leave(&d->context.uc_stack, (uintptr_t)d->context.uc_mcontext.gregs[REG_RSP]);
    set_return(d);
}
