/* SPDX-License-Identifier: MIT */
/*
 * The thread pointer is a register that ring 3 may write (ABI.md, ENTRY-02). The new thread control block takes over
 * the stack canary at %fs:0x28, so that functions that are on the stack now still find theirs when they return.
 */
.text
.global __set_thread_area
.hidden __set_thread_area
.type __set_thread_area,@function
__set_thread_area:
	mov %fs:0x28,%rax
	mov %rax,0x28(%rdi)
	wrfsbase %rdi
	xor %eax,%eax
	ret
.size __set_thread_area,.-__set_thread_area
.section .note.GNU-stack,"",@progbits
