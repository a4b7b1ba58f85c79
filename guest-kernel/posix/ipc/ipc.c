/* SPDX-License-Identifier: MIT */
#include "ipc.h"

#include <errno.h>
#include <string.h>

#include "posix/process/credentials.h"
#include "posix/time/deadline.h"

#define INDEX_BITS 15
#define INDEX_MASK ((1 << INDEX_BITS) - 1)

time_t uk_ipc_now(void) {
    return uk_timespec(uk_wall_base() + uk_clock_monotonic()).tv_sec;
}

/* ---- rights */

/* Linux: ipcperms(). Root may do everything. */
int uk_ipc_check(const struct uk_ipc *object, unsigned rights) {
    const struct ipc_perm *perm = &object->perm;
    uint32_t user = uk_user_ids.effective, group = uk_group_ids.effective;
    unsigned granted = perm->mode & 7;
    if (user == 0)
        return 0;
    if (user == perm->uid || user == perm->cuid)
        granted = perm->mode >> 6 & 7;
    else if (group == perm->gid || group == perm->cgid)
        granted = perm->mode >> 3 & 7;
    unsigned wanted = (rights | rights >> 3 | rights >> 6) & 7;
    return wanted & ~granted ? -EACCES : 0;
}

int uk_ipc_check_owner(const struct uk_ipc *object) {
    uint32_t user = uk_user_ids.effective;
    return user == 0 || user == object->perm.uid || user == object->perm.cuid ? 0 : -EPERM;
}

void uk_ipc_set(struct uk_ipc *object, const struct ipc_perm *perm) {
    object->perm.uid = perm->uid;
    object->perm.gid = perm->gid;
    object->perm.mode = (object->perm.mode & ~0777u) | (perm->mode & 0777);
}

/* ---- objects */

int uk_ipc_look_up(const struct uk_ipc_table *table, key_t key, int flags, struct uk_ipc **found) {
    *found = NULL;
    for (int i = 0; i < table->size && key != IPC_PRIVATE && !*found; i++)
        if (table->objects[i] && table->objects[i]->perm.key == key)
            *found = table->objects[i];
    if (!*found)
        return key == IPC_PRIVATE || (flags & IPC_CREAT) ? 0 : -ENOENT;
    if ((flags & IPC_CREAT) && (flags & IPC_EXCL))
        return -EEXIST;
    return uk_ipc_check(*found, (unsigned)flags & 0777);
}

static int lowest_free(const struct uk_ipc_table *table) {
    int index = 0;
    while (index < table->size && table->objects[index])
        index++;
    return index;
}

static int grow(struct uk_ipc_table *table) {
    int size = table->size ? 2 * table->size : 16;
    const size_t one = sizeof(struct uk_ipc *); /* NOLINT(bugprone-sizeof-expression): the table is of pointers */
    struct uk_ipc **objects = uk_realloc(table->objects, (size_t)size * one);
    if (!objects)
        return -ENOMEM;
    memset(objects + table->size, 0, (size_t)(size - table->size) * one);
    table->objects = objects;
    table->size = size;
    return 0;
}

int uk_ipc_add(struct uk_ipc_table *table, struct uk_ipc *object, key_t key, int flags) {
    int index = lowest_free(table);
    if (table->used >= table->limit)
        return -ENOSPC;
    if (index == table->size && grow(table))
        return -ENOMEM;
    object->perm = (struct ipc_perm){
        .key = key,
        .uid = uk_user_ids.effective,
        .gid = uk_group_ids.effective,
        .cuid = uk_user_ids.effective,
        .cgid = uk_group_ids.effective,
        .mode = (unsigned)flags & 0777,
        .seq = table->sequence,
    };
    object->id = table->sequence << INDEX_BITS | index;
    table->sequence = (table->sequence + 1) & (INT32_MAX >> INDEX_BITS);
    table->objects[index] = object;
    table->used++;
    return object->id;
}

int uk_ipc_find(const struct uk_ipc_table *table, int id, struct uk_ipc **found) {
    int index = id & INDEX_MASK;
    if (id < 0 || index >= table->size || !table->objects[index])
        return -EINVAL;
    *found = table->objects[index];
    return (*found)->id == id ? 0 : -EIDRM;
}

struct uk_ipc *uk_ipc_at(const struct uk_ipc_table *table, int index) {
    return index >= 0 && index < table->size ? table->objects[index] : NULL;
}

int uk_ipc_highest(const struct uk_ipc_table *table) {
    int index = table->size - 1;
    while (index > 0 && !table->objects[index])
        index--;
    return index > 0 ? index : 0;
}

void uk_ipc_remove(struct uk_ipc_table *table, struct uk_ipc *object) {
    table->objects[object->id & INDEX_MASK] = NULL;
    table->used--;
    object->removed = true;
    if (object->holders == 0)
        table->free(object);
}

/* None of these calls is made again after a signal: signal(7). */
int uk_ipc_block(struct uk_ipc_table *table, struct uk_ipc *object, struct uk_thread_list *list, uint64_t deadline) {
    object->holders++;
    int result = uk_block(list, deadline, UK_WAITS_FOR_THREAD);
    object->holders--;
    if (result == -UK_ERESTART)
        result = -EINTR;
    if (!object->removed)
        return result;
    if (object->holders == 0)
        table->free(object);
    return -EIDRM;
}
