/* SPDX-License-Identifier: MIT */
/* Who has the processor, and for how long: its clocks, scheduling, and threads that compute without blocking. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

static double read_clock(clockid_t clock) {
    struct timespec time = {.tv_sec = -1};
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void compute(double seconds) {
    double end = read_clock(CLOCK_MONOTONIC) + seconds;
    while (read_clock(CLOCK_MONOTONIC) < end)
        ;
}

static double user_and_system(int who) {
    struct rusage usage;
    getrusage(who, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6 + (double)usage.ru_stime.tv_sec +
           (double)usage.ru_stime.tv_usec / 1e6;
}

/* ---- clocks. Bounds are wide: what is tested is whether they go on, not how fast. */

static void sleeping(void) {
    double process = read_clock(CLOCK_PROCESS_CPUTIME_ID), thread = read_clock(CLOCK_THREAD_CPUTIME_ID);
    double usage = user_and_system(RUSAGE_SELF), wall = read_clock(CLOCK_MONOTONIC);
    usleep(300000);
    ok(read_clock(CLOCK_MONOTONIC) - wall >= 0.3, "0.3 s pass");
    ok(read_clock(CLOCK_PROCESS_CPUTIME_ID) - process < 0.2, "asleep, the process does not have the processor");
    ok(read_clock(CLOCK_THREAD_CPUTIME_ID) - thread < 0.2, "nor has the thread");
    ok(user_and_system(RUSAGE_SELF) - usage < 0.2, "getrusage");
}

static void computing(void) {
    double process = read_clock(CLOCK_PROCESS_CPUTIME_ID), thread = read_clock(CLOCK_THREAD_CPUTIME_ID);
    double usage = user_and_system(RUSAGE_SELF), of_thread = user_and_system(RUSAGE_THREAD);
    struct tms before, after;
    clock_t ticks = times(&before);
    while (read_clock(CLOCK_THREAD_CPUTIME_ID) - thread < 0.1)
        ;
    ok(read_clock(CLOCK_PROCESS_CPUTIME_ID) - process >= 0.1, "computing, it has");
    ok(user_and_system(RUSAGE_SELF) - usage > 0.05, "getrusage");
    ok(user_and_system(RUSAGE_THREAD) - of_thread > 0.05, "getrusage of the thread");
    ok(times(&after) - ticks >= 5 && after.tms_utime + after.tms_stime - before.tms_utime - before.tms_stime >= 5,
       "times");
}

static pthread_barrier_t barrier;
static double seconds_of_thread;

static void *compute_in_thread(void *unused) {
    (void)unused;
    while (read_clock(CLOCK_THREAD_CPUTIME_ID) < 0.1)
        ;
    seconds_of_thread = read_clock(CLOCK_THREAD_CPUTIME_ID);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return NULL;
}

static void of_others(void) {
    pthread_t thread;
    clockid_t clock;
    double mine = read_clock(CLOCK_THREAD_CPUTIME_ID), process = read_clock(CLOCK_PROCESS_CPUTIME_ID);
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&thread, NULL, compute_in_thread, NULL);
    pthread_barrier_wait(&barrier);
    ok(pthread_getcpuclockid(thread, &clock) == 0 && read_clock(clock) >= 0.1, "the clock of another thread");
    ok(read_clock(clock) >= seconds_of_thread && read_clock(clock) < seconds_of_thread + 0.09, "is that thread's");
    ok(read_clock(CLOCK_THREAD_CPUTIME_ID) - mine < 0.09, "and not this one's");
    ok(read_clock(CLOCK_PROCESS_CPUTIME_ID) - process >= 0.1, "but the process's");
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    ok(clock_getcpuclockid(getpid(), &clock) == 0 && read_clock(clock) >= process, "the clock of a process");
    ok(clock_getcpuclockid(999999, &clock) != 0, "of one that does not exist");
    struct timespec time = {0};
    ok(clock_gettime(-9990, &time) < 0 && errno == EINVAL, "no clock");
    ok(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &time, NULL) == EINVAL, "sleeping by a thread's clock");
}

/* ---- a thread that never blocks */

static atomic_bool stop;
static atomic_int rounds;

static void *set_stop(void *unused) {
    (void)unused;
    usleep(20000);
    stop = true;
    return NULL;
}

static void *count(void *unused) {
    (void)unused;
    while (!stop) {
        rounds++;
        sched_yield();
    }
    return NULL;
}

static void turns(void) {
    pthread_t a, b;
    double end = read_clock(CLOCK_MONOTONIC) + 20;
    pthread_create(&a, NULL, set_stop, NULL);
    while (!stop && read_clock(CLOCK_MONOTONIC) < end)
        ;
    ok(stop, "a loop of system calls that waits for another thread");
    pthread_join(a, NULL);
    stop = false;
    pthread_create(&a, NULL, count, NULL);
    pthread_create(&b, NULL, count, NULL);
    compute(0.1);
    ok(rounds > 0, "two others run meanwhile");
    stop = true;
    pthread_join(a, NULL);
    pthread_join(b, NULL);
}

static volatile sig_atomic_t alarms;

static void on_alarm(int signal) {
    (void)signal;
    alarms++;
}

static void interrupted(void) {
    int fds[2];
    char byte = 'x';
    double end = read_clock(CLOCK_MONOTONIC) + 20;
    struct itimerval every = {{.tv_usec = 10000}, {.tv_usec = 10000}}, never = {0};
    pipe(fds);
    signal(SIGALRM, on_alarm);
    setitimer(ITIMER_REAL, &every, NULL);
    while (alarms < 3 && read_clock(CLOCK_MONOTONIC) < end)
        if (write(fds[1], &byte, 1) != 1 || read(fds[0], &byte, 1) != 1)
            break;
    setitimer(ITIMER_REAL, &never, NULL);
    ok(alarms >= 3, "an alarm in a loop that never blocks");
    close(fds[0]);
    close(fds[1]);
}

/* ---- scheduling */

static void scheduling(void) {
    struct timespec interval;
    ok(syscall(SYS_sched_get_priority_min, SCHED_OTHER) == 0 && syscall(SYS_sched_get_priority_max, SCHED_OTHER) == 0,
       "priorities of SCHED_OTHER");
    ok(syscall(SYS_sched_get_priority_min, SCHED_RR) == 1 && syscall(SYS_sched_get_priority_max, SCHED_FIFO) == 99,
       "of the real-time policies");
    ok(syscall(SYS_sched_get_priority_min, 77) < 0 && errno == EINVAL, "of none");
    ok(syscall(SYS_sched_rr_get_interval, 0, &interval) == 0 && interval.tv_sec == 0, "sched_rr_get_interval");
    ok(syscall(SYS_sched_rr_get_interval, -1, &interval) < 0 && errno == EINVAL, "of thread -1");
    ok(syscall(SYS_sched_getscheduler, 0) == SCHED_OTHER, "sched_getscheduler");
    ok(syscall(SYS_sched_getscheduler, 999999) < 0 && errno == ESRCH, "of no thread");
    cpu_set_t set;
    CPU_ZERO(&set);
    ok(sched_setaffinity(0, sizeof set, &set) < 0 && errno == EINVAL, "no processor at all");
    CPU_SET(0, &set);
    ok(sched_setaffinity(999999, sizeof set, &set) < 0 && errno == ESRCH, "the processors of no thread");
    errno = 0;
    int before = getpriority(PRIO_PROCESS, 0);
    ok(setpriority(PRIO_PROCESS, 0, before + 1) == 0 && getpriority(PRIO_PROCESS, 0) == before + 1, "a nice value");
    ok(setpriority(PRIO_PROCESS, 0, 100) == 0 && getpriority(PRIO_PROCESS, 0) == 19, "the nicest");
    ok(getpriority(99, 0) == -1 && errno == EINVAL, "of nobody");
    ok(setpriority(PRIO_PROCESS, 999999, 1) < 0 && errno == ESRCH, "of no process");
}

int main(void) {
    sleeping();
    computing();
    of_others();
    turns();
    interrupted();
    scheduling();
    return done_testing();
}
