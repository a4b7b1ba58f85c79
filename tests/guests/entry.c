/* SPDX-License-Identifier: MIT */
/*
 * The state of the processor at the first instruction: ENTRY-01 to ENTRY-03, MEM-01, MEM-02, BOOT-05. Has an entry
 * point of its own, in the place of the library's, which writes every register down before it goes on as usual.
 *
 *     build/ukvm run build/tests/guests/entry.elf
 */
#include "ukvm.h"

UKVM_IMAGE(.min_memory = 0); /* the library's note comes with the entry point that this program does not use */

/* In the order of the stores below. */
enum {
    RAX,
    RBX,
    RCX,
    RDX,
    RSI,
    RBP,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15,
    RDI,
    RSP,
    RFLAGS,
    FS_BASE,
    GS_BASE,
    REGISTERS
};
uint64_t entry_registers[REGISTERS];

__asm__(".pushsection .text\n"
        ".globl _start\n"
        ".type _start, @function\n"
        "_start:\n"
        "mov %rax, entry_registers+0(%rip)\n"
        "mov %rbx, entry_registers+8(%rip)\n"
        "mov %rcx, entry_registers+16(%rip)\n"
        "mov %rdx, entry_registers+24(%rip)\n"
        "mov %rsi, entry_registers+32(%rip)\n"
        "mov %rbp, entry_registers+40(%rip)\n"
        "mov %r8, entry_registers+48(%rip)\n"
        "mov %r9, entry_registers+56(%rip)\n"
        "mov %r10, entry_registers+64(%rip)\n"
        "mov %r11, entry_registers+72(%rip)\n"
        "mov %r12, entry_registers+80(%rip)\n"
        "mov %r13, entry_registers+88(%rip)\n"
        "mov %r14, entry_registers+96(%rip)\n"
        "mov %r15, entry_registers+104(%rip)\n"
        "mov %rdi, entry_registers+112(%rip)\n"
        "mov %rsp, entry_registers+120(%rip)\n"
        "pushfq\n"
        "pop %rax\n"
        "mov %rax, entry_registers+128(%rip)\n"
        "rdfsbase %rax\n"
        "mov %rax, entry_registers+136(%rip)\n"
        "rdgsbase %rax\n"
        "mov %rax, entry_registers+144(%rip)\n"
        "fninit\n"
        "push $0x1f80\n"
        "ldmxcsr (%rsp)\n"
        "pop %rax\n"
        "call uk_start\n"
        ".size _start, .-_start\n"
        ".popsection\n");

static unsigned tests, failed;

static void ok(bool passed, const char *name) {
    failed += !passed;
    uk_printf("%s %u - %s\n", passed ? "ok" : "not ok", ++tests, name);
}

static const struct ukvm_range *range_at(unsigned i) {
    return uk_boot_ranges(uk_boot()) + i;
}

/* The range that ends at `end`, or that holds the byte before it. */
static const struct ukvm_range *range_below(uint64_t end) {
    for (unsigned i = 0; i < uk_boot()->ranges_count; i++)
        if (end > range_at(i)->base && end - range_at(i)->base <= range_at(i)->size)
            return range_at(i);
    return NULL;
}

static void registers(void) {
    const struct ukvm_range *stack = range_below(entry_registers[RSP]);
    uint64_t others = 0;
    uint16_t cs;
    for (unsigned i = RAX; i < RDI; i++)
        others |= entry_registers[i];
    __asm__ volatile("mov %%cs, %0" : "=r"(cs));
    ok((cs & 3) == 3, "ENTRY-01: privilege level 3");
    ok(entry_registers[RDI] == (uintptr_t)uk_boot() && uk_boot()->magic == UKVM_BOOT_MAGIC,
       "ENTRY-01: RDI is the boot page");
    ok(stack && stack->kind == UKVM_RANGE_STACK && stack->base + stack->size == entry_registers[RSP],
       "ENTRY-01: RSP is the top of the boot stack");
    ok(entry_registers[RSP] % 16 == 0, "ENTRY-01: aligned to 16");
    ok(others == 0, "ENTRY-01: all other general registers are 0");
    ok((entry_registers[RFLAGS] & (1u << 10)) == 0, "ENTRY-01: the direction flag is clear");
}

/* The kernel's stack canary is at %fs:0x28: it goes along, and comes back in the end. */
static void bases(void) {
    uint64_t kernels, fs, back;
    static uint64_t words[6] = {42};
    ok(entry_registers[FS_BASE] == 0 && entry_registers[GS_BASE] == 0, "ENTRY-02: the FS and GS bases start at 0");
    __asm__ volatile("mov %%fs:0x28, %0" : "=r"(words[5]));
    __asm__ volatile("rdfsbase %0" : "=r"(kernels));
    __asm__ volatile("wrfsbase %1\n\tmov %%fs:0, %0" : "=r"(back) : "r"(words));
    ok(back == 42, "ENTRY-02: wrfsbase, and an access through FS");
    __asm__ volatile("wrgsbase %1\n\tmov %%gs:0, %0" : "=r"(back) : "r"(words));
    ok(back == 42, "ENTRY-02: wrgsbase, and an access through GS");
    uk_printf("# an exit\n");
    uk_console_flush();
    __asm__ volatile("rdfsbase %0" : "=r"(fs));
    ok(fs == (uintptr_t)words, "CALL: they outlive an exit");
    __asm__ volatile("wrfsbase %0" : : "r"(kernels));
}

static bool has_avx(void) {
    uint32_t a = 1, b, c = 0, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    if ((c & (1u << 27 | 1u << 28)) != (1u << 27 | 1u << 28))
        return false;
    __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    return (a & 6) == 6;
}

static void vectors(void) {
    double x = 3, y = 4;
    __asm__ volatile("mulsd %1, %0" : "+x"(x) : "x"(y));
    ok(x == 12, "ENTRY-02: SSE");
    if (!has_avx()) {
        uk_printf("# no AVX on this processor\n");
        return;
    }
    uint64_t in[4] = {1, 2, 3, 4}, out[4] = {0};
    __asm__ volatile("vmovdqu %0, %%ymm7" : : "m"(in) : "xmm7");
    uk_kick(); /* an exit in between */
    __asm__ volatile("vmovdqu %%ymm7, %0" : "=m"(out));
    ok(memcmp(in, out, sizeof in) == 0, "ENTRY-02: AVX registers, over an exit");
}

static void clock(void) {
    uint64_t last = __builtin_ia32_rdtsc(), back = 0;
    for (unsigned i = 0; i < 100000; i++) {
        uint64_t now = __builtin_ia32_rdtsc();
        back += now < last;
        last = now;
    }
    ok(back == 0, "ENTRY-03: rdtsc never goes back");
    ok(uk_clock_monotonic() < 60 * UK_SECOND, "TIME-01: monotonic time started with the guest");
}

static void free_memory(void) {
    bool zero = true;
    for (unsigned i = 0; i < uk_boot()->ranges_count; i++) {
        const struct ukvm_range *range = range_at(i);
        if (range->kind != UKVM_RANGE_FREE || range->size == 0)
            continue;
        const volatile uint64_t *last = (const volatile uint64_t *)(range->base + range->size - 8);
        zero = zero && *last == 0;
    }
    ok(zero, "MEM-02: the end of each free range can be read, and is zero");
}

int main(void) {
    registers();
    bases();
    vectors();
    clock();
    free_memory();
    uk_printf("# entropy %016lx image %lx rings %lx\n", *(const uint64_t *)(const void *)uk_boot()->entropy,
              (uintptr_t)&main, uk_boot()->rings_addr);
    uk_printf("1..%u\n", tests);
    return failed != 0;
}
