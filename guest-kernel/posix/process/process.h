/* SPDX-License-Identifier: MIT */
#ifndef UK_PROCESS_H
#define UK_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Ends the program: _exit(), or 128 + a signal. */
_Noreturn void uk_process_end(int status);

/*
 * `hook` is called then, for what other kernels do for a program that has ended. It may wait. Who has one also calls
 * uk_stop_ask(), signals/stop.h: a guest that the monitor ends does nothing more.
 */
void uk_at_process_end(void (*hook)(void));

/* The only process is 1, and 0 means the caller. */
static inline bool uk_is_self(pid_t pid) {
    return pid == 0 || pid == 1;
}

/* What RLIMIT_NOFILE allows: one more than the highest descriptor. */
int uk_fd_limit(void);

/* Bytes of the main thread's stack. */
size_t uk_stack_size(void);

#endif
