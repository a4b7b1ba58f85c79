/* SPDX-License-Identifier: MIT */
/* Waiting for descriptors: poll(), select() and epoll, every flag and error, time-outs, masks and signals. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include "calls.h"

#define MASK_SIZE 8L
#define SHORT 2000000 /* ns */
#define LONG 20000000

static int full[2], empty[2], file; /* a pipe with bytes in it, one without, a regular file */
static volatile sig_atomic_t handled;

static void note(int signal) {
    handled = signal;
}

/* A signal that is pending, and blocked. */
static void raise_blocked(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    handled = 0;
    pthread_kill(pthread_self(), SIGUSR1);
}

static void handle(int flags) {
    struct sigaction action = {.sa_handler = note, .sa_flags = flags};
    sigaction(SIGUSR1, &action, NULL);
}

static short events_of(int fd, short wanted) {
    struct pollfd poller = {.fd = fd, .events = wanted, .revents = 0x7fff};
    return poll(&poller, 1, 0) < 0 ? -1 : poller.revents;
}

#define ALL (POLLIN | POLLOUT | POLLPRI | POLLRDNORM | POLLWRNORM | POLLRDHUP)

static void kinds(void) {
    int pair[2], event = eventfd(1, 0), epoll = epoll_create1(0), null = open("/dev/null", O_RDWR);
    char byte;
    gives(events_of(full[0], ALL), POLLIN | POLLRDNORM, "a pipe that can be read");
    gives(events_of(full[0], POLLRDNORM), POLLRDNORM, "also by this name");
    gives(events_of(full[0], POLLOUT), 0, "but not be written");
    gives(events_of(empty[0], ALL), 0, "one that cannot");
    gives(events_of(empty[1], ALL), POLLOUT | POLLWRNORM, "one that can be written");
    gives(events_of(empty[1], POLLWRNORM), POLLWRNORM, "also by this name");
    gives(events_of(file, ALL), POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM, "a file, always");
    gives(events_of(null, ALL), POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM, "a device, always");
    gives(events_of(event, ALL), POLLIN | POLLOUT, "an eventfd");
    epoll_ctl(epoll, EPOLL_CTL_ADD, full[0], &(struct epoll_event){.events = EPOLLIN});
    gives(events_of(epoll, ALL), POLLIN | POLLRDNORM, "an epoll with something in it");
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    gives(events_of(pair[0], ALL), POLLOUT | POLLWRNORM, "a socket");
    write(pair[1], "x", 1);
    gives(events_of(pair[0], ALL), POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM, "that can be read");
    shutdown(pair[1], SHUT_WR);
    gives(events_of(pair[0], ALL) & (POLLIN | POLLRDHUP | POLLHUP), POLLIN | POLLRDHUP, "whose other side is shut");
    close(pair[1]);
    gives(events_of(pair[0], 0), POLLHUP, "or closed: POLLHUP without being asked");
    read(pair[0], &byte, 1);
    close(pair[0]);
    close(event);
    close(epoll);
    close(null);
    gives(events_of(999, ALL), POLLNVAL, "nothing");
    gives(events_of(-1, ALL), 0, "a negative descriptor does not count");
}

static void polling(void) {
    struct pollfd pollers[3] = {{.fd = empty[0], .events = POLLIN}, {.fd = 999}, {.fd = full[0], .events = POLLIN}};
    struct timespec time = {0, SHORT}, zero = {0, 0};
    struct rlimit limit;
    sigset_t none;
    sigemptyset(&none);
    gives(syscall(SYS_poll, pollers, 1L, 0), 0, "poll without waiting");
    gives(syscall(SYS_poll, pollers, 1L, 2), 0, "poll for a short time");
    gives(syscall(SYS_poll, pollers, 3L, -1), 2, "poll counts what it says something of");
    ok(pollers[0].revents == 0 && pollers[1].revents == POLLNVAL && pollers[2].revents == POLLIN, "and says it");
    gives(syscall(SYS_poll, NULL, 0L, 1), 0, "poll of nothing sleeps");
    getrlimit(RLIMIT_NOFILE, &limit);
    fails(syscall(SYS_poll, pollers, (long)limit.rlim_cur + 1, 0), EINVAL, "poll of more than there can be");
    gives(syscall(SYS_ppoll, pollers, 1L, &time, NULL, MASK_SIZE), 0, "ppoll for a short time");
    ok(time.tv_sec == 0 && time.tv_nsec == 0, "writes what is left of it");
    time = (struct timespec){100, 0};
    ok(syscall(SYS_ppoll, pollers, 3L, &time, NULL, MASK_SIZE) == 2 && time.tv_sec >= 50 && time.tv_sec < 100, "much");
    gives(syscall(SYS_ppoll, pollers, 1L, &zero, &none, MASK_SIZE), 0, "ppoll without waiting");
    gives(syscall(SYS_ppoll, pollers, 3L, NULL, NULL, MASK_SIZE), 2, "ppoll without an end");
    time = (struct timespec){-1, 0};
    fails(syscall(SYS_ppoll, pollers, 1L, &time, NULL, MASK_SIZE), EINVAL, "ppoll: a negative time");
    time = (struct timespec){0, 1000000000};
    fails(syscall(SYS_ppoll, pollers, 1L, &time, NULL, MASK_SIZE), EINVAL, "ppoll: too many nanoseconds");
    fails(syscall(SYS_ppoll, pollers, 1L, &zero, &none, 4L), EINVAL, "ppoll: a mask of another size");
    fails(syscall(SYS_ppoll, pollers, (long)limit.rlim_cur + 1, &zero, NULL, MASK_SIZE), EINVAL, "ppoll of too many");
}

static void selecting(void) {
    fd_set in, out, except;
    struct timeval time = {0, SHORT / 1000};
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_ZERO(&except);
    FD_SET(full[0], &in);
    FD_SET(empty[0], &in);
    FD_SET(empty[1], &out);
    FD_SET(full[0], &except);
    int count = 100;
    gives(syscall(SYS_select, count, &in, &out, &except, &time), 2, "select counts what is ready");
    ok(FD_ISSET(full[0], &in) && !FD_ISSET(empty[0], &in) && FD_ISSET(empty[1], &out) && !FD_ISSET(full[0], &except),
       "and says it");
    FD_ZERO(&in);
    FD_SET(empty[0], &in);
    gives(syscall(SYS_select, count, &in, NULL, NULL, &time), 0, "select for a short time");
    ok(time.tv_sec == 0 && time.tv_usec == 0 && !FD_ISSET(empty[0], &in), "writes what is left of it");
    time = (struct timeval){100, 0};
    FD_SET(full[0], &in);
    ok(syscall(SYS_select, count, &in, NULL, NULL, &time) == 1 && time.tv_sec >= 50 && time.tv_sec < 100, "much");
    time = (struct timeval){0, 0};
    gives(syscall(SYS_select, 0, NULL, NULL, NULL, &time), 0, "select of nothing");
    FD_SET(full[0], &in);
    gives(syscall(SYS_select, full[0], &in, NULL, NULL, &time), 0, "only descriptors below the count");
    FD_SET(50, &in);
    fails(syscall(SYS_select, 60, &in, NULL, NULL, &time), EBADF, "select of what is not open");
    fails(syscall(SYS_select, -1, NULL, NULL, NULL, &time), EINVAL, "of less than nothing");
    time = (struct timeval){-1, 0};
    fails(syscall(SYS_select, 0, NULL, NULL, NULL, &time), EINVAL, "for a negative time");
    time = (struct timeval){0, 1500000};
    FD_ZERO(&in);
    FD_SET(full[0], &in);
    gives(syscall(SYS_select, count, &in, NULL, NULL, &time), 1, "microseconds may be more than a second");
}

/* Sets are as long as the count says: what lies behind is somebody else's. */
static void short_sets(void) {
    unsigned long set[3] = {0, 0x5555, 0x6666};
    struct timespec time = {0, 0};
    set[0] = 1ul << full[0];
    ok(syscall(SYS_pselect6, 64, set, NULL, NULL, &time, NULL) == 1 && set[0] == 1ul << full[0] && set[1] == 0x5555 &&
           set[2] == 0x6666,
       "a set has as many bits as the count says");
    set[0] = 1ul << empty[0];
    ok(syscall(SYS_pselect6, 64, set, NULL, NULL, &time, NULL) == 0 && set[0] == 0 && set[1] == 0x5555,
       "to be cleared, too");
}

static void masked_select(void) {
    fd_set in;
    sigset_t none;
    struct timespec time = {0, SHORT};
    const void *mask[2] = {&none, (void *)MASK_SIZE}, *other[2] = {&none, (void *)4};
    sigemptyset(&none);
    FD_ZERO(&in);
    FD_SET(empty[0], &in);
    gives(syscall(SYS_pselect6, 100, &in, NULL, NULL, &time, mask), 0, "pselect for a short time");
    ok(time.tv_sec == 0 && time.tv_nsec == 0, "writes what is left of it");
    fails(syscall(SYS_pselect6, 100, &in, NULL, NULL, &time, other), EINVAL, "pselect: a mask of another size");
    time = (struct timespec){0, -1};
    fails(syscall(SYS_pselect6, 100, &in, NULL, NULL, &time, mask), EINVAL, "pselect: negative nanoseconds");
    fails(syscall(SYS_pselect6, -1, NULL, NULL, NULL, NULL, NULL), EINVAL, "pselect of less than nothing");
}

/* Signals: a call with a mask takes what is pending, and none of them is made again, whatever SA_RESTART says. */
static void signals(void) {
    struct pollfd poller = {.fd = empty[0], .events = POLLIN};
    struct epoll_event event = {.events = EPOLLIN};
    int epoll = epoll_create1(0);
    sigset_t none;
    const void *mask[2] = {&none, (void *)MASK_SIZE};
    sigemptyset(&none);
    epoll_ctl(epoll, EPOLL_CTL_ADD, empty[0], &event);
    for (int restart = 0; restart < 2; restart++) {
        const char *how = restart ? "with SA_RESTART" : "without";
        handle(restart ? SA_RESTART : 0);
        raise_blocked();
        gives(poll(&poller, 1, 1), 0, "a blocked signal does not end poll");
        ok(syscall(SYS_ppoll, &poller, 1L, NULL, &none, MASK_SIZE) == -1 && errno == EINTR && handled, "ppoll, %s",
           how);
        raise_blocked();
        ok(syscall(SYS_pselect6, 0, NULL, NULL, NULL, NULL, mask) == -1 && errno == EINTR && handled, "pselect, %s",
           how);
        raise_blocked();
        ok(syscall(SYS_epoll_pwait, epoll, &event, 1, -1, &none, MASK_SIZE) == -1 && errno == EINTR && handled,
           "epoll_pwait, %s", how);
        sigset_t now;
        pthread_sigmask(SIG_SETMASK, NULL, &now);
        ok(sigismember(&now, SIGUSR1) == 1, "the mask is as before");
        pthread_sigmask(SIG_SETMASK, &none, NULL);
    }
    raise_blocked();
    poller.fd = full[0];
    ok(syscall(SYS_ppoll, &poller, 1L, NULL, &none, MASK_SIZE) == 1 && !handled, "what is ready comes first");
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    close(epoll);
}

static void *interrupt(void *thread) {
    nanosleep(&(struct timespec){.tv_nsec = LONG}, NULL);
    pthread_kill(*(pthread_t *)thread, SIGUSR1);
    return NULL;
}

static bool is_interrupted(int which, int epoll) {
    struct pollfd poller = {.fd = empty[0], .events = POLLIN};
    struct epoll_event event;
    pthread_t self = pthread_self(), thread;
    long result = 0;
    handled = 0;
    pthread_create(&thread, NULL, interrupt, &self);
    if (which == 0)
        result = syscall(SYS_poll, &poller, 1L, -1);
    else if (which == 1)
        result = syscall(SYS_select, 0, NULL, NULL, NULL, NULL);
    else
        result = syscall(SYS_epoll_wait, epoll, &event, 1, -1);
    int error = errno;
    pthread_join(thread, NULL);
    return result == -1 && error == EINTR && handled;
}

static void interruptions(void) {
    int epoll = epoll_create1(0);
    handle(SA_RESTART);
    ok(is_interrupted(0, epoll), "a handler ends poll even with SA_RESTART");
    ok(is_interrupted(1, epoll), "and select");
    ok(is_interrupted(2, epoll), "and epoll_wait");
    close(epoll);
}

static int add(int epoll, int fd, uint32_t events) {
    return (int)syscall(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = events});
}

static void epoll_errors(void) {
    struct epoll_event event = {.events = EPOLLIN}, got[2];
    int epoll = (int)syscall(SYS_epoll_create, 1), other = (int)syscall(SYS_epoll_create1, EPOLL_CLOEXEC);
    ok(epoll >= 0 && fcntl(epoll, F_GETFD) == 0 && fcntl(other, F_GETFD) == FD_CLOEXEC,
       "epoll_create and epoll_create1");
    fails(syscall(SYS_epoll_create, 0), EINVAL, "epoll_create of no size");
    fails(syscall(SYS_epoll_create1, 1), EINVAL, "epoll_create1: a flag that there is not");
    fails(syscall(SYS_epoll_ctl, 999, EPOLL_CTL_ADD, full[0], &event), EBADF, "epoll_ctl of nothing");
    fails(syscall(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, 999, &event), EBADF, "nothing in it");
    fails(syscall(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, file, &event), EPERM,
          "a file is always ready, and cannot be in it");
    fails(syscall(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, epoll, &event), EINVAL, "nor it itself");
    fails(syscall(SYS_epoll_ctl, full[0], EPOLL_CTL_ADD, full[1], &event), EINVAL, "what is no epoll");
    fails(syscall(SYS_epoll_ctl, epoll, 9, full[0], &event), EINVAL, "something else than there is");
    fails(syscall(SYS_epoll_ctl, epoll, EPOLL_CTL_MOD, full[0], &event), ENOENT, "changing what is not in it");
    fails(syscall(SYS_epoll_ctl, epoll, EPOLL_CTL_DEL, full[0], NULL), ENOENT, "removing it");
    gives(add(epoll, full[0], EPOLLIN), 0, "EPOLL_CTL_ADD");
    fails(add(epoll, full[0], EPOLLIN), EEXIST, "twice");
    gives(syscall(SYS_epoll_ctl, epoll, EPOLL_CTL_DEL, full[0], NULL), 0, "EPOLL_CTL_DEL");
    fails(add(epoll, full[0], EPOLLEXCLUSIVE | EPOLLONESHOT), EINVAL, "EPOLLEXCLUSIVE with EPOLLONESHOT");
    fails(add(epoll, other, EPOLLEXCLUSIVE | EPOLLIN), EINVAL, "EPOLLEXCLUSIVE of an epoll");
    gives(add(epoll, full[0], EPOLLEXCLUSIVE | EPOLLIN | EPOLLET), 0, "EPOLLEXCLUSIVE");
    fails(syscall(SYS_epoll_ctl, epoll, EPOLL_CTL_MOD, full[0], &event), EINVAL, "which cannot be changed");
    event.events = EPOLLIN | EPOLLEXCLUSIVE;
    syscall(SYS_epoll_ctl, epoll, EPOLL_CTL_DEL, full[0], NULL);
    add(epoll, full[0], EPOLLIN);
    fails(syscall(SYS_epoll_ctl, epoll, EPOLL_CTL_MOD, full[0], &event), EINVAL, "nor be what something becomes");
    gives(syscall(SYS_epoll_ctl, epoll, EPOLL_CTL_DEL, full[0], NULL), 0, "removed");
    fails(syscall(SYS_epoll_wait, epoll, got, 0, 0), EINVAL, "epoll_wait for no events");
    fails(syscall(SYS_epoll_wait, epoll, got, -1, 0), EINVAL, "for fewer");
    fails(syscall(SYS_epoll_wait, full[0], got, 1, 0), EINVAL, "of what is no epoll");
    fails(syscall(SYS_epoll_wait, 999, got, 1, 0), EBADF, "of nothing");
    sigset_t none;
    sigemptyset(&none);
    fails(syscall(SYS_epoll_pwait, epoll, got, 1, 0, &none, 4L), EINVAL, "epoll_pwait: a mask of another size");
    gives(syscall(SYS_epoll_pwait, epoll, got, 1, 1, &none, MASK_SIZE), 0, "epoll_pwait for a short time");
    close(other);
    close(epoll);
}

static void epoll_events(void) {
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0x123456789abcdef0}, got[4];
    struct timespec time = {0, SHORT};
    int epoll = epoll_create1(0), null = open("/dev/null", O_RDWR), pair[2];
    syscall(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, full[0], &event);
    ok(syscall(SYS_epoll_wait, epoll, got, 4, -1) == 1 && got[0].events == EPOLLIN && got[0].data.u64 == event.data.u64,
       "epoll_wait gives what was asked for, and the data");
    event.events = EPOLLRDNORM;
    syscall(SYS_epoll_ctl, epoll, EPOLL_CTL_MOD, full[0], &event);
    ok(syscall(SYS_epoll_wait, epoll, got, 4, 0) == 1 && got[0].events == EPOLLRDNORM, "also by this name");
    event.events = 0;
    syscall(SYS_epoll_ctl, epoll, EPOLL_CTL_MOD, full[0], &event);
    gives(syscall(SYS_epoll_wait, epoll, got, 4, 0), 0, "nothing is asked for");
    gives(syscall(SYS_epoll_pwait2, epoll, got, 4, &time, NULL, MASK_SIZE), 0, "epoll_pwait2 for a short time");
    time = (struct timespec){0, -1};
    fails(syscall(SYS_epoll_pwait2, epoll, got, 4, &time, NULL, MASK_SIZE), EINVAL, "for a negative one");
    fails(add(epoll, null, EPOLLIN), EPERM, "a device that is always ready");
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    gives(add(epoll, pair[0], EPOLLRDHUP | EPOLLET), 0, "EPOLLRDHUP");
    gives(syscall(SYS_epoll_wait, epoll, got, 4, 0), 0, "not yet");
    shutdown(pair[1], SHUT_WR);
    ok(syscall(SYS_epoll_wait, epoll, got, 4, 0) == 1 && got[0].events == EPOLLRDHUP,
       "comes when the other side is shut");
    gives(syscall(SYS_epoll_wait, epoll, got, 4, 0), 0, "once, edge-triggered");
    close(pair[0]);
    close(pair[1]);
    int copy = dup(full[0]);
    event.events = EPOLLIN;
    event.data.u64 = 2;
    ok(syscall(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, copy, &event) == 0 &&
           syscall(SYS_epoll_wait, epoll, got, 4, 0) == 1 && got[0].data.u64 == 2,
       "a copy is another one");
    close(copy);
    gives(syscall(SYS_epoll_wait, epoll, got, 4, 0), 1, "which stays for as long as the file is open, epoll(7)");
    close(null);
    close(epoll);
}

int main(void) {
    enter_scratch();
    file = open("file", O_CREAT | O_RDWR, 0600);
    ok(pipe(full) == 0 && pipe(empty) == 0 && write(full[1], "x", 1) == 1, "pipes");
    kinds();
    polling();
    selecting();
    short_sets();
    masked_select();
    signals();
    interruptions();
    epoll_errors();
    epoll_events();
    ok(close(file) == 0 && unlink("file") == 0, "done");
    leave_scratch();
    return done_testing();
}
