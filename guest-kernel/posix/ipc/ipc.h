/* SPDX-License-Identifier: MIT */
/*
 * What System V's message queues, semaphores and shared memory have in common: objects with a key, an identifier and
 * permissions. sysvipc(7). There is one process, so that objects are between its threads, and end with the guest.
 */
#ifndef UK_IPC_H
#define UK_IPC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/ipc.h>
#include <time.h>

#include "posix/threads/thread.h"

/* The first member of each kind of object. */
struct uk_ipc {
    struct ipc_perm perm; /* uid, gid and mode are what IPC_SET changes */
    int id;
    bool removed;     /* and here only for those who still hold it */
    unsigned holders; /* threads that are blocked on it */
};

/* Objects of one kind. */
struct uk_ipc_table {
    struct uk_ipc **objects; /* by index, which is in the identifier */
    int size, used;
    const int limit;
    int sequence;                              /* a new index of an old number is another identifier */
    void (*const free)(struct uk_ipc *object); /* it was removed, and nobody holds it */
};

/* What semget() and its like look for: 0 and the object, or 0 and NULL where one is to be made; or an errno. */
int uk_ipc_look_up(const struct uk_ipc_table *table, key_t key, int flags, struct uk_ipc **found);

/* Puts a new object into the table. Its identifier; or -ENOSPC or -ENOMEM, and the object is still the caller's. */
int uk_ipc_add(struct uk_ipc_table *table, struct uk_ipc *object, key_t key, int flags);

/* -EINVAL: there is none; -EIDRM: there was one. */
int uk_ipc_find(const struct uk_ipc_table *table, int id, struct uk_ipc **found);

/* The object at an index, for MSG_STAT and its like; NULL: there is none. */
struct uk_ipc *uk_ipc_at(const struct uk_ipc_table *table, int index);

/* The highest index in use, 0 if there is none: what MSG_INFO and its like return. */
int uk_ipc_highest(const struct uk_ipc_table *table);

/* It can no longer be found. Whoever is blocked on it must be woken, and then lets it go. */
void uk_ipc_remove(struct uk_ipc_table *table, struct uk_ipc *object);

/* Blocks in `list` while the object is held. 0; -EIDRM if it was removed, -EINTR, -ETIMEDOUT. */
int uk_ipc_block(struct uk_ipc_table *table, struct uk_ipc *object, struct uk_thread_list *list, uint64_t deadline);

#define UK_IPC_READ 0444u
#define UK_IPC_WRITE 0222u

/* -EACCES */
int uk_ipc_check(const struct uk_ipc *object, unsigned rights);

/* IPC_SET and IPC_RMID are the owner's. -EPERM */
int uk_ipc_check_owner(const struct uk_ipc *object);

/* The part of IPC_SET that is the same for all. */
void uk_ipc_set(struct uk_ipc *object, const struct ipc_perm *perm);

/* Seconds of the wall clock. */
time_t uk_ipc_now(void);

#endif
