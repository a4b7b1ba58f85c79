/* SPDX-License-Identifier: MIT */
/*
 * tcp_client HOST PORT MODE COUNT: an exacting client of an echo service. Exits with 0 if all went as it should.
 *
 *   bytes COUNT     sends and receives that many bytes at once, and checks each
 *   half COUNT      the same, closing its direction when all is sent, and expects the end after the last byte
 *   connect COUNT   that many connections one after the other, some at once, each with one exchange
 *   hold COUNT      that many connections at the same time, with one exchange on each, twice
 *   reset COUNT     that many connections that are reset with data on the way in both directions
 *   lines COUNT     that many connections to the line service, each for three lines, that the server ends
 *   stall COUNT     that many connections that send what they can and never read, for two seconds
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in server;

static _Noreturn void fail(const char *what) {
    fprintf(stderr, "tcp_client: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int connect_one(void) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval patience = {.tv_sec = 60};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (fd < 0 || connect(fd, (struct sockaddr *)&server, sizeof server) < 0)
        fail("connect");
    return fd;
}

static unsigned char byte_at(size_t i) {
    return (unsigned char)(i * 2654435761u >> 11);
}

static void exchange(int fd, unsigned seed) {
    unsigned char out[100], in[100];
    size_t got = 0;
    for (size_t i = 0; i < sizeof out; i++)
        out[i] = byte_at(seed + i);
    if (write(fd, out, sizeof out) != sizeof out)
        fail("write");
    while (got < sizeof in) {
        ssize_t n = read(fd, in + got, sizeof in - got);
        if (n <= 0)
            fail("read");
        got += (size_t)n;
    }
    if (memcmp(in, out, sizeof in) != 0)
        fail("wrong data");
}

static size_t send_some(int fd, size_t done, size_t count) {
    unsigned char buffer[20000];
    size_t size = count - done < sizeof buffer ? count - done : sizeof buffer;
    for (size_t i = 0; i < size; i++)
        buffer[i] = byte_at(done + i);
    ssize_t n = write(fd, buffer, size);
    if (n < 0 && errno != EAGAIN)
        fail("write");
    return n > 0 ? (size_t)n : 0;
}

static size_t receive_some(int fd, size_t done) {
    unsigned char buffer[20000];
    ssize_t n = read(fd, buffer, sizeof buffer);
    if (n < 0 && errno != EAGAIN)
        fail("read");
    for (ssize_t i = 0; i < n; i++)
        if (buffer[i] != byte_at(done + (size_t)i))
            fail("wrong data");
    return n > 0 ? (size_t)n : 0;
}

static void transfer(size_t count, int half) {
    int fd = connect_one();
    size_t sent = 0, received = 0;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (received < count) {
        struct pollfd p = {.fd = fd, .events = (short)(POLLIN | (sent < count ? POLLOUT : 0))};
        if (poll(&p, 1, 60000) <= 0)
            fail("nothing moves");
        if (p.revents & POLLOUT && sent < count) {
            sent += send_some(fd, sent, count);
            if (sent == count && half)
                shutdown(fd, SHUT_WR);
        }
        if (p.revents & (POLLIN | POLLHUP | POLLERR))
            received += receive_some(fd, received);
    }
    fcntl(fd, F_SETFL, 0);
    char c;
    if (half && read(fd, &c, 1) != 0)
        fail("no end");
    close(fd);
}

static void bytes(size_t count) {
    transfer(count, 0);
}

static void half(size_t count) {
    transfer(count, 1);
}

#define AT_ONCE 20

static void connect_many(size_t count) {
    for (size_t done = 0; done < count; done += AT_ONCE) {
        int fds[AT_ONCE];
        for (int i = 0; i < AT_ONCE; i++)
            fds[i] = connect_one();
        for (int i = 0; i < AT_ONCE; i++)
            exchange(fds[i], (unsigned)(done + (size_t)i));
        for (int i = 0; i < AT_ONCE; i++)
            close(fds[i]);
    }
}

static void hold(size_t count) {
    int *fds = calloc(count, sizeof *fds);
    for (size_t i = 0; i < count; i++)
        fds[i] = connect_one();
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < count; i++)
            exchange(fds[i], (unsigned)i);
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
    free(fds);
}

static void reset(size_t count) {
    struct linger linger = {.l_onoff = 1};
    for (size_t i = 0; i < count; i++) {
        int fd = connect_one();
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
        send_some(fd, 0, 20000);
        if (i % 2)
            usleep(1000);
        close(fd);
    }
}

static void lines(size_t count) {
    static const char wanted[] = "000000001\n000000002\n000000003\n";
    for (size_t i = 0; i < count; i++) {
        int fd = connect_one();
        char text[64];
        size_t got = 0;
        ssize_t n;
        if (write(fd, "3", 1) != 1)
            fail("write");
        while ((n = read(fd, text + got, sizeof text - got)) > 0)
            got += (size_t)n;
        if (n < 0 || got != strlen(wanted) || memcmp(text, wanted, got) != 0)
            fail("lines");
        close(fd);
    }
}

static void stall(size_t count) {
    int *fds = calloc(count, sizeof *fds);
    char *data = calloc(1, 1 << 20);
    for (size_t i = 0; i < count; i++) {
        fds[i] = connect_one();
        fcntl(fds[i], F_SETFL, O_NONBLOCK);
    }
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < count; i++)
            if (send(fds[i], data, 1 << 20, MSG_NOSIGNAL) < 0 && errno != EAGAIN && errno != EPIPE &&
                errno != ECONNRESET)
                fail("send");
        usleep(100000);
    }
    free(data);
    free(fds);
}

static const struct mode {
    const char *name;
    void (*run)(size_t count);
} modes[] = {
    {"bytes", bytes}, {"half", half},   {"connect", connect_many}, {"hold", hold},
    {"reset", reset}, {"lines", lines}, {"stall", stall},
};

int main(int argc, char **argv) {
    struct rlimit files = {65536, 65536};
    if (argc != 5)
        return 2;
    setrlimit(RLIMIT_NOFILE, &files);
    server.sin_family = AF_INET;
    server.sin_port = htons((uint16_t)atoi(argv[2]));
    inet_pton(AF_INET, argv[1], &server.sin_addr);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(modes[i].name, argv[3]) == 0) {
            modes[i].run(strtoul(argv[4], NULL, 10));
            return 0;
        }
    return 2;
}
