/* SPDX-License-Identifier: MIT */
/* TCP over the loopback interface: connections, transfer, and every way to end. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tap.h"

static struct sockaddr_in loopback(int port) {
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int port_of(int fd) {
    struct sockaddr_in own;
    socklen_t length = sizeof own;
    return getsockname(fd, (struct sockaddr *)&own, &length) == 0 ? ntohs(own.sin_port) : -1;
}

/* A listening socket on a port of the system's choice. */
static int listener(int backlog) {
    struct sockaddr_in any = loopback(0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof any) < 0 || listen(fd, backlog) < 0)
        perror("listener");
    return fd;
}

static int connect_to(int port) {
    struct sockaddr_in peer = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return connect(fd, (struct sockaddr *)&peer, sizeof peer) == 0 ? fd : -1;
}

/* Both ends of a new connection. */
static void make_pair(int pair[2]) {
    int fd = listener(1);
    pair[0] = connect_to(port_of(fd));
    pair[1] = accept(fd, NULL, NULL);
    if (pair[0] < 0 || pair[1] < 0)
        perror("make_pair");
    close(fd);
}

static void close_pair(const int pair[2]) {
    close(pair[0]);
    close(pair[1]);
}

static int error_of(int fd) {
    int error = -1;
    socklen_t length = sizeof error;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
    return error;
}

/* What poll() says at once, or within a second if that is `wanted`. */
static int events_of(int fd, int wanted) {
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP};
    for (int i = 0; i < 100; i++) {
        poll(&p, 1, 0);
        if ((p.revents & wanted) == wanted)
            break;
        usleep(10000);
    }
    return p.revents;
}

static void connections(void) {
    struct sockaddr_in peer, own;
    socklen_t length = sizeof peer;
    int fd = listener(5), port = port_of(fd);
    ok(port > 0, "a listening socket has a port");
    int client = connect_to(port);
    ok(client >= 0, "connect");
    int server = accept4(fd, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK);
    ok(server >= 0 && length == sizeof peer && peer.sin_family == AF_INET, "accept4 tells the peer's address");
    ok(ntohs(peer.sin_port) == port_of(client), "which is the client's port");
    ok(fcntl(server, F_GETFL) & O_NONBLOCK, "SOCK_NONBLOCK");
    length = sizeof own;
    ok(getpeername(client, (struct sockaddr *)&own, &length) == 0 && ntohs(own.sin_port) == port, "getpeername");
    ok(port_of(server) == port && own.sin_addr.s_addr == htonl(INADDR_LOOPBACK), "getsockname");
    char buffer[16];
    ok(read(server, buffer, 1) < 0 && errno == EAGAIN, "nothing to read: EAGAIN");
    ok(write(client, "ping", 4) == 4 && (events_of(server, POLLIN) & POLLIN) && read(server, buffer, 16) == 4 &&
           !memcmp(buffer, "ping", 4),
       "there");
    ok(write(server, "pong", 4) == 4 && read(client, buffer, 16) == 4 && !memcmp(buffer, "pong", 4), "and back");
    ok(connect(client, (struct sockaddr *)&own, sizeof own) < 0 && errno == EISCONN, "connected already: EISCONN");
    ok(listen(client, 1) < 0 && errno == EINVAL, "a connection cannot listen");
    ok(accept(client, NULL, NULL) < 0 && errno == EINVAL, "nor accept");
    close(client);
    close(server);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    ok(accept(fd, NULL, NULL) < 0 && errno == EAGAIN, "nobody there: EAGAIN");
    close(fd);
}

static void refusals(void) {
    int fd = listener(1), port = port_of(fd);
    struct sockaddr_in peer = loopback(port);
    int second = socket(AF_INET, SOCK_STREAM, 0);
    ok(bind(second, (struct sockaddr *)&peer, sizeof peer) < 0 && errno == EADDRINUSE, "the port is taken: EADDRINUSE");
    close(second);
    close(fd);
    ok(connect_to(port) < 0 && errno == ECONNREFUSED, "nobody listens: ECONNREFUSED");
    int client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int result = connect(client, (struct sockaddr *)&peer, sizeof peer);
    ok(result < 0 && (errno == EINPROGRESS || errno == ECONNREFUSED), "the same without blocking");
    if (errno == EINPROGRESS) {
        events_of(client, POLLOUT | POLLERR);
        ok(error_of(client) == ECONNREFUSED, "SO_ERROR tells");
    } else {
        ok(1, "SO_ERROR tells");
    }
    ok(error_of(client) == 0, "once");
    close(client);
    client = socket(AF_INET, SOCK_STREAM, 0);
    char c;
    ok(read(client, &c, 1) < 0 && errno == ENOTCONN, "not connected: ENOTCONN");
    ok(getpeername(client, (struct sockaddr *)&peer, &(socklen_t){sizeof peer}) < 0 && errno == ENOTCONN, "no peer");
    ok(send(client, "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE, "nothing to send to: EPIPE");
    ok(shutdown(client, SHUT_WR) < 0 && errno == ENOTCONN, "nothing to shut down");
    ok((events_of(client, POLLHUP) & (POLLHUP | POLLOUT)) == (POLLHUP | POLLOUT), "poll() of a fresh socket");
    struct sockaddr_in far = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x01020304)};
    ok(bind(client, (struct sockaddr *)&far, sizeof far) < 0 && errno == EADDRNOTAVAIL, "no such address here");
    ok(bind(client, (struct sockaddr *)&far, 3) < 0 && errno == EINVAL, "too short an address");
    far.sin_family = AF_INET6;
    ok(bind(client, (struct sockaddr *)&far, sizeof far) < 0 && errno == EAFNOSUPPORT, "an address of another family");
    close(client);
    ok(socket(AF_INET, 77, 0) < 0 && errno == EINVAL, "no such type");
    ok(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP) < 0 && errno == EPROTONOSUPPORT, "no such protocol");
    ok(socket(999, SOCK_STREAM, 0) < 0 && errno == EAFNOSUPPORT, "no such family");
    ok(listen(0, 1) < 0 && (errno == ENOTSOCK), "not a socket: ENOTSOCK");
    ok(listen(999, 1) < 0 && errno == EBADF, "no descriptor: EBADF");
}

static void nonblocking_connect(void) {
    int fd = listener(5);
    struct sockaddr_in peer = loopback(port_of(fd));
    int client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int result = connect(client, (struct sockaddr *)&peer, sizeof peer);
    ok(result == 0 || errno == EINPROGRESS, "connect without blocking");
    ok((events_of(client, POLLOUT) & (POLLOUT | POLLERR | POLLHUP)) == POLLOUT, "becomes writable");
    ok(error_of(client) == 0, "without an error");
    int server = accept(fd, NULL, NULL);
    ok(server >= 0 && write(client, "x", 1) == 1, "and is a connection");
    close(client);
    close(server);
    close(fd);
}

static void half_close(void) {
    int pair[2];
    char buffer[16];
    make_pair(pair);
    ok(write(pair[0], "last", 4) == 4 && shutdown(pair[0], SHUT_WR) == 0, "shutdown(SHUT_WR)");
    int events = events_of(pair[1], POLLRDHUP);
    ok((events & (POLLIN | POLLRDHUP | POLLHUP)) == (POLLIN | POLLRDHUP), "the other end sees POLLRDHUP, not POLLHUP");
    ok(read(pair[1], buffer, 16) == 4 && read(pair[1], buffer, 16) == 0, "the data, then the end");
    ok(read(pair[1], buffer, 16) == 0, "and the end again");
    ok(send(pair[0], "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE, "no more sending: EPIPE");
    ok(write(pair[1], "answer", 6) == 6 && read(pair[0], buffer, 16) == 6, "the other direction still works");
    ok(shutdown(pair[1], SHUT_WR) == 0, "both directions are shut");
    ok((events_of(pair[0], POLLHUP) & (POLLIN | POLLHUP | POLLRDHUP)) == (POLLIN | POLLHUP | POLLRDHUP), "POLLHUP");
    ok(read(pair[0], buffer, 16) == 0, "and the end");
    close_pair(pair);
    make_pair(pair);
    ok(shutdown(pair[0], SHUT_RD) == 0 && read(pair[0], buffer, 1) == 0, "shutdown(SHUT_RD)");
    ok(write(pair[0], "x", 1) == 1 && read(pair[1], buffer, 1) == 1, "and sending goes on");
    close_pair(pair);
}

static int signals;

static void count_signal(int signal) {
    (void)signal;
    signals++;
}

static void resets(void) {
    int pair[2];
    char buffer[16];
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    make_pair(pair);
    setsockopt(pair[0], SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(pair[0]);
    int events = events_of(pair[1], POLLERR);
    ok((events & (POLLIN | POLLERR | POLLHUP)) == (POLLIN | POLLERR | POLLHUP), "SO_LINGER 0: poll() sees the reset");
    ok(read(pair[1], buffer, 1) < 0 && errno == ECONNRESET, "ECONNRESET");
    ok(read(pair[1], buffer, 1) == 0, "then the end");
    signal(SIGPIPE, count_signal);
    ok(write(pair[1], "x", 1) < 0 && errno == EPIPE && signals == 1, "then EPIPE, with SIGPIPE");
    ok(send(pair[1], "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE && signals == 1, "without, for MSG_NOSIGNAL");
    close(pair[1]);
    make_pair(pair);
    ok(write(pair[1], "unread", 6) == 6 && (events_of(pair[0], POLLIN) & POLLIN), "data that is not read");
    close(pair[0]);
    events_of(pair[1], POLLERR);
    ok(read(pair[1], buffer, 1) < 0 && errno == ECONNRESET, "makes closing a reset");
    close(pair[1]);
    int fd = listener(5), client = connect_to(port_of(fd));
    close(fd);
    events_of(client, POLLERR);
    ok(read(client, buffer, 1) < 0 && errno == ECONNRESET, "a connection that was never accepted is reset");
    close(client);
}

static void flags(void) {
    int pair[2], available = -1;
    char buffer[32];
    make_pair(pair);
    ok(write(pair[0], "0123456789", 10) == 10 && (events_of(pair[1], POLLIN) & POLLIN), "ten bytes");
    ok(ioctl(pair[1], FIONREAD, &available) == 0 && available == 10, "FIONREAD");
    ok(recv(pair[1], buffer, 4, MSG_PEEK) == 4 && !memcmp(buffer, "0123", 4), "MSG_PEEK");
    ok(recv(pair[1], buffer, 4, 0) == 4 && !memcmp(buffer, "0123", 4), "leaves them there");
    ok(recv(pair[1], NULL, 2, MSG_TRUNC) == 2, "MSG_TRUNC drops two");
    ok(recv(pair[1], buffer, 32, MSG_DONTWAIT) == 4 && !memcmp(buffer, "6789", 4), "the rest");
    ok(recv(pair[1], buffer, 32, MSG_DONTWAIT) < 0 && errno == EAGAIN, "MSG_DONTWAIT");
    struct timeval time = {.tv_usec = 50000};
    setsockopt(pair[1], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    ok(recv(pair[1], buffer, 1, 0) < 0 && errno == EAGAIN, "SO_RCVTIMEO with recv()");
    ok(read(pair[1], buffer, 1) < 0 && errno == EAGAIN, "SO_RCVTIMEO with read()");
    time.tv_usec = 0;
    setsockopt(pair[1], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    struct iovec out[] = {{"ab", 2}, {"", 0}, {"cd", 2}};
    struct msghdr message = {.msg_iov = out, .msg_iovlen = 3};
    ok(sendmsg(pair[0], &message, 0) == 4, "sendmsg");
    ok(recv(pair[1], buffer, 4, MSG_WAITALL) == 4 && !memcmp(buffer, "abcd", 4), "recv");
    ok(send(pair[0], "more", 4, MSG_MORE) == 4 && send(pair[0], "!", 1, 0) == 1, "MSG_MORE");
    ok(recv(pair[1], buffer, 5, MSG_WAITALL) == 5 && !memcmp(buffer, "more!", 5), "MSG_WAITALL");
    close_pair(pair);
}

/* ---- much data */

#define MUCH (3 * 1024 * 1024 + 17)

static unsigned char byte_at(size_t i) {
    return (unsigned char)(i * 2654435761u >> 13);
}

static void *write_much(void *argument) {
    int fd = *(int *)argument;
    unsigned char *all = malloc(MUCH);
    for (size_t i = 0; i < MUCH; i++)
        all[i] = byte_at(i);
    for (size_t done = 0; done < MUCH;) {
        size_t piece = 1 + (done * 7919 + 1) % 100000;
        ssize_t n = write(fd, all + done, piece < MUCH - done ? piece : MUCH - done);
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    free(all);
    shutdown(fd, SHUT_WR);
    return NULL;
}

static void much(void) {
    int pair[2];
    pthread_t thread;
    unsigned char buffer[7001];
    size_t got = 0, wrong = 0;
    ssize_t n;
    make_pair(pair);
    pthread_create(&thread, NULL, write_much, &pair[0]);
    while ((n = read(pair[1], buffer, sizeof buffer)) > 0) {
        for (ssize_t i = 0; i < n; i++)
            wrong += buffer[i] != byte_at(got + (size_t)i);
        got += (size_t)n;
        if (got % 11 == 0)
            usleep(1000);
    }
    pthread_join(thread, NULL);
    ok(got == MUCH && n == 0, "megabytes arrive");
    ok(wrong == 0, "as they were sent");
    close_pair(pair);
    make_pair(pair);
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    size_t queued = 0;
    while ((n = write(pair[0], buffer, sizeof buffer)) > 0)
        queued += (size_t)n;
    ok(n < 0 && errno == EAGAIN && queued > 65536, "a writer whose peer does not read gets EAGAIN");
    ok(!(events_of(pair[0], 0) & POLLOUT), "and is not writable");
    for (got = 0; got < queued && (n = read(pair[1], buffer, sizeof buffer)) > 0;)
        got += (size_t)n;
    ok(got == queued && (events_of(pair[0], POLLOUT) & POLLOUT), "until the peer has read");
    close_pair(pair);
}

static void reuse(void) {
    int fd = listener(5), port = port_of(fd), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on); /* the connections have it from here */
    int client = connect_to(port), server = accept(fd, NULL, NULL);
    char c;
    close(server);
    ok(read(client, &c, 1) == 0, "a server that closes first");
    close(client);
    close(fd);
    struct sockaddr_in own = loopback(port);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    ok(bind(fd, (struct sockaddr *)&own, sizeof own) == 0 && listen(fd, 1) == 0, "starts again with SO_REUSEADDR");
    close(fd);
}

static void many(void) {
    int fd = listener(200), clients[150], servers[150], good = 0;
    char c;
    for (int i = 0; i < 150; i++)
        clients[i] = connect_to(port_of(fd));
    for (int i = 0; i < 150; i++)
        servers[i] = accept(fd, NULL, NULL);
    for (int i = 0; i < 150; i++)
        good += write(servers[i], "x", 1) == 1;
    for (int i = 0; i < 150; i++)
        good += read(clients[i], &c, 1) == 1;
    ok(good == 300, "150 connections at once");
    for (int i = 0; i < 150; i++) {
        close(servers[i]);
        close(clients[i]);
    }
    close(fd);
}

static void options(void) {
    int pair[2], value;
    socklen_t length = sizeof value;
    make_pair(pair);
    const struct {
        int level, name;
        const char *text;
    } on_off[] = {
        {SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE"},
        {SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR"},
        {IPPROTO_TCP, TCP_NODELAY, "TCP_NODELAY"},
        {IPPROTO_TCP, TCP_CORK, "TCP_CORK"},
    };
    for (size_t i = 0; i < sizeof on_off / sizeof *on_off; i++) {
        value = 1;
        int set = setsockopt(pair[0], on_off[i].level, on_off[i].name, &value, sizeof value);
        value = 0;
        length = sizeof value;
        getsockopt(pair[0], on_off[i].level, on_off[i].name, &value, &length);
        ok(set == 0 && value == 1 && length == sizeof value, "%s", on_off[i].text);
    }
    value = 30;
    ok(setsockopt(pair[0], IPPROTO_TCP, TCP_KEEPIDLE, &value, sizeof value) == 0, "TCP_KEEPIDLE");
    value = 0;
    getsockopt(pair[0], IPPROTO_TCP, TCP_KEEPIDLE, &value, &length);
    ok(value == 30, "reads back");
    getsockopt(pair[0], SOL_SOCKET, SO_TYPE, &value, &length);
    ok(value == SOCK_STREAM, "SO_TYPE");
    getsockopt(pair[0], SOL_SOCKET, SO_DOMAIN, &value, &length);
    ok(value == AF_INET, "SO_DOMAIN");
    getsockopt(pair[0], SOL_SOCKET, SO_PROTOCOL, &value, &length);
    ok(value == IPPROTO_TCP, "SO_PROTOCOL");
    getsockopt(pair[0], SOL_SOCKET, SO_ACCEPTCONN, &value, &length);
    ok(value == 0, "SO_ACCEPTCONN of a connection");
    value = 10000;
    setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &value, sizeof value);
    getsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &value, &length);
    ok(value == 20000, "SO_SNDBUF is doubled");
    ok(setsockopt(pair[0], SOL_SOCKET, 9999, &value, sizeof value) < 0 && errno == ENOPROTOOPT, "no such option");
    ok(setsockopt(pair[0], SOL_SOCKET, SO_REUSEADDR, &value, 1) < 0 && errno == EINVAL, "too short a value");
    struct tcp_info info;
    length = sizeof info;
    ok(getsockopt(pair[0], IPPROTO_TCP, TCP_INFO, &info, &length) == 0 && info.tcpi_state == TCP_ESTABLISHED,
       "TCP_INFO");
    close_pair(pair);
    int fd = listener(1);
    length = sizeof value;
    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &length);
    ok(value == 1, "SO_ACCEPTCONN of a listening socket");
    close(fd);
}

int main(void) {
    connections();
    refusals();
    nonblocking_connect();
    half_close();
    resets();
    flags();
    much();
    reuse();
    many();
    options();
    return done_testing();
}
