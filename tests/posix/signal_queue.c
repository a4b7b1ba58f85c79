/* SPDX-License-Identifier: MIT */
/* What comes with a signal, and where else it can go: sigqueue(), POSIX timers, signalfd. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

static volatile siginfo_t last;
static volatile sig_atomic_t count, values[16], overruns[16];

static void on_signal(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)context;
    last = *info;
    if (count < 16) {
        values[count] = info->si_value.sival_int;
        overruns[count] = info->si_code == SI_TIMER ? info->si_overrun : -1;
    }
    count++;
}

static void handle(int signal) {
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    sigaction(signal, &action, NULL);
    count = 0;
}

static sigset_t set_of(int signal) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    return set;
}

static void block(int how, int signal) {
    sigset_t set = set_of(signal);
    pthread_sigmask(how, &set, NULL);
}

/* ---- values */

static void queueing(void) {
    const int rt = SIGRTMIN + 1;
    handle(rt);
    ok(sigqueue(getpid(), rt, (union sigval){.sival_int = 7}) == 0 && count == 1, "sigqueue");
    ok(last.si_signo == rt && last.si_code == SI_QUEUE && last.si_pid == getpid() && last.si_uid == getuid() &&
           last.si_value.sival_int == 7,
       "what comes with it");
    kill(getpid(), rt);
    ok(last.si_code == SI_USER && last.si_pid == getpid() && last.si_uid == getuid(), "kill");
    raise(rt);
    ok(last.si_code == SI_TKILL && last.si_pid == getpid(), "raise");
    count = 0;
    block(SIG_BLOCK, rt);
    for (int i = 0; i < 5; i++)
        sigqueue(getpid(), rt, (union sigval){.sival_int = 100 + i});
    ok(count == 0, "five are blocked");
    block(SIG_UNBLOCK, rt);
    ok(count == 5 && values[0] == 100 && values[4] == 104, "a real-time signal comes as often, in order");
    handle(SIGUSR1);
    block(SIG_BLOCK, SIGUSR1);
    for (int i = 0; i < 5; i++)
        sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 100 + i});
    block(SIG_UNBLOCK, SIGUSR1);
    ok(count == 1 && values[0] == 100, "another one once, the first");
    signal(SIGUSR1, SIG_IGN);
    ok(sigqueue(getpid(), SIGUSR1, (union sigval){0}) == 0, "one that is ignored");
    ok(sigqueue(getpid(), 99, (union sigval){0}) < 0 && errno == EINVAL, "none");
    ok(sigqueue(999999, rt, (union sigval){0}) < 0 && errno == ESRCH, "to nobody");
    ok(sigqueue(getpid(), 0, (union sigval){0}) == 0, "0: is there somebody?");
}

static void waiting(void) {
    const int rt = SIGRTMIN + 2;
    sigset_t set = set_of(rt);
    siginfo_t info;
    struct timespec now = {0};
    block(SIG_BLOCK, rt);
    sigqueue(getpid(), rt, (union sigval){.sival_int = 1});
    sigqueue(getpid(), rt, (union sigval){.sival_int = 2});
    ok(sigwaitinfo(&set, &info) == rt && info.si_code == SI_QUEUE && info.si_value.sival_int == 1, "sigwaitinfo");
    ok(sigwaitinfo(&set, &info) == rt && info.si_value.sival_int == 2, "the next one");
    ok(sigtimedwait(&set, &info, &now) < 0 && errno == EAGAIN, "and no more");
    block(SIG_UNBLOCK, rt);
}

/* ---- timers */

/* Not with pause(), which would miss a signal that comes just before it. */
static void wait_for(int signals) {
    for (int i = 0; i < 10000 && count < signals; i++)
        usleep(1000);
}

static timer_t make_timer(int notify, int signal, int value) {
    timer_t timer = NULL;
    struct sigevent event = {.sigev_notify = notify, .sigev_signo = signal, .sigev_value.sival_int = value};
    ok(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0, "timer_create");
    return timer;
}

static void start(timer_t timer, long first_ms, long interval_ms) {
    struct itimerspec value = {
        .it_value = {.tv_sec = first_ms / 1000, .tv_nsec = first_ms % 1000 * 1000000},
        .it_interval = {.tv_nsec = interval_ms * 1000000},
    };
    timer_settime(timer, 0, &value, NULL);
}

static volatile sig_atomic_t in_thread;
static pthread_t main_thread;

static void on_timer(union sigval value) {
    if (!pthread_equal(pthread_self(), main_thread))
        in_thread = value.sival_int;
}

static void timers(void) {
    struct itimerspec value;
    handle(SIGUSR2);
    timer_t timer = make_timer(SIGEV_SIGNAL, SIGUSR2, 42);
    start(timer, 100000, 0);
    ok(timer_gettime(timer, &value) == 0 && value.it_value.tv_sec > 0 && value.it_value.tv_sec < 100, "timer_gettime");
    start(timer, 20, 0);
    wait_for(1);
    ok(last.si_signo == SIGUSR2 && last.si_code == SI_TIMER && last.si_value.sival_int == 42, "a signal by a timer");
    ok(timer_gettime(timer, &value) == 0 && value.it_value.tv_nsec == 0 && count == 1, "once");
    count = 0;
    start(timer, 5, 5);
    wait_for(3);
    ok(count >= 3, "again and again");
    block(SIG_BLOCK, SIGUSR2);
    usleep(60000);
    count = 0;
    block(SIG_UNBLOCK, SIGUSR2);
    ok(count >= 1 && count < 5 && overruns[0] >= 5, "blocked meanwhile: one signal, and how many were missed");
    ok(timer_getoverrun(timer) >= 0, "timer_getoverrun");
    start(timer, 0, 0);
    usleep(20000);
    count = 0;
    usleep(20000);
    ok(count == 0, "stopped");
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    value = (struct itimerspec){.it_value = now};
    ok(timer_settime(timer, TIMER_ABSTIME, &value, NULL) == 0, "a time that has come");
    wait_for(1);
    ok(count == 1 && timer_delete(timer) == 0, "timer_delete");
    timer_t other = make_timer(SIGEV_SIGNAL, SIGUSR2, 2);
    timer = make_timer(SIGEV_SIGNAL, SIGUSR2, 1);
    handle(SIGUSR2);
    block(SIG_BLOCK, SIGUSR2);
    for (int i = 0; i < 2; i++) {
        start(timer, 1, 0);
        start(other, 2, 0);
        usleep(20000);
    }
    block(SIG_UNBLOCK, SIGUSR2);
    ok(count == 2 && values[0] == 1 && values[1] == 2, "two timers with one signal: each sends its own");
    signal(SIGUSR2, SIG_IGN);
    start(timer, 1, 1);
    usleep(20000);
    handle(SIGUSR2);
    wait_for(1);
    ok(count >= 1, "ignored at first, and then handled");
    timer_delete(timer);
    timer_delete(other);
    timer = make_timer(SIGEV_NONE, 0, 0);
    start(timer, 1, 0);
    usleep(5000);
    ok(timer_gettime(timer, &value) == 0 && value.it_value.tv_nsec == 0, "one that only runs");
    timer_delete(timer);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 99};
    ok(timer_create(CLOCK_MONOTONIC, &event, &timer) < 0 && errno == EINVAL, "with no signal");
    ok(timer_create(77, NULL, &timer) < 0 && errno == EINVAL, "by no clock");
    main_thread = pthread_self();
    event =
        (struct sigevent){.sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_timer, .sigev_value.sival_int = 9};
    ok(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0, "one that calls a function in a thread");
    start(timer, 10, 0);
    for (int i = 0; i < 1000 && !in_thread; i++)
        usleep(10000);
    ok(in_thread == 9, "which it does");
    timer_delete(timer);
}

/* ---- signalfd */

static void *send_later(void *target) {
    usleep(20000);
    pthread_kill(*(pthread_t *)target, SIGUSR1);
    return NULL;
}

static void descriptors(void) {
    struct signalfd_siginfo info[3];
    sigset_t set = set_of(SIGUSR1);
    pthread_t thread, self = pthread_self();
    signal(SIGUSR1, SIG_DFL);
    block(SIG_BLOCK, SIGUSR1);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    ok(fd >= 0 && read(fd, info, sizeof info) < 0 && errno == EAGAIN && poll(&wait, 1, 0) == 0, "signalfd");
    kill(getpid(), SIGUSR1);
    ok(poll(&wait, 1, 0) == 1 && wait.revents == POLLIN, "readable");
    ok(read(fd, info, sizeof info) == sizeof info[0] && info[0].ssi_signo == SIGUSR1 && info[0].ssi_code == SI_USER &&
           info[0].ssi_pid == (uint32_t)getpid() && info[0].ssi_uid == getuid(),
       "a signal is read");
    ok(poll(&wait, 1, 0) == 0 && read(fd, info, sizeof info) < 0, "and gone");
    ok(read(fd, info, 10) < 0 && errno == EINVAL, "a buffer that is too small");
    set = set_of(SIGRTMIN + 3);
    sigaddset(&set, SIGUSR1);
    block(SIG_BLOCK, SIGRTMIN + 3);
    ok(signalfd(fd, &set, 0) == fd, "another set");
    sigqueue(getpid(), SIGRTMIN + 3, (union sigval){.sival_int = 5});
    sigqueue(getpid(), SIGRTMIN + 3, (union sigval){.sival_int = 6});
    kill(getpid(), SIGUSR1);
    ok(read(fd, info, sizeof info) == sizeof info && info[0].ssi_signo == SIGUSR1 && info[1].ssi_int == 5 &&
           info[2].ssi_int == 6,
       "three at once");
    int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    pthread_create(&thread, NULL, send_later, &self);
    ok(epoll_wait(epoll, &event, 1, 10000) == 1 && read(fd, info, sizeof info) == sizeof info[0] &&
           info[0].ssi_code == SI_TKILL,
       "epoll wakes for a signal to this thread");
    pthread_join(thread, NULL);
    close(epoll);
    close(fd);
    fd = signalfd(-1, &set, 0);
    timer_t timer = make_timer(SIGEV_SIGNAL, SIGUSR1, 11);
    start(timer, 20, 0);
    ok(read(fd, info, sizeof info) == sizeof info[0] && info[0].ssi_code == SI_TIMER && info[0].ssi_int == 11,
       "a read that waits, for a timer");
    timer_delete(timer);
    ok(signalfd(0, &set, 0) < 0 && errno == EINVAL, "no signalfd");
    ok(signalfd(1000, &set, 0) < 0 && errno == EBADF, "no descriptor");
    close(fd);
}

int main(void) {
    queueing();
    waiting();
    timers();
    descriptors();
    return done_testing();
}
