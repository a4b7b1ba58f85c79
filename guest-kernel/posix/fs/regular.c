/* SPDX-License-Identifier: MIT */
/* Open regular files. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "open.h"
#include "shared.h"

static struct uk_inode *inode_of(struct uk_file *file) {
    return uk_container_of(file, struct uk_node_file, file)->inode;
}

/* As with `relatime`: programs that look at it want to know whether a file was read since it was written. */
static void accessed(struct uk_file *file, struct uk_inode *inode) {
    const struct timespec *a = &inode->atime, *m = &inode->mtime;
    if (!(file->flags & O_NOATIME) && (a->tv_sec < m->tv_sec || (a->tv_sec == m->tv_sec && a->tv_nsec <= m->tv_nsec)))
        inode->atime = uk_fs_now();
}

static ssize_t regular_read(struct uk_file *file, const struct iovec *iov, int count, off_t offset) {
    struct uk_inode *inode = inode_of(file);
    off_t at = offset == UK_AT_POSITION ? file->position : offset;
    size_t done = 0, n = 0;
    for (int i = 0; i < count; i++) {
        n = uk_content_read(&inode->content, at + (off_t)done, iov[i].iov_base, iov[i].iov_len);
        done += n;
        if (n < iov[i].iov_len)
            break;
    }
    if (offset == UK_AT_POSITION)
        file->position = at + (off_t)done;
    accessed(file, inode);
    return (ssize_t)done;
}

static off_t write_start(const struct uk_file *file, const struct uk_inode *inode, off_t offset) {
    if (file->flags & O_APPEND)
        return inode->content.size;
    return offset == UK_AT_POSITION ? file->position : offset;
}

static ssize_t regular_write(struct uk_file *file, const struct iovec *iov, int count, off_t offset) {
    struct uk_inode *inode = inode_of(file);
    uk_shared_open(inode);
    off_t at = write_start(file, inode, offset), end;
    ssize_t length = uk_iov_length(iov, count);
    if (length <= 0)
        return length;
    if (__builtin_add_overflow(at, length, &end))
        return -EFBIG;
    size_t done = 0;
    for (int i = 0; i < count; i++) {
        size_t n = uk_content_write(&inode->content, at + (off_t)done, iov[i].iov_base, iov[i].iov_len);
        done += n;
        if (n < iov[i].iov_len)
            break;
    }
    if (done == 0)
        return -ENOSPC;
    if (offset == UK_AT_POSITION)
        file->position = at + (off_t)done;
    uk_inode_modified(inode);
    return (ssize_t)done;
}

static off_t regular_size(struct uk_file *file) {
    return inode_of(file)->content.size;
}

static int regular_truncate(struct uk_file *file, off_t length) {
    uk_shared_open(inode_of(file));
    uk_content_truncate(&inode_of(file)->content, length);
    uk_inode_modified(inode_of(file));
    return 0;
}

static off_t regular_find(struct uk_file *file, off_t offset, int whence) {
    const struct uk_content *content = &inode_of(file)->content;
    return whence == SEEK_DATA ? uk_content_find_data(content, offset) : uk_content_find_hole(content, offset);
}

static int regular_ioctl(struct uk_file *file, unsigned request, void *argument) {
    if (request != FIONREAD)
        return -ENOTTY;
    *(int *)argument = (int)(regular_size(file) - file->position);
    return 0;
}

/* There is no storage that could lag behind. */
static int regular_sync(struct uk_file *file) {
    (void)file;
    return 0;
}

const struct uk_file_ops uk_regular_ops = {
    .name = "file",
    .read = regular_read,
    .write = regular_write,
    .close = uk_node_close,
    .size = regular_size,
    .find = regular_find,
    .ioctl = regular_ioctl,
    .stat = uk_node_stat,
    .truncate = regular_truncate,
    .sync = regular_sync,
    .map = uk_shared_map,
    .seekable = true,
};
