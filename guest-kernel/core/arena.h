/* SPDX-License-Identifier: MIT */
/* The arena of I/O buffers. arena.c */
#ifndef UK_CORE_ARENA_H
#define UK_CORE_ARENA_H

#include "ukvm.h"

/* Lays the arena out. */
void uk_arena_init(const struct ukvm_boot *boot);

#endif
