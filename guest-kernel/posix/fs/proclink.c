/* SPDX-License-Identifier: MIT */
/* The links of /proc/self: to the working directory, the root, and to open files. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "path.h"
#include "proc.h"

static ssize_t copy_text(const char *text, size_t length, char *buffer, size_t size) {
    length = length < size ? length : size;
    memcpy(buffer, text, length);
    return (ssize_t)length;
}

/* As Linux has it for what has been removed. */
static ssize_t path_text(const struct uk_inode *inode, char *buffer, size_t size) {
    char *path = uk_malloc(PATH_MAX);
    if (!path)
        return -ENOMEM;
    ssize_t length = uk_path_of(inode, path, PATH_MAX);
    if (length == -ENOENT)
        length = uk_snprintf(path, PATH_MAX, "/ (deleted)");
    if (length >= 0)
        length = copy_text(path, (size_t)length, buffer, size);
    uk_free(path);
    return length;
}

/* ---- cwd, root */

static ssize_t cwd_readlink(struct uk_inode *inode, char *buffer, size_t size) {
    (void)inode;
    return path_text(uk_path_cwd(), buffer, size);
}

static int cwd_follow(struct uk_inode *inode, struct uk_inode **found) {
    (void)inode;
    *found = uk_inode_ref(uk_path_cwd());
    return 0;
}

static ssize_t root_readlink(struct uk_inode *inode, char *buffer, size_t size) {
    (void)inode;
    return copy_text("/", 1, buffer, size);
}

static int root_follow(struct uk_inode *inode, struct uk_inode **found) {
    (void)inode;
    *found = uk_inode_ref(uk_path_root());
    return 0;
}

const struct uk_inode_ops uk_proc_cwd_ops = {.readlink = cwd_readlink, .follow = cwd_follow};
const struct uk_inode_ops uk_proc_root_ops = {.readlink = root_readlink, .follow = root_follow};

/* ---- an open file that is none of the tree, as an inode: to open it once more is to have the same file */

static int opened_open(struct uk_inode *inode, int flags, struct uk_file **file) {
    (void)flags;
    *file = uk_file_ref(inode->data);
    return 0;
}

static void opened_stat(struct uk_inode *inode, struct uk_kstat *stat) {
    struct uk_file *file = inode->data;
    if (file->ops->stat)
        file->ops->stat(file, stat);
}

static void opened_release(struct uk_inode *inode) {
    uk_file_unref(inode->data);
}

static const struct uk_inode_ops opened_ops = {
    .open = opened_open,
    .stat = opened_stat,
    .release = opened_release,
};

static struct uk_inode *opened_inode(struct uk_file *file) {
    struct uk_kstat stat = {.mode = S_IFCHR | 0600};
    if (file->ops->stat)
        file->ops->stat(file, &stat);
    struct uk_inode *inode = uk_inode_new((stat.mode & S_IFMT) | 0600);
    if (!inode)
        return NULL;
    inode->ops = &opened_ops;
    inode->data = uk_file_ref(file);
    inode->links = 1;
    return inode;
}

/* ---- /proc/self/fd/N */

static struct uk_file *file_of(const struct uk_inode *link) {
    return uk_fd_get_any((int)(uintptr_t)link->data);
}

static ssize_t fd_readlink(struct uk_inode *link, char *buffer, size_t size) {
    struct uk_file *file = file_of(link);
    char text[64];
    if (!file)
        return -ENOENT;
    if (uk_node_inode(file))
        return path_text(uk_node_inode(file), buffer, size);
    struct uk_kstat stat = {.ino = (uintptr_t)file};
    if (file->ops->stat)
        file->ops->stat(file, &stat);
    int length = file->ops->name[0] == '/'
                     ? uk_snprintf(text, sizeof text, "%s", file->ops->name)
                     : uk_snprintf(text, sizeof text, "%s:[%llu]", file->ops->name, (unsigned long long)stat.ino);
    return copy_text(text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1, buffer, size);
}

static int fd_follow(struct uk_inode *link, struct uk_inode **found) {
    struct uk_file *file = file_of(link);
    if (!file)
        return -ENOENT;
    struct uk_inode *inode = uk_node_inode(file);
    *found = inode ? uk_inode_ref(inode) : opened_inode(file);
    return *found ? 0 : -ENOMEM;
}

static const struct uk_inode_ops fd_ops = {.readlink = fd_readlink, .follow = fd_follow};

/* ---- the directory of them */

static int number_of(const char *name, size_t length) {
    int fd = 0;
    if (length == 0 || length > 7 || (name[0] == '0' && length > 1))
        return -1;
    for (size_t i = 0; i < length; i++) {
        if (name[i] < '0' || name[i] > '9')
            return -1;
        fd = fd * 10 + (name[i] - '0');
    }
    return fd;
}

static int fds_lookup(struct uk_inode *directory, const char *name, size_t length, struct uk_inode **found) {
    int fd = number_of(name, length);
    (void)directory;
    if (fd < 0 || !uk_fd_get_any(fd))
        return -ENOENT;
    struct uk_inode *link = uk_inode_new(S_IFLNK | 0700);
    if (!link)
        return -ENOMEM;
    link->ops = &fd_ops;
    link->data = (void *)(uintptr_t)fd;
    link->links = 1;
    *found = link;
    return 0;
}

static bool fds_list(struct uk_inode *directory, uint64_t position, struct uk_dirent *entry,
                     char room[UK_DIRENT_NAME]) {
    uint64_t fd = position;
    while (fd < UK_FD_MAX && !uk_fd_get_any((int)fd))
        fd++;
    if (fd >= UK_FD_MAX)
        return false;
    int length = uk_snprintf(room, UK_DIRENT_NAME, "%d", (int)fd);
    *entry = (struct uk_dirent){
        .ino = directory->ino + fd + 1,
        .next = fd + 1,
        .mode = S_IFLNK,
        .name = room,
        .length = (size_t)length,
    };
    return true;
}

const struct uk_inode_ops uk_procfd_ops = {.lookup = fds_lookup, .list = fds_list};
