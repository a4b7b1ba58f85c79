/* SPDX-License-Identifier: MIT */
/* Mappings: anonymous memory for programs and for thread stacks. */
#ifndef UK_MEMORY_H
#define UK_MEMORY_H

#include "ukvm.h"

/* The addresses of a program end here: Linux's TASK_SIZE. */
#define UK_ADDRESS_LIMIT ((UINT64_C(1) << 47) - UKVM_PAGE_SIZE)

static inline size_t uk_pages_of(size_t size) {
    return size / UKVM_PAGE_SIZE + (size % UKVM_PAGE_SIZE != 0);
}

/* Whether all of some pages are the image's, the boot stack's or allocated. */
bool uk_memory_is_mapped(const void *pages, size_t count);

/* Pages of zeros for the program, open; NULL when memory is used up. */
void *uk_memory_allocate(size_t count);

/* The same at an address, in the place of what is there. -ENOMEM: that cannot be. */
int uk_memory_map_over(void *pages, size_t count);

/* munmap() of any mapping: also of what a file has placed there. 0, -ENOMEM. */
int uk_memory_unmap_all(void *pages, size_t count);

/* munmap(): frees what is allocated of [address, address + size), both multiples of a page. */
void uk_memory_unmap(void *address, size_t size);

/* From the idle loop: gives freed memory back to the host when there is much of it. */
void uk_memory_trim(void);

#endif
