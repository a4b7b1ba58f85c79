/* SPDX-License-Identifier: MIT */
/* What musl asks of an allocator beside malloc() itself (../lite_malloc.c). */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#include "../heap.h"
#include "dynlink.h"

void __libc_free(void *block)
{
	uk_free(block); /* which touches no errno */
}

void *__libc_realloc(void *block, size_t size)
{
	void *moved = uk_heap_realloc(UK_HEAP_PROGRAM, block, size);
	if (!moved)
		errno = ENOMEM;
	return moved;
}

void *aligned_alloc(size_t align, size_t size)
{
	if ((align & -align) != align) {
		errno = EINVAL;
		return 0;
	}
	/* A program that brings a malloc() of its own would free this one with it. */
	void *block = __malloc_replaced && !__aligned_alloc_replaced ? 0 : uk_heap_alloc(UK_HEAP_PROGRAM, align, size);
	if (!block)
		errno = ENOMEM;
	return block;
}

size_t malloc_usable_size(void *block)
{
	return block ? uk_heap_capacity(block) : 0;
}

/* For calloc(): true if all of the block is zero now. */
int __malloc_allzerop(void *block)
{
	return uk_heap_clear_large(block);
}
