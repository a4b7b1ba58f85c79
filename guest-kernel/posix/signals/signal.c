/* SPDX-License-Identifier: MIT */
#include "signal.h"

#include <errno.h>
#include <signal.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "altstack.h"
#include "posix/process/credentials.h"
#include "posix/time/deadline.h"
#include "sigqueue.h"

/* musl's own way to end a thread: pthread_cancel() has set a flag, and only wants EINTR. src/internal/pthread_impl.h */
#define SIGCANCEL_MUSL 33

/* Interrupts on, and the bit that is always set: AMD64 APM vol. 2, 3.1.6. */
#define FLAGS_HERE 0x202

/* struct sigaction as the kernel has it. Linux: arch/x86/include/uapi/asm/signal.h */
struct kernel_sigaction {
    union {
        void (*handler)(int);
        void (*action)(int, siginfo_t *, void *);
    };
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

static struct kernel_sigaction actions[UK_SIGNALS + 1];
static uint64_t process_pending;
static struct uk_thread_list suspended; /* in sigsuspend(), pause() and sigtimedwait() */

static const struct uk_signal_hooks *hooks;

bool uk_signals_attention;

void uk_signals_init(const struct uk_signal_hooks *above) {
    hooks = above;
}

extern const char __cp_begin[]; /* musl/src/thread/x86_64/syscall_cp.s */

static uint64_t bit(int signal) {
    return UINT64_C(1) << (signal - 1);
}

static const uint64_t never_blocked = UINT64_C(1) << (SIGKILL - 1) | UINT64_C(1) << (SIGSTOP - 1);

/* signal(7). Stopping and continuing have no meaning for the only process. */
static bool is_ignored_by_default(int signal) {
    return signal == SIGCHLD || signal == SIGURG || signal == SIGWINCH || signal == SIGCONT || signal == SIGSTOP ||
           signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

bool uk_signal_is_default(int signal) {
    return actions[signal].handler == SIG_DFL;
}

static bool is_ignored(int signal) {
    if (actions[signal].handler == SIG_IGN)
        return true;
    return actions[signal].handler == SIG_DFL && is_ignored_by_default(signal);
}

/* ---- sending */

static void wake_for_signal(struct uk_thread *thread) {
    uk_signals_attention = true;
    uk_unblock(thread, -UK_ERESTART);
}

static bool blocks(const struct uk_thread *thread, int signal) {
    return thread->signals_blocked & bit(signal);
}

/* Sent to a thread, or NULL for all: it is ignored, and nobody blocks it, which would keep it until then. */
static bool is_lost(const struct uk_thread *thread, int signal) {
    if (!is_ignored(signal))
        return false;
    if (thread)
        return !blocks(thread, signal);
    for (const struct uk_thread *any = uk_threads; any; any = any->all_next)
        if (blocks(any, signal))
            return false;
    return true;
}

void uk_signal_thread(struct uk_thread *thread, int signal) {
    if (is_lost(thread, signal))
        return;
    thread->signals_pending |= bit(signal);
    hooks->pending(signal);
    if (!blocks(thread, signal))
        wake_for_signal(thread);
    else if (thread->list == &suspended) /* sigtimedwait() takes what is blocked */
        uk_unblock(thread, 0);
}

/* Any thread that does not block it may take it; one that sleeps is woken for it. */
void uk_signal_process(int signal) {
    if (is_lost(NULL, signal))
        return;
    process_pending |= bit(signal);
    uk_signals_attention = true;
    hooks->pending(signal);
    struct uk_thread *waiting = NULL;
    for (struct uk_thread *thread = uk_threads; thread; thread = thread->all_next) {
        if (thread->dead)
            continue;
        if (!blocks(thread, signal)) {
            wake_for_signal(thread);
            return;
        }
        if (thread->list == &suspended)
            waiting = thread;
    }
    if (waiting)
        uk_unblock(waiting, 0);
}

int uk_signal_send(struct uk_thread *thread, const siginfo_t *info) {
    int signal = info->si_signo;
    if (is_lost(thread, signal))
        return 0;
    bool is_pending = (thread ? thread->signals_pending : process_pending) & bit(signal);
    if (!is_pending || signal >= UK_SIGRTMIN || info->si_code == SI_TIMER) {
        int error = uk_sigqueue_add(thread, info);
        if (error && signal >= UK_SIGRTMIN && info->si_code == SI_QUEUE)
            return error; /* without memory other signals come without what belongs to them */
    }
    if (thread)
        uk_signal_thread(thread, signal);
    else
        uk_signal_process(signal);
    return 0;
}

/* ---- taking */

static uint64_t deliverable(void) {
    return (uk_current->signals_pending | process_pending) & ~uk_current->signals_blocked;
}

static void take(int signal, siginfo_t *info) {
    bool is_own = uk_current->signals_pending & bit(signal);
    bool more = uk_sigqueue_take(is_own ? uk_current : NULL, signal, info);
    *(is_own ? &uk_current->signals_pending : &process_pending) &= more ? UINT64_MAX : ~bit(signal);
}

bool uk_signal_is_pending(uint64_t set) {
    return (uk_current->signals_pending | process_pending) & set;
}

bool uk_signal_take(uint64_t set, siginfo_t *info) {
    uint64_t found = (uk_current->signals_pending | process_pending) & set;
    if (found)
        take(__builtin_ctzll(found) + 1, info);
    return found;
}

void uk_signals_wanted(uint64_t set) {
    for (int signal = 1; signal <= UK_SIGNALS; signal++)
        if (set & bit(signal))
            hooks->wanted(signal);
}

static void drop_ignored(void) {
    siginfo_t info;
    for (uint64_t set = deliverable(); set; set &= set - 1) {
        int signal = __builtin_ctzll(set) + 1;
        while (is_ignored(signal) && (deliverable() & bit(signal)))
            take(signal, &info);
    }
}

bool uk_signal_pending(void) {
    if (!uk_signals_attention)
        return false;
    drop_ignored();
    return deliverable() != 0;
}

static _Noreturn void end_by(int signal) {
    if (signal != SIGTERM && signal != SIGINT && signal != SIGPIPE) /* whoever sends these knows */
        uk_eprintf("terminated by signal %d (%s)\n", signal, uk_signal_name(signal));
    hooks->end(128 + signal);
}

const char *uk_signal_name(int signal) {
    static const char names[][8] = {
        [SIGHUP] = "SIGHUP",   [SIGINT] = "SIGINT",   [SIGQUIT] = "SIGQUIT", [SIGILL] = "SIGILL",
        [SIGTRAP] = "SIGTRAP", [SIGABRT] = "SIGABRT", [SIGBUS] = "SIGBUS",   [SIGFPE] = "SIGFPE",
        [SIGKILL] = "SIGKILL", [SIGUSR1] = "SIGUSR1", [SIGSEGV] = "SIGSEGV", [SIGUSR2] = "SIGUSR2",
        [SIGPIPE] = "SIGPIPE", [SIGALRM] = "SIGALRM", [SIGTERM] = "SIGTERM",
    };
    return signal < (int)(sizeof names / sizeof names[0]) && names[signal][0] ? names[signal] : "a signal";
}

unsigned long uk_signal_call(int signal, siginfo_t *info, ucontext_t *context) {
    struct kernel_sigaction action = actions[signal];
    uint64_t blocked = uk_current->signals_blocked;
    if (action.flags & SA_RESETHAND)
        actions[signal].handler = SIG_DFL;
    uk_current->signals_blocked |= action.mask | (action.flags & SA_NODEFER ? 0 : bit(signal));
    uk_current->signals_blocked &= ~never_blocked;
    memcpy(&context->uc_sigmask, &blocked, sizeof blocked);
    if (action.flags & SA_SIGINFO)
        action.action(signal, info, context);
    else
        action.handler(signal);
    memcpy(&blocked, &context->uc_sigmask, sizeof blocked);
    uk_current->signals_blocked = blocked & ~never_blocked;
    return action.flags;
}

struct call {
    int signal;
    siginfo_t *info;
    ucontext_t *context;
    unsigned long flags;
};

static void call(void *argument) {
    struct call *c = argument;
    c->flags = uk_signal_call(c->signal, c->info, c->context);
}

/*
 * Where the handler is called from: in this kernel, at the end of a system call. musl's cancel_handler() looks whether
 * the thread is inside a cancellation point, and it always is.
 */
static void describe_here(ucontext_t *context, struct _fpstate *state) {
    greg_t *gregs = context->uc_mcontext.gregs;
    __asm__("fxsave64 %0" : "=m"(*state));
    context->uc_mcontext.fpregs = state;
    gregs[REG_RIP] = (greg_t)__cp_begin;
    gregs[REG_RSP] = gregs[REG_RBP] = (greg_t)__builtin_frame_address(0);
    gregs[REG_EFL] = FLAGS_HERE;
}

static unsigned long handle(int signal, siginfo_t *info) {
    _Alignas(16) struct _fpstate state;
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    ucontext_t context = {0};
    struct call c = {.signal = signal, .info = info, .context = &context};
    uintptr_t top = uk_alternate_stack_for(here, actions[signal].flags);
    describe_here(&context, &state);
    context.uc_stack = uk_alternate_stack_enter(here);
    if (top)
        uk_call_on(top, call, &c);
    else
        call(&c);
    uk_alternate_stack_leave(&context.uc_stack, here);
    return c.flags;
}

bool uk_signal_takes_fault(int signal, unsigned long *flags) {
    *flags = actions[signal].flags;
    return actions[signal].handler != SIG_DFL && actions[signal].handler != SIG_IGN &&
           !(uk_current->signals_blocked & bit(signal));
}

bool uk_signals_deliver(long *result) {
    bool restart = *result == -UK_ERESTART, interrupted = false;
    uint64_t set;
    drop_ignored();
    while ((set = deliverable()) != 0) {
        int signal = __builtin_ctzll(set) + 1;
        siginfo_t info;
        take(signal, &info);
        if (is_ignored(signal))
            continue;
        if (uk_signal_is_default(signal))
            end_by(signal);
        if (!(handle(signal, &info) & SA_RESTART) || signal == SIGCANCEL_MUSL)
            interrupted = true;
    }
    /* Others may have something pending that only they can take. */
    uk_signals_attention = process_pending != 0;
    for (struct uk_thread *thread = uk_threads; thread && !uk_signals_attention; thread = thread->all_next)
        uk_signals_attention = thread->signals_pending & ~thread->signals_blocked;
    if (restart && interrupted)
        *result = -EINTR;
    return restart && !interrupted;
}

/* ---- system calls */

static bool is_signal(int signal) {
    return signal >= 1 && signal <= UK_SIGNALS;
}

/* Of the sets that are passed: Linux has 64 signals, and takes no others. */
#define SET_SIZE sizeof(uint64_t)

/* What is ignored is not pending. */
static void forget_if_ignored(int signal) {
    siginfo_t info;
    if (!is_ignored(signal))
        return;
    process_pending &= ~bit(signal);
    while (uk_sigqueue_take(NULL, signal, &info))
        ;
    for (struct uk_thread *thread = uk_threads; thread; thread = thread->all_next) {
        thread->signals_pending &= ~bit(signal);
        while (uk_sigqueue_take(thread, signal, &info))
            ;
    }
}

long uk_sys_rt_sigaction(int signal, const struct kernel_sigaction *action, struct kernel_sigaction *old, size_t size) {
    if (size != SET_SIZE)
        return -EINVAL;
    if (!is_signal(signal) || (action && (signal == SIGKILL || signal == SIGSTOP)))
        return -EINVAL;
    struct kernel_sigaction before = actions[signal];
    if (action) {
        actions[signal] = *action;
        forget_if_ignored(signal);
        if (action->handler != SIG_DFL)
            hooks->wanted(signal);
        if (action->handler != SIG_DFL && action->handler != SIG_IGN)
            hooks->handled(signal);
    }
    if (old)
        *old = before;
    return 0;
}

long uk_sys_rt_sigprocmask(int how, const uint64_t *set, uint64_t *old, size_t size) {
    if (size != SET_SIZE)
        return -EINVAL;
    uint64_t before = uk_current->signals_blocked;
    if (set) {
        uint64_t bits = *set;
        switch (how) {
        case SIG_BLOCK:
            bits = before | bits;
            break;
        case SIG_UNBLOCK:
            bits = before & ~bits;
            break;
        case SIG_SETMASK:
            break;
        default:
            return -EINVAL;
        }
        uk_current->signals_blocked = bits & ~never_blocked;
        if (deliverable())
            uk_signals_attention = true;
    }
    if (old)
        *old = before;
    return 0;
}

long uk_sys_rt_sigpending(uint64_t *set, size_t size) {
    if (size > SET_SIZE)
        return -EINVAL;
    *set = (uk_current->signals_pending | process_pending) & uk_current->signals_blocked;
    return 0;
}

static long suspend(void) {
    while (!deliverable()) {
        int result = uk_block(&suspended, UKVM_DEADLINE_NONE, UK_WAITS_FOR_EVENT);
        if (result == -UK_ERESTART)
            break;
    }
    return -EINTR;
}

/* The handler runs with the mask of the call, which is put back before it returns. */
long uk_sys_rt_sigsuspend(const uint64_t *set, size_t size) {
    if (size != SET_SIZE)
        return -EINVAL;
    uint64_t before = uk_current->signals_blocked;
    long result = -EINTR;
    uk_current->signals_blocked = *set & ~never_blocked;
    if (deliverable())
        uk_signals_attention = true;
    suspend();
    uk_signals_deliver(&result);
    uk_current->signals_blocked = before;
    return -EINTR;
}

long uk_sys_pause(void) {
    return suspend();
}

long uk_sys_rt_sigtimedwait(const uint64_t *set, siginfo_t *info, const struct timespec *timeout, size_t size) {
    if (size != SET_SIZE)
        return -EINVAL;
    uint64_t deadline = UKVM_DEADLINE_NONE, wanted = *set & ~never_blocked;
    siginfo_t taken;
    if (timeout && uk_deadline_after(timeout, &deadline))
        return -EINVAL;
    uk_signals_wanted(wanted);
    while (!uk_signal_take(wanted, &taken)) {
        int result = uk_block(&suspended, deadline, UK_WAITS_FOR_EVENT);
        if (result)
            return result == -ETIMEDOUT ? -EAGAIN : -EINTR;
    }
    if (info)
        *info = taken;
    return taken.si_signo;
}

static int send_plain(struct uk_thread *thread, int signal, int code) {
    siginfo_t info = {.si_signo = signal, .si_code = code};
    info.si_pid = 1;
    info.si_uid = uk_user_ids.real;
    return uk_signal_send(thread, &info);
}

/* The only process, and the only process group, is 1. */
long uk_sys_kill(pid_t pid, int signal) {
    if (signal != 0 && !is_signal(signal))
        return -EINVAL;
    if (pid != 1 && pid != 0 && pid != -1 && !uk_thread_find(pid))
        return -ESRCH;
    if (signal >= UK_SIGRTMIN)
        return send_plain(NULL, signal, SI_USER);
    if (signal)
        uk_signal_process(signal);
    return 0;
}

long uk_sys_tkill(int tid, int signal) {
    struct uk_thread *thread = uk_thread_find(tid);
    if (tid <= 0 || (signal != 0 && !is_signal(signal)))
        return -EINVAL;
    if (!thread)
        return -ESRCH;
    return signal ? send_plain(thread, signal, SI_TKILL) : 0;
}

long uk_sys_tgkill(pid_t pid, int tid, int signal) {
    if (pid <= 0 || tid <= 0)
        return -EINVAL;
    return pid == 1 ? uk_sys_tkill(tid, signal) : -ESRCH;
}

static int queue_signal(struct uk_thread *thread, int signal, const siginfo_t *info) {
    siginfo_t sent = *info;
    if (!is_signal(signal))
        return signal ? -EINVAL : 0;
    sent.si_signo = signal;
    return uk_signal_send(thread, &sent);
}

long uk_sys_rt_sigqueueinfo(pid_t pid, int signal, const siginfo_t *info) {
    return pid == 1 || uk_thread_find(pid) ? queue_signal(NULL, signal, info) : -ESRCH;
}

long uk_sys_rt_tgsigqueueinfo(pid_t pid, int tid, int signal, const siginfo_t *info) {
    struct uk_thread *thread = uk_thread_find(tid);
    if (pid <= 0 || tid <= 0)
        return -EINVAL;
    return pid == 1 && thread ? queue_signal(thread, signal, info) : -ESRCH;
}
