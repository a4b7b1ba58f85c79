/* SPDX-License-Identifier: MIT */
/* Clocks, sleeping and timers. */
#include <errno.h>
#include <poll.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

static int64_t now(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

#define MS INT64_C(1000000)

static void clocks(void) {
    int64_t a = now(CLOCK_MONOTONIC), b = now(CLOCK_MONOTONIC);
    ok(b >= a, "the monotonic clock does not go back");
    ok(now(CLOCK_REALTIME) > INT64_C(1700000000000) * MS, "the year is a likely one");
    struct timeval time;
    gettimeofday(&time, NULL);
    ok(llabs(time.tv_sec - now(CLOCK_REALTIME) / INT64_C(1000000000)) <= 1, "gettimeofday agrees");
    struct timespec unused;
    ok(clock_gettime(99, &unused) < 0 && errno == EINVAL, "a clock that is not there");
    ok(clock_getres(CLOCK_MONOTONIC, &unused) == 0 && unused.tv_nsec == 1, "the resolution");
    struct tm tm;
    time_t epoch = 86400;
    gmtime_r(&epoch, &tm);
    ok(tm.tm_year == 70 && tm.tm_mday == 2, "gmtime");
}

static void sleeping(void) {
    int64_t began = now(CLOCK_MONOTONIC);
    nanosleep(&(struct timespec){0, 10 * MS}, NULL);
    int64_t took = now(CLOCK_MONOTONIC) - began;
    ok(took >= 10 * MS && took < 1000 * MS, "nanosleep of 10 ms");
    ok(nanosleep(&(struct timespec){0, 1000 * MS}, NULL) < 0 && errno == EINVAL, "nanoseconds of more than a second");
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 0;
    ok(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL) == 0, "sleeping until now");
    began = now(CLOCK_MONOTONIC);
    ok(poll(NULL, 0, 20) == 0, "poll on nothing");
    took = now(CLOCK_MONOTONIC) - began;
    ok(took >= 20 * MS && took < 1000 * MS, "takes its 20 ms");
    ok(select(0, NULL, NULL, NULL, &(struct timeval){0, 1000}) == 0, "select on nothing");
}

static void timers(void) {
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    uint64_t count = 0;
    ok(read(fd, &count, sizeof count) < 0 && errno == EAGAIN, "a timer that is not set");
    struct itimerspec every = {.it_interval = {0, 5 * MS}, .it_value = {0, 5 * MS}}, got;
    timerfd_settime(fd, 0, &every, NULL);
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    ok(poll(&poller, 1, 1000) == 1 && poller.revents == POLLIN, "poll sees it expire");
    usleep(20000);
    ok(read(fd, &count, sizeof count) == 8 && count >= 4, "it counts its expirations");
    timerfd_gettime(fd, &got);
    ok(got.it_interval.tv_nsec == 5 * MS && got.it_value.tv_nsec <= 5 * MS, "timerfd_gettime");
    every = (struct itimerspec){0};
    timerfd_settime(fd, 0, &every, NULL);
    usleep(10000);
    ok(read(fd, &count, sizeof count) < 0 && errno == EAGAIN, "stopped, it is silent");
    struct itimerspec past = {.it_value = {0, 1}};
    timerfd_settime(fd, TFD_TIMER_ABSTIME, &past, NULL);
    ok(poll(&poller, 1, 1000) == 1 && read(fd, &count, sizeof count) == 8 && count == 1,
       "an absolute time in the past");
    close(fd);
}

int main(void) {
    clocks();
    sleeping();
    timers();
    return done_testing();
}
