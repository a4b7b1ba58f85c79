/* SPDX-License-Identifier: MIT */
/* The heap, over the pages. heap.c */
#ifndef UK_CORE_HEAP_H
#define UK_CORE_HEAP_H

#include "ukvm.h"

/*
 * The heap. Kernel and program have slabs of their own; uk_free() frees blocks of both. Aligned to 16 bytes at least; a
 * size of 0 is as good as 1; NULL when memory is used up.
 */
enum uk_heap { UK_HEAP_KERNEL, UK_HEAP_PROGRAM, UK_HEAPS };
void *uk_heap_alloc(enum uk_heap heap, size_t align, size_t size);

/* As in C. `heap` is that of the block if it moves. */
void *uk_heap_realloc(enum uk_heap heap, void *block, size_t size);

/* The bytes that a block really has. Panics when it is not allocated. */
size_t uk_heap_capacity(void *block);

/* Zeroes a block of whole pages, those of them that may not be zero. False, and nothing is done, for a smaller one. */
bool uk_heap_clear_large(void *block);

#endif
