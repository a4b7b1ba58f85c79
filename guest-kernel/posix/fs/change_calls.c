/* SPDX-License-Identifier: MIT */
/* System calls that change what is known of a file, or its length. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/time.h>
#include <utime.h>

#include "at.h"
#include "blkdev.h"
#include "open.h"
#include "shared.h"

/* ---- permissions and owners */

static void set_mode(struct uk_inode *inode, mode_t mode) {
    inode->mode = (inode->mode & S_IFMT) | (mode & 07777);
    inode->ctime = uk_fs_now();
}

static void set_owner(struct uk_inode *inode, uid_t uid, gid_t gid) {
    if (uid != (uid_t)-1)
        inode->uid = uid;
    if (gid != (gid_t)-1)
        inode->gid = gid;
    if (!S_ISDIR(inode->mode))
        inode->mode &= ~(mode_t)(inode->mode & S_IXGRP ? S_ISUID | S_ISGID : S_ISUID); /* chown(2) */
    inode->ctime = uk_fs_now();
}

long uk_sys_fchmodat2(int dirfd, const char *path, mode_t mode, int flags) {
    struct uk_inode *inode;
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    int result = uk_at_find(dirfd, path, flags, &inode);
    if (result)
        return result;
    if (S_ISLNK(inode->mode))
        result = -EOPNOTSUPP;
    else
        set_mode(inode, mode);
    uk_inode_unref(inode);
    return result;
}

long uk_sys_fchmodat(int dirfd, const char *path, mode_t mode) {
    return uk_sys_fchmodat2(dirfd, path, mode, 0);
}

long uk_sys_chmod(const char *path, mode_t mode) {
    return uk_sys_fchmodat2(AT_FDCWD, path, mode, 0);
}

/* Pipes and sockets have nothing to remember it in. */
long uk_sys_fchmod(int fd, mode_t mode) {
    struct uk_file *file = uk_fd_get(fd);
    if (!file)
        return -EBADF;
    if (uk_node_inode(file))
        set_mode(uk_node_inode(file), mode);
    return 0;
}

long uk_sys_fchownat(int dirfd, const char *path, uid_t uid, gid_t gid, int flags) {
    struct uk_inode *inode;
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    int result = uk_at_find(dirfd, path, flags, &inode);
    if (result)
        return result;
    set_owner(inode, uid, gid);
    uk_inode_unref(inode);
    return 0;
}

long uk_sys_chown(const char *path, uid_t uid, gid_t gid) {
    return uk_sys_fchownat(AT_FDCWD, path, uid, gid, 0);
}

long uk_sys_lchown(const char *path, uid_t uid, gid_t gid) {
    return uk_sys_fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

long uk_sys_fchown(int fd, uid_t uid, gid_t gid) {
    struct uk_file *file = uk_fd_get(fd);
    if (!file)
        return -EBADF;
    if (uk_node_inode(file))
        set_owner(uk_node_inode(file), uid, gid);
    return 0;
}

/* ---- times */

static bool is_time(const struct timespec *time) {
    return time->tv_nsec == UTIME_NOW || time->tv_nsec == UTIME_OMIT || (unsigned long)time->tv_nsec < UK_SECOND;
}

static void set_time(struct timespec *to, const struct timespec *time, struct timespec now) {
    if (time->tv_nsec != UTIME_OMIT)
        *to = time->tv_nsec == UTIME_NOW ? now : *time;
}

/* No path: the file of the descriptor itself. */
static int find_for_times(int dirfd, const char *path, int flags, struct uk_inode **inode) {
    if (path)
        return uk_at_find(dirfd, path, flags, inode);
    if (dirfd == AT_FDCWD)
        return -EFAULT;
    if (flags)
        return -EINVAL;
    return uk_fd_get(dirfd) ? uk_at_find(dirfd, "", AT_EMPTY_PATH, inode) : -EBADF;
}

long uk_sys_utimensat(int dirfd, const char *path, const struct timespec times[2], int flags) {
    static const struct timespec both_now[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
    struct uk_inode *inode;
    if (!times)
        times = both_now;
    if (!is_time(&times[0]) || !is_time(&times[1]) || (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)))
        return -EINVAL;
    if (times[0].tv_nsec == UTIME_OMIT && times[1].tv_nsec == UTIME_OMIT)
        return 0; /* whatever the path: utimensat(2) */
    int result = find_for_times(dirfd, path, flags, &inode);
    if (result)
        return result;
    struct timespec now = uk_fs_now();
    set_time(&inode->atime, &times[0], now);
    set_time(&inode->mtime, &times[1], now);
    inode->ctime = now;
    uk_inode_unref(inode);
    return 0;
}

long uk_sys_futimesat(int dirfd, const char *path, const struct timeval times[2]) {
    struct timespec both[2];
    if (!times)
        return uk_sys_utimensat(dirfd, path, NULL, 0);
    for (unsigned i = 0; i < 2; i++) {
        if ((unsigned long)times[i].tv_usec >= 1000000)
            return -EINVAL;
        both[i] = (struct timespec){.tv_sec = times[i].tv_sec, .tv_nsec = times[i].tv_usec * 1000};
    }
    return uk_sys_utimensat(dirfd, path, both, 0);
}

long uk_sys_utimes(const char *path, const struct timeval times[2]) {
    return uk_sys_futimesat(AT_FDCWD, path, times);
}

long uk_sys_utime(const char *path, const struct utimbuf *times) {
    if (!times)
        return uk_sys_utimensat(AT_FDCWD, path, NULL, 0);
    const struct timespec both[2] = {{.tv_sec = times->actime}, {.tv_sec = times->modtime}};
    return uk_sys_utimensat(AT_FDCWD, path, both, 0);
}

/* ---- length */

/* Before it is opened: a pipe would wait for its reader. */
static int check_truncate(const char *path) {
    struct uk_inode *inode;
    int result = uk_path_find(AT_FDCWD, path, UK_FOLLOW, &inode);
    if (result)
        return result;
    if (!S_ISREG(inode->mode))
        result = S_ISDIR(inode->mode) ? -EISDIR : -EINVAL;
    uk_inode_unref(inode);
    return result;
}

long uk_sys_truncate(const char *path, off_t length) {
    struct uk_file *file;
    if (length < 0)
        return -EINVAL;
    int result = check_truncate(path);
    if (result)
        return result;
    result = uk_path_open(AT_FDCWD, path, O_WRONLY, 0, &file);
    if (result)
        return result;
    result = file->ops->truncate ? file->ops->truncate(file, length) : -EINVAL;
    uk_file_unref(file);
    return result;
}

/* Linux: FALLOC_FL_* */
#define KEEP_SIZE 1u
#define PUNCH_HOLE 2u
#define ZERO_RANGE 0x10u

static int allocate(struct uk_inode *inode, unsigned mode, off_t offset, off_t length) {
    struct uk_content *content = &inode->content;
    uk_shared_open(inode);
    off_t end = offset + length, within = end < content->size ? end : content->size;
    int result = 0;
    if ((mode & (PUNCH_HOLE | ZERO_RANGE)) && offset < within)
        result = uk_content_punch(content, offset, within - offset);
    if (result == 0 && !(mode & PUNCH_HOLE))
        result = uk_content_reserve(content, offset, length);
    if (result == 0 && !(mode & KEEP_SIZE) && end > content->size)
        uk_content_truncate(content, end);
    uk_inode_modified(inode);
    return result;
}

static int allocate_in(struct uk_file *file, unsigned mode, off_t offset, off_t length) {
    if (file->ops == &uk_regular_ops)
        return allocate(uk_node_inode(file), mode, offset, length);
    if (file->ops == &uk_blkdev_ops)
        return mode & PUNCH_HOLE ? uk_blkdev_discard(file, offset, length) : -EOPNOTSUPP;
    return file->ops->seekable ? -ENODEV : -ESPIPE;
}

long uk_sys_fallocate(int fd, unsigned mode, off_t offset, off_t length) {
    struct uk_file *file = uk_fd_get(fd);
    off_t end;
    if (!file || (file->flags & O_ACCMODE) == O_RDONLY)
        return -EBADF;
    if (offset < 0 || length <= 0)
        return -EINVAL;
    if ((mode & ~(KEEP_SIZE | PUNCH_HOLE | ZERO_RANGE)) ||
        (mode & (PUNCH_HOLE | ZERO_RANGE)) == (PUNCH_HOLE | ZERO_RANGE) ||
        (mode & (KEEP_SIZE | PUNCH_HOLE)) == PUNCH_HOLE)
        return -EOPNOTSUPP;
    if (__builtin_add_overflow(offset, length, &end))
        return -EFBIG;
    uk_file_ref(file);
    int result = allocate_in(file, mode, offset, length);
    uk_file_unref(file);
    return result;
}
