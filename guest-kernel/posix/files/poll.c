/* SPDX-License-Identifier: MIT */
/* poll(): a watch for each descriptor, for as long as the call lasts. */
#include "poll.h"

#include <sys/epoll.h>

#include "file.h"
#include "posix/process/process.h"
#include "posix/time/deadline.h"
#include "waiting.h"

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

long uk_poll_masked(struct pollfd *fds, size_t count, uint64_t deadline, const uint64_t *mask) {
    uint64_t before = uk_mask_begin(mask);
    long result = poll_until(fds, count, deadline);
    uk_mask_end(mask, before, result);
    return result;
}

/* ---- system calls */

static bool are_too_many(size_t count) {
    return count > (size_t)uk_fd_limit();
}

long uk_sys_poll(struct pollfd *fds, size_t count, int timeout_ms) {
    uint64_t deadline = UKVM_DEADLINE_NONE;
    if (are_too_many(count))
        return -EINVAL;
    if (timeout_ms >= 0)
        deadline = timeout_ms ? uk_deadline_in((uint64_t)timeout_ms * UK_MILLISECOND) : 0;
    return poll_until(fds, count, deadline);
}

long uk_sys_ppoll(struct pollfd *fds, size_t count, struct timespec *timeout, const uint64_t *mask, size_t mask_size) {
    uint64_t deadline;
    if (are_too_many(count) || uk_check_mask(mask, mask_size) || uk_timeout_deadline(timeout, &deadline))
        return -EINVAL;
    long result = uk_poll_masked(fds, count, deadline, mask);
    if (timeout && deadline)
        *timeout = uk_timeout_left(deadline);
    return result;
}
