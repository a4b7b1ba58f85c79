/* SPDX-License-Identifier: MIT */
/* Work for the processor: a bubble sort. */
#ifndef REST_SORT_H
#define REST_SORT_H

#include <stdint.h>

#define SORT_MAX 10000

/* Sorts the numbers size..1; returns how long that took, in nanoseconds. */
uint64_t sort_reversed(uint32_t size);

#endif
