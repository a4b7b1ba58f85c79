/* SPDX-License-Identifier: MIT */
/* timerfd_create(2): a timer to wait for. */
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include "interval.h"
#include "posix/files/file.h"

struct timerfd {
    struct uk_file file;
    struct uk_interval interval;
    uint64_t expirations; /* since it was last read */
    bool cancels;         /* TFD_TIMER_CANCEL_ON_SET, on a clock that can be set */
    bool cancelled;
    struct timerfd *next; /* of all */
};

static struct timerfd *timerfds;

static void fire(struct uk_timer *timer) {
    struct timerfd *self = uk_container_of(timer, struct timerfd, interval.timer);
    self->expirations += uk_interval_expire(&self->interval);
    uk_file_notify(&self->file, EPOLLIN);
}

static ssize_t read(struct uk_file *file, const struct iovec *iov, int count, off_t offset) {
    struct timerfd *self = (struct timerfd *)file;
    (void)offset;
    if (uk_iov_length(iov, count) < (ssize_t)sizeof self->expirations)
        return -EINVAL;
    if (self->cancelled) {
        self->cancelled = false;
        return -ECANCELED;
    }
    if (self->expirations == 0)
        return -EAGAIN;
    uk_iov_fill(iov, count, 0, &self->expirations, sizeof self->expirations);
    self->expirations = 0;
    return sizeof self->expirations;
}

static unsigned poll(struct uk_file *file) {
    const struct timerfd *self = (struct timerfd *)file;
    return self->expirations || self->cancelled ? EPOLLIN : 0;
}

static void close(struct uk_file *file) {
    struct timerfd *self = (struct timerfd *)file, **at = &timerfds;
    while (*at != self)
        at = &(*at)->next;
    *at = self->next;
    uk_timer_stop(&self->interval.timer);
    uk_free(self);
}

/* The clock was set. */
static void cancel_all(void) {
    for (struct timerfd *self = timerfds; self; self = self->next)
        if (self->cancels) {
            self->cancelled = true;
            uk_file_notify(&self->file, EPOLLIN);
        }
}

static const struct uk_file_ops ops = {
    .name = "anon_inode:[timerfd]",
    .read = read,
    .poll = poll,
    .close = close,
    .is_counter = true,
};

long uk_sys_timerfd_create(clockid_t clock, int flags) {
    if (flags & ~(TFD_CLOEXEC | TFD_NONBLOCK))
        return -EINVAL;
    if (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME && clock != CLOCK_BOOTTIME)
        return -EINVAL;
    struct timerfd *self = uk_malloc(sizeof *self);
    if (!self)
        return -ENOMEM;
    *self = (struct timerfd){.interval = {.clock = clock, .timer.fire = fire}, .next = timerfds};
    timerfds = self;
    uk_wall_set_hook = cancel_all;
    uk_file_init(&self->file, &ops, O_RDWR | (flags & TFD_NONBLOCK));
    return uk_fd_add(&self->file, 0, flags & TFD_CLOEXEC ? FD_CLOEXEC : 0);
}

static struct timerfd *timerfd_of(int fd) {
    struct uk_file *file = uk_fd_get(fd);
    return file && file->ops == &ops ? (struct timerfd *)file : NULL;
}

long uk_sys_timerfd_gettime(int fd, struct itimerspec *value) {
    struct timerfd *self = timerfd_of(fd);
    if (!self)
        return uk_fd_get(fd) ? -EINVAL : -EBADF;
    uk_interval_get(&self->interval, value);
    return 0;
}

long uk_sys_timerfd_settime(int fd, int flags, const struct itimerspec *value, struct itimerspec *old) {
    struct timerfd *self = timerfd_of(fd);
    if (!self)
        return uk_fd_get(fd) ? -EINVAL : -EBADF;
    if (flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET))
        return -EINVAL;
    int error = uk_interval_set(&self->interval, flags & TFD_TIMER_ABSTIME, value, old);
    if (error)
        return error;
    self->expirations = 0;
    self->cancelled = false;
    self->cancels =
        (flags & TFD_TIMER_ABSTIME) && (flags & TFD_TIMER_CANCEL_ON_SET) && uk_clock_is_wall(self->interval.clock);
    return 0;
}
