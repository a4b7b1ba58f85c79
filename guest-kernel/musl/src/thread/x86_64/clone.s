/* SPDX-License-Identifier: MIT */
/* __clone(function, stack, flags, argument, parent_tid, tls, child_tid): posix/thread.c takes the same arguments. */
.text
.global __clone
.hidden __clone
.type __clone,@function
__clone:
	jmp uk_clone
.size __clone,.-__clone
.section .note.GNU-stack,"",@progbits
