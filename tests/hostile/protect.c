/* SPDX-License-Identifier: MIT */
/*
 * What a guest may have in its registers at the hypercall that carries out a MEM_PROTECT, for which the monitor's stub
 * runs in ring 0 with the same processor (MEM-06):
 *
 *     build/ukvm run build/tests/hostile/protect.elf all_flags [write]
 *
 * Prints "survived", if the page was protected and the registers are as they were; with `write`, writes to that page.
 * Without an argument it prints a line for each: its name, and "ends" where the guest's own flags end it behind the
 * hypercall.
 */
#include "by_hand.h"

#define PAGE ((uint64_t)UKVM_PAGE_SIZE)
#define FLAGS_ALL 0x244cd5  /* ID, AC, NT, OF, DF, SF, ZF, AF, PF, CF */
#define FLAGS_KEPT 0x240cd5 /* a KVM without VMX and SVM clears NT at any hypercall */
#define STRING(x) #x
#define TEXT(x) STRING(x)

#define SET_FLAGS(bits) "pushf\n orq $" TEXT(bits) ", (%rsp)\n popf"
#define SAME_SS "mov %ss, %ecx\n mov %ecx, %ss"
#define OUT "out %eax, %dx"

/* clang-format off */
#define CASES(X) \
    X(nothing, goes_on, "", OUT) \
    X(all_flags, goes_on, SET_FLAGS(FLAGS_ALL), OUT) \
    X(single_step, ends, SET_FLAGS(0x100), OUT) \
    X(single_step_late, ends, "mov %ss, %ecx\n" SET_FLAGS(0x100) "\n mov %ecx, %ss", OUT) \
    X(interrupts_held, goes_on, SAME_SS, OUT) \
    X(no_segments, goes_on, "xor %ecx, %ecx\n mov %ecx, %ds\n mov %ecx, %es\n mov %ecx, %fs\n mov %ecx, %gs", OUT) \
    X(no_stack, goes_on, "xor %esp, %esp", OUT) \
    X(far_stack, goes_on, "mov $1, %esp\n ror %rsp", OUT) \
    X(tables, goes_on, "mov tables(%rip), %rsp\n wrfsbase %rsp\n wrgsbase %rsp\n mov %rsp, %rdi\n mov %rsp, %rbp", OUT) \
    X(string, goes_on, "lea tables(%rip), %rsi", "outsl (%rsi), %dx") \
    X(strings, goes_on, "lea tables(%rip), %rsi\n mov $2, %ecx", "rep outsl (%rsi), %dx")
/* clang-format on */

uint64_t tables, flags_after; /* where the page tables are */

/* All that a case changes is put right from R13 to R15, which it leaves. */
#define FUNCTION(name, fate, before, out)                                                                             \
    static __attribute__((naked)) void do_##name(void) {                                                              \
        __asm__("push %rbp\n push %r13\n push %r14\n push %r15\n"                                                     \
                "mov %rsp, %r15\n rdfsbase %r14\n rdgsbase %r13\n mov $0x10, %edx\n xor %eax, %eax\n" before "\n" out \
                "\n nop\n"                                                                                            \
                "mov %r15, %rsp\n pushf\n popq flags_after(%rip)\n pushq $2\n popf\n"                                 \
                "wrfsbase %r14\n wrgsbase %r13\n pop %r15\n pop %r14\n pop %r13\n pop %rbp\n ret");                   \
    }
CASES(FUNCTION)

#define ROW(name, fate, before, out) {#name, #fate, do_##name},
static const struct {
    const char *name, *fate;
    void (*kick)(void);
} cases[] = {CASES(ROW)};

static void list(void) {
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        uk_printf("%s %s\n", cases[i].name, cases[i].fate);
}

static void kick_as(const char *name) {
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (strcmp(name, cases[i].name) == 0)
            cases[i].kick();
}

int main(int argc, char **argv) {
    if (argc < 2) {
        list();
        return 0;
    }
    uint64_t *pages = uk_pages_alloc(2);
    open_rings();
    tables = uk_boot()->arena_addr + uk_boot()->arena_size + PAGE;
    pages[0] = pages[PAGE / sizeof *pages] = 1;
    put((struct ukvm_sqe){
        .op = UKVM_OP_MEM_PROTECT, .device = UKVM_PROT_READ, .offset = (uintptr_t)pages, .length = UKVM_PAGE_SIZE});
    kick_as(argv[1]);
    bool right = rings->cq_tail == 1 && cq[0].result == 0 &&
                 (strcmp(argv[1], "all_flags") != 0 || (flags_after & FLAGS_KEPT) == FLAGS_KEPT);
    ((volatile uint64_t *)pages)[PAGE / sizeof *pages] = 2;
    if (argc > 2)
        *(volatile uint64_t *)pages = 2;
    say(right ? "survived\n" : "%u completions, result %d, flags 0x%lx\n", rings->cq_tail, cq[0].result, flags_after);
    end(1);
}
