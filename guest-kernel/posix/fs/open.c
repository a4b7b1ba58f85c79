/* SPDX-License-Identifier: MIT */
/* open() and its kin. */
#include "open.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>

#include "pipe.h"

static mode_t mask = 0022;

mode_t uk_fs_new_mode(mode_t mode) {
    return mode & 07777 & ~mask;
}

long uk_sys_umask(mode_t new_mask) {
    mode_t old = mask;
    mask = new_mask & 0777;
    return (long)old;
}

/* ---- opening an inode */

static bool wants_write(int flags) {
    return (flags & O_ACCMODE) != O_RDONLY;
}

/* With O_PATH a file is only a name for other calls. */
static const struct uk_file_ops path_ops = {.name = "path", .close = uk_node_close, .stat = uk_node_stat};

int uk_inode_open(struct uk_inode *inode, int flags, struct uk_file **file) {
    if (flags & O_PATH)
        return uk_node_open(inode, &path_ops, flags, file);
    if (inode->ops && inode->ops->open)
        return inode->ops->open(inode, flags, file);
    switch (inode->mode & S_IFMT) {
    case S_IFREG:
        if (inode->running && wants_write(flags))
            return -ETXTBSY;
        return uk_node_open(inode, &uk_regular_ops, flags, file);
    case S_IFDIR:
        return uk_node_open(inode, &uk_directory_ops, flags, file);
    case S_IFCHR:
        return uk_chardev_open(inode, flags, file);
    case S_IFBLK:
        return uk_blkdev_open(inode, flags, file);
    case S_IFIFO:
        return uk_fifo_open(inode, flags, file);
    case S_IFLNK:
        return -ELOOP;
    default:
        return -ENXIO; /* sockets */
    }
}

/* ---- opening a path */

/* What of `flags` an open file keeps. */
static int kept(int flags) {
    return flags & ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC);
}

int uk_place_fill(struct uk_place *place, struct uk_inode *inode) {
    if (!inode)
        return -ENOSPC;
    if (place->directory->mode & S_ISGID) { /* inode(7) */
        inode->gid = place->directory->gid;
        inode->mode |= S_ISDIR(inode->mode) ? S_ISGID : 0u;
    }
    int result = place->directory->ops ? -EPERM : uk_entry_add(place->directory, place->name, place->length, inode);
    uk_inode_unref(inode);
    return result;
}

static int create(struct uk_place *place, int flags, mode_t mode, struct uk_file **file) {
    if (place->slash) /* by way of a link */
        return -EISDIR;
    struct uk_inode *inode = uk_inode_new(S_IFREG | uk_fs_new_mode(mode));
    int result = inode ? uk_inode_open(inode, kept(flags), file) : -ENOSPC;
    if (result) {
        uk_inode_unref(inode);
        return result;
    }
    result = uk_place_fill(place, inode);
    if (result)
        uk_file_unref(*file);
    return result;
}

static int check_existing(const struct uk_inode *inode, int flags) {
    bool is_directory = S_ISDIR(inode->mode);
    if (flags & O_PATH)
        return (flags & O_DIRECTORY) && !is_directory ? -ENOTDIR : 0;
    if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
        return -EEXIST;
    if (S_ISLNK(inode->mode))
        return flags & O_DIRECTORY ? -ENOTDIR : -ELOOP;
    if ((flags & O_DIRECTORY) && !is_directory)
        return -ENOTDIR;
    return is_directory && (wants_write(flags) || (flags & (O_CREAT | O_TRUNC))) ? -EISDIR : 0;
}

static int open_existing(struct uk_inode *inode, int flags, struct uk_file **file) {
    int result = check_existing(inode, flags);
    if (result == 0)
        result = uk_inode_open(inode, kept(flags), file);
    if (result == 0 && (flags & O_TRUNC) && (*file)->ops->truncate && wants_write(flags))
        result = (*file)->ops->truncate(*file, 0);
    return result;
}

/* A file without a name. */
static int open_unnamed(mode_t mode, int flags, struct uk_file **file) {
    struct uk_inode *inode = uk_inode_new(S_IFREG | mode);
    int result = inode ? uk_inode_open(inode, kept(flags), file) : -ENOSPC;
    uk_inode_unref(inode);
    return result;
}

static int open_temporary(const struct uk_place *place, int flags, mode_t mode, struct uk_file **file) {
    if (!wants_write(flags))
        return -EINVAL;
    if (!place->inode)
        return -ENOENT;
    if (!S_ISDIR(place->inode->mode))
        return -ENOTDIR;
    int result = open_unnamed(uk_fs_new_mode(mode), flags & ~O_TMPFILE, file);
    if (result == 0)
        uk_node_inode(*file)->linkable = !(flags & O_EXCL);
    return result;
}

static bool has_slash_at_end(const char *path) {
    size_t length = strnlen(path, PATH_MAX);
    return length > 0 && path[length - 1] == '/';
}

/* With O_CREAT, a slash at the end is an error whatever it stands behind. */
static int walk_to_open(int dirfd, const char *path, int flags, struct uk_place *place) {
    bool new_only = (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
    bool follows = !(flags & O_NOFOLLOW) && !new_only;
    if (!(flags & O_CREAT) || !has_slash_at_end(path))
        return uk_path_walk(dirfd, path, follows ? UK_FOLLOW : UK_NOFOLLOW, place);
    int result = uk_path_walk(dirfd, path, UK_PARENT, place);
    if (result)
        return result;
    uk_place_release(place);
    return -EISDIR;
}

int uk_path_open(int dirfd, const char *path, int flags, mode_t mode, struct uk_file **file) {
    struct uk_place place;
    if (flags & O_PATH)
        flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int result = walk_to_open(dirfd, path, flags, &place);
    if (result)
        return result;
    if ((flags & O_TMPFILE) == O_TMPFILE)
        result = open_temporary(&place, flags, mode, file);
    else if (place.inode)
        result = open_existing(place.inode, flags, file);
    else
        result = flags & O_CREAT ? create(&place, flags, mode, file) : -ENOENT;
    uk_place_release(&place);
    return result;
}

/* ---- system calls */

static long add_descriptor(struct uk_file *file, int flags) {
    return uk_fd_add(file, 0, flags & O_CLOEXEC ? FD_CLOEXEC : 0);
}

static int check_path(const char *path) {
    if (!path)
        return -EFAULT;
    if (!*path)
        return -ENOENT;
    return strnlen(path, PATH_MAX) == PATH_MAX ? -ENAMETOOLONG : 0;
}

long uk_sys_openat(int dirfd, const char *path, int flags, mode_t mode) {
    struct uk_file *file;
    int result = check_path(path);
    if (result == 0)
        result = uk_fd_check_room(); /* before anything is made */
    if (result == 0)
        result = uk_path_open(dirfd, path, flags, mode, &file);
    return result ? result : add_descriptor(file, flags);
}

long uk_sys_open(const char *path, int flags, mode_t mode) {
    return uk_sys_openat(AT_FDCWD, path, flags, mode);
}

long uk_sys_creat(const char *path, mode_t mode) {
    return uk_sys_openat(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

/* Not known to musl 1.2.3; as if it were sealed against nothing. */
#define MFD_KNOWN (MFD_CLOEXEC | MFD_ALLOW_SEALING | 0x18u) /* MFD_NOEXEC_SEAL, MFD_EXEC */

long uk_sys_memfd_create(const char *name, unsigned flags) {
    struct uk_file *file;
    if ((flags & ~MFD_KNOWN) || strnlen(name, 250) == 250)
        return -EINVAL;
    int result = open_unnamed(0777, O_RDWR, &file);
    return result ? result : add_descriptor(file, flags & MFD_CLOEXEC ? O_CLOEXEC : 0);
}
