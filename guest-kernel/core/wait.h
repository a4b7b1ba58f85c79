/* SPDX-License-Identifier: MIT */
/* Submissions and waiting: the only way into the monitor while the guest runs. wait.c */
#ifndef UK_CORE_WAIT_H
#define UK_CORE_WAIT_H

#include "ukvm.h"

/* Finds the rings. */
void uk_wait_init(const struct ukvm_boot *boot);

/* The submission of `io` has changed. False if it is not in the ring, where the monitor will find it: see ring.h. */
bool uk_amend(const struct uk_io *io);

/* Takes the completions that are there: no exit, no callback. */
void uk_reap(void);

/* The same with callbacks and timers. Returns how many. */
unsigned uk_dispatch(void);

/* Submissions in the hands of the monitor or on the way to it. */
size_t uk_in_flight(void);

/* Where there are threads: lets the others run while `io` is in flight, as far as it can. NULL: there are none. */
extern void (*uk_await_hook)(struct uk_io *io);

/*
 * Called before each exit to the monitor: submits what has been put off to be sent together. Calls nobody back, but may
 * start a timer that is due. NULL: nothing is put off.
 */
extern void (*uk_exit_hook)(void);

/* Monotonic time of the last exit to the monitor. */
uint64_t uk_last_exit(void);

#endif
