/* SPDX-License-Identifier: MIT */
/* System calls that look at files without opening them. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "at.h"

#define TMPFS_MAGIC 0x01021994 /* Linux: include/uapi/linux/magic.h */
#define NAME_LENGTH_MAX 255

long uk_sys_fstat(int fd, struct uk_kstat *stat); /* ../file_calls.c */

/* ---- stat() */

static long stat_at(int dirfd, const char *path, int flags, struct uk_kstat *stat) {
    struct uk_inode *inode;
    if (path && !*path && (flags & AT_EMPTY_PATH) && dirfd != AT_FDCWD)
        return uk_sys_fstat(dirfd, stat); /* any file */
    int result = uk_at_find(dirfd, path, flags, &inode);
    if (result)
        return result;
    uk_inode_stat(inode, stat);
    uk_inode_unref(inode);
    return 0;
}

long uk_sys_newfstatat(int dirfd, const char *path, struct uk_kstat *stat, int flags) {
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT))
        return -EINVAL;
    return stat_at(dirfd, path, flags, stat);
}

long uk_sys_stat(const char *path, struct uk_kstat *stat) {
    return stat_at(AT_FDCWD, path, 0, stat);
}

long uk_sys_lstat(const char *path, struct uk_kstat *stat) {
    return stat_at(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, stat);
}

/* musl 1.2.3 does not have it in a header. Linux: include/uapi/linux/stat.h. */
struct uk_statx_time {
    int64_t seconds;
    uint32_t nanoseconds, reserved;
};

struct uk_statx {
    uint32_t mask, blksize;
    uint64_t attributes;
    uint32_t nlink, uid, gid;
    uint16_t mode, reserved;
    uint64_t ino, size, blocks, attributes_mask;
    struct uk_statx_time atime, btime, ctime, mtime;
    uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
    uint64_t spare[14];
};

_Static_assert(sizeof(struct uk_statx) == 256, "the size that programs reserve for it");

#define STATX_BASIC 0x7ffu
#define STATX_RESERVED (1u << 31)
#define AT_SYNC_TYPE 0x6000

static struct uk_statx_time statx_time(int64_t seconds, int64_t nanoseconds) {
    return (struct uk_statx_time){.seconds = seconds, .nanoseconds = (uint32_t)nanoseconds};
}

long uk_sys_statx(int dirfd, const char *path, int flags, unsigned wanted, struct uk_statx *statx) {
    const int known = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_SYNC_TYPE;
    struct uk_kstat stat;
    if ((flags & ~known) || (flags & AT_SYNC_TYPE) == AT_SYNC_TYPE || (wanted & STATX_RESERVED))
        return -EINVAL;
    long result = stat_at(dirfd, path, flags, &stat);
    if (result)
        return result;
    *statx = (struct uk_statx){
        .mask = STATX_BASIC,
        .blksize = (uint32_t)stat.blksize,
        .nlink = (uint32_t)stat.nlink,
        .uid = stat.uid,
        .gid = stat.gid,
        .mode = (uint16_t)stat.mode,
        .ino = stat.ino,
        .size = (uint64_t)stat.size,
        .blocks = (uint64_t)stat.blocks,
        .atime = statx_time(stat.atime_sec, stat.atime_nsec),
        .mtime = statx_time(stat.mtime_sec, stat.mtime_nsec),
        .ctime = statx_time(stat.ctime_sec, stat.ctime_nsec),
        .rdev_major = major(stat.rdev),
        .rdev_minor = minor(stat.rdev),
        .dev_major = major(stat.dev),
        .dev_minor = minor(stat.dev),
    };
    return 0;
}

/* ---- statfs() */

/* Of what is in no tree, by its type. Linux: include/uapi/linux/magic.h. */
static unsigned outside_magic(mode_t mode) {
    return S_ISFIFO(mode) ? 0x50495045 : S_ISSOCK(mode) ? 0x534f434b : 0x09041934; /* pipefs, sockfs, anon_inodefs */
}

static void fill_statfs(struct statfs *statfs) {
    size_t available = uk_content_available();
    *statfs = (struct statfs){
        .f_type = TMPFS_MAGIC,
        .f_bsize = UKVM_PAGE_SIZE,
        .f_frsize = UKVM_PAGE_SIZE,
        .f_blocks = uk_pages_total(),
        .f_bfree = available,
        .f_bavail = available,
        .f_files = uk_pages_total(),
        .f_ffree = available,
        .f_namelen = NAME_LENGTH_MAX,
    };
}

long uk_sys_statfs(const char *path, struct statfs *statfs) {
    struct uk_inode *inode;
    int result = uk_path_find(AT_FDCWD, path, UK_FOLLOW, &inode);
    if (result)
        return result;
    uk_inode_unref(inode);
    fill_statfs(statfs);
    return 0;
}

long uk_sys_fstatfs(int fd, struct statfs *statfs) {
    struct uk_kstat stat;
    long result = uk_sys_fstat(fd, &stat);
    if (result)
        return result;
    if (stat.dev)
        fill_statfs(statfs);
    else
        *statfs = (struct statfs){
            .f_type = outside_magic(stat.mode),
            .f_bsize = UKVM_PAGE_SIZE,
            .f_frsize = UKVM_PAGE_SIZE,
            .f_namelen = NAME_LENGTH_MAX,
        };
    return 0;
}

/* ---- access(): root may do everything but execute what nobody may */

long uk_sys_faccessat2(int dirfd, const char *path, int mode, int flags) {
    struct uk_inode *inode;
    if ((mode & ~(R_OK | W_OK | X_OK)) || (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)))
        return -EINVAL;
    int result = uk_at_find(dirfd, path, flags, &inode);
    if (result)
        return result;
    if ((mode & X_OK) && S_ISREG(inode->mode) && !(inode->mode & 0111))
        result = -EACCES;
    uk_inode_unref(inode);
    return result;
}

long uk_sys_faccessat(int dirfd, const char *path, int mode) {
    return uk_sys_faccessat2(dirfd, path, mode, 0);
}

long uk_sys_access(const char *path, int mode) {
    return uk_sys_faccessat2(AT_FDCWD, path, mode, 0);
}

/* ---- readlink() */

long uk_sys_readlinkat(int dirfd, const char *path, char *buffer, int size) {
    struct uk_inode *inode;
    if (size <= 0)
        return -EINVAL;
    int result = uk_at_find(dirfd, path, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, &inode);
    if (result)
        return !path || *path ? result : -ENOENT;
    ssize_t length = S_ISLNK(inode->mode) ? uk_inode_readlink(inode, buffer, (size_t)size) : *path ? -EINVAL : -ENOENT;
    uk_inode_unref(inode);
    return length;
}

long uk_sys_readlink(const char *path, char *buffer, int size) {
    return uk_sys_readlinkat(AT_FDCWD, path, buffer, size);
}
