/* SPDX-License-Identifier: MIT */
/* Clocks and sleeping. Time stands in the boot page's terms: nanoseconds since the guest started. ABI.md, TIME. */
#include <errno.h>
#include <sys/time.h>
#include <sys/times.h>

#include "deadline.h"
#include "posix/signals/signal.h"
#include "posix/threads/thread.h"

#define NS UINT64_C(1000000000)
#define TICKS_PER_SECOND 100 /* sysconf(_SC_CLK_TCK), of times() */

/*
 * The clocks of processor time. Negative ones are those of pthread_getcpuclockid() and clock_getcpuclockid(). Linux:
 * include/linux/posix-timers_types.h.
 */
#define OF_THREAD 4

static bool read_processor_clock(clockid_t clock, uint64_t *ns) {
    bool of_thread = clock == CLOCK_THREAD_CPUTIME_ID || (clock < 0 && (clock & OF_THREAD));
    int id = clock < 0 ? ~(clock >> 3) : 0;
    if (clock >= 0 && clock != CLOCK_PROCESS_CPUTIME_ID && clock != CLOCK_THREAD_CPUTIME_ID)
        return false;
    if (!of_thread) {
        *ns = uk_processor_time();
        return id == 0 || id == 1;
    }
    const struct uk_thread *thread = id ? uk_thread_find(id) : uk_current;
    if (thread)
        *ns = uk_thread_processor_time(thread);
    return thread;
}

static bool read_clock(clockid_t clock, uint64_t *ns) {
    if (!uk_clock_goes_on(clock))
        return read_processor_clock(clock, ns);
    *ns = uk_clock_base(clock) + uk_clock_monotonic();
    return true;
}

long uk_sys_clock_gettime(clockid_t clock, struct timespec *time) {
    uint64_t ns;
    if (!read_clock(clock, &ns))
        return -EINVAL;
    *time = uk_timespec(ns);
    return 0;
}

long uk_sys_clock_settime(clockid_t clock, const struct timespec *time) {
    uint64_t ns;
    if (clock != CLOCK_REALTIME || uk_duration(time, &ns))
        return -EINVAL;
    uk_set_wall_base(ns - uk_clock_monotonic());
    return 0;
}

long uk_sys_clock_getres(clockid_t clock, struct timespec *resolution) {
    uint64_t ns;
    if (!read_clock(clock, &ns))
        return -EINVAL;
    if (resolution)
        *resolution = uk_timespec(1);
    return 0;
}

long uk_sys_gettimeofday(struct timeval *time) {
    uint64_t now = uk_wall_base() + uk_clock_monotonic();
    if (time)
        *time = (struct timeval){.tv_sec = (time_t)(now / NS), .tv_usec = (suseconds_t)(now % NS / 1000)};
    return 0;
}

long uk_sys_time(time_t *time) {
    time_t now = (time_t)((uk_wall_base() + uk_clock_monotonic()) / NS);
    if (time)
        *time = now;
    return now;
}

long uk_sys_times(struct tms *times) {
    if (times)
        *times = (struct tms){.tms_utime = (clock_t)(uk_processor_time() / (NS / TICKS_PER_SECOND))};
    return (clock_t)(uk_uptime() / (NS / TICKS_PER_SECOND));
}

static long sleep_until(uint64_t deadline, struct timespec *remaining) {
    static struct uk_thread_list sleepers;
    int result = uk_block(&sleepers, deadline, UK_WAITS_FOR_EVENT);
    if (result == -ETIMEDOUT)
        return 0;
    uint64_t now = uk_clock_monotonic();
    if (remaining)
        *remaining = uk_timespec(deadline > now ? deadline - now : 0);
    return -EINTR;
}

long uk_sys_nanosleep(const struct timespec *duration, struct timespec *remaining) {
    uint64_t deadline;
    if (uk_deadline_after(duration, &deadline))
        return -EINVAL;
    return sleep_until(deadline, remaining);
}

long uk_sys_clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *remaining) {
    uint64_t deadline;
    int error = uk_clock_check(clock);
    if (error)
        return error;
    if (flags & TIMER_ABSTIME ? uk_deadline_at(clock, time, &deadline) : uk_deadline_after(time, &deadline))
        return -EINVAL;
    uk_current->timer.on_wall = (flags & TIMER_ABSTIME) && uk_clock_is_wall(clock);
    long result = sleep_until(deadline, flags & TIMER_ABSTIME ? NULL : remaining);
    uk_current->timer.on_wall = false;
    return result;
}

/* ---- the interval timer behind alarm() and setitimer() */

static struct uk_timer alarm_timer;
static uint64_t alarm_interval;

static void ring_alarm(struct uk_timer *timer) {
    uk_signal_process(14 /* SIGALRM */);
    if (alarm_interval) { /* those that are over already have come with this one */
        uint64_t times = (uk_clock_monotonic() - timer->due) / alarm_interval + 1;
        uk_timer_start(timer, timer->due + times * alarm_interval);
    }
}

static struct timeval timeval_of(uint64_t ns) {
    return (struct timeval){.tv_sec = (time_t)(ns / NS), .tv_usec = (suseconds_t)((ns % NS + 999) / 1000)};
}

static int timeval_ns(const struct timeval *time, uint64_t *ns) {
    if (time->tv_usec < 0 || time->tv_usec >= 1000000)
        return -EINVAL;
    struct timespec spec = {.tv_sec = time->tv_sec, .tv_nsec = time->tv_usec * 1000};
    return uk_duration(&spec, ns);
}

long uk_sys_getitimer(int which, struct itimerval *value) {
    if (which != ITIMER_REAL) /* time of the processor: not counted here */
        return -EINVAL;
    uint64_t now = uk_clock_monotonic();
    uint64_t left = alarm_timer.armed && alarm_timer.due > now ? alarm_timer.due - now : 0;
    *value = (struct itimerval){.it_interval = timeval_of(alarm_interval), .it_value = timeval_of(left)};
    return 0;
}

long uk_sys_setitimer(int which, const struct itimerval *value, struct itimerval *old) {
    uint64_t first, interval;
    if (which != ITIMER_REAL)
        return -EINVAL;
    if (timeval_ns(&value->it_value, &first) || timeval_ns(&value->it_interval, &interval))
        return -EINVAL;
    if (old)
        uk_sys_getitimer(which, old);
    uk_timer_stop(&alarm_timer);
    alarm_timer.fire = ring_alarm;
    alarm_interval = interval;
    if (first)
        uk_timer_start(&alarm_timer, uk_deadline_in(first));
    return 0;
}

long uk_sys_alarm(unsigned seconds) {
    struct itimerval value = {.it_value.tv_sec = seconds}, old = {0};
    uk_sys_setitimer(ITIMER_REAL, &value, &old);
    return old.it_value.tv_sec + (old.it_value.tv_usec != 0);
}
