/* SPDX-License-Identifier: MIT */
/* Sets of semaphores: semget(2), semop(2), semctl(2). SEM_UNDO has no effect: the process ends with the guest. */
#include <errno.h>
#include <string.h>
#include <sys/sem.h>

#include "ipc.h"
#include "posix/time/deadline.h"

/* Linux's defaults: /proc/sys/kernel/sem. */
#define SET_MAX 32000
#define ALL_MAX 1024000000
#define OPERATIONS_MAX 500
#define SETS_MAX 32000
#define VALUE_MAX 32767

#define PROCESS 1

struct semaphore {
    int value, last_process;
    int waiting_for_more, waiting_for_zero; /* threads */
};

struct set {
    struct uk_ipc ipc;
    time_t operated, changed;
    struct uk_thread_list waiting;
    unsigned count;
    struct semaphore semaphores[];
};

static int semaphores_used;

static void free_set(struct uk_ipc *ipc) {
    uk_free(uk_container_of(ipc, struct set, ipc));
}

static struct uk_ipc_table sets = {.limit = SETS_MAX, .free = free_set};

static int find(int id, struct set **set) {
    struct uk_ipc *ipc;
    int result = uk_ipc_find(&sets, id, &ipc);
    if (result == 0)
        *set = uk_container_of(ipc, struct set, ipc);
    return result;
}

static long make(key_t key, unsigned count, int flags) {
    if (count > (unsigned)(ALL_MAX - semaphores_used))
        return -ENOSPC;
    size_t size = sizeof(struct set) + count * sizeof(struct semaphore);
    struct set *set = uk_malloc(size);
    if (!set)
        return -ENOMEM;
    memset(set, 0, size);
    set->count = count;
    set->changed = uk_ipc_now();
    int result = uk_ipc_add(&sets, &set->ipc, key, flags);
    if (result < 0)
        uk_free(set);
    else
        semaphores_used += (int)count;
    return result;
}

long uk_sys_semget(key_t key, int count, int flags) {
    struct uk_ipc *found;
    if (count < 0 || count > SET_MAX)
        return -EINVAL;
    int result = uk_ipc_look_up(&sets, key, flags, &found);
    if (result)
        return result;
    if (!found)
        return count == 0 ? -EINVAL : make(key, (unsigned)count, flags);
    return (unsigned)count > uk_container_of(found, struct set, ipc)->count ? -EINVAL : found->id;
}

/* ---- operations */

/* All of them or none. 0; an errno; or 1: the one in `*blocked` must wait. */
static int attempt(struct set *set, const struct sembuf *operations, size_t count, const struct sembuf **blocked) {
    int result = 0;
    size_t done = 0;
    for (; done < count && result == 0; done++) {
        const struct sembuf *operation = &operations[done];
        struct semaphore *semaphore = &set->semaphores[operation->sem_num];
        bool waits = operation->sem_op == 0 ? semaphore->value != 0 : semaphore->value + operation->sem_op < 0;
        *blocked = operation;
        if (waits)
            result = operation->sem_flg & IPC_NOWAIT ? -EAGAIN : 1;
        else if (semaphore->value + operation->sem_op > VALUE_MAX)
            result = -ERANGE;
        semaphore->value += operation->sem_op;
    }
    while (result && done > 0) { /* the one that failed, too */
        done--;
        set->semaphores[operations[done].sem_num].value -= operations[done].sem_op;
    }
    return result;
}

/* It counts as a waiter of the semaphore that its operation waits for. */
static int wait_for(struct set *set, const struct sembuf *blocked, uint64_t deadline) {
    unsigned number = blocked->sem_num;
    bool zero = blocked->sem_op == 0;
    set->semaphores[number].waiting_for_zero += zero;
    set->semaphores[number].waiting_for_more += !zero;
    int result = uk_ipc_block(&sets, &set->ipc, &set->waiting, deadline);
    if (result == -EIDRM)
        return result; /* the set may be gone */
    set->semaphores[number].waiting_for_zero -= zero;
    set->semaphores[number].waiting_for_more -= !zero;
    return result == -ETIMEDOUT ? -EAGAIN : result;
}

static int check_operations(const struct set *set, const struct sembuf *operations, size_t count) {
    bool alters = false;
    for (size_t i = 0; i < count; i++) {
        if (operations[i].sem_num >= set->count)
            return -EFBIG;
        alters |= operations[i].sem_op != 0;
    }
    return uk_ipc_check(&set->ipc, alters ? UK_IPC_WRITE : UK_IPC_READ);
}

static long operate(struct set *set, const struct sembuf *operations, size_t count, uint64_t deadline) {
    const struct sembuf *blocked;
    int result = check_operations(set, operations, count);
    while (result == 0 && (result = attempt(set, operations, count, &blocked)) == 1)
        result = wait_for(set, blocked, deadline);
    if (result)
        return result;
    for (size_t i = 0; i < count; i++)
        set->semaphores[operations[i].sem_num].last_process = PROCESS;
    set->operated = uk_ipc_now();
    uk_unblock_all(&set->waiting);
    return 0;
}

long uk_sys_semtimedop(int id, const struct sembuf *operations, size_t count, const struct timespec *timeout) {
    uint64_t deadline = UKVM_DEADLINE_NONE;
    struct set *set;
    if (timeout && uk_deadline_after(timeout, &deadline))
        return -EINVAL;
    if (count < 1 || id < 0)
        return -EINVAL;
    if (count > OPERATIONS_MAX)
        return -E2BIG;
    int result = find(id, &set);
    return result ? result : operate(set, operations, count, deadline);
}

long uk_sys_semop(int id, const struct sembuf *operations, size_t count) {
    return uk_sys_semtimedop(id, operations, count, NULL);
}

/* ---- control of a set */

static long get_status(const struct set *set, unsigned rights, struct semid_ds *status) {
    int result = uk_ipc_check(&set->ipc, rights);
    if (result)
        return result;
    *status = (struct semid_ds){
        .sem_perm = set->ipc.perm,
        .sem_otime = set->operated,
        .sem_ctime = set->changed,
        .sem_nsems = (unsigned short)set->count,
    };
    return 0;
}

static long change(struct set *set, const struct semid_ds *status) {
    int result = uk_ipc_check_owner(&set->ipc);
    if (result)
        return result;
    uk_ipc_set(&set->ipc, &status->sem_perm);
    set->changed = uk_ipc_now();
    return 0;
}

static long remove_set(struct set *set) {
    int result = uk_ipc_check_owner(&set->ipc);
    if (result)
        return result;
    semaphores_used -= (int)set->count;
    uk_unblock_all(&set->waiting);
    uk_ipc_remove(&sets, &set->ipc);
    return 0;
}

static long get_info(int command, struct seminfo *info) {
    *info = (struct seminfo){
        .semmap = ALL_MAX,
        .semmni = SETS_MAX,
        .semmns = ALL_MAX,
        .semmnu = ALL_MAX,
        .semmsl = SET_MAX,
        .semopm = OPERATIONS_MAX,
        .semume = OPERATIONS_MAX,
        .semusz = command == SEM_INFO ? sets.used : 20,
        .semvmx = VALUE_MAX,
        .semaem = command == SEM_INFO ? semaphores_used : VALUE_MAX,
    };
    return uk_ipc_highest(&sets);
}

/* ---- control of values */

static bool is_value(int value) {
    return value >= 0 && value <= VALUE_MAX;
}

static void set_value(struct set *set, unsigned number, int value) {
    set->semaphores[number].value = value;
    set->semaphores[number].last_process = PROCESS;
}

static void values_changed(struct set *set) {
    set->changed = uk_ipc_now();
    uk_unblock_all(&set->waiting);
}

static long get_all(const struct set *set, unsigned short *values) {
    int result = uk_ipc_check(&set->ipc, UK_IPC_READ);
    for (unsigned i = 0; i < set->count && result == 0; i++)
        values[i] = (unsigned short)set->semaphores[i].value;
    return result;
}

static long set_all(struct set *set, const unsigned short *values) {
    int result = uk_ipc_check(&set->ipc, UK_IPC_WRITE);
    for (unsigned i = 0; i < set->count && result == 0; i++)
        result = is_value(values[i]) ? 0 : -ERANGE;
    if (result)
        return result;
    for (unsigned i = 0; i < set->count; i++)
        set_value(set, i, values[i]);
    values_changed(set);
    return 0;
}

/* One semaphore. */
static long control_one(struct set *set, int number, int command, int value) {
    if (command == SETVAL && !is_value(value))
        return -ERANGE;
    if ((unsigned)number >= set->count)
        return -EINVAL;
    int result = uk_ipc_check(&set->ipc, command == SETVAL ? UK_IPC_WRITE : UK_IPC_READ);
    if (result)
        return result;
    const struct semaphore *semaphore = &set->semaphores[number];
    switch (command) {
    case GETVAL:
        return semaphore->value;
    case GETPID:
        return semaphore->last_process;
    case GETNCNT:
        return semaphore->waiting_for_more;
    case GETZCNT:
        return semaphore->waiting_for_zero;
    default:
        set_value(set, (unsigned)number, value);
        values_changed(set);
        return 0;
    }
}

static long stat_at(int index, unsigned rights, struct semid_ds *status) {
    struct uk_ipc *ipc = uk_ipc_at(&sets, index);
    if (!ipc)
        return -EINVAL;
    long result = get_status(uk_container_of(ipc, struct set, ipc), rights, status);
    return result ? result : ipc->id;
}

long uk_sys_semctl(int id, int number, int command, unsigned long argument) {
    struct set *set;
    int result = id < 0 ? -EINVAL : 0;
    if (result)
        return result;
    if (command == IPC_INFO || command == SEM_INFO)
        return get_info(command, (struct seminfo *)argument);
    if (command == SEM_STAT || command == SEM_STAT_ANY)
        return stat_at(id, command == SEM_STAT ? UK_IPC_READ : 0, (struct semid_ds *)argument);
    result = find(id, &set);
    switch (command) {
    case IPC_STAT:
        return result ? result : get_status(set, UK_IPC_READ, (struct semid_ds *)argument);
    case IPC_SET:
        return result ? result : change(set, (const struct semid_ds *)argument);
    case IPC_RMID:
        return result ? result : remove_set(set);
    case GETALL:
        return result ? result : get_all(set, (unsigned short *)argument);
    case SETALL:
        return result ? result : set_all(set, (const unsigned short *)argument);
    case GETVAL:
    case GETPID:
    case GETNCNT:
    case GETZCNT:
    case SETVAL:
        return result ? result : control_one(set, number, command, (int)argument);
    default:
        return -EINVAL;
    }
}
