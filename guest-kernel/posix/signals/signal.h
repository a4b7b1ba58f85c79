/* SPDX-License-Identifier: MIT */
/*
 * Signals. They arrive at the end of a system call, or end one that blocks; a handler is an ordinary function call on
 * the stack of the thread. Nothing interrupts a program that computes, but its own faults: fault.h.
 */
#ifndef UK_SIGNAL_H
#define UK_SIGNAL_H

#include <signal.h>
#include <ucontext.h>

#include "posix/threads/thread.h"

/* Set when some thread may have a signal to take; looked at after every system call. */
extern bool uk_signals_attention;

/* "SIGTERM" for 15, and so on. */
const char *uk_signal_name(int signal);

/* Whether the program has neither a handler for it nor ignores it. */
bool uk_signal_is_default(int signal);

#define UK_SIGNALS 64

/* Sends to the process, or to one thread. Callable from callbacks. */
void uk_signal_process(int signal);
void uk_signal_thread(struct uk_thread *thread, int signal);

/* With what comes with it; to the process if `thread` is NULL. -EAGAIN: no memory for what sigqueue() sends. */
int uk_signal_send(struct uk_thread *thread, const siginfo_t *info);

/* Whether one of a set is pending for the current thread, blocked or not; and the first of them, taken. */
bool uk_signal_is_pending(uint64_t set);
bool uk_signal_take(uint64_t set, siginfo_t *info);

/* The program takes the signals of a set in other ways than by handlers. */
void uk_signals_wanted(uint64_t set);

/* What signals need of others; posix/start.c has the table. */
struct uk_signal_hooks {
    void (*wanted)(int signal);  /* the program no longer leaves it to the default, or waits for it */
    void (*handled)(int signal); /* the program has a handler of its own for it */
    void (*pending)(int signal); /* one has come, whether or not a thread blocks it. From callbacks, too */
    void (*end)(int status) __attribute__((noreturn)); /* the program ends by a signal */
};

void uk_signals_init(const struct uk_signal_hooks *hooks);

/* Whether the current thread has one pending that it does not block and that does anything. */
bool uk_signal_pending(void);

/*
 * Runs handlers of what is pending for the current thread, or ends the program. `result` is what the system call
 * returns: with -UK_ERESTART, returns true if it must be made again, and otherwise changes it to -EINTR.
 */
bool uk_signals_deliver(long *result);

/*
 * Calls the program's handler on this stack, with the mask that it asks for, and goes on with the mask that it leaves
 * in `context`. Returns its SA_* flags.
 */
unsigned long uk_signal_call(int signal, siginfo_t *info, ucontext_t *context);

/* Whether the current thread has a handler for a fault that is this signal, and does not block it; its SA_* flags. */
bool uk_signal_takes_fault(int signal, unsigned long *flags);

#endif
