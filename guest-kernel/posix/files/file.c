/* SPDX-License-Identifier: MIT */
/* Open files, those who watch them, and waiting for one. */
#include "file.h"

#include <sys/epoll.h>

void uk_file_init(struct uk_file *file, const struct uk_file_ops *ops, int flags) {
    *file = (struct uk_file){.ops = ops, .refs = 1, .flags = flags};
}

struct uk_file *uk_file_ref(struct uk_file *file) {
    file->refs++;
    return file;
}

void uk_file_unref(struct uk_file *file) {
    if (--file->refs > 0)
        return;
    while (file->watches)
        file->watches->notify(file->watches, UK_FILE_GONE);
    if (file->ops->close)
        file->ops->close(file);
}

void uk_file_watch(struct uk_file *file, struct uk_watch *watch) {
    watch->file = file;
    watch->prev = NULL;
    watch->next = file->watches;
    if (watch->next)
        watch->next->prev = watch;
    file->watches = watch;
}

void uk_file_unwatch(struct uk_watch *watch) {
    if (!watch->file)
        return;
    if (watch->prev)
        watch->prev->next = watch->next;
    else
        watch->file->watches = watch->next;
    if (watch->next)
        watch->next->prev = watch->prev;
    watch->file = NULL;
}

/* What can be read and written has a second name in poll(2). */
static unsigned with_normal(unsigned events) {
    return events | (events & EPOLLIN ? EPOLLRDNORM : 0u) | (events & EPOLLOUT ? EPOLLWRNORM : 0u);
}

void uk_file_notify(struct uk_file *file, unsigned events) {
    events = with_normal(events);
    for (struct uk_watch *watch = file->watches, *next; watch; watch = next) {
        next = watch->next;
        watch->notify(watch, events);
    }
}

unsigned uk_file_poll(struct uk_file *file) {
    unsigned events = file->ops->poll ? file->ops->poll(file) : EPOLLIN | EPOLLOUT;
    return file->ops->is_counter ? events : with_normal(events);
}

static void wake_sleeper(struct uk_watch *watch, unsigned events) {
    struct uk_sleeper *sleeper = uk_container_of(watch, struct uk_sleeper, watch);
    if (events & UK_FILE_GONE)
        uk_file_unwatch(watch);
    if (events & (sleeper->events | UK_FILE_GONE))
        uk_unblock(sleeper->thread, 0);
}

void uk_file_watch_for(struct uk_file *file, struct uk_sleeper *sleeper, unsigned events) {
    *sleeper = (struct uk_sleeper){
        .watch.notify = wake_sleeper,
        .thread = uk_current,
        .events = events | EPOLLERR | EPOLLHUP,
    };
    uk_file_watch(file, &sleeper->watch);
}

int uk_file_wait(struct uk_file *file, unsigned events, uint64_t deadline) {
    static struct uk_thread_list sleepers;
    struct uk_sleeper sleeper;
    int result = 0;
    uk_file_ref(file);
    uk_file_watch_for(file, &sleeper, events);
    while (result == 0 && !(uk_file_poll(file) & sleeper.events))
        result = uk_block(&sleepers, deadline, file->ops->waits_for);
    uk_file_unwatch(&sleeper.watch);
    uk_file_unref(file);
    return result == -ETIMEDOUT ? -EAGAIN : result;
}
