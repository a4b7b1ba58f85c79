/* SPDX-License-Identifier: MIT */
/* futex() by itself, and mutexes with priority inheritance, that are robust, or both. */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

#define OWNER 0x3fffffff
#define NO_THREAD 0x3ffffff0 /* more than there are thread ids */

static int word, other;

static long futex(int *at, int operation, int value, const struct timespec *time, int *at2, int value3) {
    errno = 0;
    return syscall(SYS_futex, at, operation, value, time, at2, value3);
}

static int try(int *at, int operation, int value, const struct timespec *time, int *at2, int value3) {
    return futex(at, operation, value, time, at2, value3) < 0 ? errno : 0;
}

static const struct timespec *count(unsigned n) {
    return (const struct timespec *)(uintptr_t)n;
}

static struct timespec in(clockid_t clock, long ms) {
    struct timespec time;
    clock_gettime(clock, &time);
    time.tv_nsec += ms * 1000000;
    time.tv_sec += time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

static int self(void) {
    return (int)syscall(SYS_gettid);
}

static void errors(void) {
    struct timespec soon = {0, 1000000}, bad = {0, 1000000000}, negative = {-1, 0}, past = {1, 0};
    int *odd = (int *)((char *)&word + 1);
    word = 5;
    is_u64((unsigned)try(&word, FUTEX_WAIT, 4, NULL, NULL, 0), EAGAIN, "FUTEX_WAIT: another value");
    is_u64((unsigned)try(&word, FUTEX_WAIT, 5, &soon, NULL, 0), ETIMEDOUT, "FUTEX_WAIT: a time that passes");
    is_u64((unsigned)try(&word, FUTEX_WAIT_PRIVATE, 5, &soon, NULL, 0), ETIMEDOUT, "FUTEX_WAIT_PRIVATE");
    is_u64((unsigned)try(&word, FUTEX_WAIT, 5, &bad, NULL, 0), EINVAL, "FUTEX_WAIT: a second of nanoseconds");
    is_u64((unsigned)try(&word, FUTEX_WAIT, 5, &negative, NULL, 0), EINVAL, "FUTEX_WAIT: a negative time");
    is_u64((unsigned)try(odd, FUTEX_WAIT, 5, &soon, NULL, 0), EINVAL, "FUTEX_WAIT: not at a word's address");
    is_u64((unsigned)try(NULL, FUTEX_WAIT, 5, &soon, NULL, 0), EFAULT, "FUTEX_WAIT: nowhere");
    is_u64((unsigned)try(odd, FUTEX_WAKE, 1, NULL, NULL, 0), EINVAL, "FUTEX_WAKE: not at a word's address");
    is_u64((unsigned)try(&word, FUTEX_WAIT_BITSET, 5, NULL, NULL, 0), EINVAL, "FUTEX_WAIT_BITSET: no bits");
    is_u64((unsigned)try(&word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0), EINVAL, "FUTEX_WAKE_BITSET: no bits");
    is_u64((unsigned)try(&word, FUTEX_WAIT_BITSET, 5, &past, NULL, 1), ETIMEDOUT, "FUTEX_WAIT_BITSET: the past");
    is_u64((unsigned)try(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 5, &past, NULL, 1), ETIMEDOUT,
           "FUTEX_WAIT_BITSET: the past of CLOCK_REALTIME");
    struct timespec later = in(CLOCK_REALTIME, 5);
    is_u64((unsigned)try(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 5, &later, NULL, 1), ETIMEDOUT,
           "FUTEX_WAIT_BITSET: and what comes");
    is_u64((unsigned)try(&word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1, NULL, NULL, 0), ENOSYS, "a clock without a time");
    is_u64((unsigned)try(&word, FUTEX_LOCK_PI | FUTEX_CLOCK_REALTIME, 1, NULL, NULL, 0), ENOSYS,
           "FUTEX_LOCK_PI has its clock");
    is_u64((unsigned)try(&word, 77, 1, NULL, NULL, 0), ENOSYS, "an operation that there is not");
    is_u64((unsigned)try(&word, FUTEX_CMP_REQUEUE, 1, count(1), &other, 4), EAGAIN, "FUTEX_CMP_REQUEUE: another value");
    is_u64((unsigned)try(&word, FUTEX_CMP_REQUEUE, -1, count(1), &other, 5), EINVAL,
           "FUTEX_CMP_REQUEUE: a negative number");
    is_u64((unsigned)try(&word, FUTEX_REQUEUE, 1, count(1), odd, 0), EINVAL, "FUTEX_REQUEUE: not to a word's address");
    ok(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0) == 0, "FUTEX_WAKE: nobody waits");
}

static void wake_op(void) {
    static const struct {
        int operation, operand, before, after;
    } cases[] = {
        {FUTEX_OP_SET, 7, 3, 7},
        {FUTEX_OP_ADD, 7, 3, 10},
        {FUTEX_OP_ADD, 0xfff, 3, 2},
        {FUTEX_OP_OR, 4, 3, 7},
        {FUTEX_OP_ANDN, 1, 3, 2},
        {FUTEX_OP_XOR, 5, 3, 6},
        {FUTEX_OP_OR | FUTEX_OP_OPARG_SHIFT, 4, 3, 19},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int how = FUTEX_OP(cases[i].operation, cases[i].operand, FUTEX_OP_CMP_EQ, 3);
        other = cases[i].before;
        ok(futex(&word, FUTEX_WAKE_OP, 1, count(1), &other, how) == 0 && other == cases[i].after,
           "FUTEX_WAKE_OP %d of %d", cases[i].operation, cases[i].operand);
    }
    is_u64((unsigned)try(&word, FUTEX_WAKE_OP, 1, count(1), &other, FUTEX_OP(7, 0, 0, 0)), ENOSYS,
           "FUTEX_WAKE_OP: an operation that there is not");
}

/* ---- threads that wait */

struct waiter {
    pthread_t thread;
    int *at;
    unsigned bits;
    volatile long result;
};

static void *wait_for_bits(void *argument) {
    struct waiter *waiter = argument;
    waiter->result = futex(waiter->at, FUTEX_WAIT_BITSET, 0, NULL, NULL, (int)waiter->bits);
    return NULL;
}

static void start(struct waiter *waiters, int n, unsigned bits) {
    for (int i = 0; i < n; i++) {
        waiters[i] = (struct waiter){.at = &word, .bits = bits, .result = 1};
        pthread_create(&waiters[i].thread, NULL, wait_for_bits, &waiters[i]);
    }
}

static bool join(struct waiter *waiters, int n) {
    bool right = true;
    for (int i = 0; i < n; i++) {
        pthread_join(waiters[i].thread, NULL);
        right = right && waiters[i].result == 0;
    }
    return right;
}

/* Again and again until `n` have been there to be woken or moved. */
static long repeat(int n, int *at, int operation, int value, const struct timespec *time, int *at2, int value3) {
    long all = 0;
    while (all < n) {
        all += futex(at, operation, value, time, at2, value3);
        sched_yield();
    }
    return all;
}

static void waking(void) {
    struct waiter waiters[3], odd[1];
    word = other = 0;
    start(waiters, 3, UINT32_MAX);
    is_u64((uint64_t)repeat(3, &word, FUTEX_WAKE, 1, NULL, NULL, 0), 3, "FUTEX_WAKE wakes one at a time");
    ok(join(waiters, 3), "all three");
    start(waiters, 3, 2);
    start(odd, 1, 1);
    is_u64((uint64_t)repeat(3, &word, FUTEX_WAKE_BITSET, 9, NULL, NULL, 2), 3, "FUTEX_WAKE_BITSET wakes whom it means");
    ok(join(waiters, 3), "all three");
    is_u64((uint64_t)repeat(1, &word, FUTEX_WAKE_BITSET, 9, NULL, NULL, 1), 1, "and the other one later");
    ok(join(odd, 1), "it was there");
    start(waiters, 3, UINT32_MAX);
    is_u64((uint64_t)repeat(3, &word, FUTEX_CMP_REQUEUE, 0, count(3), &other, 0), 3, "FUTEX_CMP_REQUEUE moves three");
    is_u64((uint64_t)futex(&word, FUTEX_WAKE, 9, NULL, NULL, 0), 0, "nobody waits there any more");
    is_u64((uint64_t)futex(&other, FUTEX_WAKE, 9, NULL, NULL, 0), 3, "but here");
    ok(join(waiters, 3), "all three");
    start(waiters, 2, UINT32_MAX);
    other = 1;
    is_u64(
        (uint64_t)repeat(2, &other, FUTEX_WAKE_OP, 1, count(2), &word, FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_EQ, 0)),
        2, "FUTEX_WAKE_OP wakes at the second word");
    ok(join(waiters, 2), "both");
}

/* ---- priority inheritance */

static void owning(void) {
    struct timespec past = {1, 0}, bad = {0, -1};
    word = 0;
    ok(try(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0) == 0 && word == self(), "FUTEX_LOCK_PI writes the owner");
    is_u64((unsigned)try(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EDEADLK, "FUTEX_LOCK_PI: it is ours");
    is_u64((unsigned)try(&word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), EDEADLK, "FUTEX_TRYLOCK_PI: it is ours");
    ok(try(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0) == 0 && word == 0, "FUTEX_UNLOCK_PI clears it");
    is_u64((unsigned)try(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EPERM, "FUTEX_UNLOCK_PI: it is not ours");
    ok(try(&word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0) == 0 && word == self(), "FUTEX_TRYLOCK_PI takes it");
    try(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
    word = NO_THREAD;
    is_u64((unsigned)try(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0), ESRCH, "FUTEX_LOCK_PI: an owner that there is not");
    word = FUTEX_OWNER_DIED;
    ok(try(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0) == 0 && word == (FUTEX_OWNER_DIED | self()), "the owner has died");
    try(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
    is_u64((unsigned)try(&word, FUTEX_LOCK_PI, 0, &bad, NULL, 0), EINVAL, "FUTEX_LOCK_PI: no time");
    word = 0;
    ok(try(&word, FUTEX_LOCK_PI, 0, &past, NULL, 0) == 0, "a time that is past, of a lock that is free");
    try(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
    is_u64((unsigned)try((int *)((char *)&word + 2), FUTEX_LOCK_PI, 0, NULL, NULL, 0), EINVAL,
           "not at a word's address");
}

static volatile int stage;
static int locks[2];
static volatile int got_word, got_tid;

static void *hold(void *argument) {
    (void)argument;
    futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
    stage = 1;
    while (stage == 1)
        sched_yield();
    futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
    return NULL;
}

static void *wait_to_own(void *argument) {
    (void)argument;
    int result = try(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
    got_tid = self();
    got_word = result ? -result : word;
    futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
    return NULL;
}

static void *end_owning(void *argument) {
    (void)argument;
    futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
    stage = 1;
    while (!((unsigned)word & FUTEX_WAITERS))
        sched_yield();
    return NULL;
}

static void contended(void) {
    pthread_t holder, waiter;
    word = stage = 0;
    pthread_create(&holder, NULL, hold, NULL);
    while (stage != 1)
        sched_yield();
    is_u64((unsigned)try(&word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), EAGAIN, "FUTEX_TRYLOCK_PI: it is another's");
    struct timespec soon = in(CLOCK_REALTIME, 5);
    is_u64((unsigned)try(&word, FUTEX_LOCK_PI, 0, &soon, NULL, 0), ETIMEDOUT, "FUTEX_LOCK_PI: a time that passes");
    soon = in(CLOCK_MONOTONIC, 5);
    is_u64((unsigned)try(&word, FUTEX_LOCK_PI2, 0, &soon, NULL, 0), ETIMEDOUT, "FUTEX_LOCK_PI2: of CLOCK_MONOTONIC");
    is_u64((unsigned)try(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EPERM, "FUTEX_UNLOCK_PI: it is another's");
    pthread_create(&waiter, NULL, wait_to_own, NULL);
    usleep(20000);
    stage = 2;
    pthread_join(waiter, NULL);
    pthread_join(holder, NULL);
    ok((got_word & OWNER) == got_tid && !(got_word & FUTEX_OWNER_DIED), "it is handed over");
    is_u64((unsigned)word, 0, "and free in the end");
    stage = 0;
    pthread_create(&holder, NULL, end_owning, NULL);
    while (stage != 1)
        sched_yield();
    pthread_create(&waiter, NULL, wait_to_own, NULL);
    pthread_join(waiter, NULL);
    pthread_join(holder, NULL);
    ok((got_word & OWNER) == got_tid && (got_word & FUTEX_OWNER_DIED), "an owner that ends leaves it to who waits");
}

static void *crossed(void *argument) {
    (void)argument;
    futex(&locks[1], FUTEX_LOCK_PI, 0, NULL, NULL, 0);
    stage = 1;
    futex(&locks[0], FUTEX_LOCK_PI, 0, NULL, NULL, 0);
    futex(&locks[0], FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
    futex(&locks[1], FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
    return NULL;
}

static void deadlock(void) {
    pthread_t thread;
    stage = 0;
    futex(&locks[0], FUTEX_LOCK_PI, 0, NULL, NULL, 0);
    pthread_create(&thread, NULL, crossed, NULL);
    while (stage != 1 || !((unsigned)*(volatile int *)&locks[0] & FUTEX_WAITERS))
        sched_yield();
    usleep(20000);
    is_u64((unsigned)try(&locks[1], FUTEX_LOCK_PI, 0, NULL, NULL, 0), EDEADLK, "two that wait for each other");
    futex(&locks[0], FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
    pthread_join(thread, NULL);
    ok(locks[0] == 0 && locks[1] == 0, "the other one goes on");
}

/* ---- mutexes */

static pthread_mutex_t mutex;
static pthread_cond_t condition;
static long counter;

static int make(int type, int robust) {
    pthread_mutexattr_t attr;
    int protocol = -1;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, type);
    pthread_mutexattr_setrobust(&attr, robust);
    int result = pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
    pthread_mutexattr_getprotocol(&attr, &protocol);
    return result ? result : protocol == PTHREAD_PRIO_INHERIT ? pthread_mutex_init(&mutex, &attr) : -1;
}

static void *in_thread_try(void *argument) {
    *(int *)argument = pthread_mutex_trylock(&mutex);
    return NULL;
}

static void *in_thread_timed(void *argument) {
    struct timespec soon = in(CLOCK_REALTIME, 5);
    *(int *)argument = pthread_mutex_timedlock(&mutex, &soon);
    return NULL;
}

static void *in_thread_lock(void *argument) {
    *(int *)argument = pthread_mutex_lock(&mutex);
    return NULL;
}

static int from_thread(void *(*function)(void *)) {
    int result = -1;
    pthread_t thread;
    pthread_create(&thread, NULL, function, &result);
    pthread_join(thread, NULL);
    return result;
}

static void *add(void *argument) {
    for (int i = 0; i < 500; i++) {
        pthread_mutex_lock(&mutex);
        long before = counter;
        if (i % 50 == 0)
            sched_yield();
        counter = before + 1;
        pthread_mutex_unlock(&mutex);
    }
    return argument;
}

static void mutexes(void) {
    pthread_mutexattr_t attr;
    pthread_t threads[4];
    pthread_mutexattr_init(&attr);
    is_u64((unsigned)pthread_mutexattr_setprotocol(&attr, 99), EINVAL, "a protocol that there is not");
    ok(make(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED) == 0, "PTHREAD_PRIO_INHERIT");
    ok(pthread_mutex_lock(&mutex) == 0, "lock");
    is_u64((unsigned)from_thread(in_thread_try), EBUSY, "trylock of another thread");
    is_u64((unsigned)from_thread(in_thread_timed), ETIMEDOUT, "timedlock of another thread");
    ok(pthread_mutex_unlock(&mutex) == 0, "unlock");
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, add, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    is_u64((uint64_t)counter, 2000, "four threads exclude each other");
    pthread_mutex_destroy(&mutex);
    ok(make(PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED) == 0, "PTHREAD_MUTEX_ERRORCHECK");
    is_u64((unsigned)pthread_mutex_unlock(&mutex), EPERM, "unlock of what is not locked");
    pthread_mutex_lock(&mutex);
    is_u64((unsigned)pthread_mutex_lock(&mutex), EDEADLK, "lock again");
    pthread_mutex_unlock(&mutex);
    pthread_mutex_destroy(&mutex);
    ok(make(PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_STALLED) == 0, "PTHREAD_MUTEX_RECURSIVE");
    ok(pthread_mutex_lock(&mutex) == 0 && pthread_mutex_lock(&mutex) == 0 && pthread_mutex_trylock(&mutex) == 0,
       "three times");
    pthread_mutex_unlock(&mutex);
    pthread_mutex_unlock(&mutex);
    is_u64((unsigned)from_thread(in_thread_try), EBUSY, "it is locked until the third");
    pthread_mutex_unlock(&mutex);
    ok(pthread_mutex_destroy(&mutex) == 0, "unlock");
}

static void *signal_condition(void *argument) {
    pthread_mutex_lock(&mutex);
    counter = 1;
    pthread_cond_broadcast(&condition);
    pthread_mutex_unlock(&mutex);
    return argument;
}

static void conditions(void) {
    pthread_t thread;
    make(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED);
    pthread_cond_init(&condition, NULL);
    counter = 0;
    pthread_mutex_lock(&mutex);
    pthread_create(&thread, NULL, signal_condition, NULL);
    while (counter == 0)
        pthread_cond_wait(&condition, &mutex);
    ok(pthread_mutex_unlock(&mutex) == 0, "a condition with it");
    pthread_join(thread, NULL);
    pthread_mutex_destroy(&mutex);
}

static void *end_holding(void *argument) {
    pthread_mutex_lock(&mutex);
    if (argument) {
        stage = 1;
        usleep(20000);
    }
    return NULL;
}

static void robust(void) {
    pthread_t owner;
    ok(make(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST) == 0, "robust");
    pthread_create(&owner, NULL, end_holding, NULL);
    pthread_join(owner, NULL);
    is_u64((unsigned)pthread_mutex_lock(&mutex), EOWNERDEAD, "its owner has ended");
    ok(pthread_mutex_consistent(&mutex) == 0 && pthread_mutex_unlock(&mutex) == 0 && pthread_mutex_lock(&mutex) == 0,
       "consistent again");
    pthread_mutex_unlock(&mutex);
    stage = 0;
    pthread_create(&owner, NULL, end_holding, (void *)&mutex);
    while (stage != 1)
        sched_yield();
    is_u64((unsigned)pthread_mutex_lock(&mutex), EOWNERDEAD, "its owner ends while another waits");
    pthread_join(owner, NULL);
    ok(pthread_mutex_unlock(&mutex) == 0, "left as it is");
    is_u64((unsigned)pthread_mutex_lock(&mutex), ENOTRECOVERABLE, "nobody can lock it any more");
    is_u64((unsigned)from_thread(in_thread_lock), ENOTRECOVERABLE, "no other thread either");
}

static void robust_lists(void) {
    void *list;
    size_t size = 0;
    ok(syscall(SYS_get_robust_list, 0, &list, &size) == 0 && size == 3 * sizeof(long), "get_robust_list");
    ok(syscall(SYS_get_robust_list, NO_THREAD, &list, &size) < 0 && errno == ESRCH, "of a thread that there is not");
    ok(syscall(SYS_set_robust_list, list, 5) < 0 && errno == EINVAL, "set_robust_list with another size");
    ok(syscall(SYS_set_robust_list, list, 3 * sizeof(long)) == 0, "set_robust_list");
}

int main(void) {
    errors();
    wake_op();
    waking();
    owning();
    contended();
    deadlock();
    mutexes();
    conditions();
    robust();
    robust_lists();
    return done_testing();
}
