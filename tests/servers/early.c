/* SPDX-License-Identifier: MIT */
/*
 * early PORT: a program whose first act is to connect, before the guest has an address. It connects to 10.77.0.1 on
 * PORT without blocking and while another thread closes the descriptor, and says what came of each.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in peer = {.sin_family = AF_INET};
static int blocking;

static void *connect_blocking(void *unused) {
    (void)unused;
    connect(blocking, (struct sockaddr *)&peer, sizeof peer);
    return NULL;
}

int main(int argc, char **argv) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), error = -1;
    int datagrams = socket(AF_INET, SOCK_DGRAM, 0);
    socklen_t length = sizeof error;
    pthread_t thread;
    peer.sin_port = htons((uint16_t)atoi(argc > 1 ? argv[1] : "0"));
    inet_pton(AF_INET, "10.77.0.1", &peer.sin_addr);
    sendto(datagrams, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&peer, sizeof peer);
    printf("a datagram: %s\n", strerror(errno));
    connect(fd, (struct sockaddr *)&peer, sizeof peer);
    printf("connect: %s\n", strerror(errno));
    connect(fd, (struct sockaddr *)&peer, sizeof peer);
    printf("again: %s\n", strerror(errno));
    blocking = socket(AF_INET, SOCK_STREAM, 0);
    pthread_create(&thread, NULL, connect_blocking, NULL);
    usleep(1000);
    close(blocking);
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    poll(&ready, 1, -1);
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
    printf("in the end: %s\n", error ? strerror(error) : "connected");
    if (!error)
        (void)!write(fd, "hello\n", 6);
    pthread_join(thread, NULL);
    return 0;
}
