/* SPDX-License-Identifier: MIT */
/* Mappings: anonymous memory for programs and for thread stacks. */
#ifndef UK_MEMORY_H
#define UK_MEMORY_H

#include "core/kernel.h"

/* munmap(): frees what is allocated of [address, address + size), both multiples of a page. */
void uk_memory_unmap(void *address, size_t size);

/* From the idle loop: gives freed memory back to the host when there is much of it. */
void uk_memory_trim(void);

#endif
