/* SPDX-License-Identifier: MIT */
#include "fault.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/range.h"
#include "image/symbols.h"

#define FRAMES_MAX 24u
#define VECTOR_UD 6
#define VECTOR_PF 14

/* Page-fault error code. AMD64 APM vol. 2, 8.4.2. */
#define PF_PRESENT 1u
#define PF_WRITE 2u
#define PF_FETCH 16u

/* FAULT-01: what Linux would send to a process. AMD64 APM vol. 2, table 8-1. */
static const struct {
    const char *name;
    int signal;
} exceptions[UKVM_TRAP_VECTORS] = {
    [0] = {"divide error", SIGFPE},
    [1] = {"debug exception", SIGTRAP},
    [2] = {"non-maskable interrupt", SIGBUS},
    [3] = {"breakpoint", SIGTRAP},
    [4] = {"overflow", SIGSEGV},
    [5] = {"bound range exceeded", SIGSEGV},
    [6] = {"invalid instruction", SIGILL},
    [7] = {"device not available", SIGFPE},
    [8] = {"double fault", SIGSEGV},
    [10] = {"invalid TSS", SIGSEGV},
    [11] = {"segment not present", SIGBUS},
    [12] = {"stack segment fault", SIGBUS},
    [13] = {"general protection fault (a privileged instruction or an address that is not canonical)", SIGSEGV},
    [14] = {"page fault", SIGSEGV},
    [16] = {"x87 floating-point error", SIGFPE},
    [17] = {"alignment check", SIGBUS},
    [18] = {"machine check", SIGBUS},
    [19] = {"SIMD floating-point error", SIGFPE},
    [21] = {"control protection exception", SIGSEGV},
};

static void add(struct fault_report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct fault_report *report, const char *format, ...) {
    size_t room = sizeof report->text - report->used;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(report->text + report->used, room, format, args);
    va_end(args);
    if (n > 0)
        report->used += (size_t)n < room ? (size_t)n : room - 1;
}

/* Free memory can be read and written, unless the guest has asked for less. */
static const char *describe_free(uint64_t code) {
    if (!(code & PF_PRESENT))
        return "a guard page: free memory that MEM_PROTECT has closed";
    return code & PF_WRITE ? "free memory that MEM_PROTECT has made read-only" : "free memory";
}

static const char *describe_address(const struct layout *layout, uint64_t address, uint64_t code) {
    const struct ukvm_range *range = layout_find_range(layout, address);
    if (address < UKVM_PAGE_SIZE)
        return "a NULL pointer";
    if (layout->stack_base - address <= UKVM_STACK_GUARD && address < layout->stack_base)
        return "the guard below the boot stack: a stack overflow; ld's -z stack-size=BYTES makes it larger";
    if (range && range->kind == UKVM_RANGE_STACK)
        return "the boot stack";
    if (range && range->kind == UKVM_RANGE_FREE)
        return describe_free(code);
    if (range && range->kind == UKVM_RANGE_INITRD)
        return "the initrd";
    if (range && range->kind == UKVM_RANGE_IMAGE_FILE)
        return "the image's file";
    if (range)
        return range->prot & UKVM_PROT_EXEC    ? "the image's code"
               : range->prot & UKVM_PROT_WRITE ? "the image's data"
                                               : "the image's read-only data";
    if (address >= layout->boot_base && address - layout->boot_base < layout->boot_size)
        return "the boot page";
    if (address >= layout->rings_base && address - layout->rings_base < layout->rings_size)
        return "the rings";
    if (address >= layout->arena_base && address - layout->arena_base < layout->arena_size)
        return "the I/O arena";
    if (address >= layout->system_base && address - layout->system_base < layout->system_size)
        return "the monitor's memory";
    return "not mapped";
}

static void add_page_fault(struct fault_report *report, const struct layout *layout, uint64_t address, uint64_t code) {
    const char *access = code & PF_FETCH ? "execution" : code & PF_WRITE ? "write" : "read";
    add(report, "page fault: %s at 0x%" PRIx64 " (%s)", access, address, describe_address(layout, address, code));
}

/* ---- registers and backtrace ---- */

static void add_registers(struct fault_report *report, const struct kvm_regs *r) {
    const struct {
        const char *name;
        uint64_t value;
    } registers[] = {
        {"rip", r->rip}, {"rsp", r->rsp}, {"rflags", r->rflags}, {"rax", r->rax}, {"rbx", r->rbx}, {"rcx", r->rcx},
        {"rdx", r->rdx}, {"rsi", r->rsi}, {"rdi", r->rdi},       {"rbp", r->rbp}, {"r8", r->r8},   {"r9", r->r9},
        {"r10", r->r10}, {"r11", r->r11}, {"r12", r->r12},       {"r13", r->r13}, {"r14", r->r14}, {"r15", r->r15},
    };
    for (unsigned i = 0; i < sizeof registers / sizeof *registers; i++)
        add(report, "  %6s %016" PRIx64 "%s", registers[i].name, registers[i].value, i % 3 == 2 ? "\n" : "");
}

/* Copies: the guest's registers hold any number, a multiple of 8 or not. */
static bool read_words(const struct region *ram, uint64_t address, uint64_t *words, unsigned count) {
    const void *at = region_at_address(ram, address, count * sizeof *words);
    if (at)
        memcpy(words, at, count * sizeof *words);
    return at != NULL;
}

/*
 * Follows the chain of frame pointers: [rbp] is the caller's rbp and [rbp + 8] the address it returns to. Frames must
 * rise, which ends any loop. When the program jumped to somewhere that is no code, the word at rsp says from where.
 */
static unsigned walk_stack(const struct fault_context *context, const struct kvm_regs *regs, struct symbol *frames) {
    uint64_t words[2];
    unsigned count = 0;
    frames[count++].address = regs->rip;
    if (!layout_is_code(context->layout, regs->rip) && read_words(context->ram, regs->rsp, words, 1) &&
        layout_is_code(context->layout, words[0]))
        frames[count++].address = words[0];
    for (uint64_t rbp = regs->rbp, last = 0; count < FRAMES_MAX && rbp > last;) {
        if (!read_words(context->ram, rbp, words, 2) || !layout_is_code(context->layout, words[1]))
            break;
        frames[count++].address = words[1];
        last = rbp;
        rbp = words[0];
    }
    return count;
}

/* A return address may be the first byte of the next function: the call is before it. */
static void find_names(const struct fault_context *context, struct symbol *frames, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        frames[i].address -= context->layout->bias + (i > 0);
    symbols_find(context->image, frames, count);
    /* the nearest symbol is no name for what the guest jumped to outside its image */
    const struct ukvm_range *range = layout_find_range(context->layout, frames[0].address + context->layout->bias);
    if (!range || range->kind != UKVM_RANGE_IMAGE)
        frames[0].name[0] = '\0';
    for (unsigned i = 1; i < count; i++) {
        frames[i].address++;
        frames[i].offset++;
    }
}

static void add_name(struct fault_report *report, const struct symbol *frame) {
    if (frame->name[0])
        add(report, "%s+0x%" PRIx64, frame->name, frame->offset);
    else
        add(report, "?");
}

static void add_where(struct fault_report *report, const struct fault_context *context, const struct kvm_regs *regs) {
    struct symbol frames[FRAMES_MAX];
    unsigned count = walk_stack(context, regs, frames);
    find_names(context, frames, count);

    add(report, "\n  at 0x%llx in ", regs->rip);
    add_name(report, &frames[0]);
    add(report, "\n");
    add_registers(report, regs);
    add(report, "  backtrace:\n");
    for (unsigned i = 0; i < count; i++) {
        add(report, "    #%-2u 0x%" PRIx64 " ", i, frames[i].address + context->layout->bias);
        add_name(report, &frames[i]);
        add(report, "\n");
    }
    if (context->image->symtab.size == 0)
        add(report, "    (the image has no symbol table: link it without -s to see names)\n");
}

void fault_read(const struct region *system, const struct layout *layout, unsigned vector,
                const struct kvm_sync_regs *state, struct fault_event *event) {
    struct trap_frame frame;
    traps_read_frame(system, state->regs.rsp, &frame);
    *event = (struct fault_event){
        .vector = vector,
        .user = (frame.cs & 3) == 3,
        .error_code = frame.error_code,
        .address = vector == VECTOR_PF ? state->sregs.cr2 : 0,
        .regs = state->regs,
    };
    event->regs.rip = frame.rip;
    event->regs.rsp = frame.rsp;
    event->regs.rflags = frame.rflags;

    /*
     * SYSCALL on a host that does not honour a clear EFER.SCE jumps to LSTAR still in ring 3; hardware raises #UD. A
     * guest that jumps there by itself, with an address of its code in RCX, tells itself a lie.
     */
    if (vector == VECTOR_PF && frame.rip == traps_syscall_target(system) &&
        layout_is_code(layout, state->regs.rcx - 2)) {
        event->syscall = true;
        event->vector = VECTOR_UD;
        event->error_code = event->address = 0;
        event->regs.rip = event->regs.rcx - 2; /* SYSCALL saves the address of the next instruction there */
    }
}

int fault_report_trap(const struct fault_context *context, const struct fault_event *event,
                      struct fault_report *report) {
    unsigned vector = event->vector;
    report->used = 0;
    add(report, "ukvm: guest fault: ");
    if (vector == VECTOR_PF)
        add_page_fault(report, context->layout, event->address, event->error_code);
    else
        add(report, "%s%s", exceptions[vector].name ? exceptions[vector].name : "reserved exception",
            event->syscall ? " (syscall)" : "");
    if (vector != VECTOR_PF && event->error_code)
        add(report, ", error code 0x%" PRIx64, event->error_code);
    add_where(report, context, &event->regs);
    return EXIT_SIGNAL + (exceptions[vector].signal ? exceptions[vector].signal : SIGSEGV);
}

void fault_report_violation(const struct fault_context *context, const char *what, const struct kvm_regs *regs,
                            struct fault_report *report) {
    report->used = 0;
    add(report, "ukvm: guest ended: %s", what);
    add_where(report, context, regs);
}
