/* SPDX-License-Identifier: MIT */
/* What musl's side of the heap uses of guest-kernel/core/heap.h, which says what it is; that header needs others of ours. */
#include <stdbool.h>
#include <stddef.h>

enum uk_heap { UK_HEAP_KERNEL, UK_HEAP_PROGRAM };
void *uk_heap_alloc(enum uk_heap heap, size_t align, size_t size);
void *uk_heap_realloc(enum uk_heap heap, void *block, size_t size);
size_t uk_heap_capacity(void *block);
bool uk_heap_clear_large(void *block);
void uk_free(void *block);
