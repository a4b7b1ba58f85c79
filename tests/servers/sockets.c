/* SPDX-License-Identifier: MIT */
/*
 * The server of tests/e2e/sockets.t, an ordinary program with one event loop. TCP: echo on port 7, discard on 9, and on
 * 19 as many numbered lines as the client asks for. UDP: echo on 7.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINE 10 /* bytes: nine digits and the end */
#define BUFFER 16384

struct client;

struct service {
    int type, port;
    int fd;
    void (*ready)(struct client *client);
};

struct client {
    const struct service *service; /* NULL: the service itself listens */
    const struct service *listens;
    int fd;
    size_t start, end;        /* of what is in the buffer */
    unsigned long next, last; /* lines */
    int asked, finished;
    char buffer[BUFFER];
};

static int epoll;

static void finish(struct client *client) {
    close(client->fd);
    free(client);
}

static void want(struct client *client, unsigned events) {
    struct epoll_event event = {.events = events, .data.ptr = client};
    epoll_ctl(epoll, EPOLL_CTL_MOD, client->fd, &event);
}

/* Sends what is in the buffer. 1: all of it; 0: later; -1: the client is gone. */
static int drain(struct client *client) {
    while (client->start < client->end) {
        ssize_t n = send(client->fd, client->buffer + client->start, client->end - client->start, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            want(client, EPOLLOUT);
            return 0;
        }
        if (n <= 0)
            return -1;
        client->start += (size_t)n;
    }
    client->start = client->end = 0;
    return 1;
}

static void echo(struct client *client) {
    for (;;) {
        int drained = drain(client);
        if (drained == 0)
            return;
        if (drained < 0 || client->finished) {
            finish(client);
            return;
        }
        ssize_t n = read(client->fd, client->buffer, BUFFER);
        if (n < 0 && errno == EAGAIN) {
            want(client, EPOLLIN);
            return;
        }
        if (n < 0) {
            finish(client);
            return;
        }
        client->end = (size_t)n;
        client->finished = n == 0;
    }
}

static void discard(struct client *client) {
    ssize_t n;
    while ((n = read(client->fd, client->buffer, BUFFER)) > 0)
        ;
    if (n == 0 || errno != EAGAIN)
        finish(client);
}

static void fill_lines(struct client *client) {
    char line[32];
    while (client->next < client->last && client->end + LINE <= BUFFER) {
        snprintf(line, sizeof line, "%09lu\n", ++client->next);
        memcpy(client->buffer + client->end, line, LINE);
        client->end += LINE;
    }
}

static void generate(struct client *client) {
    if (!client->asked) {
        ssize_t n = read(client->fd, client->buffer, BUFFER - 1);
        if (n < 0 && errno == EAGAIN)
            return;
        client->buffer[n > 0 ? n : 0] = '\0';
        client->last = strtoul(client->buffer, NULL, 10);
        client->asked = 1;
    }
    do {
        int drained = drain(client);
        if (drained == 0)
            return;
        if (drained < 0)
            break;
        fill_lines(client);
    } while (client->end > 0);
    finish(client);
}

static void echo_datagrams(struct client *client) {
    struct sockaddr_in6 peer;
    socklen_t length = sizeof peer;
    ssize_t n;
    while ((n = recvfrom(client->fd, client->buffer, BUFFER, 0, (struct sockaddr *)&peer, &length)) >= 0) {
        sendto(client->fd, client->buffer, (size_t)n, 0, (struct sockaddr *)&peer, length);
        length = sizeof peer;
    }
}

static struct client *add(int fd, const struct service *service, const struct service *listens) {
    struct client *client = calloc(1, listens ? sizeof *client - BUFFER : sizeof *client);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    if (!client) {
        close(fd);
        return NULL;
    }
    client->fd = fd;
    client->service = service;
    client->listens = listens;
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    return client;
}

static void accept_all(const struct service *service) {
    int fd;
    while ((fd = accept4(service->fd, NULL, NULL, SOCK_NONBLOCK)) >= 0)
        add(fd, service, NULL);
}

static struct service services[] = {
    {.type = SOCK_STREAM, .port = 7, .ready = echo},
    {.type = SOCK_STREAM, .port = 9, .ready = discard},
    {.type = SOCK_STREAM, .port = 19, .ready = generate},
    {.type = SOCK_DGRAM, .port = 7, .ready = echo_datagrams},
};

static void start(struct service *service) {
    struct sockaddr_in6 own = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)service->port)};
    service->fd = socket(AF_INET6, service->type | SOCK_NONBLOCK, 0);
    if (bind(service->fd, (struct sockaddr *)&own, sizeof own) < 0 ||
        (service->type == SOCK_STREAM && listen(service->fd, 1024) < 0)) {
        perror("start");
        exit(1);
    }
    if (service->type == SOCK_STREAM)
        add(service->fd, NULL, service);
    else
        add(service->fd, service, NULL);
}

int main(void) {
    epoll = epoll_create1(0);
    for (size_t i = 0; i < sizeof services / sizeof *services; i++)
        start(&services[i]);
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        struct epoll_event events[64];
        int count = epoll_wait(epoll, events, 64, -1);
        for (int i = 0; i < count; i++) {
            struct client *client = events[i].data.ptr;
            if (client->listens)
                accept_all(client->listens);
            else
                client->service->ready(client);
        }
    }
}
