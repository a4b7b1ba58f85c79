/* SPDX-License-Identifier: MIT */
/* Who waits at which futex: lists of threads by a hash of the address. */
#include "futex.h"

#define BUCKETS 64u

static struct uk_thread_list buckets[BUCKETS];

struct uk_thread_list *uk_futex_bucket(const void *address) {
    uintptr_t word = (uintptr_t)address / sizeof(int);
    return &buckets[(word ^ word >> 6 ^ word >> 12) % BUCKETS];
}

static bool is_for(const struct uk_thread *thread, uint32_t bits) {
    return bits == UK_FUTEX_OWNED ? thread->futex_bits == UK_FUTEX_OWNED : (thread->futex_bits & bits) != 0;
}

struct uk_thread *uk_futex_next(struct uk_thread *from, const void *address, uint32_t bits) {
    while (from && (from->futex != address || !is_for(from, bits)))
        from = from->next;
    return from;
}

int uk_futex_wake(const void *address, int count, uint32_t bits) {
    struct uk_thread *thread = uk_futex_bucket(address)->first;
    int woken = 0;
    while (woken < count && (thread = uk_futex_next(thread, address, bits))) {
        struct uk_thread *next = thread->next;
        uk_unblock(thread, 0);
        woken++;
        thread = next;
    }
    return woken;
}

long uk_futex_sleep(const int *address, uint32_t bits, uint64_t deadline) {
    uk_current->futex = address;
    uk_current->futex_bits = bits;
    return uk_block(uk_futex_bucket(address), deadline, UK_WAITS_FOR_THREAD);
}
