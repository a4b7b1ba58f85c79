/* SPDX-License-Identifier: MIT */
/* AF_UNIX: pairs and names. Names are abstract, so that nothing is left on the host. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tap.h"

static int pair[2];

static int events_of(int fd) {
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP};
    poll(&p, 1, 0);
    return p.revents;
}

static void streams(void) {
    char buffer[64];
    int available;
    ok(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
    ok(events_of(pair[0]) == POLLOUT, "writable");
    ok(write(pair[0], "ab", 2) == 2 && write(pair[0], "cd", 2) == 2, "two writes");
    ok(ioctl(pair[1], FIONREAD, &available) == 0 && available == 4, "FIONREAD");
    ok(events_of(pair[1]) == (POLLIN | POLLOUT), "readable");
    ok(recv(pair[1], buffer, 3, MSG_PEEK) == 3 && !memcmp(buffer, "abc", 3), "MSG_PEEK across both");
    ok(read(pair[1], buffer, 64) == 4 && !memcmp(buffer, "abcd", 4), "one read");
    ok(recv(pair[1], buffer, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN, "EAGAIN");
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    ssize_t n;
    size_t sent = 0, got = 0;
    while ((n = write(pair[0], buffer, sizeof buffer)) > 0)
        sent += (size_t)n;
    ok(errno == EAGAIN && !(events_of(pair[0]) & POLLOUT), "full");
    while (got < sent && (n = read(pair[1], buffer, sizeof buffer)) > 0)
        got += (size_t)n;
    ok(got == sent && (events_of(pair[0]) & POLLOUT), "and empty again");
    shutdown(pair[0], SHUT_WR);
    ok(read(pair[1], buffer, 1) == 0 && (events_of(pair[1]) & (POLLRDHUP | POLLHUP)) == POLLRDHUP, "half closed");
    ok(write(pair[1], "x", 1) == 1 && read(pair[0], buffer, 1) == 1, "the other direction");
    close(pair[0]);
    ok((events_of(pair[1]) & (POLLIN | POLLHUP)) == (POLLIN | POLLHUP), "closed");
    ok(send(pair[1], "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE, "EPIPE");
    close(pair[1]);
}

static void *answer(void *unused) {
    char buffer[16];
    ssize_t n;
    (void)unused;
    while ((n = read(pair[1], buffer, sizeof buffer)) > 0)
        if (write(pair[1], buffer, (size_t)n) != n)
            break;
    return NULL;
}

static void threads(void) {
    pthread_t thread;
    char buffer[16];
    int good = 0;
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    pthread_create(&thread, NULL, answer, NULL);
    for (int i = 0; i < 1000; i++)
        good += write(pair[0], &i, sizeof i) == sizeof i && read(pair[0], buffer, 16) == sizeof i &&
                !memcmp(buffer, &i, sizeof i);
    close(pair[0]);
    pthread_join(thread, NULL);
    ok(good == 1000, "a thousand round trips between threads");
    close(pair[1]);
}

static void messages(void) {
    char buffer[64];
    ok(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0, "SOCK_SEQPACKET");
    write(pair[0], "one", 3);
    write(pair[0], "three", 5);
    ok(read(pair[1], buffer, 64) == 3 && recv(pair[1], buffer, 2, MSG_TRUNC) == 5, "boundaries are kept");
    close(pair[0]);
    ok(read(pair[1], buffer, 64) == 0, "the end");
    close(pair[1]);
    ok(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0, "SOCK_DGRAM");
    write(pair[0], "one", 3);
    write(pair[0], "two", 3);
    ok(read(pair[1], buffer, 64) == 3 && read(pair[1], buffer, 64) == 3 && !memcmp(buffer, "two", 3), "datagrams");
    close(pair[0]);
    ok(send(pair[1], "x", 1, 0) < 0 && errno == ECONNREFUSED, "nobody there");
    close(pair[1]);
}

static socklen_t make_name(struct sockaddr_un *name, const char *text) {
    *name = (struct sockaddr_un){.sun_family = AF_UNIX};
    int n = snprintf(name->sun_path + 1, sizeof name->sun_path - 1, "ukvm-test-%s-%d", text, (int)getpid());
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

static void names(void) {
    struct sockaddr_un name, peer;
    socklen_t length = make_name(&name, "stream"), peer_length = sizeof peer;
    char buffer[16];
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
    ok(connect(client, (struct sockaddr *)&name, length) < 0 && errno == ECONNREFUSED, "no such name");
    ok(bind(fd, (struct sockaddr *)&name, length) == 0 && listen(fd, 5) == 0, "bind and listen");
    int second = socket(AF_UNIX, SOCK_STREAM, 0);
    ok(bind(second, (struct sockaddr *)&name, length) < 0 && errno == EADDRINUSE, "a name is taken once");
    close(second);
    ok(connect(client, (struct sockaddr *)&name, length) == 0, "connect");
    ok(write(client, "hello", 5) == 5, "write before accept");
    int server = accept(fd, (struct sockaddr *)&peer, &peer_length);
    ok(server >= 0 && peer.sun_family == AF_UNIX && peer_length == offsetof(struct sockaddr_un, sun_path), "accept");
    ok(read(server, buffer, 16) == 5, "read");
    peer_length = sizeof peer;
    ok(getpeername(client, (struct sockaddr *)&peer, &peer_length) == 0 && peer_length == length &&
           !memcmp(&peer, &name, length),
       "getpeername");
    close(fd);
    close(client);
    close(server);
    length = make_name(&name, "datagram");
    fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    client = socket(AF_UNIX, SOCK_DGRAM, 0);
    ok(bind(fd, (struct sockaddr *)&name, length) == 0, "a name for datagrams");
    ok(sendto(client, "x", 1, 0, (struct sockaddr *)&name, length) == 1 && recv(fd, buffer, 16, 0) == 1, "sendto");
    ok(connect(client, (struct sockaddr *)&name, length) == 0 && send(client, "yy", 2, 0) == 2 &&
           recv(fd, buffer, 16, 0) == 2,
       "connect and send");
    close(fd);
    close(client);
}

int main(void) {
    signal(SIGPIPE, SIG_IGN);
    streams();
    threads();
    messages();
    names();
    return done_testing();
}
