/* SPDX-License-Identifier: MIT */
/* System calls on the working directory and on file systems as a whole. */
#include <errno.h>
#include <fcntl.h>

#include "blkdev.h"
#include "path.h"

/* ---- where relative paths start */

long uk_sys_getcwd(char *buffer, size_t size) {
    ssize_t length = uk_path_of(uk_path_cwd(), buffer, size);
    return length < 0 ? length : length + 1;
}

static int enter(struct uk_inode *inode, void (*set)(struct uk_inode *directory)) {
    if (!S_ISDIR(inode->mode))
        return -ENOTDIR;
    set(inode);
    return 0;
}

static long enter_path(const char *path, void (*set)(struct uk_inode *directory)) {
    struct uk_inode *inode;
    int result = uk_path_find(AT_FDCWD, path, UK_FOLLOW, &inode);
    if (result)
        return result;
    result = enter(inode, set);
    uk_inode_unref(inode);
    return result;
}

long uk_sys_chdir(const char *path) {
    return enter_path(path, uk_path_set_cwd);
}

long uk_sys_chroot(const char *path) {
    return enter_path(path, uk_path_set_root);
}

long uk_sys_fchdir(int fd) {
    struct uk_file *file = uk_fd_get_any(fd);
    struct uk_inode *inode = file ? uk_node_inode(file) : NULL;
    if (!file)
        return -EBADF;
    return inode ? enter(inode, uk_path_set_cwd) : -ENOTDIR;
}

/* ---- storage: only disks can lag behind */

long uk_sys_sync(void) {
    uk_blkdev_flush_all();
    return 0;
}

static long check_fd(int fd) {
    return uk_fd_get(fd) ? 0 : -EBADF;
}

long uk_sys_syncfs(int fd) {
    return check_fd(fd);
}

#define SYNC_FLAGS 7u /* SYNC_FILE_RANGE_* */

/* It promises nothing about a disk's own cache, and there is no other. */
long uk_sys_sync_file_range(int fd, off_t offset, off_t length, unsigned flags) {
    struct uk_file *file = uk_fd_get(fd);
    off_t end;
    if (!file)
        return -EBADF;
    if ((flags & ~SYNC_FLAGS) || offset < 0 || length < 0 || __builtin_add_overflow(offset, length, &end))
        return -EINVAL;
    return file->ops->seekable ? 0 : -ESPIPE;
}

/* ---- advice, of which none is taken */

long uk_sys_fadvise64(int fd, off_t offset, off_t length, int advice) {
    struct uk_file *file = uk_fd_get(fd);
    (void)offset;
    if (!file)
        return -EBADF;
    if (!file->ops->seekable)
        return -ESPIPE;
    return length < 0 || (unsigned)advice > POSIX_FADV_NOREUSE ? -EINVAL : 0;
}

long uk_sys_readahead(int fd) {
    struct uk_file *file = uk_fd_get(fd);
    if (!file || (file->flags & O_ACCMODE) == O_WRONLY)
        return -EBADF;
    return file->ops->seekable && !file->ops->getdents ? 0 : -EINVAL;
}

/* ---- what this file system has not */

long uk_sys_mount(void) {
    return -EPERM;
}

long uk_sys_xattr(void) {
    return -EOPNOTSUPP;
}
