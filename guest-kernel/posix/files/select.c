/* SPDX-License-Identifier: MIT */
/* select(), by way of poll(). select(2) says which events of poll() each set stands for. */
#include <errno.h>
#include <sys/time.h>

#include "file.h"
#include "poll.h"
#include "waiting.h"

#define READ_EVENTS (POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR)
#define WRITE_EVENTS (POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR)
#define EXCEPT_EVENTS POLLPRI

#define WORD_BITS (8 * sizeof(unsigned long))

/* Sets of as many bits as the call says, in whole words: FD_SETSIZE is the C library's. Any may be NULL. */
struct sets {
    unsigned long *read, *write, *except;
    size_t bits;
};

static bool has(const unsigned long *set, size_t fd) {
    return set && (set[fd / WORD_BITS] >> fd % WORD_BITS & 1);
}

static size_t collect(const struct sets *sets, struct pollfd *fds) {
    size_t n = 0;
    for (size_t fd = 0; fd < sets->bits; fd++) {
        int events = (has(sets->read, fd) ? POLLIN : 0) | (has(sets->write, fd) ? POLLOUT : 0) |
                     (has(sets->except, fd) ? POLLPRI : 0);
        if (events)
            fds[n++] = (struct pollfd){.fd = (int)fd, .events = (short)events};
    }
    return n;
}

static bool are_open(const struct pollfd *fds, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!uk_fd_get(fds[i].fd))
            return false;
    return true;
}

static long report(unsigned long *set, size_t bits, const struct pollfd *fds, size_t count, short asked, short events) {
    long ready = 0;
    if (!set)
        return 0;
    memset(set, 0, (bits + WORD_BITS - 1) / WORD_BITS * sizeof *set);
    for (size_t i = 0; i < count; i++)
        if ((fds[i].events & asked) && (fds[i].revents & events)) {
            set[(size_t)fds[i].fd / WORD_BITS] |= 1ul << (size_t)fds[i].fd % WORD_BITS;
            ready++;
        }
    return ready;
}

static long select_until(const struct sets *sets, uint64_t deadline, const uint64_t *mask) {
    struct pollfd *fds = uk_malloc((sets->bits + 1) * sizeof *fds);
    if (!fds)
        return -ENOMEM;
    size_t n = collect(sets, fds);
    long result = are_open(fds, n) ? uk_poll_masked(fds, n, deadline, mask) : -EBADF;
    if (result >= 0)
        result = report(sets->read, sets->bits, fds, n, POLLIN, READ_EVENTS) +
                 report(sets->write, sets->bits, fds, n, POLLOUT, WRITE_EVENTS) +
                 report(sets->except, sets->bits, fds, n, POLLPRI, EXCEPT_EVENTS);
    uk_free(fds);
    return result;
}

/* What is left of the time is written, select(2), but not of none. */
static long select_for(int count, struct sets *sets, struct timespec *timeout, const uint64_t *mask) {
    uint64_t deadline;
    if (count < 0 || uk_timeout_deadline(timeout, &deadline))
        return -EINVAL;
    sets->bits = count < UK_FD_MAX ? (size_t)count : UK_FD_MAX;
    long result = select_until(sets, deadline, mask);
    if (timeout && deadline)
        *timeout = uk_timeout_left(deadline);
    return result;
}

long uk_sys_select(int count, unsigned long *read, unsigned long *write, unsigned long *except,
                   struct timeval *timeout) {
    struct sets sets = {.read = read, .write = write, .except = except};
    struct timespec time;
    if (!timeout)
        return select_for(count, &sets, NULL, NULL);
    if (__builtin_add_overflow(timeout->tv_sec, timeout->tv_usec / 1000000, &time.tv_sec))
        return -EINVAL;
    time.tv_nsec = timeout->tv_usec % 1000000 * 1000;
    long result = select_for(count, &sets, &time, NULL);
    *timeout = (struct timeval){.tv_sec = time.tv_sec, .tv_usec = time.tv_nsec / 1000};
    return result;
}

/* The sixth argument of pselect6(): see select(2), "C library/kernel differences". */
struct sized_mask {
    const uint64_t *mask;
    size_t size;
};

long uk_sys_pselect6(int count, unsigned long *read, unsigned long *write, unsigned long *except,
                     struct timespec *timeout, const struct sized_mask *sized) {
    struct sets sets = {.read = read, .write = write, .except = except};
    const uint64_t *mask = sized ? sized->mask : NULL;
    if (sized && uk_check_mask(mask, sized->size))
        return -EINVAL;
    return select_for(count, &sets, timeout, mask);
}
