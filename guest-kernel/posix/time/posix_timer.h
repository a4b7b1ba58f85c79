/* SPDX-License-Identifier: MIT */
#ifndef UK_POSIX_TIMER_H
#define UK_POSIX_TIMER_H

#include <signal.h>

/* A POSIX timer's signal is pending; and it has been taken, which fills in how often the timer expired meanwhile. For
 * the hooks of signals/sigqueue.h. */
void uk_posix_timer_queued(const siginfo_t *info);
void uk_posix_timer_taken(siginfo_t *info);

#endif
