/* SPDX-License-Identifier: MIT */
#ifndef UK_PROCESS_H
#define UK_PROCESS_H

/* Ends the program: _exit(), or 128 + a signal. */
_Noreturn void uk_process_end(int status);

/*
 * `hook` is called then, for what other kernels do for a program that has ended. It may wait. From here on the
 * monitor's SIGTERM and SIGINT come to the guest, whether or not the program has a handler: a guest that the monitor
 * ends does nothing more.
 */
void uk_at_process_end(void (*hook)(void));

#endif
