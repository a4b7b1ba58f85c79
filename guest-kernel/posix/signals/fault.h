/* SPDX-License-Identifier: MIT */
/*
 * Faults that the program handles: SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGTRAP. ABI.md, FAULT-04 to FAULT-08.
 *
 * A fault without a handler, of a signal that is blocked, or where there is no stack for the handler, is made to happen
 * again with nothing armed, so that the monitor reports it as if nobody had looked. A bad pointer that the program
 * gives to a system call is a fault of the program's, inside the kernel: a handler that jumps out of it leaves that
 * call half done.
 *
 * The handler finds the state of x87 and SSE as the program begins with, and what it does to it is undone; so is AVX
 * where CPUID lists XSAVE.
 */
#ifndef UK_FAULT_H
#define UK_FAULT_H

#include <stdbool.h>

/* The program has a handler for `signal`: if a fault can be this signal, from now on the monitor hands it over. */
void uk_fault_handled(int signal);

#endif
