/* SPDX-License-Identifier: MIT */
/* From the entry point to the program: start.c, boot.c and main.c; posix/start.c for one with a C library. */
#ifndef UK_CORE_START_H
#define UK_CORE_START_H

#include "ukvm.h"

/* The boot page. What uk_boot() gives from now on. */
void uk_boot_init(const struct ukvm_boot *boot);

/* Called by entry.S. */
_Noreturn void uk_start(const struct ukvm_boot *boot);

/*
 * The program, once everything is set up: main.c, or posix/start.c for one with a C library. `argv` and `envp` lie
 * behind each other and end in NULL, and UK_AUX_WORDS words follow.
 */
_Noreturn void uk_main(int argc, char **argv, char **envp);

#define UK_AUX_WORDS 32u

/* Called by what the compiler puts into every function that has a buffer (-fstack-protector-strong). */
_Noreturn void __stack_chk_fail(void);

#endif
