/* SPDX-License-Identifier: MIT */
/*
 * A to-do list as JSON over HTTP, kept in memory; service.h says what it answers. One thread, one epoll.
 *
 *     build/ukvm run --net net=tap:tap0,ip=10.0.0.2/24 build/examples/rest.elf
 *     curl -d '{"title": "buy milk"}' http://10.0.0.2:8080/todos
 *
 * `--port N` and `--bind ADDRESS` change where it listens; README.md says how to make the interface tap0.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "conn.h"
#include "reply.h"

#define BACKLOG 511
#define EVENTS 256
#define TICK_MS 1000

struct server {
    int epoll, listener;
    bool accepting;     /* the listener is watched */
    unsigned paused_at; /* how many connections there were when that ended */
};

static int64_t now_ms(void) {
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

static int start_listening(const struct sockaddr_in *address) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 || listen(fd, BACKLOG) < 0) {
        int err = -errno;
        close(fd);
        return err;
    }
    return fd;
}

/* While there is no room for another connection, clients wait in the kernel's queue. */
static int watch_listener(struct server *s, bool accepting) {
    struct epoll_event event = {.events = accepting ? EPOLLIN : 0, .data.ptr = NULL};
    if (accepting == s->accepting)
        return 0;
    s->accepting = accepting;
    return epoll_ctl(s->epoll, EPOLL_CTL_MOD, s->listener, &event) < 0 ? -errno : 0;
}

static int accept_all(struct server *s, int64_t now) {
    while (conn_count() < CONN_MAX) {
        int fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            conn_open(s->epoll, fd, now);
        else if (errno == EAGAIN)
            return 0;
        else if (errno != EINTR && errno != ECONNABORTED)
            break; /* no descriptor, no memory */
    }
    s->paused_at = conn_count();
    return watch_listener(s, false);
}

static int serve(struct server *s) {
    static struct epoll_event events[EVENTS];
    int64_t last_tick = now_ms();
    for (;;) {
        int n = epoll_wait(s->epoll, events, EVENTS, conn_count() > 0 || !s->accepting ? TICK_MS : -1);
        if (n < 0 && errno != EINTR)
            return -errno;
        int64_t now = now_ms();
        int err = 0;
        reply_set_time(time(NULL));
        for (int i = 0; i < n && !err; i++) {
            if (events[i].data.ptr)
                conn_ready(events[i].data.ptr, now);
            else
                err = accept_all(s, now);
        }
        bool tick = now - last_tick >= TICK_MS;
        if (tick) {
            conn_expire(now);
            last_tick = now;
        }
        /* Once a connection has ended; or in a while, for what was missing may be somebody else's. */
        if (!err && !s->accepting && (conn_count() < s->paused_at || (tick && conn_count() < CONN_MAX)))
            err = watch_listener(s, true);
        if (err)
            return err;
    }
}

int main(int argc, char **argv) {
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'}, {"bind", required_argument, NULL, 'b'}, {0}};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(8080)};
    bool usage_ok = true;
    int opt;
    while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
        char *end = NULL;
        unsigned long port = opt == 'p' ? strtoul(optarg, &end, 10) : 0;
        if (opt == 'p' && *optarg && !*end && port > 0 && port <= 65535)
            address.sin_port = htons((uint16_t)port);
        else if (opt != 'b' || inet_pton(AF_INET, optarg, &address.sin_addr) != 1)
            usage_ok = false;
    }
    if (!usage_ok || optind != argc) {
        fputs("usage: rest [--port N] [--bind ADDRESS]\n", stderr);
        return 2;
    }

    char text[INET_ADDRSTRLEN];
    (void)inet_ntop(AF_INET, &address.sin_addr, text, sizeof(text));
    struct server server = {.epoll = epoll_create1(EPOLL_CLOEXEC), .listener = start_listening(&address)};
    int err = server.epoll < 0 ? -errno : server.listener < 0 ? server.listener : 0;
    if (!err && epoll_ctl(server.epoll, EPOLL_CTL_ADD, server.listener, &(struct epoll_event){0}) < 0)
        err = -errno;
    if (!err)
        err = watch_listener(&server, true);
    if (!err) {
        printf("rest: listening on %s:%u\n", text, ntohs(address.sin_port));
        fflush(stdout);
        err = serve(&server);
    }
    fprintf(stderr, "rest: %s:%u: %s\n", text, ntohs(address.sin_port), strerror(-err));
    return 1;
}
