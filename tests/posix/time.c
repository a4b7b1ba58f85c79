/* SPDX-License-Identifier: MIT */
/* Clocks, sleeping and timers. */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <sys/select.h>
#include <sys/sysinfo.h>
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

/* Times on the monotonic clock, wherever one can be given, lie where that clock shows them. */
static void absolute_times(void) {
    int64_t until = now(CLOCK_MONOTONIC) + 20 * MS;
    struct timespec time = {.tv_sec = until / 1000 / MS, .tv_nsec = until % (1000 * MS)};
    int64_t began = now(CLOCK_REALTIME);
    ok(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == 0, "sleeping until then");
    ok(now(CLOCK_MONOTONIC) >= until && now(CLOCK_REALTIME) - began < 1000 * MS, "and no longer");

    pthread_condattr_t attributes;
    pthread_cond_t never;
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&never, &attributes);
    until = now(CLOCK_MONOTONIC) + 20 * MS;
    time = (struct timespec){.tv_sec = until / 1000 / MS, .tv_nsec = until % (1000 * MS)};
    pthread_mutex_lock(&mutex);
    ok(pthread_cond_timedwait(&never, &mutex, &time) == ETIMEDOUT, "waiting for a condition until then");
    ok(now(CLOCK_MONOTONIC) >= until && now(CLOCK_REALTIME) - began < 1000 * MS, "and no longer");
    pthread_mutex_unlock(&mutex);

    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    uint64_t count = 0;
    until = now(CLOCK_MONOTONIC) + 20 * MS;
    struct itimerspec once = {.it_value = {.tv_sec = until / 1000 / MS, .tv_nsec = until % (1000 * MS)}};
    timerfd_settime(fd, TFD_TIMER_ABSTIME, &once, NULL);
    ok(read(fd, &count, sizeof count) == 8 && count == 1, "a timer for then");
    ok(now(CLOCK_MONOTONIC) >= until && now(CLOCK_REALTIME) - began < 1000 * MS, "and no later");
    close(fd);
}

static double number_in(const char *path, const char *format) {
    double number = -1;
    char line[400];
    FILE *file = fopen(path, "r");
    while (file && number < 0 && fgets(line, sizeof line, file))
        if (sscanf(line, format, &number) != 1)
            number = -1;
    if (file)
        fclose(file);
    return number;
}

/* The machine has been up for longer than the program runs, and for the same time whoever is asked. */
static void uptime(void) {
    double up = (double)now(CLOCK_BOOTTIME) / 1e9;
    struct sysinfo info;
    ok(sysinfo(&info) == 0 && fabs((double)info.uptime - up) < 2, "sysinfo: uptime");
    ok(fabs(number_in("/proc/uptime", "%lf") - up) < 2, "/proc/uptime");
    ok(fabs(number_in("/proc/stat", "btime %lf") + up - (double)now(CLOCK_REALTIME) / 1e9) < 2, "/proc/stat: btime");
    double start = number_in("/proc/self/stat", "%*d (%*[^)]) %*c" /* then fields 4 to 21 */
                                                "%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%lf");
    double age = up - start / (double)sysconf(_SC_CLK_TCK);
    ok(age > -1 && age < 10, "/proc/self/stat: when the process started");
    ok(start > 100, "later than the machine");
    ok(now(CLOCK_PROCESS_CPUTIME_ID) < 10000 * MS && now(CLOCK_THREAD_CPUTIME_ID) < 10000 * MS,
       "the time of the processor begins with the program");
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
    absolute_times();
    uptime();
    return done_testing();
}
