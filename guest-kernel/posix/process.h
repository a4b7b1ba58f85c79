/* SPDX-License-Identifier: MIT */
#ifndef UK_PROCESS_H
#define UK_PROCESS_H

/* Ends the program: _exit(), or 128 + a signal. */
_Noreturn void uk_process_end(int status);

/* Called then: what other kernels do for a program that has ended. May wait. NULL: nothing. */
extern void (*uk_end_hook)(void);

#endif
