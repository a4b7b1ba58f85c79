/* SPDX-License-Identifier: MIT */
#include "sigqueue.h"

#include <errno.h>

#include "posix/process/credentials.h"

struct pending {
    struct pending *next;
    struct uk_thread *thread; /* NULL: the process */
    siginfo_t info;
};

static struct pending *queue;
static const struct uk_sigqueue_hooks *hooks;

void uk_sigqueue_init(const struct uk_sigqueue_hooks *above) {
    hooks = above;
}

static bool is(const struct pending *pending, const struct uk_thread *thread, int signal) {
    return pending->thread == thread && pending->info.si_signo == signal;
}

static struct pending **find(struct pending **at, const struct uk_thread *thread, int signal) {
    while (*at && !is(*at, thread, signal))
        at = &(*at)->next;
    return at;
}

static struct pending *unlink_pending(struct pending **at) {
    struct pending *pending = *at;
    *at = pending->next;
    return pending;
}

int uk_sigqueue_add(struct uk_thread *thread, const siginfo_t *info) {
    struct pending **at = &queue, *pending = uk_malloc(sizeof *pending);
    if (!pending)
        return -EAGAIN;
    while (*at)
        at = &(*at)->next;
    *pending = (struct pending){.thread = thread, .info = *info};
    *at = pending;
    if (info->si_code == SI_TIMER)
        hooks->timer_queued(info);
    return 0;
}

bool uk_sigqueue_take(struct uk_thread *thread, int signal, siginfo_t *info) {
    struct pending **at = find(&queue, thread, signal);
    *info = (siginfo_t){.si_signo = signal, .si_code = SI_USER};
    info->si_pid = 1;
    info->si_uid = uk_user_ids.real;
    if (!*at)
        return false;
    struct pending *pending = unlink_pending(at);
    *info = pending->info;
    uk_free(pending);
    if (info->si_code == SI_TIMER)
        hooks->timer_taken(info);
    return *find(at, thread, signal);
}

void uk_sigqueue_forget(const struct uk_thread *thread) {
    struct pending **at = &queue;
    while (*at)
        if ((*at)->thread == thread)
            uk_free(unlink_pending(at));
        else
            at = &(*at)->next;
}
