/* SPDX-License-Identifier: MIT */
/* The first instructions of the guest. RDI is the boot page, RSP the top of the boot stack. ABI.md, ENTRY-01, ENTRY-02. */

    .section .text._start, "ax", @progbits
    .globl _start
    .type _start, @function
_start:
    .cfi_startproc
    .cfi_undefined rip
    xorl %ebp, %ebp /* the end of every backtrace */
    fninit
    ldmxcsr default_mxcsr(%rip)
    andq $-16, %rsp
    call uk_start
    ud2
    .cfi_endproc
    .size _start, . - _start

    .section .rodata._start, "a", @progbits
    .balign 4
default_mxcsr:
    .long 0x1f80 /* all exceptions masked, round to nearest. AMD64 APM vol. 1, 4.2.2 */
    .long uk_image_note - . /* makes the linker take the library's note (note.c) when the program has none */

    .section .note.GNU-stack, "", @progbits
