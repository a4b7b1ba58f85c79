/* SPDX-License-Identifier: MIT */
/*
 * uk_fault_entry: where the monitor puts the processor after a fault, with %rdi the address of struct ukvm_fault, all
 * other registers as the fault found them and no stack. What is read and written of struct delivery is in fault.c.
 *
 * Until the program's handler is called, nothing interrupts this and no handler is armed, so that one stack of the
 * kernel's serves all threads. Functions in C change SSE registers, but not what AVX adds to them.
 */
    .set STATE, 0
    .set XSAVE, 8
    .set IRET, 16
    .set GREGS, 232

    .text
    .globl uk_fault_entry
    .type uk_fault_entry, @function
uk_fault_entry:
    leaq stack_top(%rip), %rsp
    subq $512, %rsp
    fxsave64 (%rsp)
    movq %rsp, %rsi
    call uk_fault_begin
    fxrstor64 (%rsp)
    movq %rax, %rbx
    movq STATE(%rbx), %rdi
    testq %rdi, %rdi
    jz 5f

    movq %rbx, %rsp
    cmpq $0, XSAVE(%rbx)
    je 1f
    movl $-1, %eax
    movl $-1, %edx
    xsave64 (%rdi)
    jmp 2f
1:  fxsave64 (%rdi)
2:  fninit
    ldmxcsr mxcsr(%rip)
    movq %rbx, %rdi
    call uk_fault_handle
    movq STATE(%rbx), %rdi
    cmpq $0, XSAVE(%rbx)
    je 4f
    movl $-1, %eax
    movl $-1, %edx
    xrstor64 (%rdi)
    jmp 5f
4:  fxrstor64 (%rdi)

    /* The order of gregs; %rbx, which all of it is read by, comes last. */
5:  leaq IRET(%rbx), %rsp
    movq GREGS+0(%rbx), %r8
    movq GREGS+8(%rbx), %r9
    movq GREGS+16(%rbx), %r10
    movq GREGS+24(%rbx), %r11
    movq GREGS+32(%rbx), %r12
    movq GREGS+40(%rbx), %r13
    movq GREGS+48(%rbx), %r14
    movq GREGS+56(%rbx), %r15
    movq GREGS+64(%rbx), %rdi
    movq GREGS+72(%rbx), %rsi
    movq GREGS+80(%rbx), %rbp
    movq GREGS+96(%rbx), %rdx
    movq GREGS+104(%rbx), %rax
    movq GREGS+112(%rbx), %rcx
    movq GREGS+88(%rbx), %rbx
    iretq
    .size uk_fault_entry, . - uk_fault_entry

    .section .rodata
    .balign 4
mxcsr:
    .long 0x1f80

    .bss
    .balign 64
    .skip 8192
stack_top:

    .section .note.GNU-stack, "", @progbits
