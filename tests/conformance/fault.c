/* SPDX-License-Identifier: MIT */
/* A guest that handles its exceptions. ABI.md, FAULT-04 to FAULT-08. */
#include "guest.h"

#define FLAG_TRAP 0x100u
#define FLAG_DIRECTION 0x400u
#define FLAG_NESTED 0x4000u
#define FLAG_ALIGNMENT 0x40000u
#define FLAGS_GIVEN (FLAG_DIRECTION | FLAG_NESTED | FLAG_ALIGNMENT | 1u)

/* What the handler finds in the processor, and what a fault is made with. In the order of struct ukvm_fault, r8 to rsp.
 */
enum { OTHERS = 16, IN_RDI = 8 };
struct found {
    uint64_t general[OTHERS];
    uint64_t flags, fs, gs, cs;
    uint8_t sse[16];
};
struct found found, given;
static struct ukvm_fault last; /* a copy of what the monitor has written */
struct ukvm_fault resume;      /* what the handler goes on with */
static unsigned count;
static uint64_t skip;         /* bytes of the instruction, which is not tried again */
static uint64_t goto_address; /* or where to go on instead */
static bool again;            /* store the handler again */
uint8_t handler_stack[4096] __attribute__((aligned(16)));
static uint8_t writable[16] = {0xc3};

void handler(void);
void on_fault(const struct ukvm_fault *fault);
void fault_with_state(uint64_t stack);

static volatile struct ukvm_fault *shared(void) {
    return (volatile struct ukvm_fault *)boot->fault_addr;
}

static bool offered(void) {
    if (boot->features & UKVM_FEATURE_FAULT)
        return true;
    ok(true, "not offered");
    return false;
}

/* The handler of all checks: it uses no stack but its own, and goes on by iretq. */
__asm__(".pushsection .text\n"
        ".macro general op\n"
        "\\op 0, %r8\n \\op 8, %r9\n \\op 16, %r10\n \\op 24, %r11\n"
        "\\op 32, %r12\n \\op 40, %r13\n \\op 48, %r14\n \\op 56, %r15\n"
        "\\op 64, %rdi\n \\op 72, %rsi\n \\op 80, %rbp\n \\op 96, %rdx\n \\op 104, %rax\n \\op 112, %rcx\n"
        "\\op 88, %rbx\n"
        ".endm\n"
        ".macro keep offset, register\n"
        "mov \\register, found+\\offset(%rip)\n"
        ".endm\n"
        ".macro load offset, register\n"
        "mov resume+32+\\offset(%rip), \\register\n"
        ".endm\n"
        ".macro give offset, register\n"
        "mov given+\\offset(%rip), \\register\n"
        ".endm\n"
        "handler:\n"
        "general keep\n"
        "mov %rsp, found+120(%rip)\n"
        "lea handler_stack+4096(%rip), %rsp\n"
        "pushfq\n pop found+128(%rip)\n"
        "rdfsbase %rax\n mov %rax, found+136(%rip)\n"
        "rdgsbase %rax\n mov %rax, found+144(%rip)\n"
        "mov %cs, %eax\n mov %rax, found+152(%rip)\n"
        "movdqu %xmm5, found+160(%rip)\n"
        "call on_fault\n"
        "movdqu found+160(%rip), %xmm5\n"
        "mov %ss, %eax\n push %rax\n"
        "pushq resume+32+120(%rip)\n" /* rsp */
        "pushq resume+32+136(%rip)\n" /* rflags */
        "mov %cs, %eax\n push %rax\n"
        "pushq resume+32+128(%rip)\n" /* rip */
        "general load\n"
        "iretq\n"
        /* fault_with_state(stack): ud2 with everything as in `given` and this stack pointer; then what came back */
        "fault_with_state:\n"
        "push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n"
        "mov %rdi, given+120(%rip)\n"
        "mov %rsp, saved_stack(%rip)\n"
        "pushq given+128(%rip)\n popfq\n"
        "movdqu given+160(%rip), %xmm5\n"
        "general give\n"
        "mov given+120(%rip), %rsp\n"
        "ud2\n"
        "mov %rsp, found+120(%rip)\n"
        "mov saved_stack(%rip), %rsp\n"
        "pushfq\n pop found+128(%rip)\n"
        "pushq $2\n popfq\n"
        "general keep\n"
        "movdqu %xmm5, found+160(%rip)\n"
        "pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n"
        "ret\n"
        ".local saved_stack\n .comm saved_stack, 8\n"
        ".popsection\n");
_Static_assert(offsetof(struct found, flags) == 128 && offsetof(struct found, sse) == 160, "as the code above has it");

static void arm(void) {
    shared()->handler = (uintptr_t)handler;
}

void on_fault(const struct ukvm_fault *fault) {
    last = *fault;
    resume = last;
    resume.rip = goto_address ? goto_address : last.rip + skip;
    goto_address = 0;
    count++;
    if (again)
        arm();
}

static void prepare(uint64_t bytes) {
    count = 0;
    skip = bytes;
    memset(&last, 0xee, sizeof last);
    memset(&found, 0xee, sizeof found);
    arm();
}

/* ---- FAULT-04 ---- */

static void ud2(void) {
    __asm__ volatile("ud2" : : : "memory");
}

static void once(void) {
    if (!offered())
        return;
    is((int64_t)(boot->fault_addr % 16), 0, "the structure is aligned");
    ok(all_bytes((const void *)boot->fault_addr, 0, sizeof(struct ukvm_fault)), "and all 0 at entry");
    shared()->error_code = 7;
    is((int64_t)shared()->error_code, 7, "the guest may write it");
    for (unsigned i = 0; i < 3; i++) {
        prepare(2);
        ud2();
        is(count, 1, "an exception comes to the handler");
        is((int64_t)shared()->handler, 0, "which is taken away");
    }
    again = true;
    prepare(2);
    ud2();
    ud2();
    is(count, 2, "and comes again when it is stored again");
}

/* Without a handler, which was there before; and in the handler. */
static void twice(void) {
    if (!offered())
        ud2();
    prepare(2);
    ud2();
    ud2();
}

static void inside(void) {
    if (!offered())
        ud2();
    prepare(2);
    goto_address = (uintptr_t)ud2;
    ud2();
}

/* ---- FAULT-06 ---- */

#define KIND(name, ...) \
    void name(void);    \
    __asm__(".pushsection .text\n.type " #name ", @function\n" #name ":\n" __VA_ARGS__ "\nret\n.popsection\n");

KIND(kind_ud2, "ud2")
KIND(kind_hlt, "hlt")
KIND(kind_int3, "int3")
KIND(kind_divide, "div %r8d")
KIND(kind_syscall, "syscall")
KIND(kind_read, "mov (%r8), %al")
KIND(kind_write, "mov %al, (%r8)")
KIND(kind_jump, "jmp *%r8")
KIND(kind_return, "")

static void kinds(void) {
    const struct {
        const char *what;
        void (*commit)(void);
        uint64_t r8;
        uint32_t vector, error_code;
        uint64_t size;
        bool page, trap, jumps;
    } table[] = {
        {"an invalid instruction", kind_ud2, 0, 6, 0, 2, false, false, false},
        {"a privileged one", kind_hlt, 0, 13, 0, 1, false, false, false},
        {"a breakpoint", kind_int3, 0, 3, 0, 1, false, true, false},
        {"a division by 0", kind_divide, 0, 0, 0, 3, false, false, false},
        {"syscall", kind_syscall, 0, 6, 0, 2, false, false, false},
        {"an address that is not canonical", kind_read, UINT64_C(1) << 62, 13, 0, 3, false, false, false},
        {"a read of page 0", kind_read, 123, 14, 4, 3, true, false, false},
        {"a write to page 0", kind_write, 124, 14, 6, 3, true, false, false},
        {"a write to code", kind_write, (uintptr_t)kind_write, 14, 7, 3, true, false, false},
        {"a write to the boot page", kind_write, (uintptr_t)boot + 8, 14, 7, 3, true, false, false},
        {"a jump to page 0", kind_jump, 125, 14, 0x14, 0, true, false, true},
        {"a jump to data", kind_jump, (uintptr_t)writable, 14, 0x15, 0, true, false, true},
    };
    if (!offered())
        return;
    for (unsigned i = 0; i < COUNT(table); i++) {
        prepare(table[i].trap ? 0 : table[i].size);
        register uint64_t r8 __asm__("r8") = table[i].r8;
        register void (*commit)(void) __asm__("r9") = table[i].commit;
        goto_address = table[i].jumps ? (uintptr_t)kind_return : 0;
        __asm__ volatile("call *%1" : "+r"(r8), "+r"(commit) : : "memory", "rax", "rcx", "rdx", "r11", "cc");
        bool right = last.vector == table[i].vector && last.error_code == table[i].error_code && last.reserved == 0;
        uint64_t rip = table[i].jumps ? table[i].r8 : (uintptr_t)table[i].commit + (table[i].trap ? table[i].size : 0);
        ok(count == 1 && right, table[i].what);
        is((int64_t)last.address, table[i].page ? (int64_t)table[i].r8 : 0, "its address");
        is((int64_t)last.rip, (int64_t)rip, "and where it was");
    }
}

/* ---- FAULT-06 and FAULT-07 ---- */

static void fill_given(void) {
    fill(&given, sizeof given, 7);
    given.flags = FLAGS_GIVEN | 2;
    for (unsigned i = 0; i < OTHERS; i++)
        given.general[i] |= 1; /* none is 0 */
}

static void told(void) {
    if (!offered())
        return;
    fill_given();
    prepare(2);
    fault_with_state(UINT64_C(0x123456789));
    ok(memcmp(&last.r8, given.general, sizeof given.general) == 0, "the general registers, RSP among them");
    is((int64_t)(last.rflags & (FLAGS_GIVEN | FLAG_TRAP)), FLAGS_GIVEN, "the flags");
    is((int64_t)last.address, 0, "no address, as it was no page fault");
}

static void state(void) {
    static uint8_t stack[1024];
    static const uint64_t stacks[] = {0, 8, UINT64_C(0x800000000000), UINT64_MAX, UINT64_C(0xffff800000000000)};
    uint64_t fs, gs;
    if (!offered())
        return;
    memset(stack, 0x5a, sizeof stack);
    __asm__ volatile("wrfsbase %0\n\t wrgsbase %1" : : "r"(UINT64_C(0x1234567000)), "r"(UINT64_C(0x7654321000)));
    fill_given();
    prepare(2);
    fault_with_state((uintptr_t)stack + sizeof stack - 8);
    __asm__ volatile("rdfsbase %0\n\t rdgsbase %1" : "=r"(fs), "=r"(gs));
    ok(all_bytes(stack, 0x5a, sizeof stack), "no memory at the stack pointer is changed");
    ok(fs == UINT64_C(0x1234567000) && gs == UINT64_C(0x7654321000), "the bases are as they were");
    ok(memcmp(found.general, given.general, sizeof given.general) == 0, "after iretq, the general registers");
    is((int64_t)(found.flags & FLAGS_GIVEN), FLAGS_GIVEN, "the flags");
    ok(memcmp(found.sse, given.sse, sizeof given.sse) == 0, "and SSE");
    for (unsigned i = 0; i < COUNT(stacks); i++) {
        prepare(2);
        fault_with_state(stacks[i]);
        is((int64_t)last.rsp, (int64_t)stacks[i], "a stack pointer that leads nowhere");
    }
}

/* The first instruction of this one looks, and goes on behind the fault by itself. */
void look(void);
__asm__(".pushsection .text\n"
        "look:\n"
        "general keep\n"
        "mov %rsp, found+120(%rip)\n"
        "lea handler_stack+4096(%rip), %rsp\n"
        "pushfq\n pop found+128(%rip)\n"
        "rdfsbase %rax\n mov %rax, found+136(%rip)\n"
        "rdgsbase %rax\n mov %rax, found+144(%rip)\n"
        "mov %cs, %eax\n mov %rax, found+152(%rip)\n"
        "movdqu %xmm5, found+160(%rip)\n"
        "mov saved_stack(%rip), %rsp\n"
        "pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n"
        "ret\n"
        ".popsection\n");

static void handler_state(void) {
    if (!offered())
        return;
    fill_given();
    prepare(2);
    shared()->handler = (uintptr_t)look;
    __asm__ volatile("wrfsbase %0\n\t wrgsbase %1" : : "r"(UINT64_C(0x1234567000)), "r"(UINT64_C(0x7654321000)));
    fault_with_state(UINT64_C(0x123456789));
    is((int64_t)(found.cs & 3), 3, "the handler is at CPL 3");
    is((int64_t)found.general[IN_RDI], (int64_t)boot->fault_addr, "RDI is the address of the structure");
    is((int64_t)(found.flags & (FLAG_TRAP | FLAG_DIRECTION | FLAG_NESTED | FLAG_ALIGNMENT)), 0, "the flags are clear");
    found.general[IN_RDI] = given.general[IN_RDI];
    ok(memcmp(found.general, given.general, sizeof given.general) == 0, "all other registers are as they were");
    ok(memcmp(found.sse, given.sse, sizeof given.sse) == 0, "SSE, too");
    ok(found.fs == UINT64_C(0x1234567000) && found.gs == UINT64_C(0x7654321000), "and the bases");
}

static void single_step(void) {
    if (!offered())
        return;
    prepare(0);
    shared()->handler = (uintptr_t)look;
    __asm__ volatile("push %%rbx\n push %%rbp\n push %%r12\n push %%r13\n push %%r14\n push %%r15\n"
                     "lea 1f(%%rip), %%rax\n push %%rax\n lea -48(%%rsp), %%rcx\n"
                     "sub $48, %%rsp\n mov %%rsp, saved_stack(%%rip)\n"
                     "mov %%r15, (%%rsp)\n mov %%r14, 8(%%rsp)\n mov %%r13, 16(%%rsp)\n mov %%r12, 24(%%rsp)\n"
                     "mov %%rbp, 32(%%rsp)\n mov %%rbx, 40(%%rsp)\n"
                     "pushfq\n orq $0x100, (%%rsp)\n popfq\n nop\n ud2\n"
                     "1: pop %%r15\n pop %%r14\n pop %%r13\n pop %%r12\n pop %%rbp\n pop %%rbx\n"
                     :
                     :
                     : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
    is(shared()->vector, 1, "a single step");
    ok(shared()->rflags & FLAG_TRAP, "whose flag is told");
    is((int64_t)(found.flags & FLAG_TRAP), 0, "and clear in the handler");
}

/* ---- FAULT-08 ---- */

static void untouched(void) {
    uint8_t *bytes = (uint8_t *)boot->fault_addr;
    if (!offered())
        return;
    again = true;
    prepare(2);
    for (unsigned i = 0; i < 2000; i++)
        ud2();
    is(count, 2000, "two thousand exceptions");
    again = false;
    memset(bytes + 8, 0xa5, sizeof(struct ukvm_fault) - 8);
    arm();
    kick();
    wait_until(now() + MILLISECOND);
    ok(all_bytes(bytes + 8, 0xa5, sizeof(struct ukvm_fault) - 8), "hypercalls change nothing in the structure");
    is((int64_t)shared()->handler, (int64_t)(uintptr_t)handler, "nor take the handler away");
}

static void forever(void) {
    say("before");
    flush();
    again = offered();
    prepare(0);
    for (;;)
        ud2();
}

const struct check checks[] = {
    {"UKVM-FAULT-04", once},
    {"UKVM-FAULT-04 twice", twice},
    {"UKVM-FAULT-04 inside", inside},
    {"UKVM-FAULT-06", kinds},
    {"UKVM-FAULT-06 told", told},
    {"UKVM-FAULT-07", handler_state},
    {"UKVM-FAULT-07 step", single_step},
    {"UKVM-FAULT-08", state},
    {"UKVM-FAULT-08 untouched", untouched},
    {"UKVM-FAULT-08 forever", forever},
    {NULL, NULL},
};
