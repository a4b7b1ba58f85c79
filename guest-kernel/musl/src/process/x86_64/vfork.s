/* SPDX-License-Identifier: MIT */
/* There are no processes: ENOSYS, by way of the table that says so once on the console. */
.text
.global vfork
.type vfork,@function
vfork:
	sub $8,%rsp
	mov $58,%edi
	call uk_syscall
	add $8,%rsp
	mov %rax,%rdi
	.hidden __syscall_ret
	jmp __syscall_ret
.size vfork,.-vfork
.section .note.GNU-stack,"",@progbits
