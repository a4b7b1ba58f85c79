/* SPDX-License-Identifier: MIT */
/* What standard input, output and error have in common as files. */
#ifndef UK_CONSOLE_H
#define UK_CONSOLE_H

#include "file.h"

/* Puts standard input in place, if there is one. stdin.c */
void uk_stdin_init(void);

/* ---- stream.c */

/* The errno of a console operation that failed, negative. */
int uk_console_errno(int32_t result);

/* fstat() and ioctl() of a stream, by its kind. */
int uk_console_stat(unsigned stream, struct uk_kstat *stat);
int uk_console_ioctl(unsigned stream, unsigned request, void *argument);

#endif
