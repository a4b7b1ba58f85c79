/* SPDX-License-Identifier: MIT */
/* A detached thread ends and its stack goes with it: the next thread to run frees it (posix/thread.c). */
.text
.global __unmapself
.type __unmapself,@function
__unmapself:
	sub $8,%rsp
	call uk_thread_exit_unmapping
	ud2
.size __unmapself,.-__unmapself
.section .note.GNU-stack,"",@progbits
