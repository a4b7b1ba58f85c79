/* SPDX-License-Identifier: MIT */
/*
 * uk_call_on(uintptr_t top, void (*function)(void *), void *argument): calls a function on another stack of the same
 * thread. The frame pointer leads back, for whoever walks the stack.
 */
    .text
    .globl uk_call_on
    .type uk_call_on, @function
uk_call_on:
    .cfi_startproc
    pushq %rbp
    .cfi_def_cfa_offset 16
    .cfi_offset rbp, -16
    movq %rsp, %rbp
    .cfi_def_cfa_register rbp
    movq %rdi, %rsp
    andq $-16, %rsp
    movq %rdx, %rdi
    call *%rsi
    movq %rbp, %rsp
    popq %rbp
    .cfi_def_cfa rsp, 8
    ret
    .cfi_endproc
    .size uk_call_on, . - uk_call_on

    .section .note.GNU-stack, "", @progbits
