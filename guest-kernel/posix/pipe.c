/* SPDX-License-Identifier: MIT */
/* pipe(2): two files over one buffer. */
#include "pipe.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include "signal.h"

/* pipe(7) */
#define CAPACITY 65536u
#define MAX_CAPACITY (1024u * 1024u)
#define ATOMIC 4096u /* PIPE_BUF: a write of so much is never split */

/* Freed with its last end. */
struct pipe {
    struct uk_file *reader, *writer; /* NULL once it is closed */
    size_t head, used, capacity;
    char *buffer; /* `capacity` bytes, from the first write on */
};

struct pipe_end {
    struct uk_file file;
    struct pipe *pipe;
};

static struct pipe *pipe_of(struct uk_file *file) {
    return ((struct pipe_end *)file)->pipe;
}

static void notify(struct uk_file *file, unsigned events) {
    if (file)
        uk_file_notify(file, events);
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

static ssize_t read(struct uk_file *file, const struct iovec *iov, int count, off_t offset) {
    struct pipe *pipe = pipe_of(file);
    size_t wanted = (size_t)uk_iov_length(iov, count), done = 0;
    (void)offset;
    if (pipe->used == 0)
        return pipe->writer && wanted > 0 ? -EAGAIN : 0;
    while (done < wanted && pipe->used > 0) {
        size_t piece = smaller(smaller(pipe->used, pipe->capacity - pipe->head), wanted - done);
        done += uk_iov_fill(iov, count, done, pipe->buffer + pipe->head, piece);
        pipe->head = (pipe->head + piece) % pipe->capacity;
        pipe->used -= piece;
    }
    notify(pipe->writer, EPOLLOUT);
    return (ssize_t)done;
}

static ssize_t write(struct uk_file *file, const struct iovec *iov, int count, off_t offset) {
    struct pipe *pipe = pipe_of(file);
    size_t wanted = (size_t)uk_iov_length(iov, count), done = 0;
    (void)offset;
    if (!pipe->reader) {
        uk_signal_thread(uk_current, 13 /* SIGPIPE */);
        return -EPIPE;
    }
    if (!pipe->buffer && !(pipe->buffer = uk_malloc(pipe->capacity)))
        return -ENOMEM;
    size_t room = pipe->capacity - pipe->used;
    if (room == 0 || (wanted <= ATOMIC && wanted > room))
        return wanted ? -EAGAIN : 0;
    wanted = smaller(wanted, room);
    while (done < wanted) {
        size_t tail = (pipe->head + pipe->used) % pipe->capacity;
        size_t piece = smaller(pipe->capacity - tail, wanted - done);
        done += uk_iov_gather(iov, count, done, pipe->buffer + tail, piece);
        pipe->used += piece;
    }
    notify(pipe->reader, EPOLLIN);
    return (ssize_t)done;
}

static unsigned poll_reader(struct uk_file *file) {
    struct pipe *pipe = pipe_of(file);
    return (pipe->used ? EPOLLIN : 0u) | (pipe->writer ? 0u : EPOLLHUP);
}

static unsigned poll_writer(struct uk_file *file) {
    struct pipe *pipe = pipe_of(file);
    return (pipe->capacity - pipe->used >= ATOMIC ? EPOLLOUT : 0u) | (pipe->reader ? 0u : EPOLLERR);
}

static void close(struct uk_file *file) {
    struct pipe *pipe = pipe_of(file);
    if (pipe->reader == file)
        pipe->reader = NULL;
    else
        pipe->writer = NULL;
    notify(pipe->reader, EPOLLHUP);
    notify(pipe->writer, EPOLLERR);
    uk_free(file);
    if (pipe->reader || pipe->writer)
        return;
    uk_free(pipe->buffer);
    uk_free(pipe);
}

static int pipe_ioctl(struct uk_file *file, unsigned request, void *argument) {
    if (request != FIONREAD)
        return -ENOTTY;
    *(int *)argument = (int)pipe_of(file)->used;
    return 0;
}

static int pipe_stat(struct uk_file *file, struct uk_kstat *stat) {
    stat->mode = 0010600; /* S_IFIFO */
    stat->ino = (uintptr_t)pipe_of(file);
    return 0;
}

static const struct uk_file_ops reader_ops = {
    .name = "pipe",
    .read = read,
    .poll = poll_reader,
    .close = close,
    .ioctl = pipe_ioctl,
    .stat = pipe_stat,
    .waits_for = UK_WAITS_FOR_THREAD,
};

static const struct uk_file_ops writer_ops = {
    .name = "pipe",
    .write = write,
    .poll = poll_writer,
    .close = close,
    .ioctl = pipe_ioctl,
    .stat = pipe_stat,
    .waits_for = UK_WAITS_FOR_THREAD,
};

static struct pipe *find_pipe(struct uk_file *file) {
    return file->ops == &reader_ops || file->ops == &writer_ops ? pipe_of(file) : NULL;
}

long uk_pipe_capacity(struct uk_file *file) {
    const struct pipe *pipe = find_pipe(file);
    return pipe ? (long)pipe->capacity : -EBADF;
}

long uk_pipe_set_capacity(struct uk_file *file, unsigned size) {
    struct pipe *pipe = find_pipe(file);
    size_t capacity = ATOMIC;
    if (!pipe)
        return -EBADF;
    if (size > MAX_CAPACITY)
        return -EPERM;
    while (capacity < size)
        capacity *= 2;
    if (capacity < pipe->used)
        return -EBUSY;
    if (pipe->buffer) {
        char *buffer = uk_malloc(capacity);
        if (!buffer)
            return -ENOMEM;
        size_t before_wrap = smaller(pipe->used, pipe->capacity - pipe->head);
        memcpy(buffer, pipe->buffer + pipe->head, before_wrap);
        memcpy(buffer + before_wrap, pipe->buffer, pipe->used - before_wrap);
        uk_free(pipe->buffer);
        pipe->buffer = buffer;
        pipe->head = 0;
    }
    pipe->capacity = capacity;
    notify(pipe->writer, EPOLLOUT);
    return (long)capacity;
}

int uk_pipe_create(int flags, struct uk_file **reader, struct uk_file **writer) {
    struct pipe *pipe = uk_malloc(sizeof *pipe);
    struct pipe_end *in = uk_malloc(sizeof *in), *out = uk_malloc(sizeof *out);
    if (!pipe || !in || !out) {
        uk_free(pipe);
        uk_free(in);
        uk_free(out);
        return -ENOMEM;
    }
    in->pipe = out->pipe = pipe;
    uk_file_init(&in->file, &reader_ops, O_RDONLY | (flags & O_NONBLOCK));
    uk_file_init(&out->file, &writer_ops, O_WRONLY | (flags & (O_NONBLOCK | O_DIRECT)));
    *pipe = (struct pipe){.reader = &in->file, .writer = &out->file, .capacity = CAPACITY};
    *reader = &in->file;
    *writer = &out->file;
    return 0;
}

long uk_sys_pipe2(int fds[2], int flags) {
    struct uk_file *reader, *writer;
    int fd_flags = flags & O_CLOEXEC ? FD_CLOEXEC : 0;
    if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
        return -EINVAL;
    int error = uk_pipe_create(flags, &reader, &writer);
    if (error)
        return error;
    int in = uk_fd_add(reader, 0, fd_flags);
    if (in < 0) {
        uk_file_unref(writer);
        return in;
    }
    int out = uk_fd_add(writer, 0, fd_flags);
    if (out < 0) {
        uk_fd_close(in);
        return out;
    }
    fds[0] = in;
    fds[1] = out;
    return 0;
}

long uk_sys_pipe(int fds[2]) {
    return uk_sys_pipe2(fds, 0);
}
