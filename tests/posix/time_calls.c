/* SPDX-License-Identifier: MIT */
/* Clocks and timers as the kernel has them: every error, what is left of a sleep, and signals that come in between. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

#define MS 1000000L

static int try(long result) {
    return result == -1 ? errno : 0;
}
#define TRY(call, ...) ((unsigned)(errno = 0, try(syscall(call, ##__VA_ARGS__))))

static volatile sig_atomic_t calls;

static void count(int signal) {
    (void)signal;
    calls++;
}

static void handle(int signal, int flags) {
    struct sigaction action = {.sa_handler = count, .sa_flags = flags};
    sigaction(signal, &action, NULL);
    calls = 0;
}

static void clocks(void) {
    static const clockid_t all[] = {
        CLOCK_REALTIME,          CLOCK_MONOTONIC,     CLOCK_PROCESS_CPUTIME_ID,
        CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE,
        CLOCK_MONOTONIC_COARSE,  CLOCK_BOOTTIME,      CLOCK_TAI,
    };
    struct timespec time;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        ok(syscall(SYS_clock_gettime, all[i], &time) == 0 && time.tv_nsec < 1000 * MS &&
               syscall(SYS_clock_getres, all[i], &time) == 0 && syscall(SYS_clock_getres, all[i], NULL) == 0,
           "clock %d", (int)all[i]);
    is_u64(TRY(SYS_clock_gettime, 10, &time), EINVAL, "clock_gettime: a clock that there is not");
    is_u64(TRY(SYS_clock_getres, 99, &time), EINVAL, "clock_getres: a clock that there is not");
    is_u64(TRY(SYS_clock_settime, CLOCK_MONOTONIC, &time), EINVAL, "clock_settime: one that cannot be set");
    is_u64(TRY(SYS_clock_settime, CLOCK_PROCESS_CPUTIME_ID, &time), EINVAL, "clock_settime: time of the processor");
    time = (struct timespec){.tv_nsec = 1000 * MS};
    is_u64(TRY(SYS_clock_settime, CLOCK_REALTIME, &time), EINVAL, "clock_settime: no time");
    is_u64(TRY(SYS_clock_settime, 99, &time), EINVAL, "clock_settime: a clock that there is not");
    time_t seconds = 0;
    ok(syscall(SYS_time, &seconds) == seconds && seconds > 1700000000, "time");
}

static void sleeping(void) {
    struct timespec none = {0}, bad = {0, 1000 * MS}, negative = {-1, 0}, left = {7, 7}, past = {1, 0};
    is_u64(TRY(SYS_nanosleep, &none, &left), 0, "nanosleep: no time");
    is_u64(TRY(SYS_nanosleep, &bad, NULL), EINVAL, "nanosleep: a second of nanoseconds");
    is_u64(TRY(SYS_nanosleep, &negative, NULL), EINVAL, "nanosleep: a negative time");
    is_u64(TRY(SYS_clock_nanosleep, 99, 0, &none, NULL), EINVAL, "clock_nanosleep: a clock that there is not");
    is_u64(TRY(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &bad, NULL), EINVAL, "clock_nanosleep: no time");
    is_u64(TRY(SYS_clock_nanosleep, CLOCK_MONOTONIC, 2, &none, NULL), 0, "clock_nanosleep: flags that say nothing");
    is_u64(TRY(SYS_clock_nanosleep, CLOCK_MONOTONIC_RAW, 0, &none, NULL), EOPNOTSUPP, "clock_nanosleep: the raw clock");
    is_u64(TRY(SYS_clock_nanosleep, CLOCK_REALTIME_COARSE, 0, &none, NULL), EOPNOTSUPP,
           "clock_nanosleep: a coarse one");
    is_u64(TRY(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &none, NULL), EOPNOTSUPP,
           "clock_nanosleep: the thread's processor time");
    is_u64(TRY(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &past, NULL), 0, "clock_nanosleep: until long ago");
    is_u64(TRY(SYS_clock_nanosleep, CLOCK_BOOTTIME, TIMER_ABSTIME, &past, NULL), 0, "by CLOCK_BOOTTIME");
    is_u64(TRY(SYS_clock_nanosleep, CLOCK_TAI, TIMER_ABSTIME, &past, NULL), 0, "by CLOCK_TAI");
    is_u64(TRY(SYS_clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &past, NULL), 0, "by CLOCK_REALTIME");
}

static void interrupted(void) {
    struct timespec hour = {3600, 0}, left = {0};
    struct itimerval soon = {.it_value = {.tv_usec = 10000}};
    handle(SIGALRM, SA_RESTART);
    setitimer(ITIMER_REAL, &soon, NULL);
    is_u64(TRY(SYS_nanosleep, &hour, &left), EINTR, "nanosleep: a signal ends it, whatever SA_RESTART says");
    ok(calls == 1 && left.tv_sec >= 3590 && left.tv_sec < 3600, "and what is left is told");
    setitimer(ITIMER_REAL, &soon, NULL);
    left = (struct timespec){0};
    is_u64(TRY(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &hour, &left), EINTR, "clock_nanosleep: a signal ends it");
    ok(calls == 2 && left.tv_sec >= 3590 && left.tv_sec < 3600, "and what is left is told");
    struct timespec far;
    clock_gettime(CLOCK_MONOTONIC, &far);
    far.tv_sec += 3600;
    left = (struct timespec){7, 7};
    setitimer(ITIMER_REAL, &soon, NULL);
    is_u64(TRY(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &far, &left), EINTR, "until a time: it ends, too");
    ok(left.tv_sec == 7 && left.tv_nsec == 7, "and nothing is told");
    signal(SIGALRM, SIG_IGN);
    setitimer(ITIMER_REAL, &soon, NULL);
    struct timespec some = {0, 40 * MS};
    is_u64(TRY(SYS_nanosleep, &some, NULL), 0, "nanosleep: what is ignored ends nothing");
}

static void alarms(void) {
    struct itimerval value = {.it_value = {.tv_sec = 100}, .it_interval = {.tv_sec = 7}}, old;
    handle(SIGALRM, 0);
    is_u64(TRY(SYS_setitimer, 77, &value, NULL), EINVAL, "setitimer: a timer that there is not");
    is_u64(TRY(SYS_getitimer, 77, &old), EINVAL, "getitimer: a timer that there is not");
    value.it_value.tv_usec = 1000000;
    is_u64(TRY(SYS_setitimer, ITIMER_REAL, &value, NULL), EINVAL, "setitimer: a second of microseconds");
    value.it_value.tv_usec = 1L << 61;
    is_u64(TRY(SYS_setitimer, ITIMER_REAL, &value, NULL), EINVAL, "setitimer: more than that");
    value.it_value.tv_usec = -1;
    is_u64(TRY(SYS_setitimer, ITIMER_REAL, &value, NULL), EINVAL, "setitimer: less than none");
    value.it_value.tv_usec = 0;
    is_u64(TRY(SYS_setitimer, ITIMER_REAL, &value, NULL), 0, "setitimer");
    ok(getitimer(ITIMER_REAL, &old) == 0 && old.it_interval.tv_sec == 7 && old.it_value.tv_sec >= 99 &&
           old.it_value.tv_sec <= 100,
       "getitimer");
    long left = syscall(SYS_alarm, 50);
    ok(left >= 99 && left <= 100, "alarm takes its place, and says what was left");
    ok(getitimer(ITIMER_REAL, &old) == 0 && old.it_interval.tv_sec == 0, "and comes once");
    ok(syscall(SYS_alarm, 0) == 50 && syscall(SYS_alarm, 0) == 0, "none is left");
    value = (struct itimerval){.it_value = {.tv_usec = 1000}, .it_interval = {.tv_usec = 1}};
    setitimer(ITIMER_REAL, &value, NULL);
    while (calls < 5)
        usleep(2000);
    value = (struct itimerval){0};
    setitimer(ITIMER_REAL, &value, &old);
    ok(calls >= 5 && old.it_interval.tv_usec == 1, "an alarm that comes all the time leaves some for others");
    usleep(1000);
    calls = 0;
    usleep(5000);
    ok(calls == 0, "and ends");
}

static void timers(void) {
    struct itimerspec value = {.it_value = {100, 0}, .it_interval = {7, 0}}, old, bad = {.it_value = {0, 1000 * MS}};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    int id, other;
    handle(SIGUSR1, 0);
    is_u64(TRY(SYS_timer_create, 99, &event, &id), EINVAL, "timer_create: a clock that there is not");
    is_u64(TRY(SYS_timer_create, CLOCK_MONOTONIC_RAW, &event, &id), EOPNOTSUPP, "timer_create: the raw clock");
    event.sigev_signo = 65;
    is_u64(TRY(SYS_timer_create, CLOCK_MONOTONIC, &event, &id), EINVAL, "timer_create: a signal that there is not");
    event.sigev_signo = SIGUSR1;
    event.sigev_notify = 99;
    is_u64(TRY(SYS_timer_create, CLOCK_MONOTONIC, &event, &id), EINVAL, "timer_create: a way that there is not");
    event.sigev_notify = SIGEV_SIGNAL;
    is_u64(TRY(SYS_timer_create, CLOCK_MONOTONIC, &event, &id), 0, "timer_create");
    is_u64(TRY(SYS_timer_create, CLOCK_BOOTTIME, NULL, &other), 0, "timer_create: SIGALRM");
    ok(id != other, "another one");
    is_u64(TRY(SYS_timer_settime, id, 0, &bad, NULL), EINVAL, "timer_settime: no time");
    is_u64(TRY(SYS_timer_settime, 4711, 0, &value, NULL), EINVAL, "timer_settime: a timer that there is not");
    is_u64(TRY(SYS_timer_gettime, 4711, &old), EINVAL, "timer_gettime, too");
    is_u64(TRY(SYS_timer_getoverrun, 4711), EINVAL, "timer_getoverrun, too");
    is_u64(TRY(SYS_timer_delete, 4711), EINVAL, "timer_delete, too");
    is_u64(TRY(SYS_timer_settime, id, 0, &value, &old), 0, "timer_settime");
    ok(old.it_value.tv_sec == 0 && old.it_value.tv_nsec == 0 && old.it_interval.tv_sec == 0, "it was not set");
    is_u64(TRY(SYS_timer_gettime, id, &old), 0, "timer_gettime");
    ok(old.it_value.tv_sec >= 99 && old.it_value.tv_sec <= 100 && old.it_interval.tv_sec == 7, "it is now");
    value = (struct itimerspec){.it_value = {1, 0}};
    is_u64(TRY(SYS_timer_settime, id, TIMER_ABSTIME, &value, &old), 0, "until a time that is past");
    ok(old.it_interval.tv_sec == 7 && old.it_value.tv_sec >= 99, "what it was before");
    for (int i = 0; i < 1000 && !calls; i++)
        usleep(1000);
    is_u64((unsigned)calls, 1, "comes at once");
    is_u64(TRY(SYS_timer_getoverrun, id), 0, "once");
    is_u64(TRY(SYS_timer_delete, id), 0, "timer_delete");
    is_u64(TRY(SYS_timer_delete, id), EINVAL, "but once");
    syscall(SYS_timer_delete, other);
}

static void descriptors(void) {
    struct itimerspec value = {.it_value = {100, 0}, .it_interval = {7, 0}}, old, bad = {.it_interval = {-1, 0}};
    uint64_t expired;
    int pipes[2];
    is_u64(TRY(SYS_timerfd_create, 99, 0), EINVAL, "timerfd_create: a clock that there is not");
    is_u64(TRY(SYS_timerfd_create, CLOCK_MONOTONIC_RAW, 0), EINVAL, "timerfd_create: the raw clock");
    is_u64(TRY(SYS_timerfd_create, CLOCK_MONOTONIC, 1), EINVAL, "timerfd_create: a flag that there is not");
    int fd = (int)syscall(SYS_timerfd_create, CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    ok(fd >= 0 && pipe(pipes) == 0, "timerfd_create");
    is_u64(TRY(SYS_timerfd_settime, fd, 8, &value, NULL), EINVAL, "timerfd_settime: a flag that there is not");
    is_u64(TRY(SYS_timerfd_settime, fd, 0, &bad, NULL), EINVAL, "timerfd_settime: no time");
    is_u64(TRY(SYS_timerfd_settime, 999, 0, &value, NULL), EBADF, "timerfd_settime: no descriptor");
    is_u64(TRY(SYS_timerfd_settime, pipes[0], 0, &value, NULL), EINVAL, "timerfd_settime: of something else");
    is_u64(TRY(SYS_timerfd_gettime, 999, &old), EBADF, "timerfd_gettime: no descriptor");
    is_u64(TRY(SYS_timerfd_gettime, pipes[0], &old), EINVAL, "timerfd_gettime: of something else");
    is_u64(TRY(SYS_timerfd_settime, fd, 0, &value, &old), 0, "timerfd_settime");
    ok(old.it_value.tv_sec == 0 && old.it_interval.tv_sec == 0, "it was not set");
    ok(timerfd_gettime(fd, &old) == 0 && old.it_interval.tv_sec == 7 && old.it_value.tv_sec >= 99, "it is now");
    is_u64(TRY(SYS_read, fd, &expired, 4), EINVAL, "read of less than a number");
    is_u64(TRY(SYS_read, fd, &expired, 8), EAGAIN, "read before it expires");
    is_u64(TRY(SYS_write, fd, &expired, 8), EINVAL, "write");
    close(fd);
    fd = (int)syscall(SYS_timerfd_create, CLOCK_REALTIME, 0);
    value = (struct itimerspec){.it_value = {1, 0}};
    ok(timerfd_settime(fd, TFD_TIMER_ABSTIME, &value, NULL) == 0 && read(fd, &expired, 8) == 8 && expired == 1,
       "a time that is past");
    struct itimerval soon = {.it_value = {.tv_usec = 10000}};
    value = (struct itimerspec){.it_value = {0, 60 * MS}};
    handle(SIGALRM, SA_RESTART);
    setitimer(ITIMER_REAL, &soon, NULL);
    timerfd_settime(fd, 0, &value, NULL);
    ok(read(fd, &expired, 8) == 8 && calls == 1, "read goes on after a signal with SA_RESTART");
    value.it_value.tv_sec = 100;
    handle(SIGALRM, 0);
    setitimer(ITIMER_REAL, &soon, NULL);
    timerfd_settime(fd, 0, &value, NULL);
    is_u64(TRY(SYS_read, fd, &expired, 8), EINTR, "and ends without");
    close(fd);
    close(pipes[0]);
    close(pipes[1]);
}

int main(void) {
    clocks();
    sleeping();
    interrupted();
    alarms();
    timers();
    descriptors();
    return done_testing();
}
