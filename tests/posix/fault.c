/* SPDX-License-Identifier: MIT */
/* Programs that handle their own faults: what the handler is told, and how it goes on. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "tap.h"

#define PAGE 4096

static sigjmp_buf back;
static volatile sig_atomic_t count;
static siginfo_t last;
static greg_t last_gregs[NGREG];
static char *volatile page; /* that handlers open */
static volatile uintptr_t handler_stack;

static void *new_page(int prot) {
    void *at = mmap(NULL, PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        perror("mmap");
    return at;
}

static void install(int signal, void (*action)(int, siginfo_t *, void *), int flags) {
    struct sigaction act = {.sa_sigaction = action, .sa_flags = SA_SIGINFO | flags};
    sigaction(signal, &act, NULL);
    count = 0;
}

static void note(siginfo_t *info, void *context) {
    last = *info;
    memcpy(last_gregs, ((ucontext_t *)context)->uc_mcontext.gregs, sizeof last_gregs);
    handler_stack = (uintptr_t)__builtin_frame_address(0);
    count++;
}

static void jump(int signal, siginfo_t *info, void *context) {
    note(info, context);
    siglongjmp(back, signal);
}

static void plain_jump(int signal) {
    count++;
    siglongjmp(back, signal);
}

static bool is_blocked(int signal) {
    sigset_t set;
    sigprocmask(SIG_SETMASK, NULL, &set);
    return sigismember(&set, signal);
}

static void *hidden(void *pointer) {
    __asm__ volatile("" : "+r"(pointer));
    return pointer;
}

/* ---- jumping out */

static void jumping(void) {
    char *none = new_page(PROT_NONE), *gone = new_page(PROT_READ | PROT_WRITE), *constant = new_page(PROT_READ);
    munmap(gone, PAGE);
    install(SIGSEGV, jump, 0);
    for (int i = 0; i < 3; i++) {
        int signal = sigsetjmp(back, 1);
        if (!signal)
            (void)*(volatile char *)hidden((void *)(uintptr_t)(16 + i));
        ok(signal == SIGSEGV && count == i + 1, "SIGSEGV for a NULL pointer, for the %d. time", i + 1);
        ok(last.si_signo == SIGSEGV && last.si_code == SEGV_MAPERR && last.si_addr == (void *)(uintptr_t)(16 + i),
           "says which address, where nothing is mapped");
        ok(!is_blocked(SIGSEGV), "and the mask is back");
    }
    if (!sigsetjmp(back, 1))
        *(volatile char *)hidden(none + 123) = 1;
    ok(count == 4 && last.si_code == SEGV_ACCERR && last.si_addr == none + 123, "a page without access");
    ok(last_gregs[REG_TRAPNO] == 14 && last_gregs[REG_CR2] == (greg_t)(uintptr_t)(none + 123), "trap number and CR2");
    (void)*(volatile char *)constant; /* from here on it is there */
    if (!sigsetjmp(back, 1))
        *(volatile char *)hidden(constant + 5) = 1;
    ok(count == 5 && last.si_code == SEGV_ACCERR && last.si_addr == constant + 5, "a page that is only to be read");
    ok(last_gregs[REG_ERR] == 7, "a write, by the program, to what is there");
    if (!sigsetjmp(back, 1))
        ((void (*)(void))hidden(constant))();
    ok(count == 6 && last.si_code == SEGV_ACCERR && last.si_addr == constant, "data is not executed");
    ok(last_gregs[REG_RIP] == (greg_t)(uintptr_t)constant, "RIP is there");
    if (!sigsetjmp(back, 1))
        (void)*(volatile char *)hidden((void *)(UINT64_C(1) << 62));
    ok(count == 7 && last.si_code == SI_KERNEL && last.si_addr == NULL, "an address that is not canonical");
    if (!sigsetjmp(back, 1))
        __asm__ volatile("hlt");
    ok(count == 8 && last.si_code == SI_KERNEL, "a privileged instruction");
    signal(SIGSEGV, plain_jump);
    if (!sigsetjmp(back, 1))
        *(volatile char *)hidden(none) = 1;
    ok(count == 9, "a handler that signal() has installed");
}

/* ---- going on */

static void open_page(int signal, siginfo_t *info, void *context) {
    (void)signal;
    note(info, context);
    mprotect(page, PAGE, PROT_READ | PROT_WRITE);
}

static void mending(void) {
    page = new_page(PROT_NONE);
    install(SIGSEGV, open_page, 0);
    strcpy(page + 10, "mended");
    ok(count == 1 && strcmp(page + 10, "mended") == 0, "a handler that opens the page: the program goes on");
    mprotect(page, PAGE, PROT_READ);
    page[10]++;
    ok(count == 2 && strcmp(page + 10, "nended") == 0, "again, for one that could be read");
    int faults = 0;
    for (int i = 0; i < 100; i++) {
        mprotect(page, PAGE, PROT_NONE);
        page[i] = (char)i;
        faults = count - 2;
    }
    ok(faults == 100 && page[99] == 99, "a hundred times more");
}

/* Every register with a value of its own, and what is below the stack pointer. */
struct registers {
    uint64_t general[15]; /* rax to r15 but for rsp */
    uint64_t flags, rsp_moved, red_zone;
    uint8_t sse[16][16];
};
static struct registers before, after;

void fault_with_registers(void);
__asm__(".text\n"
        ".type fault_with_registers, @function\n"
        "fault_with_registers:\n"
        "push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n"
        "lea before(%rip), %rax\n"
        ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
        "movdqu 144+16*\\n(%rax), %xmm\\n\n"
        ".endr\n"
        "mov 136(%rax), %rbx\n mov %rbx, -8(%rsp)\n mov %rbx, -128(%rsp)\n"
        "mov %rsp, saved(%rip)\n"
        "pushq 120(%rax)\n popfq\n"
        "mov %rbx, -8(%rsp)\n"
        "mov 8(%rax), %rbx\n mov 16(%rax), %rcx\n mov 24(%rax), %rdx\n mov 32(%rax), %rsi\n mov 40(%rax), %rdi\n"
        "mov 48(%rax), %rbp\n mov 56(%rax), %r8\n mov 64(%rax), %r9\n mov 72(%rax), %r10\n mov 80(%rax), %r11\n"
        "mov 88(%rax), %r12\n mov 96(%rax), %r13\n mov 104(%rax), %r14\n mov 112(%rax), %r15\n"
        "mov (%rax), %rax\n"
        "orb $0, (%rax)\n" /* flags as before but for what `or` sets: from 0xff it is SF and PF */
        "mov %rax, after+0(%rip)\n mov %rbx, after+8(%rip)\n mov %rcx, after+16(%rip)\n mov %rdx, after+24(%rip)\n"
        "mov %rsi, after+32(%rip)\n mov %rdi, after+40(%rip)\n mov %rbp, after+48(%rip)\n mov %r8, after+56(%rip)\n"
        "mov %r9, after+64(%rip)\n mov %r10, after+72(%rip)\n mov %r11, after+80(%rip)\n mov %r12, after+88(%rip)\n"
        "mov %r13, after+96(%rip)\n mov %r14, after+104(%rip)\n mov %r15, after+112(%rip)\n"
        "mov -8(%rsp), %rcx\n mov -128(%rsp), %rdx\n"
        "pushfq\n pop after+120(%rip)\n cld\n"
        "mov %rsp, %rax\n sub saved(%rip), %rax\n mov %rax, after+128(%rip)\n"
        "xor %rcx, %rdx\n or %rdx, %rcx\n mov %rcx, after+136(%rip)\n"
        "lea after(%rip), %rax\n"
        ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
        "movdqu %xmm\\n, 144+16*\\n(%rax)\n"
        ".endr\n"
        "pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n"
        "ret\n"
        ".local saved\n.comm saved, 8\n");
_Static_assert(offsetof(struct registers, sse) == 144 && offsetof(struct registers, red_zone) == 136, "as above");

/* Changes all that a handler may, and uses the stack. */
static void spoil(int signal, siginfo_t *info, void *context) {
    char text[2048];
    open_page(signal, info, context);
    snprintf(text, sizeof text, "%f %f", 1.5 * count, 2.5 * count);
    __asm__ volatile("pcmpeqd %%xmm0, %%xmm0\n\t pxor %%xmm7, %%xmm7\n\t pxor %%xmm15, %%xmm15\n\t fld1"
                     :
                     : "r"(text)
                     : "xmm0", "xmm7", "xmm15", "memory");
}

static void registers(void) {
    uint32_t mxcsr = 0x3f80, mxcsr_after; /* rounds down */
    uint16_t control = 0x27f, control_after;
    double x87 = 0;
    page = new_page(PROT_READ | PROT_WRITE);
    page[0] = (char)0xff;
    mprotect(page, PAGE, PROT_NONE);
    for (unsigned i = 0; i < sizeof before; i++)
        ((uint8_t *)&before)[i] = (uint8_t)(i * 37 + 11);
    before.flags = 0x401; /* direction and carry */
    before.general[0] = (uintptr_t)page;
    install(SIGSEGV, spoil, 0);
    __asm__ volatile("fldpi\n\t ldmxcsr %0\n\t fldcw %1" : : "m"(mxcsr), "m"(control));
    fault_with_registers();
    __asm__ volatile("stmxcsr %0\n\t fnstcw %1\n\t fstpl %2" : "=m"(mxcsr_after), "=m"(control_after), "=m"(x87));
    __asm__ volatile("fninit\n\t ldmxcsr %0" : : "m"((uint32_t){0x1f80}));
    ok(count == 1, "a fault with something in every register");
    ok(memcmp(before.general, after.general, sizeof before.general) == 0, "the general ones are as before");
    ok((after.flags & 0x485) == 0x484, "the flags");
    ok(after.rsp_moved == 0 && after.red_zone == before.red_zone, "the stack pointer and the red zone");
    ok(memcmp(before.sse, after.sse, sizeof before.sse) == 0, "SSE");
    ok(mxcsr_after == mxcsr && control_after == control && x87 > 3.14 && x87 < 3.15, "x87 and the control words");
    ok((uint64_t)last_gregs[REG_R12] == before.general[11] && (uint64_t)last_gregs[REG_RBX] == before.general[1] &&
           (uint64_t)last_gregs[REG_RCX] == before.general[2] && (last_gregs[REG_EFL] & 0x401) == 0x401,
       "the handler was told of them");
}

#pragma GCC push_options
#pragma GCC target("avx")
static void avx(void) {
    if (!__builtin_cpu_supports("avx")) {
        ok(true, "AVX is as before, where there is any");
        return;
    }
    static const uint8_t value[32] = {1, 2, 3, [16] = 4, 5, [31] = 6};
    uint8_t found[32];
    mprotect(page, PAGE, PROT_NONE);
    __asm__ volatile("vmovdqu %1, %%ymm9\n\t movb $1, (%2)\n\t vmovdqu %%ymm9, %0\n\t vzeroupper"
                     : "=m"(found)
                     : "m"(value), "r"(page)
                     : "xmm9", "memory");
    ok(memcmp(found, value, sizeof found) == 0, "AVX is as before, where there is any");
}
#pragma GCC pop_options

static void spoil_avx(int signal, siginfo_t *info, void *context) {
    open_page(signal, info, context);
    if (__builtin_cpu_supports("avx"))
        __asm__ volatile("vzeroall"
                         :
                         :
                         : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
                           "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

/* ---- other signals */

static void skip_3(int signal, siginfo_t *info, void *context) {
    (void)signal;
    note(info, context);
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 3;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX] = 77;
}

static void keep_on(int signal, siginfo_t *info, void *context) {
    (void)signal;
    note(info, context);
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~0x100;
}

static void others(void) {
    uint64_t rax = 1;
    void *at;
    install(SIGFPE, skip_3, 0);
    __asm__ volatile("lea 1f(%%rip), %1\n\t xor %%edx, %%edx\n\t xor %%ecx, %%ecx\n1:\t divq %%rcx"
                     : "+a"(rax), "=&r"(at)
                     :
                     : "rcx", "rdx", "cc");
    ok(count == 1 && last.si_signo == SIGFPE && last.si_code == FPE_INTDIV && last.si_addr == at, "SIGFPE: a division");
    ok(rax == 77, "whose handler skips it and sets its result");
    install(SIGILL, skip_3, 0);
    __asm__ volatile("lea 1f(%%rip), %1\n1:\t ud2\n\t nop" : "+a"(rax), "=&r"(at));
    ok(count == 1 && last.si_signo == SIGILL && last.si_code == ILL_ILLOPN && last.si_addr == at, "SIGILL");
    install(SIGTRAP, keep_on, 0);
    __asm__ volatile("int3\n1:\t lea 1b(%%rip), %0" : "=r"(at));
    ok(count == 1 && last.si_signo == SIGTRAP && last_gregs[REG_RIP] == (greg_t)(uintptr_t)at,
       "SIGTRAP: a breakpoint is behind it");
    install(SIGTRAP, keep_on, 0);
    __asm__ volatile("pushfq\n\t orq $0x100, (%%rsp)\n\t popfq\n\t nop\n1:\t lea 1b(%%rip), %0"
                     : "=r"(at)
                     :
                     : "memory", "cc");
    ok(count == 1 && last.si_code == TRAP_TRACE && last_gregs[REG_RIP] == (greg_t)(uintptr_t)at, "a single step");
    install(SIGFPE, jump, 0);
    if (!sigsetjmp(back, 1)) {
        uint16_t unmasked = 0x37f & ~4u;
        __asm__ volatile("fldcw %0; fld1; fldz; fdivrp; fwait" : : "m"(unmasked));
    }
    __asm__ volatile("fninit");
    ok(count == 1 && last.si_code == FPE_FLTDIV, "x87: a division by 0");
}

/* ---- stacks */

static char alternate[65536] __attribute__((aligned(16)));

static bool on_alternate(void) {
    return handler_stack > (uintptr_t)alternate && handler_stack <= (uintptr_t)alternate + sizeof alternate;
}

static int overflow(volatile char *above) {
    volatile char frame[1024];
    frame[0] = above[0];
    return (hidden((void *)frame) ? overflow(frame) : 0) + frame[0];
}

static stack_t in_handler;

static void overflowed(int signal, siginfo_t *info, void *context) {
    note(info, context);
    sigaltstack(NULL, &in_handler);
    siglongjmp(back, signal);
}

static void *overflow_thread(void *argument) {
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate}, old;
    (void)argument;
    sigaltstack(&stack, &old);
    ok(old.ss_flags == SS_DISABLE, "a thread has no alternate stack at first");
    for (int i = 0; i < 2; i++) {
        volatile char start = 1;
        if (!sigsetjmp(back, 1))
            overflow(&start);
        ok(count == i + 1 && on_alternate(), "a stack overflow, on the alternate stack");
        ok(in_handler.ss_flags == SS_ONSTACK, "which sigaltstack says");
    }
    stack.ss_flags = SS_DISABLE;
    sigaltstack(&stack, NULL);
    return NULL;
}

/* The next one comes inside of this one, until the third opens the page. */
static void nest(int signal, siginfo_t *info, void *context) {
    uintptr_t outer = handler_stack;
    note(info, context);
    if (outer && handler_stack >= outer)
        count = 100;
    if (count < 3)
        *(volatile char *)hidden(page) = 1;
    else
        open_page(signal, info, context);
}

static void stacks(void) {
    pthread_t thread;
    stack_t old, small = {.ss_sp = alternate, .ss_size = 100},
                 stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    sigaltstack(NULL, &old);
    ok(old.ss_flags == SS_DISABLE, "no alternate stack");
    ok(sigaltstack(&small, NULL) < 0 && errno == ENOMEM, "nor one that is too small");
    install(SIGSEGV, overflowed, SA_ONSTACK);
    pthread_create(&thread, NULL, overflow_thread, NULL);
    pthread_join(thread, NULL);
    count = 0;
    if (!sigsetjmp(back, 1))
        (void)*(volatile char *)hidden(NULL);
    ok(count == 1 && !on_alternate() && in_handler.ss_flags == SS_DISABLE,
       "without one, the handler is on the thread's");
    sigaltstack(&stack, NULL);
    mprotect(page, PAGE, PROT_NONE);
    install(SIGSEGV, nest, SA_ONSTACK | SA_NODEFER);
    handler_stack = 0;
    *(volatile char *)hidden(page) = 2;
    ok(count == 4 && on_alternate() && *page == 2, "nested faults, on one alternate stack");
    install(SIGSEGV, overflowed, SA_ONSTACK | SA_RESETHAND);
    if (!sigsetjmp(back, 1))
        (void)*(volatile char *)hidden(NULL);
    struct sigaction now;
    sigaction(SIGSEGV, NULL, &now);
    ok(count == 1 && now.sa_handler == SIG_DFL && on_alternate(), "SA_RESETHAND");
    stack.ss_flags = SS_DISABLE;
    sigaltstack(&stack, NULL);
}

/* ---- threads */

static void wait_and_jump(int signal, siginfo_t *info, void *context) {
    note(info, context);
    usleep(10000); /* another thread runs, and has its own fault */
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 2;
    (void)signal;
}

static void *fault_thread(void *argument) {
    uint64_t value = (uintptr_t)argument;
    __asm__ volatile("ud2" : "+r"(value));
    return (void *)value;
}

static void threads(void) {
    pthread_t all[4];
    uintptr_t sum = 0;
    install(SIGILL, wait_and_jump, 0);
    for (uintptr_t i = 0; i < 4; i++)
        pthread_create(&all[i], NULL, fault_thread, (void *)(i + 1));
    for (int i = 0; i < 4; i++) {
        void *result;
        pthread_join(all[i], &result);
        sum += (uintptr_t)result;
    }
    ok(count == 4 && sum == 10, "threads whose handlers sleep");
}

/* ---- what no handler takes; tests/e2e/fault.t */

#define FAULT static __attribute__((noinline)) void

FAULT other_signal(void) {
    install(SIGFPE, jump, 0);
    *(volatile char *)hidden((void *)8) = 1;
}

FAULT blocked(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGSEGV);
    install(SIGSEGV, jump, 0);
    sigprocmask(SIG_BLOCK, &set, NULL);
    *(volatile char *)hidden((void *)8) = 1;
}

static void fault_inside(int signal) {
    count = signal;
    *(volatile char *)hidden((void *)8) = 1;
}

FAULT inside(void) {
    signal(SIGSEGV, fault_inside);
    *(volatile char *)hidden((void *)16) = 1;
}

FAULT no_room(void) {
    volatile char start = 1;
    install(SIGSEGV, jump, 0);
    overflow(&start);
}

FAULT breakpoint(void) {
    install(SIGSEGV, jump, 0);
    __asm__ volatile("int3");
}

static const struct {
    const char *name;
    void (*run)(void);
} unhandled[] = {{"other_signal", other_signal},
                 {"blocked", blocked},
                 {"inside", inside},
                 {"no_room", no_room},
                 {"breakpoint", breakpoint}};

int main(int argc, char **argv) {
    for (size_t i = 0; argc == 2 && i < sizeof unhandled / sizeof unhandled[0]; i++)
        if (strcmp(argv[1], unhandled[i].name) == 0)
            unhandled[i].run();
    jumping();
    mending();
    registers();
    install(SIGSEGV, spoil_avx, 0);
    avx();
    others();
    stacks();
    threads();
    return done_testing();
}
