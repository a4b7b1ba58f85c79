/* SPDX-License-Identifier: MIT */
/*
 * waiting HOW: has a handler for SIGTERM, says "ready", and waits in one of the ways in which a server waits, with
 * nobody but the handler to end it; says "clean end" and ends with 7. In a guest or on the host alike.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

static volatile sig_atomic_t told;
static sem_t semaphore;
static int ends[2]; /* of a pipe to itself */

static void stop(int signal) {
    char byte = 1;
    told = signal;
    sem_post(&semaphore);
    if (ends[1] > 0 && write(ends[1], &byte, 1) != 1)
        _exit(1);
}

static void ready(void) {
    puts("ready");
    fflush(stdout);
}

static void by_semaphore(void) {
    ready();
    while (sem_wait(&semaphore) < 0)
        continue;
}

static void make_pipe(void) {
    if (pipe(ends) < 0)
        exit(1);
    ready();
}

static void by_poll(void) {
    make_pipe();
    struct pollfd fd = {.fd = ends[0], .events = POLLIN};
    while (poll(&fd, 1, -1) < 1)
        continue;
}

static void by_poll_of_nothing(void) {
    ready();
    while (!told)
        poll(NULL, 0, -1);
}

static void by_select(void) {
    make_pipe();
    fd_set set;
    do {
        FD_ZERO(&set);
        FD_SET(ends[0], &set);
    } while (select(ends[0] + 1, &set, NULL, NULL, NULL) < 1);
}

static void by_epoll(void) {
    struct epoll_event event = {.events = EPOLLIN};
    int fd = epoll_create1(0);
    make_pipe();
    epoll_ctl(fd, EPOLL_CTL_ADD, ends[0], &event);
    while (epoll_wait(fd, &event, 1, -1) < 1)
        continue;
}

static void by_read(void) {
    char byte;
    make_pipe();
    while (read(ends[0], &byte, 1) != 1)
        continue;
}

/* Of a pipe that is full: the handler empties nothing, but EINTR ends the call. */
static void by_write(void) {
    static char page[4096];
    int full[2];
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    if (pipe(full) < 0 || fcntl(full[1], F_SETFL, O_NONBLOCK) < 0)
        exit(1);
    while (write(full[1], page, sizeof page) > 0)
        continue;
    fcntl(full[1], F_SETFL, 0);
    ready();
    if (write(full[1], page, sizeof page) >= 0 || errno != EINTR)
        exit(1);
}

static void by_eventfd(void) {
    uint64_t value;
    int fd = eventfd(0, 0);
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    ready();
    if (read(fd, &value, sizeof value) >= 0 || errno != EINTR)
        exit(1);
}

static void by_opening(void) {
    struct sigaction action = {.sa_handler = stop};
    char path[] = "/tmp/waiting-XXXXXX";
    if (!mkdtemp(path) || chdir(path) < 0 || mkfifo("fifo", 0600) < 0)
        exit(1);
    sigaction(SIGTERM, &action, NULL);
    ready();
    int fd = open("fifo", O_RDONLY);
    bool interrupted = fd < 0 && errno == EINTR;
    unlink("fifo");
    rmdir(path);
    if (!interrupted)
        exit(1);
}

static void by_pause(void) {
    ready();
    while (!told)
        pause();
}

static void block(sigset_t *set, sigset_t *before) {
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigprocmask(SIG_BLOCK, set, before);
}

static void by_sigsuspend(void) {
    sigset_t set, before;
    block(&set, &before);
    ready();
    while (!told)
        sigsuspend(&before);
}

static void by_sigwait(void) {
    sigset_t set, before;
    int signal = 0;
    block(&set, &before);
    ready();
    sigwait(&set, &signal);
    if (signal != SIGTERM)
        exit(1);
}

static void by_signalfd(void) {
    sigset_t set, before;
    struct signalfd_siginfo info;
    block(&set, &before);
    int fd = signalfd(-1, &set, 0);
    ready();
    if (read(fd, &info, sizeof info) != sizeof info || info.ssi_signo != SIGTERM)
        exit(1);
}

/* ---- with threads: one is told, and the others wait for it */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int done;

static void *wait_for_semaphore(void *unused) {
    while (sem_wait(&semaphore) < 0)
        continue;
    pthread_mutex_lock(&mutex);
    done = 1;
    pthread_cond_signal(&condition);
    pthread_mutex_unlock(&mutex);
    return unused;
}

static pthread_t start_thread(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, wait_for_semaphore, NULL))
        exit(1);
    return thread;
}

static void by_join(void) {
    pthread_t thread = start_thread();
    ready();
    pthread_join(thread, NULL);
}

static void by_condition(void) {
    start_thread();
    ready();
    pthread_mutex_lock(&mutex);
    while (!done)
        pthread_cond_wait(&condition, &mutex);
    pthread_mutex_unlock(&mutex);
}

/* No handler, nothing to come: only a signal's default action can end it, and in a guest the kernel says so. */
static void for_ever(void) {
    by_semaphore();
}

static const struct {
    const char *name;
    void (*wait)(void);
} ways[] = {
    {"semaphore", by_semaphore},
    {"poll", by_poll},
    {"nothing", by_poll_of_nothing},
    {"select", by_select},
    {"epoll", by_epoll},
    {"read", by_read},
    {"write", by_write},
    {"eventfd", by_eventfd},
    {"opening", by_opening},
    {"pause", by_pause},
    {"sigsuspend", by_sigsuspend},
    {"sigwait", by_sigwait},
    {"signalfd", by_signalfd},
    {"join", by_join},
    {"condition", by_condition},
    {"ever", for_ever},
};

int main(int argc, char **argv) {
    sem_init(&semaphore, 0, 0);
    if (argc == 1 || strcmp(argv[1], "ever") != 0)
        signal(SIGTERM, stop);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (argc == 1 || strcmp(argv[1], ways[i].name) != 0) {
            if (argc == 1)
                puts(ways[i].name);
            continue;
        }
        ways[i].wait();
        puts("clean end");
        return 7;
    }
    return 2;
}
