/* SPDX-License-Identifier: MIT */
/*
 * flock(2): locks of whole files, which belong to open files and end with them. Two open files of one program exclude
 * each other, as those of two programs do in Linux.
 */
#include <errno.h>
#include <sys/file.h>

#include "inode.h"

struct lock {
    struct lock *next;
    const struct uk_inode *inode;
    const struct uk_file *file;
    bool exclusive;
};

static struct lock *locks;
static struct uk_thread_list waiting; /* for any of them to go */

static struct lock **find(const struct uk_file *file) {
    struct lock **at = &locks;
    while (*at && (*at)->file != file)
        at = &(*at)->next;
    return at;
}

static bool is_excluded(const struct uk_inode *inode, const struct uk_file *file, bool exclusive) {
    for (const struct lock *lock = locks; lock; lock = lock->next)
        if (lock->inode == inode && lock->file != file && (exclusive || lock->exclusive))
            return true;
    return false;
}

static void release(const struct uk_file *file) {
    struct lock **at = find(file), *lock = *at;
    if (!lock)
        return;
    *at = lock->next;
    uk_free(lock);
    uk_unblock_all(&waiting);
}

/* A lock that is to change its kind is given up first, whatever comes then: flock(2). */
static int lock(struct uk_inode *inode, struct uk_file *file, bool exclusive, bool waits) {
    struct lock *own = *find(file);
    if (own && own->exclusive == exclusive)
        return 0;
    release(file);
    while (is_excluded(inode, file, exclusive)) {
        int result = waits ? uk_block(&waiting, UKVM_DEADLINE_NONE, UK_WAITS_FOR_THREAD) : -EAGAIN;
        if (result)
            return result;
    }
    own = uk_malloc(sizeof *own);
    if (!own)
        return -ENOLCK;
    *own = (struct lock){.next = locks, .inode = inode, .file = file, .exclusive = exclusive};
    locks = own;
    uk_node_at_close(release);
    return 0;
}

long uk_sys_flock(int fd, int operation) {
    int kind = operation & ~LOCK_NB;
    struct uk_file *file = uk_fd_get(fd);
    if (kind != LOCK_SH && kind != LOCK_EX && kind != LOCK_UN)
        return -EINVAL;
    if (!file)
        return -EBADF;
    struct uk_inode *inode = uk_node_inode(file);
    if (!inode)
        return 0; /* of no tree: nobody else can open it */
    if (kind == LOCK_UN) {
        release(file);
        return 0;
    }
    uk_file_ref(file);
    int result = lock(inode, file, kind == LOCK_EX, !(operation & LOCK_NB));
    uk_file_unref(file);
    return result;
}
