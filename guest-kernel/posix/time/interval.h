/* SPDX-License-Identifier: MIT */
/* A timer that may repeat, as timerfd_settime() and timer_settime() set it. */
#ifndef UK_INTERVAL_H
#define UK_INTERVAL_H

#include "deadline.h"

struct uk_interval {
    struct uk_timer timer; /* its `fire` is the owner's */
    clockid_t clock;
    uint64_t interval; /* 0: once */
};

/* From the timer's callback: how often it has expired, if it is late by several intervals. Starts it again. */
uint64_t uk_interval_expire(struct uk_interval *self);

/* The time left, 0 if it does not run; and the interval. */
void uk_interval_get(const struct uk_interval *self, struct itimerspec *value);

/* Starts it, or stops it with a time of 0; `old`, if not NULL, is what uk_interval_get() gave before. -EINVAL. */
int uk_interval_set(struct uk_interval *self, bool absolute, const struct itimerspec *value, struct itimerspec *old);

#endif
