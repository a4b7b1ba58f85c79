/* SPDX-License-Identifier: MIT */
/* pipe(2), and named pipes, fifo(7): files over one buffer. As in Linux, both belong to the file system. */
#include "pipe.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include "inode.h"
#include "posix/signals/signal.h"

/* pipe(7) */
#define CAPACITY 65536u
#define MAX_CAPACITY (1024u * 1024u)
#define ATOMIC 4096u /* PIPE_BUF: a write of so much is never split */

/* Freed with its last end. */
struct pipe {
    struct pipe_end *ends;
    unsigned readers, writers;        /* ends that read, and that write; one may do both */
    unsigned read_opens, write_opens; /* the same, of all that there ever were */
    struct uk_thread_list opening;    /* in open(), until the other side is there */
    struct uk_inode *inode;           /* of a named one, whose `data` is this; a reference */
    size_t head, used, capacity;
    char *buffer; /* `capacity` bytes, from the first write on */
};

struct pipe_end {
    struct uk_file file;
    struct pipe *pipe;
    struct pipe_end *next;
    unsigned writers_before; /* a named pipe that no writer has opened since has not been hung up */
};

enum side { READERS, WRITERS };

static struct pipe_end *end_of(struct uk_file *file) {
    return (struct pipe_end *)file;
}

static struct pipe *pipe_of(struct uk_file *file) {
    return end_of(file)->pipe;
}

static bool is_on(const struct uk_file *file, enum side side) {
    int mode = file->flags & O_ACCMODE;
    return mode == O_RDWR || mode == (side == READERS ? O_RDONLY : O_WRONLY);
}

static void notify(struct pipe *pipe, enum side side, unsigned events) {
    for (struct pipe_end *end = pipe->ends; end; end = end->next)
        if (is_on(&end->file, side))
            uk_file_notify(&end->file, events);
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

static ssize_t read(struct uk_file *file, const struct iovec *iov, int count, off_t offset) {
    struct pipe *pipe = pipe_of(file);
    size_t wanted = (size_t)uk_iov_length(iov, count), done = 0;
    (void)offset;
    if (pipe->used == 0)
        return pipe->writers && wanted > 0 ? -EAGAIN : 0;
    while (done < wanted && pipe->used > 0) {
        size_t piece = smaller(smaller(pipe->used, pipe->capacity - pipe->head), wanted - done);
        done += uk_iov_fill(iov, count, done, pipe->buffer + pipe->head, piece);
        pipe->head = (pipe->head + piece) % pipe->capacity;
        pipe->used -= piece;
    }
    notify(pipe, WRITERS, EPOLLOUT);
    return (ssize_t)done;
}

static ssize_t write(struct uk_file *file, const struct iovec *iov, int count, off_t offset) {
    struct pipe *pipe = pipe_of(file);
    size_t wanted = (size_t)uk_iov_length(iov, count), done = 0;
    (void)offset;
    if (!pipe->readers) {
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
    notify(pipe, READERS, EPOLLIN);
    return (ssize_t)done;
}

static unsigned poll(struct uk_file *file) {
    const struct pipe *pipe = pipe_of(file);
    unsigned events = 0;
    if (is_on(file, READERS)) {
        bool hung_up = !pipe->writers && pipe->write_opens != end_of(file)->writers_before;
        events |= (pipe->used ? EPOLLIN : 0u) | (hung_up ? EPOLLHUP : 0u);
    }
    if (is_on(file, WRITERS))
        events |= (pipe->capacity - pipe->used >= ATOMIC ? EPOLLOUT : 0u) | (pipe->readers ? 0u : EPOLLERR);
    return events;
}

static void free_unused(struct pipe *pipe) {
    if (pipe->ends)
        return;
    if (pipe->inode) {
        pipe->inode->data = NULL;
        uk_inode_unref(pipe->inode);
    }
    uk_free(pipe->buffer);
    uk_free(pipe);
}

static void close(struct uk_file *file) {
    struct pipe *pipe = pipe_of(file);
    struct pipe_end **at = &pipe->ends;
    while (*at != end_of(file))
        at = &(*at)->next;
    *at = end_of(file)->next;
    pipe->readers -= is_on(file, READERS);
    pipe->writers -= is_on(file, WRITERS);
    if (!pipe->writers)
        notify(pipe, READERS, EPOLLHUP);
    if (!pipe->readers)
        notify(pipe, WRITERS, EPOLLERR);
    uk_free(file);
    free_unused(pipe);
}

static int pipe_ioctl(struct uk_file *file, unsigned request, void *argument) {
    if (request != FIONREAD)
        return -ENOTTY;
    *(int *)argument = (int)pipe_of(file)->used;
    return 0;
}

static int pipe_stat(struct uk_file *file, struct uk_kstat *stat) {
    if (pipe_of(file)->inode) {
        uk_inode_stat(pipe_of(file)->inode, stat);
        return 0;
    }
    stat->mode = S_IFIFO | 0600;
    stat->ino = (uintptr_t)pipe_of(file);
    return 0;
}

static long capacity(struct uk_file *file) {
    return (long)pipe_of(file)->capacity;
}

static long set_capacity(struct uk_file *file, unsigned size) {
    struct pipe *pipe = pipe_of(file);
    size_t wanted = ATOMIC;
    if (size > MAX_CAPACITY)
        return size > 1u << 31 ? -EINVAL : -EPERM;
    while (wanted < size)
        wanted *= 2;
    if (wanted < pipe->used)
        return -EBUSY;
    if (pipe->buffer) {
        char *buffer = uk_malloc(wanted);
        if (!buffer)
            return -ENOMEM;
        size_t before_wrap = smaller(pipe->used, pipe->capacity - pipe->head);
        memcpy(buffer, pipe->buffer + pipe->head, before_wrap);
        memcpy(buffer + before_wrap, pipe->buffer, pipe->used - before_wrap);
        uk_free(pipe->buffer);
        pipe->buffer = buffer;
        pipe->head = 0;
    }
    pipe->capacity = wanted;
    notify(pipe, WRITERS, EPOLLOUT);
    return (long)wanted;
}

static const struct uk_file_ops pipe_ops = {
    .name = "pipe",
    .read = read,
    .write = write,
    .poll = poll,
    .close = close,
    .ioctl = pipe_ioctl,
    .stat = pipe_stat,
    .capacity = capacity,
    .set_capacity = set_capacity,
    .waits_for = UK_WAITS_FOR_THREAD,
};

/* ---- making */

static struct pipe *make_pipe(void) {
    struct pipe *pipe = uk_malloc(sizeof *pipe);
    if (pipe)
        *pipe = (struct pipe){.capacity = CAPACITY};
    return pipe;
}

static struct pipe_end *add_end(struct pipe *pipe, int flags) {
    struct pipe_end *end = uk_malloc(sizeof *end);
    if (!end)
        return NULL;
    *end = (struct pipe_end){.pipe = pipe, .next = pipe->ends};
    uk_file_init(&end->file, &pipe_ops, flags);
    pipe->ends = end;
    pipe->readers += is_on(&end->file, READERS);
    pipe->read_opens += is_on(&end->file, READERS);
    pipe->writers += is_on(&end->file, WRITERS);
    pipe->write_opens += is_on(&end->file, WRITERS);
    return end;
}

int uk_pipe_create(int flags, struct uk_file **reader, struct uk_file **writer) {
    struct pipe *pipe = make_pipe();
    struct pipe_end *in = pipe ? add_end(pipe, O_RDONLY | (flags & O_NONBLOCK)) : NULL;
    struct pipe_end *out = in ? add_end(pipe, O_WRONLY | (flags & (O_NONBLOCK | O_DIRECT))) : NULL;
    if (!out) {
        if (in)
            uk_file_unref(&in->file);
        else if (pipe)
            free_unused(pipe);
        return -ENOMEM;
    }
    *reader = &in->file;
    *writer = &out->file;
    return 0;
}

/* Until somebody opens the other side, even if he closes it at once: `opens` counts them. */
static int wait_for_other(struct pipe *pipe, const unsigned *opens) {
    unsigned before = *opens;
    int result = 0;
    while (*opens == before && result == 0)
        result = uk_block(&pipe->opening, UKVM_DEADLINE_NONE, UK_WAITS_FOR_THREAD);
    return result;
}

/* fifo(7): one side waits for the other; without waiting, there may be nobody to write to it, but not to read. */
static int open_end(struct pipe *pipe, int flags, struct uk_file **file) {
    bool waits = !(flags & O_NONBLOCK);
    int mode = flags & O_ACCMODE, result = 0;
    if (mode == O_WRONLY && !waits && !pipe->readers)
        return -ENXIO;
    struct pipe_end *end = add_end(pipe, flags);
    if (!end)
        return -ENOMEM;
    uk_unblock_all(&pipe->opening);
    if (mode == O_RDONLY && !pipe->writers) {
        end->writers_before = waits ? 0 : pipe->write_opens;
        result = waits ? wait_for_other(pipe, &pipe->write_opens) : 0;
    } else if (mode == O_WRONLY && !pipe->readers) {
        result = wait_for_other(pipe, &pipe->read_opens);
    }
    if (result)
        uk_file_unref(&end->file);
    else
        *file = &end->file;
    return result;
}

int uk_fifo_open(struct uk_inode *inode, int flags, struct uk_file **file) {
    struct pipe *pipe = inode->data ? inode->data : make_pipe();
    if (!pipe)
        return -ENOMEM;
    if (!inode->data) {
        inode->data = pipe;
        pipe->inode = uk_inode_ref(inode);
    }
    int result = open_end(pipe, flags, file);
    if (result == -ENXIO || result == -ENOMEM)
        free_unused(pipe);
    return result;
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
