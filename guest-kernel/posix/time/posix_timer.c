/* SPDX-License-Identifier: MIT */
/* timer_create(2) and its family: timers that send signals. */
#include <errno.h>
#include <limits.h>
#include <signal.h>

#include "deadline.h"
#include "interval.h"
#include "posix/signals/signal.h"
#include "posix/signals/sigqueue.h"
#include "posix_timer.h"

/* Linux: struct sigevent, as the kernel has it. */
struct event {
    union sigval value;
    int signal, notify, tid;
};

struct posix_timer {
    struct posix_timer *next;
    int id;
    struct event event;
    struct uk_interval interval;
    bool queued;       /* its signal is pending */
    uint64_t overruns; /* since that was sent */
    int last_overruns; /* before the signal that was taken last */
};

static struct posix_timer *timers;

static struct posix_timer *find(int id) {
    struct posix_timer *timer = timers;
    while (timer && timer->id != id)
        timer = timer->next;
    return timer;
}

void uk_posix_timer_queued(const siginfo_t *info) {
    struct posix_timer *self = find(info->si_timerid);
    if (self)
        self->queued = true;
}

void uk_posix_timer_taken(siginfo_t *info) {
    struct posix_timer *self = find(info->si_timerid);
    if (!self)
        return;
    self->last_overruns = self->overruns < INT_MAX ? (int)self->overruns : INT_MAX;
    self->queued = false;
    self->overruns = 0;
    info->si_overrun = self->last_overruns;
}

static void notify(const struct posix_timer *self) {
    siginfo_t info = {.si_signo = self->event.signal, .si_code = SI_TIMER};
    struct uk_thread *thread = NULL;
    info.si_timerid = self->id;
    info.si_value = self->event.value;
    if (self->event.notify == SIGEV_THREAD_ID && !(thread = uk_thread_find(self->event.tid)))
        return;
    uk_signal_send(thread, &info);
}

static void fire(struct uk_timer *timer) {
    struct posix_timer *self = uk_container_of(timer, struct posix_timer, interval.timer);
    uint64_t times = uk_interval_expire(&self->interval);
    if (self->event.notify == SIGEV_NONE)
        return;
    if (self->queued) {
        self->overruns += times;
    } else {
        self->overruns = times - 1;
        notify(self);
    }
}

static int check_event(const struct event *event) {
    if (event->notify == SIGEV_NONE)
        return 0;
    if (event->notify != SIGEV_SIGNAL && event->notify != SIGEV_THREAD_ID)
        return -EINVAL;
    if (event->signal < 1 || event->signal > UK_SIGNALS)
        return -EINVAL;
    return event->notify == SIGEV_THREAD_ID && !uk_thread_find(event->tid) ? -EINVAL : 0;
}

long uk_sys_timer_create(clockid_t clock, const struct event *event, int *id) {
    static int last_id;
    struct event alarm = {.signal = SIGALRM, .notify = SIGEV_SIGNAL, .value.sival_int = last_id};
    int error = uk_clock_check(clock);
    if (error == 0 && event)
        error = check_event(event);
    if (error)
        return error;
    struct posix_timer *self = uk_malloc(sizeof *self);
    if (!self)
        return -EAGAIN;
    *self = (struct posix_timer){
        .next = timers,
        .id = last_id++,
        .event = event ? *event : alarm,
        .interval = {.clock = clock, .timer.fire = fire},
    };
    timers = self;
    *id = self->id;
    return 0;
}

long uk_sys_timer_gettime(int id, struct itimerspec *value) {
    const struct posix_timer *self = find(id);
    if (self)
        uk_interval_get(&self->interval, value);
    return self ? 0 : -EINVAL;
}

long uk_sys_timer_settime(int id, int flags, const struct itimerspec *value, struct itimerspec *old) {
    struct posix_timer *self = find(id);
    int error = self ? uk_interval_set(&self->interval, flags & TIMER_ABSTIME, value, old) : -EINVAL;
    if (error == 0)
        self->overruns = 0;
    return error;
}

long uk_sys_timer_getoverrun(int id) {
    const struct posix_timer *self = find(id);
    return self ? self->last_overruns : -EINVAL;
}

long uk_sys_timer_delete(int id) {
    struct posix_timer *self = find(id), **at = &timers;
    if (!self)
        return -EINVAL;
    while (*at != self)
        at = &(*at)->next;
    *at = self->next;
    uk_timer_stop(&self->interval.timer);
    uk_free(self);
    return 0;
}
