/* SPDX-License-Identifier: MIT */
/* Where a signal handler would return to; here handlers return to posix/signal.c. */
.text
.global __restore_rt
.hidden __restore_rt
.type __restore_rt,@function
__restore_rt:
	ud2
.size __restore_rt,.-__restore_rt
.section .note.GNU-stack,"",@progbits
