/* SPDX-License-Identifier: MIT */
/*
 * Standard input. The monitor is asked for bytes when a program asks, and for no more than it wants: what it does not
 * read is left for whoever has the stream next. A read that a signal ended goes on by itself, and what comes of it is
 * kept for the next one.
 */
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "console.h"
#include "core/console.h"
#include "core/wait.h"

/* What a read can bring at most; a quarter of the arena, if that is less. */
#define BUFFER_SIZE (64u * 1024u)

/* How long a read that is not to wait does so for bytes that are there. */
#define PATIENCE (100 * UK_MILLISECOND)

static void has_read(struct uk_io *io, int32_t result);
static void has_polled(struct uk_io *io, int32_t result);

static struct {
    struct uk_file file;
    struct uk_io read, poll;
    char *buffer; /* in the arena, from the first read on */
    size_t size;
    bool has_result; /* of a read: `result`, of which `taken` bytes are the program's already */
    int32_t result;
    size_t taken;
    unsigned events; /* what a poll has found, until the next read */
} in = {.read.done = has_read, .poll.done = has_polled};

static void has_read(struct uk_io *io, int32_t result) {
    (void)io;
    in.has_result = true;
    in.result = result;
    in.taken = 0;
    uk_file_notify(&in.file, EPOLLIN);
}

static void has_polled(struct uk_io *io, int32_t result) {
    (void)io;
    in.events = (result != UKVM_POLL_HUP ? EPOLLIN : 0u) | (result > 0 && (result & UKVM_POLL_HUP) ? EPOLLHUP : 0u);
    uk_file_notify(&in.file, in.events);
}

static bool make_buffer(void) {
    in.size = uk_boot()->arena_size / 4 < BUFFER_SIZE ? uk_boot()->arena_size / 4 : BUFFER_SIZE;
    while (!in.buffer && in.size > 0 && !(in.buffer = uk_arena_alloc(in.size, 1)))
        in.size /= 2;
    return in.buffer;
}

static void start_read(size_t length) {
    in.events = 0;
    in.read.sqe = (struct ukvm_sqe){
        .op = UKVM_OP_CONSOLE_READ,
        .device = UKVM_CONSOLE_IN,
        .length = (uint32_t)(length < in.size ? length : in.size),
        .arena = uk_arena_offset(in.buffer),
    };
    uk_submit(&in.read);
}

static ssize_t take(const struct iovec *iov, int count) {
    if (in.result <= 0) {
        in.has_result = false;
        return in.result == 0 ? 0 : uk_console_errno(in.result);
    }
    size_t n = uk_iov_fill(iov, count, 0, in.buffer + in.taken, (size_t)in.result - in.taken);
    in.taken += n;
    in.has_result = in.taken < (size_t)in.result;
    return (ssize_t)n;
}

/* The monitor is asked at once: who does not wait calls again right away, and finds the answer. */
static unsigned poll_input(struct uk_file *file) {
    enum ukvm_stream_kind kind = uk_console_kind(UKVM_CONSOLE_IN);
    (void)file;
    if (in.has_result)
        return EPOLLIN;
    if (in.read.in_flight)
        return 0;
    if (kind == UKVM_STREAM_FILE || kind == UKVM_STREAM_NULL)
        return EPOLLIN;
    if (in.events == 0 && !in.poll.in_flight) {
        in.poll.sqe = (struct ukvm_sqe){.op = UKVM_OP_CONSOLE_POLL, .device = UKVM_CONSOLE_IN};
        uk_submit(&in.poll);
        uk_kick();
    }
    return in.events;
}

/* Whether a read finds something now; the monitor's answer is there as soon as it has been asked. */
static bool is_ready(struct uk_file *file) {
    if (poll_input(file))
        return true;
    uk_dispatch();
    return poll_input(file);
}

/* What is there may take the host a moment; unless somebody else has read it meanwhile. */
static void bring(void) {
    uint64_t end = uk_clock_monotonic() + PATIENCE;
    while (in.read.in_flight && uk_clock_monotonic() < end)
        uk_wait(end);
}

static ssize_t read_input(struct uk_file *file, const struct iovec *iov, int count, off_t offset) {
    size_t wanted = (size_t)uk_iov_length(iov, count);
    bool waits = !(file->flags & O_NONBLOCK);
    (void)offset;
    if (wanted == 0 || uk_console_kind(UKVM_CONSOLE_IN) == UKVM_STREAM_NULL)
        return 0;
    if (!in.has_result && !in.read.in_flight) {
        if (!in.buffer && !make_buffer())
            return -ENOMEM;
        if (!waits && !is_ready(file))
            return -EAGAIN;
        start_read(wanted);
        if (!waits)
            bring();
    }
    return in.has_result ? take(iov, count) : -EAGAIN;
}

static int stat_input(struct uk_file *file, struct uk_kstat *stat) {
    (void)file;
    return uk_console_stat(UKVM_CONSOLE_IN, stat);
}

/* FIONREAD: of what is still with the host nobody knows. */
static int ioctl_input(struct uk_file *file, unsigned request, void *argument) {
    (void)file;
    if (request != FIONREAD)
        return uk_console_ioctl(UKVM_CONSOLE_IN, request, argument);
    *(int *)argument = in.has_result && in.result > 0 ? in.result - (int)in.taken : 0;
    return 0;
}

static const struct uk_file_ops ops = {
    .name = "/dev/stdin",
    .read = read_input,
    .poll = poll_input,
    .stat = stat_input,
    .ioctl = ioctl_input,
};

void uk_stdin_init(void) {
    uk_file_init(&in.file, &ops, O_RDONLY);
    if (uk_console_kind(UKVM_CONSOLE_IN) != UKVM_STREAM_NONE && uk_fd_add(&in.file, STDIN_FILENO, 0) < 0)
        uk_panic("no memory for the standard streams");
}
