/* SPDX-License-Identifier: MIT */
/*
 * What comes with signals that are pending. Which ones are is in the bits of signal.c; here is, for each time that one
 * was sent with more than its number, or is a real-time signal, a siginfo_t. A signal below 32 is pending once,
 * signal(7), but for each POSIX timer that sends it.
 */
#ifndef UK_SIGQUEUE_H
#define UK_SIGQUEUE_H

#include <signal.h>

#include "posix/threads/thread.h"

#define UK_SIGRTMIN 32 /* as the kernel counts them */

/* For a thread, or NULL for the process. Callable from callbacks. -EAGAIN: no memory. */
int uk_sigqueue_add(struct uk_thread *thread, const siginfo_t *info);

/* The oldest of `signal`; as from kill() if there is none. Returns whether there is another one. */
bool uk_sigqueue_take(struct uk_thread *thread, int signal, siginfo_t *info);

/* The thread has ended. */
void uk_sigqueue_forget(const struct uk_thread *thread);

/*
 * What POSIX timers do: a timer's signal is pending; and has been taken, which fills in how often the timer expired
 * meanwhile. posix/start.c has the table.
 */
struct uk_sigqueue_hooks {
    void (*timer_queued)(const siginfo_t *info);
    void (*timer_taken)(siginfo_t *info);
};

void uk_sigqueue_init(const struct uk_sigqueue_hooks *hooks);

#endif
