/* SPDX-License-Identifier: MIT */
/* Timers: a list sorted by due time, for the handful that a program has. */
#include "kernel.h"

static struct uk_timer *timers;

void uk_timer_start(struct uk_timer *timer, uint64_t due) {
    uk_timer_stop(timer);
    timer->due = due;
    timer->armed = true;
    struct uk_timer **at = &timers;
    while (*at && (*at)->due <= due)
        at = &(*at)->next;
    timer->next = *at;
    *at = timer;
}

void uk_timer_stop(struct uk_timer *timer) {
    if (!timer->armed)
        return;
    struct uk_timer **at = &timers;
    while (*at != timer)
        at = &(*at)->next;
    *at = timer->next;
    timer->armed = false;
}

uint64_t uk_timers_next(void) {
    return timers ? timers->due : UKVM_DEADLINE_NONE;
}

unsigned uk_timers_run(uint64_t now) {
    unsigned fired = 0;
    while (timers && timers->due <= now) {
        struct uk_timer *timer = timers;
        uk_timer_stop(timer);
        timer->fire(timer);
        fired++;
    }
    return fired;
}
