/* SPDX-License-Identifier: MIT */
#include "inode.h"

#include <errno.h>
#include <string.h>

#include "posix/process/credentials.h"
#include "posix/time/deadline.h"

#define BLOCK 512 /* the unit of st_blocks, whatever the file system */
#define DEVICE_ID 1

struct timespec uk_fs_now(void) {
    return uk_timespec(uk_wall_base() + uk_clock_monotonic());
}

struct uk_inode *uk_inode_new(mode_t mode) {
    static uint64_t last_ino = 1; /* 1 is what Linux keeps for bad blocks */
    struct uk_inode *inode = uk_malloc(sizeof *inode);
    if (!inode)
        return NULL;
    struct timespec now = uk_fs_now();
    *inode = (struct uk_inode){
        .refs = 1,
        .ino = ++last_ino,
        .mode = mode,
        .uid = uk_user_ids.effective,
        .gid = uk_group_ids.effective,
        .atime = now,
        .mtime = now,
        .ctime = now,
    };
    return inode;
}

struct uk_inode *uk_inode_ref(struct uk_inode *inode) {
    inode->refs++;
    return inode;
}

static void release(struct uk_inode *inode) {
    if (inode->ops && inode->ops->release)
        inode->ops->release(inode);
    else if (S_ISREG(inode->mode) && !inode->ops)
        uk_content_truncate(&inode->content, 0);
    else if (S_ISLNK(inode->mode) && !inode->ops)
        uk_free(inode->target);
}

/* The parents of a directory that was removed may go with it: a loop, since that may be a long way up. */
void uk_inode_unref(struct uk_inode *inode) {
    while (inode && --inode->refs == 0) {
        struct uk_inode *parent = S_ISDIR(inode->mode) ? inode->directory.parent : NULL;
        release(inode);
        uk_free(inode);
        inode = parent;
    }
}

void uk_inode_modified(struct uk_inode *inode) {
    inode->mtime = inode->ctime = uk_fs_now();
}

void uk_inode_stat(struct uk_inode *inode, struct uk_kstat *stat) {
    *stat = (struct uk_kstat){
        .dev = DEVICE_ID,
        .ino = inode->ino,
        .nlink = inode->links,
        .mode = inode->mode,
        .uid = inode->uid,
        .gid = inode->gid,
        .rdev = inode->rdev,
        .blksize = UKVM_PAGE_SIZE,
        .atime_sec = inode->atime.tv_sec,
        .atime_nsec = inode->atime.tv_nsec,
        .mtime_sec = inode->mtime.tv_sec,
        .mtime_nsec = inode->mtime.tv_nsec,
        .ctime_sec = inode->ctime.tv_sec,
        .ctime_nsec = inode->ctime.tv_nsec,
    };
    if (S_ISREG(inode->mode) && !inode->ops) {
        stat->size = inode->content.size;
        stat->blocks = (int64_t)uk_content_pages(&inode->content) * (UKVM_PAGE_SIZE / BLOCK);
    } else if (S_ISLNK(inode->mode) && !inode->ops) {
        stat->size = (int64_t)strlen(inode->target);
    } else if (S_ISDIR(inode->mode)) {
        stat->size = UKVM_PAGE_SIZE;
        stat->nlink = inode->links ? 2 + inode->directory.subdirectories : 0; /* each has a `..` */
    }
    if (inode->ops && inode->ops->stat)
        inode->ops->stat(inode, stat);
}

ssize_t uk_inode_readlink(struct uk_inode *link, char *buffer, size_t size) {
    if (link->ops && link->ops->readlink)
        return link->ops->readlink(link, buffer, size);
    size_t length = strlen(link->target);
    length = length < size ? length : size;
    memcpy(buffer, link->target, length);
    return (ssize_t)length;
}

/* ---- open files of the tree */

int uk_node_open(struct uk_inode *inode, const struct uk_file_ops *ops, int flags, struct uk_file **file) {
    struct uk_node_file *node = uk_malloc(sizeof *node);
    if (!node)
        return -ENOMEM;
    uk_file_init(&node->file, ops, flags);
    node->inode = uk_inode_ref(inode);
    *file = &node->file;
    return 0;
}

static void (*close_hook)(const struct uk_file *file);

void uk_node_at_close(void (*hook)(const struct uk_file *file)) {
    close_hook = hook;
}

void uk_node_close(struct uk_file *file) {
    struct uk_node_file *node = uk_container_of(file, struct uk_node_file, file);
    if (close_hook)
        close_hook(file);
    uk_inode_unref(node->inode);
    uk_free(node);
}

struct uk_inode *uk_node_inode(struct uk_file *file) {
    if (file->ops->close != uk_node_close)
        return NULL;
    return uk_container_of(file, struct uk_node_file, file)->inode;
}

int uk_node_stat(struct uk_file *file, struct uk_kstat *stat) {
    uk_inode_stat(uk_node_inode(file), stat);
    return 0;
}
