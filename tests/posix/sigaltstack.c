/* SPDX-License-Identifier: MIT */
/* sigaltstack() for handlers of signals that are no faults, and what a handler finds in its context. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "tap.h"

#define SIZE (64 * 1024)
#define AUTODISARM (1u << 31)

static char first[SIZE], second[SIZE];
static uintptr_t handler_at; /* a local variable of it */
static stack_t in_handler, in_context;
static int error_in_handler;
static volatile sig_atomic_t calls;

static bool is_in(const char *stack, uintptr_t address) {
    return address >= (uintptr_t)stack && address < (uintptr_t)stack + SIZE;
}

static int set(char *stack, size_t size, unsigned flags) {
    stack_t wanted = {.ss_sp = stack, .ss_size = size, .ss_flags = (int)flags};
    errno = 0;
    return syscall(SYS_sigaltstack, &wanted, NULL) ? errno : 0;
}

static stack_t get(void) {
    stack_t now = {.ss_flags = 77};
    syscall(SYS_sigaltstack, NULL, &now);
    return now;
}

static void handler(int signal, siginfo_t *info, void *context) {
    char here;
    (void)signal;
    (void)info;
    handler_at = (uintptr_t)&here;
    in_handler = get();
    in_context = ((ucontext_t *)context)->uc_stack;
    error_in_handler = set(second, SIZE, 0);
    calls++;
}

static void install(void (*function)(int, siginfo_t *, void *), int flags) {
    struct sigaction action = {.sa_sigaction = function, .sa_flags = SA_SIGINFO | flags};
    sigaction(SIGUSR1, &action, NULL);
    calls = 0;
    handler_at = 0;
}

static void errors(void) {
    stack_t now = get();
    ok(now.ss_flags == SS_DISABLE && now.ss_size == 0, "there is none at first");
    is_u64((unsigned)set(first, SIZE, SS_DISABLE | SS_ONSTACK), EINVAL, "two modes at once");
    is_u64((unsigned)set(first, SIZE, 8), EINVAL, "a mode that there is not");
    is_u64((unsigned)set(first, 2047, 0), ENOMEM, "one that is too small");
    is_u64((unsigned)set(first, 0, SS_DISABLE), 0, "none needs no size");
    is_u64((unsigned)set(first, SIZE, SS_ONSTACK), 0, "SS_ONSTACK is as good as 0");
    now = get();
    ok(now.ss_sp == first && now.ss_size == SIZE && now.ss_flags == 0, "it is told");
}

static void handlers(void) {
    set(first, SIZE, 0);
    install(handler, 0);
    raise(SIGUSR1);
    ok(calls == 1 && handler_at && !is_in(first, handler_at), "a handler without SA_ONSTACK runs where the program is");
    ok(in_handler.ss_flags == 0 && error_in_handler == 0, "and may set another one");
    ok(get().ss_sp == first, "until it returns");
    install(handler, SA_ONSTACK);
    raise(SIGUSR1);
    ok(calls == 1 && is_in(first, handler_at), "one with SA_ONSTACK runs on the alternate stack");
    ok(in_handler.ss_flags == SS_ONSTACK && in_handler.ss_sp == first, "and is told that it does");
    ok(in_context.ss_sp == first && in_context.ss_size == SIZE && in_context.ss_flags == 0, "uc_stack");
    is_u64((unsigned)error_in_handler, EPERM, "it must not change what it runs on");
    ok(get().ss_sp == first && get().ss_flags == 0, "all is as before afterwards");
    set(NULL, 0, SS_DISABLE);
    raise(SIGUSR1);
    ok(calls == 2 && !is_in(first, handler_at), "without one it runs where the program is");
}

static void autodisarm(void) {
    is_u64((unsigned)set(first, SIZE, AUTODISARM), 0, "SS_AUTODISARM");
    ok((unsigned)get().ss_flags == AUTODISARM, "it is told");
    install(handler, SA_ONSTACK);
    raise(SIGUSR1);
    ok(calls == 1 && is_in(first, handler_at), "a handler runs there");
    ok(in_handler.ss_flags == SS_DISABLE && error_in_handler == 0, "there is none meanwhile, and another may be set");
    ok(in_context.ss_sp == first && ((unsigned)in_context.ss_flags & AUTODISARM), "uc_stack has it");
    stack_t now = get();
    ok(now.ss_sp == first && (unsigned)now.ss_flags == AUTODISARM, "and it is back afterwards");
    set(NULL, 0, SS_DISABLE);
}

/* ---- a handler that never returns, and one inside another */

static sigjmp_buf back;

static void leave(int signal, siginfo_t *info, void *context) {
    handler(signal, info, context);
    siglongjmp(back, 1);
}

static void leaving(void) {
    set(first, SIZE, 0);
    install(leave, SA_ONSTACK);
    for (volatile int i = 0; i < 3; i++)
        if (!sigsetjmp(back, 1))
            raise(SIGUSR1);
    ok(calls == 3 && is_in(first, handler_at), "handlers that jump out, again and again");
    ok(get().ss_flags == 0 && set(second, SIZE, 0) == 0, "the program is off it");
}

static uintptr_t outer_at, inner_at;

static void inner(int signal) {
    char here;
    (void)signal;
    inner_at = (uintptr_t)&here;
}

static void outer(int signal, siginfo_t *info, void *context) {
    char here;
    (void)signal;
    (void)info;
    (void)context;
    outer_at = (uintptr_t)&here;
    raise(SIGUSR2);
    calls++;
}

static void nesting(void) {
    struct sigaction action = {.sa_handler = inner, .sa_flags = SA_ONSTACK};
    set(first, SIZE, 0);
    sigaction(SIGUSR2, &action, NULL);
    install(outer, SA_ONSTACK);
    raise(SIGUSR1);
    ok(calls == 1 && is_in(first, outer_at) && is_in(first, inner_at) && inner_at < outer_at,
       "a handler inside another lies below it");
}

/* ---- threads: each has its own; and a handler that blocks */

static int pipes[2];

static void blocking(int signal, siginfo_t *info, void *context) {
    char byte;
    (void)signal;
    (void)info;
    (void)context;
    handler_at = (uintptr_t)&byte;
    calls += read(pipes[0], &byte, 1) == 1;
}

static void *thread(void *argument) {
    (void)argument;
    stack_t now = get();
    ok(now.ss_flags == SS_DISABLE, "a new thread has none");
    set(second, SIZE, 0);
    pthread_kill(pthread_self(), SIGUSR1);
    ok(calls == 1 && is_in(second, handler_at), "its handler runs on its own, and may block");
    return NULL;
}

static void threads(void) {
    pthread_t id;
    set(first, SIZE, 0);
    install(blocking, SA_ONSTACK);
    ok(pipe(pipes) == 0, "a pipe");
    pthread_create(&id, NULL, thread, NULL);
    usleep(20000);
    ok(write(pipes[1], "x", 1) == 1, "another thread goes on");
    pthread_join(id, NULL);
    ok(get().ss_sp == first, "the first one keeps what it has");
}

/* ---- the context */

static greg_t stack_pointer, instruction, flags;
static bool has_state;
static sigset_t mask;

static void look(int signal, siginfo_t *info, void *argument) {
    ucontext_t *context = argument;
    (void)signal;
    (void)info;
    stack_pointer = context->uc_mcontext.gregs[REG_RSP];
    instruction = context->uc_mcontext.gregs[REG_RIP];
    flags = context->uc_mcontext.gregs[REG_EFL];
    has_state = context->uc_mcontext.fpregs && context->uc_mcontext.fpregs->mxcsr >= 0x1f80;
    mask = context->uc_sigmask;
    sigaddset(&context->uc_sigmask, SIGUSR2);
    calls++;
}

static void context(void) {
    char here;
    sigset_t now;
    set(first, SIZE, 0);
    install(look, SA_ONSTACK);
    raise(SIGUSR1);
    ok(calls == 1 && (uintptr_t)stack_pointer < (uintptr_t)&here && (uintptr_t)stack_pointer > (uintptr_t)&here - 65536,
       "RSP is the program's, not the handler's");
    ok(instruction != 0 && (flags & 2), "RIP and RFLAGS are some");
    ok(has_state, "there is x87 and SSE state");
    sigprocmask(SIG_SETMASK, NULL, &now);
    ok(!sigismember(&mask, SIGUSR2) && sigismember(&now, SIGUSR2),
       "what it writes to uc_sigmask is the mask afterwards");
}

int main(void) {
    errors();
    handlers();
    autodisarm();
    leaving();
    nesting();
    threads();
    context();
    return done_testing();
}
