/* SPDX-License-Identifier: MIT */
/*
 * epoll(7). Each descriptor that an epoll watches is an item; items whose files have notified are in the ready list,
 * and only those are looked at. A level-triggered item goes back to the end of the list for as long as its file is
 * ready.
 */
#include <fcntl.h>
#include <sys/epoll.h>

#include "file.h"
#include "posix/time/deadline.h"
#include "waiting.h"

#define BUCKETS 64u

/* How an item is watched, not what for. */
#define NOT_EVENTS (EPOLLET | EPOLLONESHOT | EPOLLEXCLUSIVE | EPOLLWAKEUP)

struct item {
    struct uk_watch watch;
    struct epoll *epoll;
    struct item *next; /* in its bucket */
    struct item *ready_next, *ready_prev;
    bool is_ready; /* in the ready list */
    int fd;
    unsigned events;
    epoll_data_t data;
};

struct epoll {
    struct uk_file file;
    struct item *buckets[BUCKETS]; /* by descriptor */
    struct item *ready_first, *ready_last;
};

static void append_ready(struct epoll *epoll, struct item *item) {
    if (item->is_ready)
        return;
    item->is_ready = true;
    item->ready_next = NULL;
    item->ready_prev = epoll->ready_last;
    if (epoll->ready_last)
        epoll->ready_last->ready_next = item;
    else
        epoll->ready_first = item;
    epoll->ready_last = item;
}

static void remove_ready(struct epoll *epoll, struct item *item) {
    if (!item->is_ready)
        return;
    item->is_ready = false;
    if (item->ready_prev)
        item->ready_prev->ready_next = item->ready_next;
    else
        epoll->ready_first = item->ready_next;
    if (item->ready_next)
        item->ready_next->ready_prev = item->ready_prev;
    else
        epoll->ready_last = item->ready_prev;
}

static struct item **find(struct epoll *epoll, int fd, const struct uk_file *file) {
    struct item **at = &epoll->buckets[(unsigned)fd % BUCKETS];
    while (*at && ((*at)->fd != fd || (*at)->watch.file != file))
        at = &(*at)->next;
    return at;
}

static void drop(struct item **at) {
    struct item *item = *at;
    *at = item->next;
    remove_ready(item->epoll, item);
    uk_file_unwatch(&item->watch);
    uk_free(item);
}

static void notified(struct uk_watch *watch, unsigned events) {
    struct item *item = uk_container_of(watch, struct item, watch);
    if (events & UK_FILE_GONE) {
        drop(find(item->epoll, item->fd, watch->file));
        return;
    }
    if (!(events & (item->events | EPOLLERR | EPOLLHUP)) || !(item->events & ~NOT_EVENTS))
        return;
    append_ready(item->epoll, item);
    uk_file_notify(&item->epoll->file, EPOLLIN);
}

static unsigned poll_item(const struct item *item) {
    return uk_file_poll(item->watch.file) & (item->events | EPOLLERR | EPOLLHUP) & ~NOT_EVENTS;
}

static unsigned poll(struct uk_file *file) {
    struct epoll *epoll = (struct epoll *)file;
    for (struct item *item = epoll->ready_first; item; item = item->ready_next)
        if (poll_item(item))
            return EPOLLIN;
    return 0;
}

static void close(struct uk_file *file) {
    struct epoll *epoll = (struct epoll *)file;
    for (unsigned i = 0; i < BUCKETS; i++)
        while (epoll->buckets[i])
            drop(&epoll->buckets[i]);
    uk_free(epoll);
}

static const struct uk_file_ops ops = {.name = "anon_inode:[eventpoll]", .poll = poll, .close = close};

long uk_sys_epoll_create1(int flags) {
    if (flags & ~EPOLL_CLOEXEC)
        return -EINVAL;
    struct epoll *epoll = uk_malloc(sizeof *epoll);
    if (!epoll)
        return -ENOMEM;
    *epoll = (struct epoll){0};
    uk_file_init(&epoll->file, &ops, O_RDWR);
    return uk_fd_add(&epoll->file, 0, flags & EPOLL_CLOEXEC ? FD_CLOEXEC : 0);
}

long uk_sys_epoll_create(int size) {
    return size > 0 ? uk_sys_epoll_create1(0) : -EINVAL;
}

static struct epoll *epoll_of(int fd) {
    struct uk_file *file = uk_fd_get(fd);
    return file && file->ops == &ops ? (struct epoll *)file : NULL;
}

static void arm(struct item *item, const struct epoll_event *event) {
    item->events = event->events;
    item->data = event->data;
    remove_ready(item->epoll, item);
    if (poll_item(item) && (item->events & ~NOT_EVENTS)) {
        append_ready(item->epoll, item);
        uk_file_notify(&item->epoll->file, EPOLLIN);
    }
}

static int add(struct epoll *epoll, struct item **at, int fd, struct uk_file *file, const struct epoll_event *event) {
    struct item *item = uk_malloc(sizeof *item);
    if (!item)
        return -ENOMEM;
    *item = (struct item){.watch.notify = notified, .epoll = epoll, .next = *at, .fd = fd};
    *at = item;
    uk_file_watch(file, &item->watch);
    arm(item, event);
    return 0;
}

/* An epoll that watches itself, by way of others, would never come to an end. */
static bool watches(const struct epoll *epoll, const struct epoll *other, unsigned depth) {
    if (epoll == other || depth == 0)
        return true;
    for (unsigned i = 0; i < BUCKETS; i++)
        for (const struct item *item = epoll->buckets[i]; item; item = item->next)
            if (item->watch.file->ops == &ops && watches((const struct epoll *)item->watch.file, other, depth - 1))
                return true;
    return false;
}

/*
 * With EPOLLEXCLUSIVE one of several epolls on a file may be woken for all; here every one of them is, which is
 * allowed. What it cannot be combined with: epoll_ctl(2).
 */
#define WITH_EXCLUSIVE (EPOLLEXCLUSIVE | EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET)

static int check_exclusive(int operation, const struct item *item, const struct uk_file *file, unsigned events) {
    if (operation == EPOLL_CTL_MOD)
        return (events & EPOLLEXCLUSIVE) || (item && (item->events & EPOLLEXCLUSIVE)) ? -EINVAL : 0;
    if (operation != EPOLL_CTL_ADD || !(events & EPOLLEXCLUSIVE))
        return 0;
    return (events & ~WITH_EXCLUSIVE) || file->ops == &ops ? -EINVAL : 0;
}

long uk_sys_epoll_ctl(int epoll_fd, int operation, int fd, const struct epoll_event *event) {
    struct uk_file *file = uk_fd_get(fd);
    if (!file || !uk_fd_get(epoll_fd))
        return -EBADF;
    struct epoll *epoll = epoll_of(epoll_fd);
    if (!epoll || file == &epoll->file)
        return -EINVAL;
    if (!file->ops->poll) /* a plain file is always ready: epoll_ctl(2) */
        return -EPERM;
    struct item **at = find(epoll, fd, file);
    int error = operation == EPOLL_CTL_DEL ? 0 : check_exclusive(operation, *at, file, event->events);
    if (error)
        return error;
    switch (operation) {
    case EPOLL_CTL_ADD:
        if (*at)
            return -EEXIST;
        if (file->ops == &ops && watches((struct epoll *)file, epoll, 5))
            return -ELOOP;
        return add(epoll, at, fd, file, event);
    case EPOLL_CTL_MOD:
        if (!*at)
            return -ENOENT;
        arm(*at, event);
        return 0;
    case EPOLL_CTL_DEL:
        if (!*at)
            return -ENOENT;
        drop(at);
        return 0;
    default:
        return -EINVAL;
    }
}

/* Takes ready items, each at most once: those that stay ready go behind the last one that was there at first. */
static int take(struct epoll *epoll, struct epoll_event *events, int most) {
    struct item *last = epoll->ready_last, *item;
    int count = 0;
    while (count < most && (item = epoll->ready_first)) {
        bool is_last = item == last;
        unsigned ready = poll_item(item);
        remove_ready(epoll, item);
        if (ready) {
            events[count++] = (struct epoll_event){.events = ready, .data = item->data};
            if (item->events & EPOLLONESHOT)
                item->events &= NOT_EVENTS;
            else if (!(item->events & EPOLLET))
                append_ready(epoll, item);
        }
        if (is_last)
            break;
    }
    return count;
}

static long wait_until(int fd, struct epoll_event *events, int most, uint64_t deadline) {
    struct epoll *epoll = epoll_of(fd);
    int count;
    if (!uk_fd_get(fd))
        return -EBADF;
    if (!epoll || most <= 0)
        return -EINVAL;
    uk_file_ref(&epoll->file);
    while ((count = take(epoll, events, most)) == 0) {
        if (deadline == 0) {
            uk_poll_sometimes();
            count = take(epoll, events, most);
            break;
        }
        int result = uk_file_wait(&epoll->file, EPOLLIN, deadline);
        if (result) {
            count = result == -EAGAIN ? 0 : -EINTR;
            break;
        }
    }
    uk_file_unref(&epoll->file);
    return count;
}

static long wait_masked(int fd, struct epoll_event *events, int most, uint64_t deadline, const uint64_t *mask) {
    uint64_t before = uk_mask_begin(mask);
    long result = wait_until(fd, events, most, deadline);
    uk_mask_end(mask, before, result);
    return result;
}

long uk_sys_epoll_pwait(int fd, struct epoll_event *events, int most, int timeout_ms, const uint64_t *mask,
                        size_t mask_size) {
    uint64_t deadline = UKVM_DEADLINE_NONE;
    if (uk_check_mask(mask, mask_size))
        return -EINVAL;
    if (timeout_ms >= 0)
        deadline = timeout_ms ? uk_deadline_in((uint64_t)timeout_ms * UK_MILLISECOND) : 0;
    return wait_masked(fd, events, most, deadline, mask);
}

long uk_sys_epoll_wait(int fd, struct epoll_event *events, int most, int timeout_ms) {
    return uk_sys_epoll_pwait(fd, events, most, timeout_ms, NULL, 0);
}

long uk_sys_epoll_pwait2(int fd, struct epoll_event *events, int most, const struct timespec *timeout,
                         const uint64_t *mask, size_t mask_size) {
    uint64_t deadline;
    if (uk_check_mask(mask, mask_size) || uk_timeout_deadline(timeout, &deadline))
        return -EINVAL;
    return wait_masked(fd, events, most, deadline, mask);
}
