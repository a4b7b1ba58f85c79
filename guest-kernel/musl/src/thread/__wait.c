/* SPDX-License-Identifier: MIT */
/* Without the spinning of the file that this one lies over: on one vCPU nobody can change *address meanwhile. */
#include "pthread_impl.h"

void __wait(volatile int *address, volatile int *waiters, int value, int private)
{
	(void)private;
	if (waiters)
		a_inc(waiters);
	while (*address == value)
		__syscall(SYS_futex, address, FUTEX_WAIT, value, 0);
	if (waiters)
		a_dec(waiters);
}
