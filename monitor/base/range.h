/* SPDX-License-Identifier: MIT */
/* Unsigned range arithmetic that cannot wrap. Every offset, address and length from outside goes through here. */
#ifndef UKVM_RANGE_H
#define UKVM_RANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "ukvm_abi.h"

/* Whether [offset, offset + length) lies within [0, size). An empty range at the very end does. */
static inline bool range_within(uint64_t offset, uint64_t length, uint64_t size) {
    return offset <= size && length <= size - offset;
}

/* Whether [a, a + a_length) and [b, b + b_length) share a byte. Neither may wrap: check with range_within first. */
static inline bool range_overlaps(uint64_t a, uint64_t a_length, uint64_t b, uint64_t b_length) {
    return a < b + b_length && b < a + a_length;
}

/* `alignment` is a power of two. */
static inline bool is_aligned(uint64_t value, uint64_t alignment) {
    return (value & (alignment - 1)) == 0;
}

static inline uint64_t align_down(uint64_t value, uint64_t alignment) {
    return value & ~(alignment - 1);
}

/* Rounds up; the caller has made sure that value + alignment - 1 does not wrap. */
static inline uint64_t align_up(uint64_t value, uint64_t alignment) {
    return align_down(value + alignment - 1, alignment);
}

#endif
