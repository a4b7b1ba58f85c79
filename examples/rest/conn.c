/* SPDX-License-Identifier: MIT */
#include "conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http.h"
#include "reply.h"
#include "service.h"

#define OUT_SIZE 16384

/* How long a client may take, in milliseconds: */
#define IDLE_MS 60000    /* between two requests */
#define REQUEST_MS 10000 /* from a request's first byte to its last */
#define SEND_MS 20000    /* to read OUT_SIZE bytes of answers */
#define DRAIN_MS 2000    /* to close, after the last answer */

enum phase {
    UNUSED,
    RECEIVING,
    SENDING,  /* the client is slow to read; nothing is read from it until it has */
    DRAINING, /* the last answer is out; what still comes is discarded, for closing at once would destroy the answer */
};

struct conn {
    int epoll, fd;
    enum phase phase;
    bool last;       /* no request follows */
    bool chunked;    /* how the list goes out */
    uint32_t cursor; /* where the list goes on, 0 when none is on its way */
    int64_t deadline;
    struct http_request request;
    char *in, *out; /* buffers of its own, while it needs them */
    size_t in_length, out_length, out_sent;
};

static struct {
    struct conn conns[CONN_MAX];
    unsigned count;
    char in[HTTP_BUFFER], out[OUT_SIZE];
} all;

unsigned conn_count(void) {
    return all.count;
}

static void conn_close(struct conn *c) {
    close(c->fd);
    free(c->in);
    free(c->out);
    *c = (struct conn){.phase = UNUSED};
    all.count--;
}

void conn_open(int epoll, int fd, int64_t now_ms) {
    struct conn *c = all.conns;
    while (c < all.conns + CONN_MAX && c->phase != UNUSED)
        c++;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (c == all.conns + CONN_MAX || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
        close(fd);
        return;
    }
    /* Answers go out whole, so there is nothing to gain from holding back a short segment. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    *c = (struct conn){.epoll = epoll, .fd = fd, .phase = RECEIVING, .deadline = now_ms + IDLE_MS};
    all.count++;
}

static int set_phase(struct conn *c, enum phase phase, int64_t deadline) {
    struct epoll_event event = {.events = phase == SENDING ? EPOLLOUT : EPOLLIN, .data.ptr = c};
    bool waits_otherwise = (c->phase == SENDING) != (phase == SENDING);
    c->phase = phase;
    c->deadline = deadline;
    return waits_otherwise && epoll_ctl(c->epoll, EPOLL_CTL_MOD, c->fd, &event) < 0 ? -errno : 0;
}

/* ---- sending */

/* Sends *length bytes from `from` and says how many are left; negative errno when the client is gone. */
static int send_some(const struct conn *c, const char *from, size_t *length) {
    ssize_t n = send(c->fd, from, *length, MSG_NOSIGNAL);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    *length -= (size_t)n;
    return 0;
}

/* Empties the shared buffer: into the socket, and what that does not take into a buffer of the connection's own. */
static int flush(struct conn *c, struct buffer *out, int64_t now_ms) {
    size_t left = out->length;
    int err = left > 0 ? send_some(c, out->at, &left) : 0;
    if (err || left == 0) {
        out->length = 0;
        return err;
    }
    c->out = malloc(OUT_SIZE);
    if (!c->out)
        return -ENOMEM;
    memcpy(c->out, out->at + out->length - left, left);
    c->out_length = left;
    c->out_sent = 0;
    out->length = 0;
    return set_phase(c, SENDING, now_ms + SEND_MS);
}

static int send_rest(struct conn *c) {
    size_t left = c->out_length - c->out_sent;
    int err = send_some(c, c->out + c->out_sent, &left);
    c->out_sent = c->out_length - left;
    if (!err && left == 0) {
        free(c->out);
        c->out = NULL;
    }
    return err;
}

/* ---- requests */

static void answer(struct conn *c, struct buffer *out, int refused, const char *request) {
    struct reply reply = refused ? reply_error(refused) : service(&c->request, request);
    c->request.close |= refused || (reply.list && c->request.minor == 0);
    reply_put(out, &c->request, &reply);
    c->last = c->request.close;
    if (reply.list && c->request.method != HTTP_HEAD) {
        c->cursor = 1;
        c->chunked = c->request.minor > 0;
    }
}

/* Answers the next request in buf[*start..], if it is all there. */
static bool take_request(struct conn *c, char *buf, size_t *start, struct buffer *out) {
    size_t length = c->in_length - *start;
    int status = http_parse(&c->request, buf + *start, &length);
    c->in_length = *start + length;
    if (status == HTTP_MORE) {
        if (c->request.expects_continue && http_has_head(&c->request)) {
            put(out, "HTTP/1.1 100 Continue\r\n\r\n");
            c->request.expects_continue = false;
        }
        return false;
    }
    answer(c, out, status, buf + *start);
    *start += c->request.position;
    c->request = (struct http_request){0};
    return true;
}

/* All that can be answered now, or until the client is too slow to read the answers. */
static int answer_all(struct conn *c, char *buf, size_t *start, int64_t now_ms) {
    struct buffer out = {all.out, 0, OUT_SIZE, false};
    bool more = true;
    int err = 0;
    while (more && !err && c->phase == RECEIVING) {
        if (c->cursor)
            reply_put_list(&out, c->chunked, &c->cursor);
        else
            more = !c->last && *start < c->in_length && take_request(c, buf, start, &out);
        if (!more || out.size - out.length < REPLY_MAX)
            err = flush(c, &out, now_ms);
    }
    return err;
}

/* Keeps what is left of the input, at the front of a buffer of the connection's own. */
static int keep_input(struct conn *c, char *buf, size_t start, int64_t now_ms) {
    size_t left = c->in_length - start;
    bool was_there = c->in && start == 0;
    if (left > 0 && !c->in && !(c->in = malloc(HTTP_BUFFER)))
        return -ENOMEM;
    if (left > 0)
        memmove(c->in, buf + start, left);
    else if (c->in) {
        free(c->in);
        c->in = NULL;
    }
    c->in_length = left;
    /* The time for a request runs from its first byte, so further ones do not extend it. */
    if (c->phase == RECEIVING && !(left > 0 && was_there))
        c->deadline = now_ms + (left > 0 ? REQUEST_MS : IDLE_MS);
    return 0;
}

static int proceed(struct conn *c, char *buf, int64_t now_ms) {
    size_t start = 0;
    int err = answer_all(c, buf, &start, now_ms);
    if (!err && c->phase == RECEIVING && c->last) {
        (void)shutdown(c->fd, SHUT_WR);
        err = set_phase(c, DRAINING, now_ms + DRAIN_MS);
        start = c->in_length;
    }
    return err ? err : keep_input(c, buf, start, now_ms);
}

static int receive(struct conn *c, int64_t now_ms) {
    char *buf = c->in ? c->in : all.in;
    ssize_t n = recv(c->fd, buf + c->in_length, HTTP_BUFFER - c->in_length, 0);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    if (n == 0)
        return -ECONNRESET;
    if (c->phase == DRAINING)
        return 0;
    c->in_length += (size_t)n;
    return proceed(c, buf, now_ms);
}

/* Once all is sent, the requests that came meanwhile are next. */
static int resume(struct conn *c, int64_t now_ms) {
    int err = send_rest(c);
    if (err || c->out)
        return err;
    err = set_phase(c, RECEIVING, now_ms + REQUEST_MS);
    return err ? err : proceed(c, c->in, now_ms);
}

void conn_ready(struct conn *c, int64_t now_ms) {
    /* The descriptor may have been closed, and its slot used again, since the event was fetched: every step expects
     * that nothing is ready. */
    if (c->phase != UNUSED && (c->phase == SENDING ? resume(c, now_ms) : receive(c, now_ms)) < 0)
        conn_close(c);
}

void conn_expire(int64_t now_ms) {
    for (struct conn *c = all.conns; c < all.conns + CONN_MAX; c++) {
        if (c->phase == UNUSED || now_ms < c->deadline)
            continue;
        if (c->phase == RECEIVING && c->in_length > 0) {
            struct buffer out = {all.out, 0, OUT_SIZE, false};
            answer(c, &out, 408, NULL);
            (void)send(c->fd, out.at, out.length, MSG_NOSIGNAL);
        }
        conn_close(c);
    }
}
