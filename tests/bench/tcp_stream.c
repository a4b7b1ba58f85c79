/* SPDX-License-Identifier: MIT */
/*
 * Bulk TCP, one stream, one direction. The server is the same program natively and in a guest.
 *
 *     tcp_stream serve PORT
 *     tcp_stream send|receive SECONDS ADDRESS PORT
 *
 * The client's first byte says which way: 's', and the server reads until the end; 'r', and it writes until the client
 * is gone. The client prints `gbit=... bytes=... seconds=...`. What it sends counts when it is handed over, and so may
 * exceed what has arrived by as much as the buffers hold.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static char buf[1 << 18];

static int64_t now_ns(void) {
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

/* Sends or receives until that fails, ends, or the time is over (never, if 0); the number of bytes. */
static uint64_t pump(int fd, char way, int64_t until_ns) {
    uint64_t total = 0;
    ssize_t n;
    do {
        n = way == 's' ? write(fd, buf, sizeof(buf)) : read(fd, buf, sizeof(buf));
        total += n > 0 ? (uint64_t)n : 0;
    } while (n > 0 && (until_ns == 0 || now_ns() < until_ns));
    return total;
}

static int serve(struct sockaddr_in *self) {
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    (void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (listener < 0 || bind(listener, (const struct sockaddr *)self, sizeof(*self)) < 0 || listen(listener, 8) < 0)
        return -errno;
    printf("tcp_stream: listening\n");
    fflush(stdout);
    for (;;) {
        char way;
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            return -errno;
        if (read(fd, &way, 1) == 1)
            pump(fd, way == 's' ? 'r' : 's', 0);
        close(fd);
    }
}

static int measure(char way, double seconds, const struct sockaddr_in *server) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)server, sizeof(*server)) < 0 || write(fd, &way, 1) != 1)
        return -errno;
    int64_t start = now_ns();
    uint64_t bytes = pump(fd, way, start + (int64_t)(seconds * 1e9));
    double took = (double)(now_ns() - start) / 1e9;
    close(fd);
    if (took < seconds)
        return -ECONNRESET;
    printf("gbit=%.3f bytes=%" PRIu64 " seconds=%.3f\n", (double)bytes * 8 / took / 1e9, bytes, took);
    return 0;
}

int main(int argc, char **argv) {
    const char *command = argc > 1 ? argv[1] : "";
    int serves = strcmp(command, "serve") == 0, sends = strcmp(command, "send") == 0;
    if (argc != (serves ? 3 : 5) || !(serves || sends || strcmp(command, "receive") == 0)) {
        fputs("usage: tcp_stream serve PORT | send|receive SECONDS ADDRESS PORT\n", stderr);
        return 2;
    }
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[argc - 1]))};
    signal(SIGPIPE, SIG_IGN);
    int err = -EINVAL;
    if (serves)
        err = serve(&address);
    else if (inet_pton(AF_INET, argv[3], &address.sin_addr) == 1)
        err = measure(sends ? 's' : 'r', strtod(argv[2], NULL), &address);
    if (err)
        fprintf(stderr, "tcp_stream: %s\n", strerror(-err));
    return err != 0;
}
