/* SPDX-License-Identifier: MIT */
/* The first instructions of the guest. RDI is the boot page, RSP the top of the boot stack. ABI.md, ENTRY-01, ENTRY-02. */

    .section .text._start, "ax", @progbits
    .globl _start
    .type _start, @function
_start:
    .cfi_startproc
    .cfi_undefined rip
    xorl %ebp, %ebp /* the end of every backtrace */
    testq %rdi, %rdi
    jz uk_no_guest
    fninit
    ldmxcsr default_mxcsr(%rip)
    andq $-16, %rsp
    call uk_start
    ud2
    .cfi_endproc
    .size _start, . - _start

/*
 * Linux has started the file as a program: no monitor gives a boot page at 0 (MEM-01). It says so and exits with 126, as a
 * shell does for what it cannot execute. These are the only system calls by instruction in an image, and no guest gets here.
 */
    .type uk_no_guest, @function
uk_no_guest:
    .cfi_startproc
    .cfi_undefined rip
    movl $1, %eax /* write */
    movl $2, %edi
    leaq no_guest_text(%rip), %rsi
    movl $no_guest_size, %edx
    syscall
    movl $231, %eax /* exit_group */
    movl $126, %edi
    syscall
    ud2
    .cfi_endproc
    .size uk_no_guest, . - uk_no_guest

    .section .rodata._start, "a", @progbits
    .balign 4
default_mxcsr:
    .long 0x1f80 /* all exceptions masked, round to nearest. AMD64 APM vol. 1, 4.2.2 */
    .long uk_image_note - . /* makes the linker take the library's note (note.c) when the program has none */
no_guest_text:
    .ascii "this is a ukvm image, not a program of this system: run it with `ukvm run FILE`\n"
    .set no_guest_size, . - no_guest_text

    .section .note.GNU-stack, "", @progbits
