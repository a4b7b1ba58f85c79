/* SPDX-License-Identifier: MIT */
/* Futexes among themselves: futex.c, futex_pi.c, and below both futex_queue.c. */
#ifndef UK_FUTEX_H
#define UK_FUTEX_H

#include "thread.h"

/* What a thread waits for: some of 32 bits, or to own the word. */
#define UK_FUTEX_OWNED 0u

/* The list of those who wait at an address, and at others. */
struct uk_thread_list *uk_futex_bucket(const void *address);

/* The first from `from` on that waits at `address` for some of `bits`, or to own it. */
struct uk_thread *uk_futex_next(struct uk_thread *from, const void *address, uint32_t bits);

/* Waits at an address, as uk_block(). */
long uk_futex_sleep(const int *address, uint32_t bits, uint64_t deadline);

/* FUTEX_LOCK_PI, FUTEX_TRYLOCK_PI and FUTEX_UNLOCK_PI. */
long uk_futex_lock(int *address, uint64_t deadline);
long uk_futex_trylock(int *address);
long uk_futex_unlock(int *address);

#endif
