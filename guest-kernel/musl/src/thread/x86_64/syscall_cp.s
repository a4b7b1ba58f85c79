/* SPDX-License-Identifier: MIT */
/*
 * A system call that is a cancellation point: __syscall_cp_asm(&self->cancel, number, six arguments). A cancellation
 * that comes while it blocks ends it with EINTR, which musl's __syscall_cp_c() turns into the end of the thread.
 */
.text
.global __cp_begin
.hidden __cp_begin
.global __cp_end
.hidden __cp_end
.global __cp_cancel
.hidden __cp_cancel
.hidden __cancel
.global __syscall_cp_asm
.hidden __syscall_cp_asm
.type __syscall_cp_asm,@function
__syscall_cp_asm:
__cp_begin:
	mov (%rdi),%eax
	test %eax,%eax
	jnz __cp_cancel
	mov %rsi,%rdi
	mov %rdx,%rsi
	mov %rcx,%rdx
	mov %r8,%rcx
	mov %r9,%r8
	mov 8(%rsp),%r9
	push 16(%rsp)
	call uk_syscall
	add $8,%rsp
__cp_end:
	ret
__cp_cancel:
	jmp __cancel
.size __syscall_cp_asm,.-__syscall_cp_asm
.section .note.GNU-stack,"",@progbits
