/* SPDX-License-Identifier: MIT */
/* signalfd(2): signals that the reader blocks, to read and to wait for. */
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

#include "posix/files/file.h"
#include "signal.h"
#include "signalfd.h"
#include "stop.h"

struct signalfd {
    struct uk_file file;
    struct signalfd *next;
    uint64_t wanted;
};

static struct signalfd *all;

static struct signalfd *of(struct uk_file *file) {
    return (struct signalfd *)file;
}

void uk_signalfd_notify(int signal) {
    for (struct signalfd *self = all; self; self = self->next)
        if (self->wanted >> (signal - 1) & 1)
            uk_file_notify(&self->file, EPOLLIN);
}

static struct signalfd_siginfo describe(const siginfo_t *info) {
    struct signalfd_siginfo text = {
        .ssi_signo = (uint32_t)info->si_signo,
        .ssi_code = info->si_code,
    };
    if (info->si_code == SI_TIMER) {
        text.ssi_tid = (uint32_t)info->si_timerid;
        text.ssi_overrun = (uint32_t)info->si_overrun;
    } else {
        text.ssi_pid = (uint32_t)info->si_pid;
        text.ssi_uid = info->si_uid;
    }
    if (info->si_code < 0) {
        text.ssi_int = info->si_value.sival_int;
        text.ssi_ptr = (uintptr_t)info->si_value.sival_ptr;
    }
    return text;
}

static ssize_t read(struct uk_file *file, const struct iovec *iov, int count, off_t offset) {
    size_t room = (size_t)uk_iov_length(iov, count), done = 0;
    siginfo_t info;
    (void)offset;
    if (room < sizeof(struct signalfd_siginfo))
        return -EINVAL;
    while (room - done >= sizeof(struct signalfd_siginfo) && uk_signal_take(of(file)->wanted, &info)) {
        struct signalfd_siginfo text = describe(&info);
        uk_stop_handled(info.si_signo);
        done += uk_iov_fill(iov, count, done, &text, sizeof text);
    }
    return done ? (ssize_t)done : -EAGAIN;
}

static unsigned poll(struct uk_file *file) {
    return uk_signal_is_pending(of(file)->wanted) ? EPOLLIN : 0;
}

static void close(struct uk_file *file) {
    struct signalfd **at = &all;
    while (*at != of(file))
        at = &(*at)->next;
    *at = of(file)->next;
    uk_free(file);
}

static const struct uk_file_ops ops = {
    .name = "anon_inode:[signalfd]",
    .read = read,
    .poll = poll,
    .close = close,
    .is_counter = true,
};

static long change(int fd, uint64_t wanted) {
    struct uk_file *file = uk_fd_get(fd);
    if (!file)
        return -EBADF;
    if (file->ops != &ops)
        return -EINVAL;
    of(file)->wanted = wanted;
    uk_file_notify(file, EPOLLIN);
    return fd;
}

long uk_sys_signalfd4(int fd, const uint64_t *set, size_t size, int flags) {
    if ((flags & ~(SFD_CLOEXEC | SFD_NONBLOCK)) || size != sizeof *set)
        return -EINVAL;
    uk_signals_wanted(*set);
    if (fd != -1)
        return change(fd, *set);
    struct signalfd *self = uk_malloc(sizeof *self);
    if (!self)
        return -ENOMEM;
    *self = (struct signalfd){.next = all, .wanted = *set};
    all = self;
    uk_file_init(&self->file, &ops, O_RDWR | (flags & SFD_NONBLOCK));
    return uk_fd_add(&self->file, 0, flags & SFD_CLOEXEC ? FD_CLOEXEC : 0);
}

long uk_sys_signalfd(int fd, const uint64_t *set, size_t size) {
    return uk_sys_signalfd4(fd, set, size, 0);
}
