/* SPDX-License-Identifier: MIT */
/* ABI.md, CALL. The memory clobber: the monitor reads and writes rings and buffers during the instruction. */
#ifndef UK_HYPERCALL_H
#define UK_HYPERCALL_H

#include <stdint.h>

static inline void uk_hypercall(uint16_t port, uint32_t value) {
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

#endif
