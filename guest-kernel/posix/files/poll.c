/* SPDX-License-Identifier: MIT */
/* poll() and select(): a watch for each descriptor, for as long as the call lasts. */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include "file.h"
#include "posix/signals/signal.h"
#include "posix/time/deadline.h"

/* poll()'s events are epoll's: EPOLLIN is POLLIN and so on. */
static unsigned look(struct pollfd *fds, size_t count) {
    unsigned ready = 0;
    for (size_t i = 0; i < count; i++) {
        struct uk_file *file = uk_fd_get(fds[i].fd);
        unsigned wanted = (unsigned short)fds[i].events | POLLERR | POLLHUP;
        if (fds[i].fd < 0)
            fds[i].revents = 0;
        else
            fds[i].revents = (short)(file ? uk_file_poll(file) & wanted : POLLNVAL);
        ready += fds[i].revents != 0;
    }
    return ready;
}

static enum uk_waits_for watch_all(struct uk_sleeper *sleepers, struct pollfd *fds, size_t count) {
    enum uk_waits_for waits_for = UK_WAITS_FOR_THREAD;
    for (size_t i = 0; i < count; i++) {
        struct uk_file *file = uk_fd_get(fds[i].fd);
        sleepers[i].watch.file = NULL;
        if (!file)
            continue;
        uk_file_watch_for(file, &sleepers[i], (unsigned short)fds[i].events);
        if (file->ops->waits_for == UK_WAITS_FOR_EVENT)
            waits_for = UK_WAITS_FOR_EVENT;
    }
    return waits_for;
}

#define SLEEPERS_ON_STACK 16

/* The number of descriptors that are ready, 0 after the deadline, -EINTR. */
static long poll_until(struct pollfd *fds, size_t count, uint64_t deadline) {
    static struct uk_thread_list blocked;
    struct uk_sleeper few[SLEEPERS_ON_STACK], *sleepers = few;
    unsigned ready = look(fds, count);
    int result = 0;
    if (ready > 0)
        return ready;
    if (deadline == 0) {
        uk_poll_sometimes();
        return look(fds, count);
    }
    if (count > SLEEPERS_ON_STACK && !(sleepers = uk_malloc(count * sizeof *sleepers)))
        return -ENOMEM;
    enum uk_waits_for waits_for = watch_all(sleepers, fds, count);
    while (!(ready = look(fds, count)) && result == 0)
        result = uk_block(&blocked, deadline, waits_for);
    for (size_t i = 0; i < count; i++)
        uk_file_unwatch(&sleepers[i].watch);
    if (sleepers != few)
        uk_free(sleepers);
    if (ready == 0 && result != -ETIMEDOUT)
        return -EINTR;
    return ready;
}

long uk_sys_poll(struct pollfd *fds, size_t count, int timeout_ms) {
    uint64_t deadline = UKVM_DEADLINE_NONE;
    if (count > UK_FD_MAX)
        return -EINVAL;
    if (timeout_ms >= 0)
        deadline = timeout_ms ? uk_deadline_in((uint64_t)timeout_ms * UK_MILLISECOND) : 0;
    return poll_until(fds, count, deadline);
}

/* The deadline of a relative timeout: 0 for not waiting at all. */
static int deadline_of(const struct timespec *timeout, uint64_t *deadline) {
    *deadline = UKVM_DEADLINE_NONE;
    if (!timeout)
        return 0;
    if (timeout->tv_sec == 0 && timeout->tv_nsec == 0) {
        *deadline = 0;
        return 0;
    }
    return uk_deadline_after(timeout, deadline);
}

/* With the mask of the call while it blocks; a signal that ends it is taken with that mask, too. */
static long poll_masked(struct pollfd *fds, size_t count, uint64_t deadline, const uint64_t *mask) {
    uint64_t before = uk_current->signals_blocked;
    if (mask) {
        uk_current->signals_blocked = *mask;
        uk_signals_attention = true;
    }
    long result = poll_until(fds, count, deadline);
    if (mask) {
        uk_signals_deliver(&result);
        uk_current->signals_blocked = before;
    }
    return result;
}

long uk_sys_ppoll(struct pollfd *fds, size_t count, struct timespec *timeout, const uint64_t *mask) {
    uint64_t deadline;
    if (count > UK_FD_MAX || deadline_of(timeout, &deadline))
        return -EINVAL;
    return poll_masked(fds, count, deadline, mask);
}

/* ---- select(), by way of poll(). select(2) says which events of poll() each set stands for. */

#define READ_EVENTS (POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR)
#define WRITE_EVENTS (POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR)
#define EXCEPT_EVENTS POLLPRI

static bool has(const fd_set *set, int fd) {
    return set && FD_ISSET((unsigned)fd, set);
}

static size_t collect(int count, const fd_set *read, const fd_set *write, const fd_set *except, struct pollfd *fds) {
    size_t n = 0;
    for (int fd = 0; fd < count; fd++) {
        int events = (has(read, fd) ? POLLIN : 0) | (has(write, fd) ? POLLOUT : 0) | (has(except, fd) ? POLLPRI : 0);
        if (events)
            fds[n++] = (struct pollfd){.fd = fd, .events = (short)events};
    }
    return n;
}

static int report(fd_set *set, const struct pollfd *fds, size_t count, short asked, short events) {
    int ready = 0;
    if (set)
        FD_ZERO(set);
    for (size_t i = 0; i < count && set; i++)
        if ((fds[i].events & asked) && (fds[i].revents & events)) {
            FD_SET((unsigned)fds[i].fd, set);
            ready++;
        }
    return ready;
}

static long select_until(int count, fd_set *read, fd_set *write, fd_set *except, uint64_t deadline,
                         const uint64_t *mask) {
    if (count < 0 || count > FD_SETSIZE)
        return -EINVAL;
    struct pollfd *fds = uk_malloc((size_t)count * sizeof *fds);
    if (!fds)
        return -ENOMEM;
    size_t n = collect(count, read, write, except, fds);
    long result = 0;
    for (size_t i = 0; i < n; i++)
        if (!uk_fd_get(fds[i].fd))
            result = -EBADF;
    if (result == 0)
        result = poll_masked(fds, n, deadline, mask);
    if (result >= 0)
        result = report(read, fds, n, POLLIN, READ_EVENTS) + report(write, fds, n, POLLOUT, WRITE_EVENTS) +
                 report(except, fds, n, POLLPRI, EXCEPT_EVENTS);
    uk_free(fds);
    return result;
}

long uk_sys_select(int count, fd_set *read, fd_set *write, fd_set *except, const struct timeval *timeout) {
    uint64_t deadline = UKVM_DEADLINE_NONE;
    struct timespec time;
    if (timeout) {
        time = (struct timespec){.tv_sec = timeout->tv_sec, .tv_nsec = timeout->tv_usec * 1000};
        if (deadline_of(&time, &deadline))
            return -EINVAL;
    }
    return select_until(count, read, write, except, deadline, NULL);
}

long uk_sys_pselect6(int count, fd_set *read, fd_set *write, fd_set *except, const struct timespec *timeout,
                     const uint64_t *const *mask) {
    uint64_t deadline;
    if (deadline_of(timeout, &deadline))
        return -EINVAL;
    return select_until(count, read, write, except, deadline, mask ? *mask : NULL);
}
