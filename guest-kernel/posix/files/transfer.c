/* SPDX-License-Identifier: MIT */
/* Reading and writing: the one place where a system call on a file blocks. */
#include <fcntl.h>
#include <limits.h>
#include <sys/epoll.h>

#include "file.h"
#include "posix/time/deadline.h"

static uint64_t deadline_of(uint64_t timeout) {
    return timeout ? uk_deadline_in(timeout) : UKVM_DEADLINE_NONE;
}

/* Nothing could be transferred now: returns 0 if it should be tried again. */
static int wait_or_give_up(struct uk_file *file, unsigned event, uint64_t deadline) {
    if (file->flags & O_NONBLOCK) {
        uk_poll_sometimes();
        return -EAGAIN;
    }
    return uk_file_wait(file, event, deadline);
}

static bool may_read(const struct uk_file *file) {
    return (file->flags & O_ACCMODE) != O_WRONLY;
}

static bool may_write(const struct uk_file *file) {
    return (file->flags & O_ACCMODE) != O_RDONLY;
}

static ssize_t read_file(struct uk_file *file, const struct iovec *iov, int count, off_t offset) {
    ssize_t n;
    uint64_t deadline = deadline_of(file->read_timeout);
    if (!may_read(file))
        return -EBADF;
    if (!file->ops->read)
        return file->ops->getdents ? -EISDIR : -EINVAL;
    uk_file_ref(file);
    while ((n = file->ops->read(file, iov, count, offset)) == -EAGAIN)
        if ((n = wait_or_give_up(file, EPOLLIN, deadline)) != 0)
            break;
    uk_file_unref(file);
    return n;
}

/* A blocking write of a stream goes on until all is written: write(2). What was written before an error counts. */
static ssize_t write_all(struct uk_file *file, const struct iovec *iov, int count, off_t offset) {
    ssize_t total = uk_iov_length(iov, count), done = 0;
    struct iovec rest[IOV_MAX > 64 ? 64 : IOV_MAX];
    uint64_t deadline = deadline_of(file->write_timeout);
    if (total < 0)
        return total;
    while (true) {
        int pieces = done ? uk_iov_skip(iov, count, (size_t)done, rest, 64) : count;
        ssize_t n = file->ops->write(file, done ? rest : iov, pieces, offset < 0 ? offset : offset + done);
        if (n > 0)
            done += n;
        if (n >= 0 && (done >= total || n == 0 || (file->flags & O_NONBLOCK)))
            return done;
        if (n == -EAGAIN)
            n = done && (file->flags & O_NONBLOCK) ? -EAGAIN : wait_or_give_up(file, EPOLLOUT, deadline);
        if (n < 0)
            return done ? done : n;
    }
}

static ssize_t write_file(struct uk_file *file, const struct iovec *iov, int count, off_t offset) {
    if (!may_write(file))
        return -EBADF;
    if (!file->ops->write)
        return -EINVAL;
    uk_file_ref(file);
    ssize_t n = write_all(file, iov, count, offset);
    uk_file_unref(file);
    return n;
}

/* ---- system calls */

long uk_sys_readv(int fd, const struct iovec *iov, int count) {
    struct uk_file *file = uk_fd_get(fd);
    if (!file)
        return -EBADF;
    if (uk_iov_length(iov, count) < 0)
        return -EINVAL;
    return read_file(file, iov, count, UK_AT_POSITION);
}

long uk_sys_writev(int fd, const struct iovec *iov, int count) {
    struct uk_file *file = uk_fd_get(fd);
    if (!file)
        return -EBADF;
    return write_file(file, iov, count, UK_AT_POSITION);
}

long uk_sys_read(int fd, void *buffer, size_t size) {
    struct iovec iov = {buffer, size};
    return uk_sys_readv(fd, &iov, 1);
}

long uk_sys_write(int fd, const void *buffer, size_t size) {
    struct iovec iov = {(void *)(uintptr_t)buffer, size};
    return uk_sys_writev(fd, &iov, 1);
}

static int check_offset(const struct uk_file *file, off_t offset) {
    if (!file)
        return -EBADF;
    if (offset < 0)
        return -EINVAL;
    return file->ops->seekable ? 0 : -ESPIPE;
}

long uk_sys_preadv(int fd, const struct iovec *iov, int count, off_t offset) {
    struct uk_file *file = uk_fd_get(fd);
    int error = check_offset(file, offset);
    if (error || uk_iov_length(iov, count) < 0)
        return error ? error : -EINVAL;
    return read_file(file, iov, count, offset);
}

long uk_sys_pwritev(int fd, const struct iovec *iov, int count, off_t offset) {
    struct uk_file *file = uk_fd_get(fd);
    int error = check_offset(file, offset);
    return error ? error : write_file(file, iov, count, offset);
}

long uk_sys_pread64(int fd, void *buffer, size_t size, off_t offset) {
    struct iovec iov = {buffer, size};
    return uk_sys_preadv(fd, &iov, 1, offset);
}

long uk_sys_pwrite64(int fd, const void *buffer, size_t size, off_t offset) {
    struct iovec iov = {(void *)(uintptr_t)buffer, size};
    return uk_sys_pwritev(fd, &iov, 1, offset);
}

/* ---- with flags: RWF_*, of which musl has no names */

#define HIPRI 1u
#define SYNC 6u /* RWF_DSYNC, RWF_SYNC */
#define APPEND 16u

/* `high` is for systems of 32 bits. */
long uk_sys_preadv2(int fd, const struct iovec *iov, int count, off_t offset, long high, unsigned flags) {
    (void)high;
    if (flags & ~(HIPRI | SYNC))
        return -EOPNOTSUPP;
    return offset == UK_AT_POSITION ? uk_sys_readv(fd, iov, count) : uk_sys_preadv(fd, iov, count, offset);
}

static ssize_t write_at(struct uk_file *file, const struct iovec *iov, int count, off_t offset, unsigned flags) {
    bool moves = offset == UK_AT_POSITION;
    if ((flags & APPEND) && file->ops->size) {
        offset = file->ops->size(file);
        if (offset < 0)
            return offset;
    }
    ssize_t n = write_file(file, iov, count, offset);
    if (n > 0 && moves && offset >= 0)
        file->position = offset + n;
    return n;
}

static int sync_file(struct uk_file *file, unsigned flags) {
    return flags & SYNC && file->ops->sync ? file->ops->sync(file) : 0;
}

long uk_sys_pwritev2(int fd, const struct iovec *iov, int count, off_t offset, long high, unsigned flags) {
    struct uk_file *file = uk_fd_get(fd);
    (void)high;
    if (flags & ~(HIPRI | SYNC | APPEND))
        return -EOPNOTSUPP;
    int error = offset == UK_AT_POSITION ? (file ? 0 : -EBADF) : check_offset(file, offset);
    if (error)
        return error;
    uk_file_ref(file);
    ssize_t n = write_at(file, iov, count, offset, flags);
    if (n > 0)
        error = sync_file(file, flags);
    uk_file_unref(file);
    return error ? error : n;
}

/* Through a buffer: the page is used over and over, so it is in the cache. */
#define SENDFILE_CHUNK (64u * 1024u)

/* A pipe takes what fits, as with splice(2), which sendfile() to a pipe is: it waits for some room, not for all. */
static ssize_t write_chunk(struct uk_file *out, const struct iovec *iov, off_t offset, size_t done) {
    ssize_t n;
    if (!out->ops->capacity)
        return write_file(out, iov, 1, offset);
    if ((out->flags & O_ACCMODE) == O_RDONLY)
        return -EBADF;
    while ((n = out->ops->write(out, iov, 1, offset)) == -EAGAIN && done == 0)
        if ((n = wait_or_give_up(out, EPOLLOUT, UKVM_DEADLINE_NONE)) != 0)
            break;
    return n;
}

/* Both files are held: another thread may close their descriptors meanwhile. */
static long copy_held(struct uk_file *in, off_t *in_offset, struct uk_file *out, off_t *out_offset, size_t size,
                      char *buffer) {
    size_t done = 0;
    ssize_t n = 0;
    while (done < size) {
        size_t want = size - done < SENDFILE_CHUNK ? size - done : SENDFILE_CHUNK;
        struct iovec iov = {buffer, want};
        off_t from = in_offset ? *in_offset : in->position;
        if ((n = read_file(in, &iov, 1, from)) <= 0)
            break;
        iov.iov_len = (size_t)n;
        if ((n = write_chunk(out, &iov, out_offset ? *out_offset : UK_AT_POSITION, done)) < 0)
            break;
        /* by what was written, which may be less than what was read */
        if (in_offset)
            *in_offset = from + n;
        else
            in->position = from + n;
        if (out_offset)
            *out_offset += n;
        done += (size_t)n;
        if ((size_t)n < iov.iov_len)
            break;
    }
    return done ? (long)done : n;
}

static long copy_range(struct uk_file *in, off_t *in_offset, struct uk_file *out, off_t *out_offset, size_t size) {
    char *buffer = uk_malloc(SENDFILE_CHUNK);
    if (!buffer)
        return -ENOMEM;
    uk_file_ref(in);
    uk_file_ref(out);
    long result = copy_held(in, in_offset, out, out_offset, size, buffer);
    uk_file_unref(out);
    uk_file_unref(in);
    uk_free(buffer);
    return result;
}

long uk_sys_sendfile(int out_fd, int in_fd, off_t *offset, size_t size) {
    struct uk_file *in = uk_fd_get(in_fd), *out = uk_fd_get(out_fd);
    if (!in || !out)
        return -EBADF;
    if (!may_read(in) || !may_write(out))
        return -EBADF;
    if (out->flags & O_APPEND)
        return -EINVAL;
    return in->ops->seekable && (!offset || *offset >= 0) ? copy_range(in, offset, out, NULL, size) : -EINVAL;
}

/* copy_file_range(2): only between regular files. */
static int check_copy(struct uk_file *in, struct uk_file *out) {
    if (in->ops->getdents || out->ops->getdents)
        return -EISDIR;
    if (!in->ops->truncate || !out->ops->truncate)
        return -EINVAL;
    return may_read(in) && may_write(out) && !(out->flags & O_APPEND) ? 0 : -EBADF;
}

static ino_t number_of(struct uk_file *file) {
    struct uk_kstat stat = {0};
    if (file->ops->stat)
        file->ops->stat(file, &stat);
    return stat.ino;
}

static bool overlap(off_t a, off_t b, size_t size) {
    return (size_t)(a > b ? a - b : b - a) < size;
}

long uk_sys_copy_file_range(int in_fd, off_t *in_offset, int out_fd, off_t *out_offset, size_t size, unsigned flags) {
    struct uk_file *in = uk_fd_get(in_fd), *out = uk_fd_get(out_fd);
    if (!in || !out)
        return -EBADF;
    if (flags)
        return -EINVAL;
    int error = check_copy(in, out);
    if (error)
        return error;
    if ((in_offset && *in_offset < 0) || (out_offset && *out_offset < 0))
        return -EOVERFLOW;
    if (number_of(in) == number_of(out) &&
        overlap(in_offset ? *in_offset : in->position, out_offset ? *out_offset : out->position, size))
        return -EINVAL;
    return copy_range(in, in_offset, out, out_offset, size);
}
