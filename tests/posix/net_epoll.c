/* SPDX-License-Identifier: MIT */
/* Sockets and epoll: which events, how often, level- and edge-triggered; and TCP over IPv6. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tap.h"

static int epoll;

/* Events of one descriptor within `ms`; 0 if there are none. */
static unsigned wait_for(int ms) {
    struct epoll_event event = {0};
    return epoll_wait(epoll, &event, 1, ms) == 1 ? event.events : 0;
}

static void watch(int fd, unsigned events) {
    struct epoll_event event = {.events = events, .data.fd = fd};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        perror("epoll_ctl");
}

static void forget(int fd) {
    epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
}

static int listener(struct sockaddr_in6 *own) {
    socklen_t length = sizeof *own;
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
    *own = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    if (bind(fd, (struct sockaddr *)own, sizeof *own) < 0 || listen(fd, 8) < 0 ||
        getsockname(fd, (struct sockaddr *)own, &length) < 0)
        perror("listener");
    return fd;
}

static void make_pair(int pair[2]) {
    struct sockaddr_in6 own;
    int fd = listener(&own);
    pair[0] = socket(AF_INET6, SOCK_STREAM, 0);
    if (connect(pair[0], (struct sockaddr *)&own, sizeof own) < 0)
        perror("connect");
    do
        pair[1] = accept4(fd, NULL, NULL, SOCK_NONBLOCK);
    while (pair[1] < 0 && errno == EAGAIN);
    close(fd);
}

static void listening(void) {
    struct sockaddr_in6 own, peer;
    socklen_t length = sizeof peer;
    int fd = listener(&own);
    watch(fd, EPOLLIN);
    ok(wait_for(0) == 0, "nobody has connected");
    int client = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
    ok(connect(client, (struct sockaddr *)&own, sizeof own) == 0 || errno == EINPROGRESS, "connect to ::1");
    ok(wait_for(1000) == EPOLLIN, "EPOLLIN on the listening socket");
    ok(wait_for(0) == EPOLLIN, "and again, until accepted");
    int server = accept(fd, (struct sockaddr *)&peer, &length);
    ok(server >= 0 && peer.sin6_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&peer.sin6_addr), "accept");
    ok(wait_for(0) == 0, "no more");
    forget(fd);
    watch(client, EPOLLIN | EPOLLOUT);
    ok(wait_for(1000) == EPOLLOUT, "the client is connected: EPOLLOUT");
    close(client);
    close(server);
    close(fd);
}

static void level(void) {
    int pair[2];
    char buffer[16];
    make_pair(pair);
    watch(pair[1], EPOLLIN | EPOLLRDHUP);
    ok(wait_for(0) == 0, "level: nothing");
    ok(write(pair[0], "abc", 3) == 3, "three bytes");
    ok(wait_for(1000) == EPOLLIN, "EPOLLIN");
    ok(read(pair[1], buffer, 1) == 1 && wait_for(0) == EPOLLIN, "as long as something is left");
    ok(read(pair[1], buffer, 16) == 2 && wait_for(0) == 0, "not after that");
    close(pair[0]);
    ok(wait_for(1000) == (EPOLLIN | EPOLLRDHUP), "the end: EPOLLIN and EPOLLRDHUP");
    ok(read(pair[1], buffer, 1) == 0, "read says 0");
    shutdown(pair[1], SHUT_WR);
    ok(wait_for(1000) == (EPOLLIN | EPOLLRDHUP | EPOLLHUP), "both directions: EPOLLHUP");
    close(pair[1]);
    ok(wait_for(0) == 0, "closing forgets");
}

static void edge(void) {
    int pair[2];
    char buffer[16];
    make_pair(pair);
    watch(pair[1], EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
    ok(wait_for(1000) == EPOLLOUT, "edge: writable from the start");
    ok(wait_for(0) == 0, "once");
    ok(write(pair[0], "abc", 3) == 3 && (wait_for(1000) & EPOLLIN), "data: EPOLLIN");
    ok(read(pair[1], buffer, 1) == 1 && wait_for(0) == 0, "no second time for the rest");
    ok(write(pair[0], "d", 1) == 1 && (wait_for(1000) & EPOLLIN), "again for new data");
    ok(read(pair[1], buffer, 16) == 3 && read(pair[1], buffer, 16) < 0 && errno == EAGAIN, "read until EAGAIN");
    shutdown(pair[0], SHUT_WR);
    ok((wait_for(1000) & (EPOLLIN | EPOLLRDHUP)) == (EPOLLIN | EPOLLRDHUP), "the end");
    ok(wait_for(0) == 0, "once");
    close(pair[0]);
    close(pair[1]);
}

static void full(void) {
    int pair[2];
    static char buffer[65536];
    make_pair(pair);
    size_t sent = 0;
    ssize_t n;
    watch(pair[1], EPOLLOUT | EPOLLET);
    wait_for(0);
    while ((n = write(pair[1], buffer, sizeof buffer)) > 0)
        sent += (size_t)n;
    ok(errno == EAGAIN && wait_for(0) == 0, "a full connection is not writable");
    for (size_t got = 0; got < sent && (n = read(pair[0], buffer, sizeof buffer)) > 0;)
        got += (size_t)n;
    ok(wait_for(1000) & EPOLLOUT, "EPOLLOUT when the peer has read");
    ok(write(pair[1], buffer, 1) == 1, "and it is");
    close(pair[0]);
    close(pair[1]);
}

static void errors(void) {
    struct sockaddr_in6 own;
    struct linger linger = {.l_onoff = 1};
    int pair[2], fd = listener(&own), error = 0;
    socklen_t length = sizeof error;
    close(fd);
    fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (connect(fd, (struct sockaddr *)&own, sizeof own) < 0 && errno == EINPROGRESS) {
        watch(fd, EPOLLOUT | EPOLLIN | EPOLLRDHUP);
        ok(wait_for(1000) == (EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLRDHUP), "refused: everything at once");
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
        ok(error == ECONNREFUSED, "SO_ERROR");
    } else {
        ok(errno == ECONNREFUSED, "refused: everything at once");
        ok(true, "SO_ERROR");
    }
    close(fd);
    make_pair(pair);
    watch(pair[1], EPOLLIN);
    setsockopt(pair[0], SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(pair[0]);
    ok((wait_for(1000) & (EPOLLIN | EPOLLERR | EPOLLHUP)) == (EPOLLIN | EPOLLERR | EPOLLHUP), "a reset");
    close(pair[1]);
}

static void once(void) {
    int pair[2];
    struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT};
    make_pair(pair);
    watch(pair[1], EPOLLIN | EPOLLONESHOT);
    ok(write(pair[0], "a", 1) == 1 && wait_for(1000) == EPOLLIN && wait_for(0) == 0, "EPOLLONESHOT");
    epoll_ctl(epoll, EPOLL_CTL_MOD, pair[1], &event);
    ok(wait_for(0) == EPOLLIN, "armed again");
    close(pair[0]);
    close(pair[1]);
}

static void mapped(void) {
    struct sockaddr_in6 own = {.sin6_family = AF_INET6}, peer;
    socklen_t length = sizeof own;
    int off = 0, fd = socket(AF_INET6, SOCK_STREAM, 0);
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    ok(bind(fd, (struct sockaddr *)&own, sizeof own) == 0 && listen(fd, 1) == 0, "listen on ::");
    getsockname(fd, (struct sockaddr *)&own, &length);
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = own.sin6_port, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int client = socket(AF_INET, SOCK_STREAM, 0);
    ok(connect(client, (struct sockaddr *)&to, sizeof to) == 0, "connect by IPv4");
    length = sizeof peer;
    int server = accept(fd, (struct sockaddr *)&peer, &length);
    ok(server >= 0 && length == sizeof peer && IN6_IS_ADDR_V4MAPPED(&peer.sin6_addr), "from a mapped address");
    length = sizeof own;
    getsockname(server, (struct sockaddr *)&own, &length);
    ok(IN6_IS_ADDR_V4MAPPED(&own.sin6_addr), "to one");
    close(client);
    close(server);
    close(fd);
}

int main(void) {
    epoll = epoll_create1(0);
    listening();
    level();
    edge();
    full();
    errors();
    once();
    mapped();
    return done_testing();
}
