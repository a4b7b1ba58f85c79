/* SPDX-License-Identifier: MIT */
#include "deadline.h"

#include <errno.h>

#include "core/timer.h"

#define NS UINT64_C(1000000000)
#define UPTIME_AT_START (3600 * NS)

static int64_t wall_shift; /* by clock_settime() */

uint64_t uk_wall_base(void) {
    return uk_boot()->wall_base + (uint64_t)wall_shift;
}

void (*uk_wall_set_hook)(void);

void uk_set_wall_base(uint64_t base) {
    int64_t by = (int64_t)(base - uk_wall_base());
    wall_shift = (int64_t)(base - uk_boot()->wall_base);
    uk_timers_shift(by);
    if (uk_wall_set_hook)
        uk_wall_set_hook();
}

uint64_t uk_uptime(void) {
    return UPTIME_AT_START + uk_clock_monotonic();
}

struct timespec uk_timespec(uint64_t ns) {
    return (struct timespec){.tv_sec = (time_t)(ns / NS), .tv_nsec = (long)(ns % NS)};
}

int uk_duration(const struct timespec *time, uint64_t *ns) {
    if (time->tv_sec < 0 || (unsigned long)time->tv_nsec >= NS)
        return -EINVAL;
    if (__builtin_mul_overflow((uint64_t)time->tv_sec, NS, ns) ||
        __builtin_add_overflow(*ns, (uint64_t)time->tv_nsec, ns))
        *ns = UINT64_MAX;
    return 0;
}

uint64_t uk_deadline_in(uint64_t ns) {
    uint64_t deadline;
    return __builtin_add_overflow(uk_clock_monotonic(), ns, &deadline) ? UKVM_DEADLINE_NONE : deadline;
}

int uk_deadline_after(const struct timespec *duration, uint64_t *deadline) {
    uint64_t ns;
    if (uk_duration(duration, &ns))
        return -EINVAL;
    *deadline = uk_deadline_in(ns);
    return 0;
}

bool uk_clock_is_wall(clockid_t clock) {
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI ||
           clock == CLOCK_REALTIME_ALARM;
}

uint64_t uk_clock_base(clockid_t clock) {
    return uk_clock_is_wall(clock) ? uk_wall_base() : UPTIME_AT_START;
}

int uk_deadline_at(clockid_t clock, const struct timespec *time, uint64_t *deadline) {
    uint64_t ns, base = uk_clock_base(clock);
    if (uk_duration(time, &ns))
        return -EINVAL;
    if (ns != UINT64_MAX)
        ns = ns > base ? ns - base : 0;
    *deadline = ns;
    return 0;
}

bool uk_clock_goes_on(clockid_t clock) {
    return clock <= CLOCK_TAI && clock >= 0 && clock != 10 && clock != CLOCK_PROCESS_CPUTIME_ID &&
           clock != CLOCK_THREAD_CPUTIME_ID;
}

/* The coarse and the raw one Linux has no timers for; those of processor time are not here. */
int uk_clock_check(clockid_t clock) {
    if (clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID || clock == CLOCK_MONOTONIC_RAW ||
        clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_REALTIME_COARSE)
        return -EOPNOTSUPP;
    return uk_clock_goes_on(clock) ? 0 : -EINVAL;
}
