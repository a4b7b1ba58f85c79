/* SPDX-License-Identifier: MIT */
/*
 * System calls, by function call: musl is built with guest-kernel/musl/, which calls uk_syscall() where there would be
 * a `syscall` instruction. Numbers, arguments and results are Linux's for x86-64. syscalls.def is the table.
 *
 * Pointers are the program's own and are not checked: kernel and program are one address space and one domain of
 * trust, and the monitor protects the host from both. A bad pointer ends the guest with a report where Linux would
 * return EFAULT. A path that is NULL is EFAULT: programs find out in this way whether there is such a call.
 */
#ifndef UK_SYSCALL_H
#define UK_SYSCALL_H

/* A negative errno, or the result. */
long uk_syscall(long number, long a, long b, long c, long d, long e, long f);

/* Says on the console, the first time, that the program misses `what`. Returns -ENOSYS. */
int uk_missing_call(const char *what);

#endif
