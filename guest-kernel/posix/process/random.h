/* SPDX-License-Identifier: MIT */
/* Random bytes: behind getrandom(), /dev/random and /dev/urandom. */
#ifndef UK_RANDOM_H
#define UK_RANDOM_H

#include <stddef.h>

/* Fit for keys, from the first call on. Never blocks and never fails. */
void uk_random_bytes(void *to, size_t size);

#endif
