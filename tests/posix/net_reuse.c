/* SPDX-License-Identifier: MIT */
/* SO_REUSEADDR and SO_REUSEPORT: which sockets may have one port together, and that they share what arrives. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tap.h"

#define PEERS 64
#define ROUNDS 3

enum { ADDRESS = 1, PORT = 2 };

static struct sockaddr_in at(uint32_t address, int port) {
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(address)};
}

static int port_of(int fd) {
    struct sockaddr_in own;
    socklen_t length = sizeof own;
    return getsockname(fd, (struct sockaddr *)&own, &length) == 0 ? ntohs(own.sin_port) : -1;
}

/* A bound socket; -errno. */
static int bound(int type, int options, uint32_t address, int port) {
    struct sockaddr_in own = at(address, port);
    int fd = socket(AF_INET, type, 0), on = 1;
    if (options & ADDRESS)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (options & PORT)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&own, sizeof own) == 0)
        return fd;
    int error = errno;
    close(fd);
    return -error;
}

/* ---- who may */

static const char *name_of(int options) {
    static const char *const names[] = {"nothing", "SO_REUSEADDR", "SO_REUSEPORT", "both"};
    return names[options];
}

static void pair(int type, int first, int second, bool listens) {
    static const uint32_t addresses[] = {INADDR_LOOPBACK, INADDR_ANY};
    bool may = (first & second & PORT) || ((first & second & ADDRESS) && !listens);
    for (int i = 0; i < 4; i++) {
        int a = bound(type, first, addresses[i & 1], 0), port = port_of(a);
        if (listens && listen(a, 5) < 0)
            perror("listen");
        int b = bound(type, second, addresses[i >> 1], port);
        ok(may ? b >= 0 : b == -EADDRINUSE, "%s, %s%s and %s, %d", type == SOCK_STREAM ? "TCP" : "UDP", name_of(first),
           listens ? ", listening," : "", name_of(second), i);
        close(a);
        if (b >= 0)
            close(b);
    }
}

static void pairs(void) {
    for (int first = 0; first < 4; first++)
        for (int second = 0; second < 4; second++) {
            pair(SOCK_STREAM, first, second, false);
            pair(SOCK_STREAM, first, second, true);
            pair(SOCK_DGRAM, first, second, false);
        }
}

static void listening(void) {
    int a = bound(SOCK_STREAM, ADDRESS, INADDR_LOOPBACK, 0);
    int b = bound(SOCK_STREAM, ADDRESS, INADDR_LOOPBACK, port_of(a));
    ok(listen(a, 5) == 0, "of two with SO_REUSEADDR one listens");
    ok(listen(b, 5) < 0 && errno == EADDRINUSE, "and the other cannot");
    close(a);
    ok(listen(b, 5) == 0, "before the first is closed");
    close(b);
    a = bound(SOCK_STREAM, PORT, INADDR_LOOPBACK, 0);
    b = bound(SOCK_STREAM, PORT, INADDR_LOOPBACK, port_of(a));
    ok(listen(a, 5) == 0 && listen(b, 5) == 0, "two with SO_REUSEPORT listen");
    ok(listen(a, 9) == 0 && listen(b, 9) == 0, "and say so again");
    close(a);
    close(b);
}

/* ---- who gets what */

static bool is_ready(int fd, int patience) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, patience) == 1;
}

static int connect_to(int port) {
    struct sockaddr_in peer = at(INADDR_LOOPBACK, port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&peer, sizeof peer) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Accepts what is there, and says how much that was. */
static int accept_all(int fd) {
    int count = 0;
    for (; is_ready(fd, 0); count++)
        close(accept(fd, NULL, NULL));
    return count;
}

static int connect_many(int port, int *clients) {
    int good = 0;
    for (int i = 0; i < PEERS; i++)
        good += (clients[i] = connect_to(port)) >= 0;
    return good;
}

static void close_all(const int *fds) {
    for (int i = 0; i < PEERS; i++)
        close(fds[i]);
}

static void streams(void) {
    int fds[3], clients[PEERS], counts[3], port = 0;
    for (int i = 0; i < 3; i++) {
        fds[i] = bound(SOCK_STREAM, PORT, INADDR_LOOPBACK, port);
        port = port_of(fds[i]);
        listen(fds[i], PEERS);
    }
    ok(connect_many(port, clients) == PEERS, "%d clients of three sockets", PEERS);
    for (int i = 0; i < 3; i++)
        counts[i] = accept_all(fds[i]);
    ok(counts[0] + counts[1] + counts[2] == PEERS, "all are accepted");
    ok(counts[0] > 0 && counts[1] > 0 && counts[2] > 0, "each by one of them");
    close_all(clients);
    close(fds[0]);
    ok(connect_many(port, clients) == PEERS, "the same without the first");
    counts[1] = accept_all(fds[1]);
    counts[2] = accept_all(fds[2]);
    ok(counts[1] + counts[2] == PEERS && counts[1] > 0 && counts[2] > 0, "the others share them");
    close_all(clients);
    close(fds[2]);
    ok(connect_many(port, clients) == PEERS && accept_all(fds[1]) == PEERS, "the last one gets all");
    close_all(clients);
    close(fds[1]);
    ok(connect_to(port) < 0 && errno == ECONNREFUSED, "and then there is nobody");
}

/* Who is not accepted when a socket goes is reset; those of the other are not. */
static void closing(void) {
    int a = bound(SOCK_STREAM, PORT, INADDR_LOOPBACK, 0), port = port_of(a), resets = 0, clients[PEERS];
    int b = bound(SOCK_STREAM, PORT, INADDR_LOOPBACK, port);
    char c;
    listen(a, PEERS);
    listen(b, PEERS);
    connect_many(port, clients);
    close(a);
    int accepted = accept_all(b);
    for (int i = 0; i < PEERS; i++)
        resets += read(clients[i], &c, 1) < 0 && errno == ECONNRESET;
    ok(accepted > 0 && resets > 0 && accepted + resets == PEERS, "a socket that goes resets its own");
    close_all(clients);
    close(b);
}

static void datagrams(void) {
    int fds[3], senders[PEERS], count = 0, apart = 0, good = 0, port = 0;
    for (int i = 0; i < 3; i++) {
        fds[i] = bound(SOCK_DGRAM, PORT, INADDR_LOOPBACK, port);
        port = port_of(fds[i]);
    }
    ok(fds[0] >= 0 && fds[1] >= 0 && fds[2] >= 0, "three datagram sockets");
    struct sockaddr_in to = at(INADDR_LOOPBACK, port);
    for (int i = 0; i < PEERS; i++)
        senders[i] = socket(AF_INET, SOCK_DGRAM, 0);
    for (int round = 0; round < ROUNDS; round++)
        for (unsigned char i = 0; i < PEERS; i++)
            good += sendto(senders[i], &i, 1, 0, (struct sockaddr *)&to, sizeof to) == 1;
    for (int i = 0; i < 3; i++) {
        int from[PEERS] = {0}, own = 0;
        for (unsigned char c; is_ready(fds[i], 0) && recv(fds[i], &c, 1, 0) == 1; own++)
            from[c]++;
        for (int j = 0; j < PEERS; j++)
            apart += from[j] != 0 && from[j] != ROUNDS;
        count += own;
        ok(own > 0, "the one that is number %d gets some", i);
    }
    ok(good == PEERS * ROUNDS && count == PEERS * ROUNDS, "together they get all");
    ok(apart == 0, "all that is from one peer goes to one");
    int own = bound(SOCK_DGRAM, PORT, INADDR_LOOPBACK, port);
    struct sockaddr_in peer = at(INADDR_LOOPBACK, port_of(senders[0]));
    ok(connect(own, (struct sockaddr *)&peer, sizeof peer) == 0, "one that is connected");
    sendto(senders[0], "x", 1, 0, (struct sockaddr *)&to, sizeof to);
    ok(is_ready(own, 0), "gets what is from its peer");
    close_all(senders);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    close(own);
}

int main(void) {
    pairs();
    listening();
    streams();
    closing();
    datagrams();
    return done_testing();
}
