/* SPDX-License-Identifier: MIT */
/*
 * Standard input, output and error as files. Output goes to the console of ../console.c; there is no input, so that
 * reading is at the end at once. No terminal: programs buffer their output by blocks, and it appears when they flush,
 * end, or at the latest with the next exit to the monitor.
 */
#include <fcntl.h>
#include <sys/epoll.h>

#include "file.h"

static ssize_t read(struct uk_file *file, const struct iovec *iov, int count, off_t offset) {
    (void)file;
    (void)iov;
    (void)count;
    (void)offset;
    return 0;
}

/* One thread at a time: while it waits for a slow reader, the others run, and those that write wait for it. */
static ssize_t write_to(unsigned stream, const struct iovec *iov, int count) {
    static struct uk_lock lock;
    ssize_t total = 0;
    uk_lock(&lock);
    for (int i = 0; i < count; i++) {
        uk_console_write(stream, iov[i].iov_base, iov[i].iov_len);
        total += (ssize_t)iov[i].iov_len;
    }
    uk_unlock(&lock);
    return total;
}

static ssize_t write_out(struct uk_file *file, const struct iovec *iov, int count, off_t offset) {
    (void)file;
    (void)offset;
    return write_to(UKVM_CONSOLE_OUT, iov, count);
}

static ssize_t write_err(struct uk_file *file, const struct iovec *iov, int count, off_t offset) {
    (void)file;
    (void)offset;
    return write_to(UKVM_CONSOLE_ERR, iov, count);
}

static unsigned poll(struct uk_file *file) {
    (void)file;
    return EPOLLIN | EPOLLOUT;
}

static const struct uk_file_ops in_ops = {.name = "/dev/stdin", .read = read, .poll = poll};
static const struct uk_file_ops out_ops = {.name = "/dev/stdout", .write = write_out, .poll = poll};
static const struct uk_file_ops err_ops = {.name = "/dev/stderr", .write = write_err, .poll = poll};

void uk_files_init(void) {
    static struct uk_file in, out, err;
    uk_file_init(&in, &in_ops, O_RDONLY);
    uk_file_init(&out, &out_ops, O_WRONLY);
    uk_file_init(&err, &err_ops, O_WRONLY);
    if (uk_fd_add(&in, 0, 0) < 0 || uk_fd_add(&out, 1, 0) < 0 || uk_fd_add(&err, 2, 0) < 0)
        uk_panic("no memory for the standard streams");
}
