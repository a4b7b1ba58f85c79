/* SPDX-License-Identifier: MIT */
/* struct timespec against the kernel's own time, monotonic nanoseconds. */
#ifndef UK_DEADLINE_H
#define UK_DEADLINE_H

#include <time.h>

#include "ukvm.h"

/* Nanoseconds; UINT64_MAX for more than fit. -EINVAL if it is no time. */
int uk_duration(const struct timespec *time, uint64_t *ns);

/* The deadline that lies that far ahead. */
int uk_deadline_after(const struct timespec *duration, uint64_t *deadline);

/* The deadline at which that clock shows that time. */
int uk_deadline_at(clockid_t clock, const struct timespec *time, uint64_t *deadline);

/* Whether timers and sleeps can go by a clock: 0, -EINVAL for none, -EOPNOTSUPP for one that is only to be read. */
int uk_clock_check(clockid_t clock);

/* The same for a number of nanoseconds from now; saturates at UKVM_DEADLINE_NONE. */
uint64_t uk_deadline_in(uint64_t ns);

struct timespec uk_timespec(uint64_t ns);

/*
 * What CLOCK_MONOTONIC and CLOCK_BOOTTIME show, in nanoseconds. They do not begin at 0, for no program is used to that:
 * on Linux it is started minutes after the machine. libevent takes its wall clock right only after 5 s, and a time of 0
 * often stands for "never".
 */
uint64_t uk_uptime(void);

/* What is added to monotonic time to give the wall clock; clock_settime() changes it. */
uint64_t uk_wall_base(void);

/* Timers that are on the wall clock move with it; then the hook is called, if it is not NULL. */
void uk_set_wall_base(uint64_t base);
extern void (*uk_wall_set_hook)(void);

/* Whether the clock is the wall clock, which can be set. */
bool uk_clock_is_wall(clockid_t clock);

/* What a clock showed when the guest started; whether it is one that goes on while the program sleeps. */
uint64_t uk_clock_base(clockid_t clock);
bool uk_clock_goes_on(clockid_t clock);

#endif
