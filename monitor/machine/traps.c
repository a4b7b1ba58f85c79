/* SPDX-License-Identifier: MIT */
#include "traps.h"

#include <string.h>

#include "layout.h"

/* Selectors in the order that Linux uses them, which a paging-based KVM runs on real ring 3 unchanged. */
enum selector {
    SELECTOR_KERNEL_CODE = 0x10,
    SELECTOR_KERNEL_DATA = 0x18,
    SELECTOR_USER_DATA = 0x28 | 3,
    SELECTOR_USER_CODE = 0x30 | 3,
    SELECTOR_TSS = 0x40,
};

#define GDT_ENTRIES 10u

/*
 * The task state segment with its I/O permission bitmap, AMD64 APM vol. 2, 12.2.5: a bit for each port, clear where
 * ring 3 may touch it. Ports beyond the bitmap are denied. A 32-bit access needs the bits of four ports.
 */
#define TSS_BITMAP_OFFSET 104u
#define TSS_BITMAP_SIZE 16u
#define TSS_SIZE (TSS_BITMAP_OFFSET + TSS_BITMAP_SIZE)

/* The supervisor page. */
struct tables {
    uint64_t gdt[GDT_ENTRIES];
    uint8_t tss[TSS_SIZE];
    uint64_t align;
    struct idt_gate {
        uint16_t offset_low, selector;
        uint8_t ist, type;
        uint16_t offset_middle;
        uint32_t offset_high, reserved;
    } idt[UKVM_TRAP_VECTORS];
    uint8_t stubs[UKVM_TRAP_VECTORS][4];
    uint8_t edit[16];
};

_Static_assert(sizeof(struct tables) <= UKVM_PAGE_SIZE, "one page holds all of it");
_Static_assert(sizeof(struct idt_gate) == 16, "AMD64 APM vol. 2, 4.8.4");
_Static_assert(offsetof(struct tables, idt) % 16 == 0, "gates do not straddle a cache line");

/* AMD64 APM vol. 2, 4.8: present, DPL in bits 45 and 46. All accessed bits are set, for the page is read-only. */
#define DESCRIPTOR_CODE(dpl) (UINT64_C(0x00209b0000000000) | (uint64_t)(dpl) << 45)
#define DESCRIPTOR_DATA(dpl) (UINT64_C(0x0000930000000000) | (uint64_t)(dpl) << 45)
#define GATE_INTERRUPT 0x8e  /* present, DPL 0, 64-bit interrupt gate: `int n` in ring 3 is a fault of its own */
#define GATE_BREAKPOINT 0xee /* the same with DPL 3: `int3` is an instruction that programs have */
#define VECTOR_BREAKPOINT 3u

/*
 * One string instruction, whose iterations a host that emulates ring 0 does in one go. Reloading CR3 forgets all
 * translations, the large page that a table replaces included; no page is global.
 */
/* clang-format off */
static const uint8_t edit_code[] = {
    0xf3, 0x48, 0xa5,      /* rep movsq */
    0x0f, 0x22, 0xd8,      /* mov %rax, %cr3 */
    0xe6, TRAPS_EDIT_PORT, /* out %al, $port */
    0xeb, 0xfe,            /* jmp itself: the monitor never resumes it */
};
/* clang-format on */
_Static_assert(sizeof edit_code <= sizeof(((struct tables *)0)->edit), "the stub fits");

static uint64_t tables_address(const struct region *system, size_t offset) {
    return system->base + SYSTEM_TABLES_OFFSET + offset;
}

static uint64_t trap_stack_top(const struct region *system) {
    return system->base + SYSTEM_TRAP_STACK_OFFSET + UKVM_PAGE_SIZE;
}

static void build_tss(uint8_t *tss, uint64_t trap_stack) {
    const uint16_t bitmap = TSS_BITMAP_OFFSET;
    memcpy(tss + 4, &trap_stack, sizeof trap_stack); /* RSP0 */
    memcpy(tss + 102, &bitmap, sizeof bitmap);
    memset(tss + TSS_BITMAP_OFFSET, 0xff, TSS_BITMAP_SIZE);
    for (unsigned port = UKVM_PORT_KICK; port < UKVM_PORT_EXIT + 4; port++)
        tss[TSS_BITMAP_OFFSET + port / 8] &= (uint8_t) ~(1u << port % 8);
}

void traps_build(const struct region *system) {
    struct tables *tables = region_at(system, SYSTEM_TABLES_OFFSET, sizeof *tables);
    uint64_t tss = tables_address(system, offsetof(struct tables, tss));

    tables->gdt[SELECTOR_KERNEL_CODE / 8] = DESCRIPTOR_CODE(0);
    tables->gdt[SELECTOR_KERNEL_DATA / 8] = DESCRIPTOR_DATA(0);
    tables->gdt[SELECTOR_USER_DATA / 8] = DESCRIPTOR_DATA(3);
    tables->gdt[SELECTOR_USER_CODE / 8] = DESCRIPTOR_CODE(3);
    tables->gdt[SELECTOR_TSS / 8] = UINT64_C(0x00008b0000000000) | (TSS_SIZE - 1) | (tss & 0xffffff) << 16 |
                                    (tss >> 24 & 0xff) << 56; /* busy 64-bit TSS */
    tables->gdt[SELECTOR_TSS / 8 + 1] = tss >> 32;

    build_tss(tables->tss, trap_stack_top(system));

    for (unsigned vector = 0; vector < UKVM_TRAP_VECTORS; vector++) {
        uint64_t stub = tables_address(system, offsetof(struct tables, stubs) + vector * sizeof tables->stubs[0]);
        tables->idt[vector] = (struct idt_gate){
            .offset_low = (uint16_t)stub,
            .selector = SELECTOR_KERNEL_CODE,
            .type = vector == VECTOR_BREAKPOINT ? GATE_BREAKPOINT : GATE_INTERRUPT,
            .offset_middle = (uint16_t)(stub >> 16),
            .offset_high = (uint32_t)(stub >> 32),
        };
        /* out %al, $port; jmp itself: the monitor never resumes it */
        const uint8_t code[4] = {0xe6, (uint8_t)(UKVM_PORT_TRAP + vector), 0xeb, 0xfe};
        memcpy(tables->stubs[vector], code, sizeof code);
    }
    memcpy(tables->edit, edit_code, sizeof edit_code);
}

static struct kvm_segment segment(uint16_t selector, uint8_t type, uint8_t is_long) {
    return (struct kvm_segment){
        .limit = 0xffffffff,
        .selector = selector,
        .type = type,
        .present = 1,
        .dpl = selector & 3,
        .db = !is_long,
        .s = 1,
        .l = is_long,
        .g = 1,
    };
}

void traps_set_registers(const struct region *system, struct kvm_sregs *sregs) {
    sregs->cs = segment(SELECTOR_USER_CODE, 11, 1);
    sregs->ss = sregs->ds = sregs->es = sregs->fs = sregs->gs = segment(SELECTOR_USER_DATA, 3, 0);
    sregs->tr = (struct kvm_segment){
        .base = tables_address(system, offsetof(struct tables, tss)),
        .limit = TSS_SIZE - 1,
        .selector = SELECTOR_TSS,
        .type = 11,
        .present = 1,
    };
    sregs->ldt = (struct kvm_segment){.unusable = 1};
    sregs->gdt.base = tables_address(system, offsetof(struct tables, gdt));
    sregs->gdt.limit = sizeof(uint64_t) * GDT_ENTRIES - 1;
    sregs->idt.base = tables_address(system, offsetof(struct tables, idt));
    sregs->idt.limit = sizeof(struct idt_gate) * UKVM_TRAP_VECTORS - 1;
}

uint64_t traps_syscall_target(const struct region *system) {
    return tables_address(system, offsetof(struct tables, stubs));
}

void traps_enter_edit(const struct region *system, uint64_t target, unsigned count, struct kvm_sync_regs *state) {
    state->sregs.cs = segment(SELECTOR_KERNEL_CODE, 11, 1);
    state->sregs.ss = segment(SELECTOR_KERNEL_DATA, 3, 0);
    state->regs = (struct kvm_regs){
        .rip = tables_address(system, offsetof(struct tables, edit)),
        .rsp = trap_stack_top(system),
        .rflags = 2, /* the bit that is always set; the direction is up */
        .rsi = system->base + SYSTEM_EDIT_OFFSET,
        .rdi = target,
        .rcx = count,
        .rax = state->sregs.cr3,
    };
}

void traps_enter_guest(uint64_t rip, struct kvm_sync_regs *state) {
    state->sregs.cs = segment(SELECTOR_USER_CODE, 11, 1);
    state->sregs.ss = segment(SELECTOR_USER_DATA, 3, 0);
    state->regs.rip = rip;
    state->regs.rflags = TRAPS_RFLAGS;
}

bool traps_in_stub(const struct region *system, uint64_t rip) {
    uint64_t first = tables_address(system, offsetof(struct tables, stubs));
    return rip >= first && rip - first < sizeof(((struct tables *)0)->stubs);
}

void traps_read_frame(const struct region *system, uint64_t rsp, struct trap_frame *frame) {
    size_t size = trap_stack_top(system) - rsp;
    *frame = (struct trap_frame){0};
    if (size == sizeof *frame || size == sizeof *frame - sizeof frame->error_code)
        memcpy((uint8_t *)frame + sizeof *frame - size, region_at_address(system, rsp, size), size);
}
