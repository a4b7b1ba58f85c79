/* SPDX-License-Identifier: MIT */
/*
 * malloc() is the kernel's heap (guest-kernel/heap.c). It takes no lock: threads give way to each other in system calls
 * only. Lies over the file with which musl serves programs that never free.
 */
#include <errno.h>
#include <stdlib.h>

#include "features.h"
#include "heap.h"

void *__libc_malloc(size_t size)
{
	void *block = uk_heap_alloc(UK_HEAP_PROGRAM, 16, size);
	if (!block)
		errno = ENOMEM;
	return block;
}

weak_alias(__libc_malloc, malloc);
