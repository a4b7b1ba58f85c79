/* SPDX-License-Identifier: MIT */
/* links: monitor/machine/traps.c monitor/base/region.c monitor/base/error.c */
/* The tables are decoded as the processor does it: AMD64 Architecture Programmer's Manual vol. 2, 4.8, 8.9 and 12.2. */
#include "machine/traps.h"

#include "machine/layout.h"
#include "tap.h"

#define BASE UINT64_C(0x2345600000) /* an address with bits in each part that a descriptor splits it into */

static struct region region;
static struct kvm_sregs sregs;

static const uint8_t *at(uint64_t address, uint64_t length) {
    const uint8_t *bytes = region_at_address(&region, address, length);
    if (!bytes)
        abort();
    return bytes;
}

static uint64_t word_at(uint64_t address) {
    uint64_t word;
    memcpy(&word, at(address, sizeof word), sizeof word);
    return word;
}

static uint64_t bits(uint64_t word, unsigned low, unsigned count) {
    return word >> low & ((UINT64_C(1) << count) - 1);
}

static bool in_page(uint64_t address, uint64_t length) {
    return address >= BASE && range_within(address - BASE, length, UKVM_PAGE_SIZE);
}

static uint64_t descriptor(uint16_t selector) {
    return word_at(sregs.gdt.base + (selector & 0xfff8u));
}

/* A segment register's hidden part says the same as the descriptor that its selector names. */
static void test_segment(const struct kvm_segment *s, const char *name, bool code) {
    uint64_t d = descriptor(s->selector);
    ok((s->selector & 7) == 3, "%s: a selector of the GDT with RPL 3", name);
    ok((s->selector | 7u) <= sregs.gdt.limit, "%s: within its limit", name);
    is_u64(bits(d, 47, 1), 1, "%s: present", name);
    is_u64(bits(d, 44, 1), 1, "%s: code or data", name);
    is_u64(bits(d, 45, 2), 3, "%s: DPL 3", name);
    is_u64(bits(d, 40, 4), code ? 11 : 3, "%s: type, with the accessed bit set", name);
    is_u64(bits(d, 53, 1), code, "%s: 64-bit mode", name);
    is_u64(bits(d, 54, 1), 0, "%s: no default size in 64-bit code", name);
    ok(s->dpl == 3 && s->present && s->s && s->type == bits(d, 40, 4) && s->l == bits(d, 53, 1) && !s->unusable,
       "%s: the register agrees", name);
    ok(s->base == 0 && s->limit == 0xffffffff && s->g, "%s: all of memory", name);
}

static void test_segments(void) {
    ok(in_page(sregs.gdt.base, sregs.gdt.limit + 1u), "the GDT lies in the supervisor page");
    is_u64(word_at(sregs.gdt.base), 0, "its first descriptor is null");
    test_segment(&sregs.cs, "cs", true);
    test_segment(&sregs.ss, "ss", false);
    ok(memcmp(&sregs.ds, &sregs.ss, sizeof sregs.ss) == 0 && memcmp(&sregs.es, &sregs.ss, sizeof sregs.ss) == 0,
       "ds and es are as ss");
    ok(sregs.fs.base == 0 && sregs.gs.base == 0, "fs and gs start at 0 (ENTRY-02)");
    ok(sregs.ldt.unusable, "there is no LDT");

    unsigned wrong = 0;
    for (unsigned selector = 8; selector < sregs.gdt.limit; selector += 8) {
        uint64_t d = descriptor((uint16_t)selector);
        bool known = selector == (sregs.cs.selector & ~7u) || selector == (sregs.ss.selector & ~7u);
        wrong += bits(d, 47, 1) && bits(d, 44, 1) && bits(d, 45, 2) == 3 && !known;
        wrong +=
            !bits(d, 44, 1) && selector == sregs.tr.selector + 8u && d >> 32; /* upper half of the TSS: base only */
        wrong += bits(d, 47, 1) && !bits(d, 44, 1) && selector != sregs.tr.selector; /* no gate of any kind */
    }
    is_u64(wrong, 0, "no other descriptor is for ring 3");
}

static void test_task_state(void) {
    uint64_t low = descriptor(sregs.tr.selector), high = descriptor((uint16_t)(sregs.tr.selector + 8));
    uint64_t base = bits(low, 16, 24) | bits(low, 56, 8) << 24 | bits(high, 0, 32) << 32;
    uint64_t limit = bits(low, 0, 16) | bits(low, 48, 4) << 16;
    is_u64(base, sregs.tr.base, "the TSS descriptor's base is the register's");
    is_u64(limit, sregs.tr.limit, "and its limit");
    is_u64(bits(low, 40, 5), 11, "a busy 64-bit TSS");
    ok(bits(low, 45, 2) == 0 && bits(low, 47, 1) == 1 && bits(low, 55, 1) == 0, "DPL 0, present, limit in bytes");
    ok(sregs.tr.type == 11 && sregs.tr.present && !sregs.tr.s && !sregs.tr.unusable, "the register agrees");
    ok(in_page(base, limit + 1), "the TSS lies in the supervisor page");

    uint64_t stack = word_at(base + 4);
    is_u64(stack, BASE + SYSTEM_TRAP_STACK_OFFSET + UKVM_PAGE_SIZE, "RSP0 is the top of the trap stack");
    unsigned others = 0;
    for (unsigned i = 12; i < 100; i++)
        others |= *at(base + i, 1);
    is_u64(others, 0, "no other stack is in use");
}

/* AMD64 APM vol. 2, 12.2.5: an access is allowed if the bits of all its ports are clear and within the limit. */
static bool allowed(unsigned port, unsigned size) {
    uint16_t bitmap;
    memcpy(&bitmap, at(sregs.tr.base + 102, 2), 2);
    uint32_t offset = bitmap + port / 8;
    if (offset + 1 > sregs.tr.limit) /* the processor reads two bytes, and faults if either is outside */
        return false;
    unsigned map = *at(sregs.tr.base + offset, 1) | (unsigned)*at(sregs.tr.base + offset + 1, 1) << 8;
    return (map >> port % 8 & ((1u << size) - 1)) == 0;
}

static void test_ports(void) {
    unsigned wrong_byte = 0, wrong_word = 0, wrong_long = 0;
    for (unsigned port = 0; port < 0x10000; port++) {
        wrong_byte += allowed(port, 1) != (port >= 0x10 && port <= 0x15);
        wrong_word += allowed(port, 2) != (port >= 0x10 && port <= 0x14);
        wrong_long += allowed(port, 4) != (port >= UKVM_PORT_KICK && port <= UKVM_PORT_EXIT);
    }
    is_u64(wrong_long, 0, "32-bit access: KICK, WAIT, EXIT and no other of the 65536 ports (CALL-05)");
    is_u64(wrong_byte, 0, "8-bit access: the ports 0x10 to 0x15, which those need, and no other");
    is_u64(wrong_word, 0, "16-bit access: likewise");
    ok(!allowed(UKVM_PORT_TRAP, 1), "the trap ports are not the guest's");
}

static void test_gates(void) {
    unsigned wrong_gate = 0, wrong_code = 0;
    uint64_t first = 0;
    is_u64(sregs.idt.limit + 1u, 16 * UKVM_TRAP_VECTORS, "an IDT of 32 gates: any other interrupt is a fault");
    ok(in_page(sregs.idt.base, sregs.idt.limit + 1u), "in the supervisor page");
    for (unsigned vector = 0; vector < UKVM_TRAP_VECTORS; vector++) {
        uint64_t low = word_at(sregs.idt.base + 16 * vector), high = word_at(sregs.idt.base + 16 * vector + 8);
        uint64_t target = bits(low, 0, 16) | bits(low, 48, 16) << 16 | bits(high, 0, 32) << 32;
        uint64_t code = descriptor((uint16_t)bits(low, 16, 16));
        first = vector == 0 ? target : first;
        wrong_gate += bits(low, 32, 3) != 0;                     /* no interrupt stack table */
        wrong_gate += bits(low, 40, 5) != 14;                    /* interrupt gate */
        wrong_gate += bits(low, 45, 2) != (vector == 3 ? 3 : 0); /* DPL: of `int n`, ring 3 has only the breakpoint */
        wrong_gate += bits(low, 47, 1) != 1;
        wrong_gate += bits(high, 32, 32) != 0;
        wrong_gate += bits(code, 40, 8) != 0x9b || bits(code, 53, 1) != 1; /* 64-bit code of ring 0 */
        wrong_code += !in_page(target, 4) || !traps_in_stub(&region, target) || !traps_in_stub(&region, target + 3);
        const uint8_t want[4] = {0xe6, (uint8_t)(UKVM_PORT_TRAP + vector), 0xeb, 0xfe};
        wrong_code += memcmp(at(target, 4), want, 4) != 0;
    }
    is_u64(wrong_gate, 0, "each is an interrupt gate to ring 0 that ring 3 cannot call, but for int3");
    is_u64(wrong_code, 0, "each leads to its own stub, which does out %%al, $0x40 + vector and stays there");
    ok(!traps_in_stub(&region, first - 1) && !traps_in_stub(&region, first + 4 * UKVM_TRAP_VECTORS),
       "traps_in_stub() is false on either side");
    ok(!traps_in_stub(&region, 0) && !traps_in_stub(&region, UINT64_MAX), "and far away");
    ok(in_page(traps_syscall_target(&region), 1), "SYSCALL leads into the supervisor page, where ring 3 cannot go");
}

/* Ring 0 without an interrupt, a flag or a register of the guest's; the code is in the page that it cannot write. */
static void test_edit(void) {
    static const uint8_t code[] = {0xf3, 0x48, 0xa5, 0x0f, 0x22, 0xd8, 0xe6, TRAPS_EDIT_PORT, 0xeb, 0xfe};
    struct kvm_sync_regs state;
    memset(&state.regs, 0x77, sizeof state.regs);
    state.sregs = sregs;
    state.sregs.cr3 = 0x123000;
    state.sregs.fs.base = 0x456;
    traps_enter_edit(&region, 0x789000, 12, &state);
    ok(in_page(state.regs.rip, sizeof code) && memcmp(at(state.regs.rip, sizeof code), code, sizeof code) == 0,
       "the edit stub: rep movsq; mov %%rax, %%cr3; out %%al, $port; and there it stays");
    ok(!traps_in_stub(&region, state.regs.rip), "a stub that is no exception's");
    ok(state.sregs.cs.dpl == 0 && state.sregs.ss.dpl == 0 && state.sregs.cs.l && (state.sregs.cs.selector & 3) == 0,
       "it runs in ring 0");
    uint64_t code_descriptor = descriptor(state.sregs.cs.selector);
    ok(bits(code_descriptor, 40, 8) == 0x9b && bits(code_descriptor, 53, 1) == 1, "by a selector that means that");
    ok(state.regs.rsi == BASE + SYSTEM_EDIT_OFFSET && state.regs.rdi == 0x789000 && state.regs.rcx == 12 &&
           state.regs.rax == 0x123000 && state.regs.rflags == 2,
       "from the edit page to the target, so many entries, and the tables are the same");
    ok(state.regs.rsp == BASE + SYSTEM_TRAP_STACK_OFFSET + UKVM_PAGE_SIZE, "a fault there would not touch the guest");
    is_u64(state.sregs.fs.base, 0x456, "the bases are as they were");
    ok(!allowed(TRAPS_EDIT_PORT, 1), "its port is not the guest's");
}

/* The frame as the processor pushes it, from the top of the stack down. */
static void push_frame(bool error_code) {
    uint64_t *top = region_at(&region, SYSTEM_TRAP_STACK_OFFSET + UKVM_PAGE_SIZE - 48, 48);
    memset(top, 0xee, 48);
    top[5] = 0x2b;               /* SS */
    top[4] = 0x7fff12345678;     /* RSP */
    top[3] = 0x10246;            /* RFLAGS */
    top[2] = 0x33;               /* CS */
    top[1] = 0xdeadbeef12345678; /* RIP */
    if (error_code)
        top[0] = 0x15;
}

static void test_frames(void) {
    unsigned wrong = 0;
    for (unsigned vector = 0; vector < UKVM_TRAP_VECTORS; vector++) {
        /* AMD64 APM vol. 2, table 8-1: DF, TS, NP, SS, GP, PF, AC, CP, VC, SX */
        bool error_code = (UINT32_C(0x60227d00) >> vector & 1) != 0;
        struct trap_frame frame;
        memset(&frame, 0x55, sizeof frame);
        push_frame(error_code);
        traps_read_frame(&region, BASE + SYSTEM_TRAP_STACK_OFFSET + UKVM_PAGE_SIZE - (error_code ? 48 : 40), &frame);
        bool good = frame.error_code == (error_code ? 0x15 : 0) && frame.rip == 0xdeadbeef12345678 &&
                    frame.cs == 0x33 && frame.rflags == 0x10246 && frame.rsp == 0x7fff12345678 && frame.ss == 0x2b;
        if (!good)
            diag("vector %u: error code 0x%" PRIx64 ", rip 0x%" PRIx64, vector, frame.error_code, frame.rip);
        wrong += !good;
    }
    is_u64(wrong, 0, "the frame of each vector, with an error code where there is one");

    const uint64_t top = BASE + SYSTEM_TRAP_STACK_OFFSET + UKVM_PAGE_SIZE;
    const uint64_t elsewhere[] = {top, top - 8, top - 32, top - 56, top - 80, top - 96, top + 48, 0, BASE, UINT64_MAX};
    for (unsigned i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++) {
        struct trap_frame frame, none = {0};
        memset(&frame, 0x55, sizeof frame);
        traps_read_frame(&region, elsewhere[i], &frame);
        wrong += memcmp(&frame, &none, sizeof frame) != 0;
    }
    is_u64(wrong, 0, "none where an exception of the guest does not leave one: it came in a stub");
}

int main(void) {
    struct error err;
    if (region_map(&region, BASE, 4 * UKVM_PAGE_SIZE, "test", &err))
        return 1;
    traps_build(&region);
    memset(&sregs, 0x77, sizeof sregs); /* whatever KVM had */
    traps_set_registers(&region, &sregs);
    test_segments();
    test_task_state();
    test_ports();
    test_gates();
    test_edit();
    test_frames();
    return done_testing();
}
