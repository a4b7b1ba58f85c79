/* SPDX-License-Identifier: MIT */
/* eventfd(2): a counter to wait for. */
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "file.h"

struct eventfd {
    struct uk_file file;
    uint64_t count;
    bool semaphore;
};

static ssize_t read(struct uk_file *file, const struct iovec *iov, int count, off_t offset) {
    struct eventfd *event = (struct eventfd *)file;
    uint64_t value = event->semaphore ? 1 : event->count;
    (void)offset;
    if (uk_iov_length(iov, count) < (ssize_t)sizeof value)
        return -EINVAL;
    if (event->count == 0)
        return -EAGAIN;
    event->count -= value;
    uk_iov_fill(iov, count, 0, &value, sizeof value);
    uk_file_notify(file, EPOLLOUT);
    return sizeof value;
}

static ssize_t write(struct uk_file *file, const struct iovec *iov, int count, off_t offset) {
    struct eventfd *event = (struct eventfd *)file;
    uint64_t value;
    (void)offset;
    if (uk_iov_gather(iov, count, 0, &value, sizeof value) < sizeof value || value == UINT64_MAX)
        return -EINVAL;
    if (value > UINT64_MAX - 1 - event->count)
        return -EAGAIN;
    event->count += value;
    if (value)
        uk_file_notify(file, EPOLLIN);
    return sizeof value;
}

static unsigned poll(struct uk_file *file) {
    struct eventfd *event = (struct eventfd *)file;
    return (event->count > 0 ? EPOLLIN : 0u) | (event->count < UINT64_MAX - 1 ? EPOLLOUT : 0u);
}

static void close(struct uk_file *file) {
    uk_free(file);
}

static const struct uk_file_ops ops = {
    .name = "anon_inode:[eventfd]",
    .is_counter = true,
    .read = read,
    .write = write,
    .poll = poll,
    .close = close,
    .waits_for = UK_WAITS_FOR_THREAD,
};

long uk_sys_eventfd2(unsigned count, int flags) {
    if (flags & ~(EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE))
        return -EINVAL;
    struct eventfd *event = uk_malloc(sizeof *event);
    if (!event)
        return -ENOMEM;
    *event = (struct eventfd){.count = count, .semaphore = flags & EFD_SEMAPHORE};
    uk_file_init(&event->file, &ops, O_RDWR | (flags & EFD_NONBLOCK));
    return uk_fd_add(&event->file, 0, flags & EFD_CLOEXEC ? FD_CLOEXEC : 0);
}

long uk_sys_eventfd(unsigned count) {
    return uk_sys_eventfd2(count, 0);
}
