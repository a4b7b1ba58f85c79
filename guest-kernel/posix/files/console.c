/* SPDX-License-Identifier: MIT */
/*
 * Standard output and standard error as files. The text is gathered in core/console.c, and goes out when the program
 * waits, when that has room for no more, or at the end.
 *
 * How a write learns of an error depends on what the stream leads to. A regular file that is full says so to the write
 * that did not fit: there, and on devices, each write waits for its own result. Behind a pipe or a terminal nothing is
 * wrong until the other end goes away: a write is over when its text is gathered, and the first one after the error
 * tells it; from there on, each waits for its own result here, too.
 */
#include <fcntl.h>
#include <limits.h>
#include <sys/epoll.h>

#include "console.h"
#include "core/console.h"
#include "posix/signals/signal.h"

struct output {
    struct uk_file file;
    unsigned stream;
    bool broken; /* a program has been told of an error, and no write has gone well since */
};

static struct output outputs[UKVM_STREAMS];

static struct output *of(struct uk_file *file) {
    return (struct output *)file;
}

static bool is_exact(const struct output *self) {
    enum ukvm_stream_kind kind = uk_console_kind(self->stream);
    return kind == UKVM_STREAM_FILE || kind == UKVM_STREAM_OTHER || self->broken;
}

static int fail(struct output *self, int32_t error) {
    self->broken = true;
    if (error == -UKVM_EPIPE)
        uk_signal_thread(uk_current, SIGPIPE);
    return uk_console_errno(error);
}

/* As much as there is room for. */
static size_t put(unsigned stream, const struct iovec *iov, int count) {
    size_t total = 0;
    char last = '\0';
    for (int i = 0; i < count; i++) {
        size_t n = uk_console_put(stream, iov[i].iov_base, iov[i].iov_len);
        if (n > 0)
            last = ((const char *)iov[i].iov_base)[n - 1];
        total += n;
        if (n < iov[i].iov_len)
            break;
    }
    if (total > 0)
        uk_console_hurry(stream, last);
    return total;
}

/* One at a time: what is lost is this write's. What the file takes is not waited for by others for long. */
static ssize_t write_exactly(struct output *self, const struct iovec *iov, int count) {
    static struct uk_lock lock;
    uk_lock(&lock);
    uk_console_settle(self->stream);
    int32_t error = uk_console_error(self->stream);
    size_t written = 0;
    if (error == 0) {
        written = put(self->stream, iov, count);
        written -= uk_console_settle(self->stream);
        error = uk_console_error(self->stream);
    }
    uk_unlock(&lock);
    if (error && written == 0)
        return fail(self, error);
    self->broken = error;
    return (ssize_t)written;
}

/* What is written in one piece by pipe(7). */
static size_t piece(void) {
    size_t capacity = uk_console_capacity();
    return capacity < PIPE_BUF ? capacity : PIPE_BUF;
}

static ssize_t write(struct uk_file *file, const struct iovec *iov, int count, off_t offset) {
    struct output *self = of(file);
    size_t total = (size_t)uk_iov_length(iov, count);
    (void)offset;
    if (total == 0 || uk_console_capacity() == 0)
        return (ssize_t)total;
    if (is_exact(self))
        return write_exactly(self, iov, count);
    uk_console_look();
    int32_t error = uk_console_error(self->stream);
    if (error)
        return fail(self, error);
    if (uk_console_room(self->stream) < (total < piece() ? total : piece()))
        return -EAGAIN;
    return (ssize_t)put(self->stream, iov, count);
}

static unsigned poll(struct uk_file *file) {
    const struct output *self = of(file);
    if (is_exact(self))
        return EPOLLOUT | (self->broken ? EPOLLERR : 0u);
    return uk_console_room(self->stream) >= piece() ? EPOLLOUT : 0;
}

static void has_room(unsigned stream) {
    uk_file_notify(&outputs[stream].file, EPOLLOUT);
}

static int output_stat(struct uk_file *file, struct uk_kstat *stat) {
    return uk_console_stat(of(file)->stream, stat);
}

static int output_ioctl(struct uk_file *file, unsigned request, void *argument) {
    return uk_console_ioctl(of(file)->stream, request, argument);
}

#define OUTPUT(output_name) \
    { .name = output_name, .write = write, .poll = poll, .stat = output_stat, .ioctl = output_ioctl }
static const struct uk_file_ops out_ops = OUTPUT("/dev/stdout"), err_ops = OUTPUT("/dev/stderr");

static void add(unsigned stream, const struct uk_file_ops *ops) {
    outputs[stream].stream = stream;
    uk_file_init(&outputs[stream].file, ops, O_WRONLY);
    if (uk_fd_add(&outputs[stream].file, (int)stream, 0) < 0)
        uk_panic("no memory for the standard streams");
}

void uk_files_init(void) {
    uk_stdin_init();
    add(UKVM_CONSOLE_OUT, &out_ops);
    add(UKVM_CONSOLE_ERR, &err_ops);
    uk_console_hook = has_room;
}
