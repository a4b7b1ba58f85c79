/* SPDX-License-Identifier: MIT */
/* Pipes, event counters, descriptors, and waiting for them: poll(), select() and epoll. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tap.h"

static int fds[2];

static void open_pipe(int flags) {
    if (pipe2(fds, flags) < 0)
        perror("pipe2");
}

static void close_pipe(void) {
    close(fds[0]);
    close(fds[1]);
}

static void pipes(void) {
    char buffer[70000];
    int available;
    struct stat stat;
    open_pipe(O_NONBLOCK);
    ok(read(fds[0], buffer, 1) < 0 && errno == EAGAIN, "an empty pipe");
    ok(write(fds[1], "hello", 5) == 5 && ioctl(fds[0], FIONREAD, &available) == 0 && available == 5, "FIONREAD");
    ok(read(fds[0], buffer, 3) == 3 && read(fds[0], buffer + 3, 10) == 2 && !memcmp(buffer, "hello", 5), "in pieces");
    memset(buffer, 1, sizeof buffer);
    ok(write(fds[1], buffer, sizeof buffer) == 65536, "a full pipe takes what fits");
    ok(write(fds[1], buffer, 1) < 0 && errno == EAGAIN, "and then no more");
    ok(read(fds[0], buffer, 100) == 100 && write(fds[1], buffer, 4096) < 0 && errno == EAGAIN,
       "a small write is not split");
    ok(fstat(fds[0], &stat) == 0 && S_ISFIFO(stat.st_mode), "fstat says that it is a pipe");
    ok(lseek(fds[0], 0, SEEK_CUR) < 0 && errno == ESPIPE, "a pipe has no position");
    ok(pread(fds[0], buffer, 1, 0) < 0 && errno == ESPIPE, "nor pread");
    ok(write(fds[0], "x", 1) < 0 && errno == EBADF, "the reading end cannot be written");
    close(fds[1]);
    while (read(fds[0], buffer, sizeof buffer) > 0)
        ;
    ok(read(fds[0], buffer, 1) == 0, "without a writer, the end");
    close(fds[0]);
    open_pipe(0);
    struct iovec out[] = {{"ab", 2}, {"", 0}, {"cde", 3}}, in[] = {{buffer, 1}, {buffer + 10, 10}};
    ok(writev(fds[1], out, 3) == 5 && readv(fds[0], in, 2) == 5 && buffer[0] == 'a' && !memcmp(buffer + 10, "bcde", 4),
       "readv and writev");
    close_pipe();
}

static void *write_much(void *argument) {
    char buffer[10000];
    memset(buffer, 'w', sizeof buffer);
    for (int i = 0; i < 100; i++)
        if (write(*(int *)argument, buffer, sizeof buffer) != sizeof buffer)
            return (void *)1;
    close(*(int *)argument);
    return NULL;
}

static void blocking(void) {
    pthread_t thread;
    char buffer[3000];
    ssize_t n;
    size_t total = 0;
    void *result;
    open_pipe(0);
    pthread_create(&thread, NULL, write_much, &fds[1]);
    while ((n = read(fds[0], buffer, sizeof buffer)) > 0)
        total += (size_t)n;
    pthread_join(thread, &result);
    ok(total == 1000000 && !result, "a million bytes from one thread to another");
    close(fds[0]);
}

static void descriptors(void) {
    open_pipe(O_CLOEXEC);
    int copy = dup(fds[0]);
    ok(copy > fds[1] && fcntl(copy, F_GETFD) == 0 && fcntl(fds[0], F_GETFD) == FD_CLOEXEC, "dup clears FD_CLOEXEC");
    ok(dup2(fds[0], 100) == 100 && fcntl(100, F_DUPFD, 50) == 50, "dup2, and F_DUPFD from 50 on");
    close(copy);
    ok(dup(fds[0]) == copy, "the lowest free descriptor is taken");
    ok(write(fds[1], "z", 1) == 1, "a write");
    char byte = 0;
    ok(read(50, &byte, 1) == 1 && byte == 'z', "is read from a copy");
    ok((fcntl(fds[0], F_SETFL, O_NONBLOCK), fcntl(50, F_GETFL) & O_NONBLOCK), "flags belong to the open file");
    ok(close(100) == 0 && close(100) < 0 && errno == EBADF, "closing twice");
    ok(fcntl(100, F_GETFD) < 0 && errno == EBADF && dup2(100, 5) < 0 && errno == EBADF, "what is closed is EBADF");
    close(50);
    close(copy);
    struct rlimit old, low = {20, 20};
    getrlimit(RLIMIT_NOFILE, &old);
    low.rlim_max = old.rlim_max;
    setrlimit(RLIMIT_NOFILE, &low);
    int last = 0, n = 0;
    while ((last = dup(0)) >= 0)
        n++;
    ok(errno == EMFILE && n > 0 && n < 20, "RLIMIT_NOFILE is kept to");
    for (int fd = fds[1] + 1; fd < 20; fd++)
        close(fd);
    setrlimit(RLIMIT_NOFILE, &old);
    close_pipe();
}

static void events(void) {
    int fd = eventfd(3, EFD_NONBLOCK);
    uint64_t value = 0;
    ok(read(fd, &value, 8) == 8 && value == 3 && read(fd, &value, 8) < 0 && errno == EAGAIN, "an event counter");
    value = UINT64_MAX - 1;
    ok(write(fd, &value, 8) == 8 && write(fd, &(uint64_t){1}, 8) < 0 && errno == EAGAIN, "a full one");
    ok(write(fd, "x", 1) < 0 && errno == EINVAL, "eight bytes or none");
    close(fd);
    fd = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
    ok(read(fd, &value, 8) == 8 && value == 1 && read(fd, &value, 8) == 8 && read(fd, &value, 8) < 0, "a semaphore");
    close(fd);
}

static void *write_later(void *argument) {
    usleep(10000);
    if (write(*(int *)argument, "x", 1) < 0)
        perror("write");
    return NULL;
}

static void polling(void) {
    pthread_t thread;
    fd_set read_set, write_set;
    open_pipe(0);
    struct pollfd pollers[] = {
        {.fd = fds[0], .events = POLLIN}, {.fd = fds[1], .events = POLLOUT}, {.fd = -1}, {.fd = 99}};
    ok(poll(pollers, 1, 0) == 0, "nothing to read yet");
    ok(poll(pollers, 4, -1) == 2 && pollers[1].revents == POLLOUT && pollers[2].revents == 0 &&
           pollers[3].revents == POLLNVAL,
       "poll: what can be written, and what is not open");
    pthread_create(&thread, NULL, write_later, &fds[1]);
    ok(poll(pollers, 1, 5000) == 1 && pollers[0].revents == POLLIN, "poll wakes up");
    pthread_join(thread, NULL);
    FD_ZERO(&read_set);
    FD_ZERO(&write_set);
    FD_SET(fds[0], &read_set);
    FD_SET(fds[1], &write_set);
    ok(select(fds[1] + 1, &read_set, &write_set, NULL, NULL) == 2 && FD_ISSET(fds[0], &read_set), "select");
    close(fds[1]);
    char byte;
    ok(read(fds[0], &byte, 1) == 1 && poll(pollers, 1, 0) == 1 && pollers[0].revents == POLLHUP, "the writer hung up");
    close(fds[0]);
    open_pipe(0);
    close(fds[0]);
    pollers[1].fd = fds[1];
    ok(poll(&pollers[1], 1, 0) == 1 && (pollers[1].revents & POLLERR), "the reader is gone");
    close(fds[1]);
}

static void level_and_edge(void) {
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 42}, got[4];
    char byte;
    int epoll = epoll_create1(0);
    open_pipe(0);
    ok(epoll_ctl(epoll, EPOLL_CTL_ADD, fds[0], &event) == 0 && epoll_wait(epoll, got, 4, 0) == 0, "nothing is ready");
    ok(epoll_ctl(epoll, EPOLL_CTL_ADD, fds[0], &event) < 0 && errno == EEXIST, "twice is an error");
    ok(epoll_ctl(epoll, EPOLL_CTL_MOD, fds[1], &event) < 0 && errno == ENOENT, "changing what is not there, too");
    ok(epoll_ctl(epoll, EPOLL_CTL_ADD, epoll, &event) < 0 && errno == EINVAL, "itself, too");
    if (write(fds[1], "ab", 2) < 0)
        perror("write");
    ok(epoll_wait(epoll, got, 4, -1) == 1 && got[0].data.u64 == 42 && got[0].events == EPOLLIN, "ready");
    ok(epoll_wait(epoll, got, 4, -1) == 1, "level-triggered: still ready");
    event.events = EPOLLIN | EPOLLET;
    epoll_ctl(epoll, EPOLL_CTL_MOD, fds[0], &event);
    ok(epoll_wait(epoll, got, 4, 0) == 1 && epoll_wait(epoll, got, 4, 0) == 0, "edge-triggered: once");
    if (write(fds[1], "c", 1) < 0)
        perror("write");
    ok(epoll_wait(epoll, got, 4, 0) == 1 && epoll_wait(epoll, got, 4, 0) == 0, "and once more for new data");
    event.events = EPOLLIN | EPOLLONESHOT;
    epoll_ctl(epoll, EPOLL_CTL_MOD, fds[0], &event);
    ok(epoll_wait(epoll, got, 4, 0) == 1 && epoll_wait(epoll, got, 4, 0) == 0, "one shot");
    epoll_ctl(epoll, EPOLL_CTL_MOD, fds[0], &event);
    ok(epoll_wait(epoll, got, 4, 0) == 1, "armed again");
    while (fcntl(fds[0], F_SETFL, O_NONBLOCK), read(fds[0], &byte, 1) > 0)
        ;
    event.events = EPOLLIN;
    epoll_ctl(epoll, EPOLL_CTL_MOD, fds[0], &event);
    close(fds[1]);
    ok(epoll_wait(epoll, got, 4, 0) == 1 && (got[0].events & EPOLLHUP), "EPOLLHUP comes unasked");
    close(fds[0]);
    ok(epoll_wait(epoll, got, 4, 0) == 0, "what is closed is watched no more");
    int null = open("/dev/null", O_RDONLY), outer = epoll_create1(0);
    open_pipe(0);
    event.data.u64 = 1;
    epoll_ctl(epoll, EPOLL_CTL_ADD, fds[0], &event);
    event.data.u64 = 2;
    ok(epoll_ctl(outer, EPOLL_CTL_ADD, epoll, &event) == 0, "an epoll in an epoll");
    ok(epoll_ctl(epoll, EPOLL_CTL_ADD, outer, &event) < 0 && errno == ELOOP, "but not in a circle");
    if (write(fds[1], "x", 1) < 0)
        perror("write");
    ok(epoll_wait(outer, got, 4, 1000) == 1 && got[0].data.u64 == 2, "wakes the outer one");
    close(null);
    close(outer);
    close(epoll);
    close_pipe();
}

/* What it holds can be changed while something is in it, also when that goes around the end of its memory. */
static void capacity(void) {
    static char text[65536], back[65536];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i * 7 + i / 256);
    open_pipe(O_NONBLOCK);
    ok(fcntl(fds[0], F_GETPIPE_SZ) == 65536 && fcntl(fds[1], F_GETPIPE_SZ) == 65536, "what a pipe holds");
    write(fds[1], text, 60000);
    read(fds[0], back, 50000);
    write(fds[1], text, 20000);
    ok(fcntl(fds[1], F_SETPIPE_SZ, 8192) < 0 && errno == EBUSY, "it holds more than that");
    ok(fcntl(fds[1], F_SETPIPE_SZ, 100000) == 131072, "more, rounded up");
    ok(read(fds[0], back, sizeof back) == 30000 && memcmp(back, text + 50000, 10000) == 0 &&
           memcmp(back + 10000, text, 20000) == 0,
       "what was in it is");
    ok(fcntl(fds[0], F_SETPIPE_SZ, 1) == 4096 && write(fds[1], text, sizeof text) == 4096, "the least");
    ok(read(fds[0], back, sizeof back) == 4096 && memcmp(back, text, 4096) == 0, "goes through it");
    close(fds[0]);
    close(fds[1]);
    ok(fcntl(1000, F_GETPIPE_SZ) < 0 && errno == EBADF, "of no descriptor");
}

int main(void) {
    pipes();
    capacity();
    blocking();
    descriptors();
    events();
    polling();
    level_and_edge();
    return done_testing();
}
