/* SPDX-License-Identifier: MIT */
/* Futexes: threads that sleep until somebody says that the word at an address has changed. futex(2). */
#include <errno.h>
#include <time.h>

#include "posix/time/deadline.h"
#include "thread.h"

/* Linux: include/uapi/linux/futex.h */
#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define FUTEX_REQUEUE 3
#define FUTEX_CMP_REQUEUE 4
#define FUTEX_WAIT_BITSET 9
#define FUTEX_WAKE_BITSET 10
#define FUTEX_PRIVATE 128
#define FUTEX_CLOCK_REALTIME 256

#define BUCKETS 64u

static struct uk_thread_list buckets[BUCKETS];

static struct uk_thread_list *bucket_of(const void *address) {
    uintptr_t word = (uintptr_t)address / sizeof(int);
    return &buckets[(word ^ word >> 6 ^ word >> 12) % BUCKETS];
}

/* The next thread in the bucket that waits at `address` for one of `bits`. */
static struct uk_thread *next_waiter(struct uk_thread *from, const void *address, uint32_t bits) {
    while (from && (from->futex != address || !(from->futex_bits & bits)))
        from = from->next;
    return from;
}

int uk_futex_wake(const void *address, int count, uint32_t bits) {
    struct uk_thread *thread = bucket_of(address)->first;
    int woken = 0;
    while (woken < count && (thread = next_waiter(thread, address, bits))) {
        struct uk_thread *next = thread->next;
        uk_unblock(thread, 0);
        woken++;
        thread = next;
    }
    return woken;
}

static long wait(const int *address, int value, uint64_t deadline, uint32_t bits) {
    if (bits == 0)
        return -EINVAL;
    if (*(const volatile int *)address != value)
        return -EAGAIN;
    uk_current->futex = address;
    uk_current->futex_bits = bits;
    return uk_block(bucket_of(address), deadline, UK_WAITS_FOR_THREAD);
}

/* Those that are not woken wait at `to` from now on; they are woken there, so that a mutex lets them in one by one. */
static long requeue(const int *from, int wake, int move, const int *to) {
    long count = uk_futex_wake(from, wake, UINT32_MAX);
    struct uk_thread *thread = bucket_of(from)->first;
    for (int moved = 0; moved < move && (thread = next_waiter(thread, from, UINT32_MAX)); moved++) {
        struct uk_thread *next = thread->next;
        thread->futex = to;
        uk_thread_move(thread, bucket_of(to));
        thread = next;
        count++;
    }
    return count;
}

long uk_sys_futex(int *address, int operation, int value, const struct timespec *timeout, int *address2, int value3) {
    clockid_t clock = operation & FUTEX_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC;
    uint64_t deadline = UKVM_DEADLINE_NONE;
    int count = (int)(uintptr_t)timeout; /* of the requeueing operations */
    switch (operation & ~(FUTEX_PRIVATE | FUTEX_CLOCK_REALTIME)) {
    case FUTEX_WAIT:
        if (timeout && uk_deadline_after(timeout, &deadline))
            return -EINVAL;
        return wait(address, value, deadline, UINT32_MAX);
    case FUTEX_WAIT_BITSET:
        if (timeout && uk_deadline_at(clock, timeout, &deadline))
            return -EINVAL;
        return wait(address, value, deadline, (uint32_t)value3);
    case FUTEX_WAKE:
        return uk_futex_wake(address, value, UINT32_MAX);
    case FUTEX_WAKE_BITSET:
        return value3 ? uk_futex_wake(address, value, (uint32_t)value3) : -EINVAL;
    case FUTEX_CMP_REQUEUE:
        if (*(volatile int *)address != value3)
            return -EAGAIN;
        return requeue(address, value, count, address2);
    case FUTEX_REQUEUE:
        return requeue(address, value, count, address2);
    default: /* with priority inheritance, which has no meaning here */
        return -ENOSYS;
    }
}

/*
 * Robust mutexes: musl walks the list itself when a thread ends, and there is nobody else to do it for. But only where
 * the list can be asked for does it believe that there are any.
 */
#define ROBUST_LIST_SIZE (3 * sizeof(long)) /* Linux: struct robust_list_head */

long uk_sys_set_robust_list(void *list, size_t size) {
    if (size != ROBUST_LIST_SIZE)
        return -EINVAL;
    uk_current->robust_list = list;
    return 0;
}

long uk_sys_get_robust_list(int tid, void **list, size_t *size) {
    const struct uk_thread *thread = tid ? uk_thread_find(tid) : uk_current;
    if (!thread)
        return -ESRCH;
    *list = thread->robust_list;
    *size = ROBUST_LIST_SIZE;
    return 0;
}
