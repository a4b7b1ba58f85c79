/* SPDX-License-Identifier: MIT */
/* Futexes: threads that sleep until somebody says that the word at an address has changed. futex(2). */
#include <errno.h>
#include <time.h>

#include "futex.h"
#include "posix/time/deadline.h"

/* Linux: include/uapi/linux/futex.h */
#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define FUTEX_REQUEUE 3
#define FUTEX_CMP_REQUEUE 4
#define FUTEX_WAKE_OP 5
#define FUTEX_LOCK_PI 6
#define FUTEX_UNLOCK_PI 7
#define FUTEX_TRYLOCK_PI 8
#define FUTEX_WAIT_BITSET 9
#define FUTEX_WAKE_BITSET 10
#define FUTEX_LOCK_PI2 13
#define FUTEX_PRIVATE 128
#define FUTEX_CLOCK_REALTIME 256

static long wait(const int *address, int value, uint64_t deadline, uint32_t bits) {
    if (bits == 0)
        return -EINVAL;
    if (*(const volatile int *)address != value)
        return -EAGAIN;
    return uk_futex_sleep(address, bits, deadline);
}

/* Until a time of that clock, which may be set meanwhile. */
static long wait_on(clockid_t clock, const int *address, int value, uint64_t deadline, uint32_t bits) {
    uk_current->timer.on_wall = uk_clock_is_wall(clock);
    long result = wait(address, value, deadline, bits);
    uk_current->timer.on_wall = false;
    return result;
}

/* Those that are not woken wait at `to` from now on; they are woken there, so that a mutex lets them in one by one. */
static long requeue(const int *from, int wake, int move, const int *to) {
    long count = uk_futex_wake(from, wake, UINT32_MAX);
    struct uk_thread *thread = uk_futex_bucket(from)->first;
    for (int moved = 0; moved < move && (thread = uk_futex_next(thread, from, UINT32_MAX)); moved++) {
        struct uk_thread *next = thread->next;
        thread->futex = to;
        uk_thread_move(thread, uk_futex_bucket(to));
        thread = next;
        count++;
    }
    return count;
}

/* ---- FUTEX_WAKE_OP: what is done to the second word is in bits of the last argument */

static int32_t signed12(uint32_t bits) {
    return (int32_t)(bits << 20) >> 20;
}

static int operate(volatile int *word, uint32_t how, int *before) {
    uint32_t operand = (uint32_t)signed12(how >> 12 & 0xfff), value = (uint32_t)*word;
    if (how >> 28 & 8)
        operand = UINT32_C(1) << (operand & 31);
    *before = (int)value;
    switch (how >> 28 & 7) {
    case 0:
        value = operand;
        break;
    case 1:
        value += operand;
        break;
    case 2:
        value |= operand;
        break;
    case 3:
        value &= ~operand;
        break;
    case 4:
        value ^= operand;
        break;
    default:
        return -ENOSYS;
    }
    *word = (int)value;
    return 0;
}

static int compare(int before, uint32_t how) {
    int with = signed12(how & 0xfff);
    switch (how >> 24 & 15) {
    case 0:
        return before == with;
    case 1:
        return before != with;
    case 2:
        return before < with;
    case 3:
        return before <= with;
    case 4:
        return before > with;
    case 5:
        return before >= with;
    default:
        return -ENOSYS;
    }
}

static long wake_op(int *address, int wake, int wake2, int *address2, uint32_t how) {
    int before, result = operate(address2, how, &before);
    if (result == 0)
        result = compare(before, how);
    if (result < 0)
        return result;
    return uk_futex_wake(address, wake, UINT32_MAX) + (result ? uk_futex_wake(address2, wake2, UINT32_MAX) : 0);
}

/* ---- the system call */

/* Of those that wait: relative to now, or a time of a clock. 0, -EINVAL, -ENOSYS for a clock that is not theirs. */
static int find_deadline(int operation, const struct timespec *timeout, uint64_t *deadline) {
    int command = operation & ~(FUTEX_PRIVATE | FUTEX_CLOCK_REALTIME);
    bool wall = operation & FUTEX_CLOCK_REALTIME;
    *deadline = UKVM_DEADLINE_NONE;
    if (wall && command != FUTEX_WAIT_BITSET && command != FUTEX_LOCK_PI2)
        return -ENOSYS;
    if (command == FUTEX_LOCK_PI)
        wall = true;
    bool waits =
        command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET || command == FUTEX_LOCK_PI || command == FUTEX_LOCK_PI2;
    if (!waits || !timeout)
        return 0;
    return command == FUTEX_WAIT ? uk_deadline_after(timeout, deadline)
                                 : uk_deadline_at(wall ? CLOCK_REALTIME : CLOCK_MONOTONIC, timeout, deadline);
}

static int check_address(const int *address) {
    if ((uintptr_t)address % sizeof *address)
        return -EINVAL;
    return (uintptr_t)address < UKVM_PAGE_SIZE ? -EFAULT : 0; /* page 0 is never mapped: MEM-01 */
}

static long two_words(int command, int *address, int value, int count, int *address2, int value3) {
    int result = check_address(address2);
    if (result)
        return result;
    if (command == FUTEX_WAKE_OP)
        return wake_op(address, value, count, address2, (uint32_t)value3);
    if (value < 0 || count < 0)
        return -EINVAL;
    if (command == FUTEX_CMP_REQUEUE && *(volatile int *)address != value3)
        return -EAGAIN;
    return requeue(address, value, count, address2);
}

long uk_sys_futex(int *address, int operation, int value, const struct timespec *timeout, int *address2, int value3) {
    int command = operation & ~(FUTEX_PRIVATE | FUTEX_CLOCK_REALTIME);
    uint64_t deadline;
    int result = find_deadline(operation, timeout, &deadline);
    if (result == 0)
        result = check_address(address);
    if (result)
        return result;
    switch (command) {
    case FUTEX_WAIT:
        return wait(address, value, deadline, UINT32_MAX);
    case FUTEX_WAIT_BITSET:
        return wait_on(operation & FUTEX_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC, address, value, deadline,
                       (uint32_t)value3);
    case FUTEX_WAKE:
        return uk_futex_wake(address, value, UINT32_MAX);
    case FUTEX_WAKE_BITSET:
        return value3 ? uk_futex_wake(address, value, (uint32_t)value3) : -EINVAL;
    case FUTEX_REQUEUE:
    case FUTEX_CMP_REQUEUE:
    case FUTEX_WAKE_OP: /* for all three, the place of the time has a count */
        return two_words(command, address, value, (int)(uintptr_t)timeout, address2, value3);
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2:
        return uk_futex_lock(address, deadline);
    case FUTEX_TRYLOCK_PI:
        return uk_futex_trylock(address);
    case FUTEX_UNLOCK_PI:
        return uk_futex_unlock(address);
    default: /* waiting in one place to own another: FUTEX_WAIT_REQUEUE_PI and its kind */
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
