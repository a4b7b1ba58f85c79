/* SPDX-License-Identifier: MIT */
/* Timers: a list sorted by due time, for the handful that a program has. */
#include "timer.h"

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

static uint64_t earlier(uint64_t due, int64_t by) {
    if (by >= 0)
        return due > (uint64_t)by ? due - (uint64_t)by : 0;
    uint64_t later = due - (uint64_t)by;
    return later > due ? later : UKVM_DEADLINE_NONE;
}

void uk_timers_shift(int64_t by) {
    struct uk_timer *moved = NULL, **last = &moved, *next;
    for (struct uk_timer **at = &timers; *at;) {
        struct uk_timer *timer = *at;
        if (!timer->on_wall) {
            at = &timer->next;
            continue;
        }
        *at = timer->next;
        timer->next = NULL;
        timer->armed = false;
        *last = timer;
        last = &timer->next;
    }
    for (; moved; moved = next) {
        next = moved->next;
        uk_timer_start(moved, earlier(moved->due, by));
    }
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
