/* SPDX-License-Identifier: MIT */
/*
 * uk_switch(void **save, void *load): leaves one thread and goes on in another, which once called uk_switch() itself or
 * is new. What the System V ABI lets a function change is not kept (3.2.1, 3.2.3: %rbx, %rbp, %r12 to %r15 and the control
 * words of x87 and SSE are kept); the thread pointer goes along.
 */
    .text
    .globl uk_switch
    .type uk_switch, @function
uk_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    rdfsbase %rax
    pushq %rax
    subq $8, %rsp
    stmxcsr (%rsp)
    fnstcw 4(%rsp)
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    ldmxcsr (%rsp)
    fldcw 4(%rsp)
    addq $8, %rsp
    popq %rax
    wrfsbase %rax
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size uk_switch, . - uk_switch

/* Where a new thread's first uk_switch() returns to: calls %rbx with %r12, which is how thread.c lays its stack. */
    .globl uk_thread_entry
    .type uk_thread_entry, @function
uk_thread_entry:
    .cfi_startproc
    .cfi_undefined rip
    xorl %ebp, %ebp
    call uk_thread_bury
    movq %r12, %rdi
    call *%rbx
    call uk_thread_exit
    ud2
    .cfi_endproc
    .size uk_thread_entry, . - uk_thread_entry

    .section .note.GNU-stack, "", @progbits
