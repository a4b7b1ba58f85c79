/* SPDX-License-Identifier: MIT */
/*
 * What follows the wall clock when it is set, and what does not: clock_settime(2), timerfd_create(2), timer_create(2).
 * Not a program of tests/posix/, for it would set the clock of this host. Prints TAP.
 */
#include "tap.h"

#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define HOUR 3600

static struct timespec in(clockid_t clock, long seconds) {
    struct timespec time;
    clock_gettime(clock, &time);
    time.tv_sec += seconds;
    return time;
}

static void set(long seconds) {
    struct timespec time = in(CLOCK_REALTIME, seconds);
    ok(clock_settime(CLOCK_REALTIME, &time) == 0, "the clock is set by %ld s", seconds);
}

static void nap(void) {
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
}

static int timer(int flags, struct timespec value) {
    struct itimerspec when = {.it_value = value};
    int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
    ok(timerfd_settime(fd, flags, &when, NULL) == 0, "a timer");
    return fd;
}

static bool is_ready(int fd) {
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return poll(&poll_fd, 1, 0) == 1;
}

static long left(int fd) {
    struct itimerspec when;
    timerfd_gettime(fd, &when);
    return when.it_value.tv_sec;
}

static void test_clocks(void) {
    struct timespec monotonic = in(CLOCK_MONOTONIC, 0), wall = in(CLOCK_REALTIME, 0);
    set(HOUR);
    ok(in(CLOCK_MONOTONIC, 0).tv_sec - monotonic.tv_sec < HOUR, "CLOCK_MONOTONIC goes on as it did");
    ok(in(CLOCK_REALTIME, 0).tv_sec - wall.tv_sec >= HOUR, "CLOCK_REALTIME is an hour ahead");
    set(-HOUR);
}

static void test_timerfd(void) {
    int absolute = timer(TFD_TIMER_ABSTIME, in(CLOCK_REALTIME, HOUR));
    int relative = timer(0, (struct timespec){.tv_sec = HOUR});
    uint64_t expirations = 0;
    set(2 * HOUR);
    nap();
    ok(is_ready(absolute) && read(absolute, &expirations, 8) == 8 && expirations == 1, "an absolute timer is over");
    ok(!is_ready(relative) && left(relative) > HOUR - 100, "a relative one is not");
    close(absolute);
    absolute = timer(TFD_TIMER_ABSTIME, in(CLOCK_REALTIME, 100));
    set(-HOUR);
    ok(left(absolute) > HOUR, "set back: an absolute timer has an hour more");
    ok(left(relative) <= HOUR, "a relative one has not");
    set(-HOUR);
    close(absolute);
    close(relative);
}

static void test_cancelling(void) {
    int cancelled = timer(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, in(CLOCK_REALTIME, 10 * HOUR));
    int kept = timer(TFD_TIMER_ABSTIME, in(CLOCK_REALTIME, 10 * HOUR));
    uint64_t expirations;
    ok(!is_ready(cancelled), "TFD_TIMER_CANCEL_ON_SET: not yet");
    set(1);
    ok(is_ready(cancelled) && read(cancelled, &expirations, 8) == -1 && errno == ECANCELED,
       "the clock is set: ECANCELED");
    ok(read(cancelled, &expirations, 8) == -1 && errno == EAGAIN, "once");
    ok(!is_ready(kept), "not without the flag");
    set(-1);
    ok(read(cancelled, &expirations, 8) == -1 && errno == ECANCELED, "and each time");
    close(cancelled);
    close(kept);
    set(0);
}

/* ---- threads and signals */

static int result;

static void *sleep_until(void *time) {
    result = clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, time, NULL);
    return NULL;
}

/* Not pthread_cond_timedwait(): musl makes a time that is left of it, once. */
static void *wait_until(void *time) {
    static int word;
    int operation = FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME;
    result = syscall(SYS_futex, &word, operation, 0, time, NULL, FUTEX_BITSET_MATCH_ANY) < 0 ? errno : 0;
    return NULL;
}

static void ends(const char *what, void *(*run)(void *), int want) {
    struct timespec time = in(CLOCK_REALTIME, HOUR);
    pthread_t thread;
    result = -1;
    pthread_create(&thread, NULL, run, &time);
    nap();
    ok(result == -1, "%s: it sleeps for an hour", what);
    set(2 * HOUR);
    pthread_join(thread, NULL);
    is_u64((uint64_t)result, (uint64_t)want, "%s: until the clock is set", what);
    set(-2 * HOUR);
}

static volatile sig_atomic_t signals;

static void on_signal(int number) {
    (void)number;
    signals = signals + 1;
}

static void test_posix_timer(void) {
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec when = {.it_value = in(CLOCK_REALTIME, HOUR)};
    timer_t id;
    signal(SIGUSR1, on_signal);
    ok(timer_create(CLOCK_REALTIME, &event, &id) == 0 && timer_settime(id, TIMER_ABSTIME, &when, NULL) == 0,
       "timer_settime()");
    set(2 * HOUR);
    nap();
    is_u64((uint64_t)signals, 1, "its signal comes when the clock is set");
    timer_delete(id);
    set(-2 * HOUR);
}

int main(void) {
    alarm(20);
    test_clocks();
    test_timerfd();
    test_cancelling();
    ends("clock_nanosleep()", sleep_until, 0);
    ends("a futex", wait_until, ETIMEDOUT);
    test_posix_timer();
    return done_testing();
}
