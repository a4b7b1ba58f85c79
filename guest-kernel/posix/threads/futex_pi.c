/* SPDX-License-Identifier: MIT */
/*
 * Futexes with priority inheritance. The word has the thread id of its owner, which the program writes there itself as
 * long as nobody waits: futex(2), "Priority-inheritance futexes". There is one priority, so that an owner has none to
 * inherit; what remains is that the lock is handed over, first come, first served, and is not lost with its owner.
 */
#include <errno.h>

#include "futex.h"

/* Linux: include/uapi/linux/futex.h */
#define WAITERS 0x80000000u
#define OWNER_DIED 0x40000000u
#define OWNER 0x3fffffffu

static volatile uint32_t *word_of(const struct uk_thread *thread) {
    return (volatile uint32_t *)(uintptr_t)thread->futex;
}

static struct uk_thread *first_waiter(const void *address) {
    return uk_futex_next(uk_futex_bucket(address)->first, address, UK_FUTEX_OWNED);
}

static bool waits_for_owner(const struct uk_thread *thread) {
    return thread->blocked && thread->futex && thread->list == uk_futex_bucket(thread->futex) &&
           thread->futex_bits == UK_FUTEX_OWNED;
}

static void hand_over(struct uk_thread *to, uint32_t how) {
    *word_of(to) = (uint32_t)to->tid | WAITERS | how;
    uk_unblock(to, 0);
}

/* Whether `owner` waits, itself or by others, for what this thread has. Each thread waits for one. */
static bool is_deadlock(const struct uk_thread *owner) {
    size_t steps = 0;
    for (const struct uk_thread *any = uk_threads; any; any = any->all_next)
        steps++;
    while (owner && steps-- > 0 && waits_for_owner(owner)) {
        int next = (int)(*word_of(owner) & OWNER);
        if (next == uk_current->tid)
            return true;
        owner = uk_thread_find(next);
    }
    return false;
}

/* Takes the lock if it is free. 0, -EAGAIN, or what is wrong. */
static int take(volatile uint32_t *word) {
    uint32_t value = *word, owner = value & OWNER;
    if (owner == (uint32_t)uk_current->tid)
        return -EDEADLK;
    if (owner) {
        const struct uk_thread *thread = uk_thread_find((int)owner);
        return !thread ? -ESRCH : is_deadlock(thread) ? -EDEADLK : -EAGAIN;
    }
    *word =
        (uint32_t)uk_current->tid | (value & OWNER_DIED) | (first_waiter((const void *)(uintptr_t)word) ? WAITERS : 0);
    return 0;
}

long uk_futex_lock(int *address, uint64_t deadline) {
    volatile uint32_t *word = (volatile uint32_t *)address;
    int result = take(word);
    if (result != -EAGAIN)
        return result;
    *word |= WAITERS; /* so that the owner calls uk_futex_unlock(), which hands it over */
    return uk_futex_sleep(address, UK_FUTEX_OWNED, deadline);
}

long uk_futex_trylock(int *address) {
    return take((volatile uint32_t *)address);
}

long uk_futex_unlock(int *address) {
    volatile uint32_t *word = (volatile uint32_t *)address;
    if ((*word & OWNER) != (uint32_t)uk_current->tid)
        return -EPERM;
    struct uk_thread *next = first_waiter(address);
    if (next)
        hand_over(next, 0);
    else
        *word = 0;
    return 0;
}

/*
 * What it owned and somebody waits for goes to the first who does. A robust mutex of musl's has no owner any more by
 * then: pthread_exit() has said so in the word.
 */
void uk_futex_owner_ended(const struct uk_thread *ended) {
    for (struct uk_thread *thread = uk_threads; thread; thread = thread->all_next) {
        if (!waits_for_owner(thread))
            continue;
        uint32_t owner = *word_of(thread) & OWNER;
        if (owner == 0 || owner == (uint32_t)ended->tid)
            hand_over(first_waiter(thread->futex), OWNER_DIED);
    }
}
