/* SPDX-License-Identifier: MIT */
/*
 * What leaves when: MSG_MORE, TCP_CORK, TCP_NODELAY and Nagle's rule over the loopback interface, where what leaves is
 * there when the call returns. A host that is busy may take longer, or so long that what waits has been let go: so a
 * check is made up to ATTEMPTS times, each with a new connection, and must hold once.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tap.h"

#define ATTEMPTS 20
#define BIG 200000
#define PATIENCE 20000 /* ms */

static char data[BIG], buffer[BIG];

struct pair {
    int from, to;
};

static struct pair connected(void) {
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof own;
    struct pair pair = {.from = socket(AF_INET, SOCK_STREAM, 0)};
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&own, sizeof own) || listen(listener, 1) ||
        getsockname(listener, (struct sockaddr *)&own, &length) ||
        connect(pair.from, (struct sockaddr *)&own, sizeof own) || (pair.to = accept(listener, NULL, NULL)) < 0)
        perror("connected");
    close(listener);
    return pair;
}

static void set(int fd, int name, int value) {
    setsockopt(fd, IPPROTO_TCP, name, &value, sizeof value);
}

static void give(struct pair pair, size_t size, int flags) {
    if (send(pair.from, data, size, flags) != (ssize_t)size)
        perror("send");
}

/* What is there now. */
static ssize_t now(struct pair pair) {
    return recv(pair.to, buffer, sizeof buffer, MSG_DONTWAIT);
}

static bool nothing(struct pair pair) {
    return now(pair) < 0 && errno == EAGAIN;
}

/* What is there in the end, and nobody does anything for it. */
static ssize_t later(struct pair pair, size_t size) {
    struct pollfd p = {.fd = pair.to, .events = POLLIN};
    size_t got = 0;
    while (got < size && poll(&p, 1, PATIENCE) == 1) {
        ssize_t n = now(pair);
        if (n <= 0)
            break;
        got += (size_t)n;
    }
    return (ssize_t)got;
}

/* ---- a hundred bytes, which are less than a segment */

struct mode {
    int no_delay, cork, more;
};

static struct pair prepared(struct mode mode) {
    struct pair pair = connected();
    set(pair.from, TCP_NODELAY, mode.no_delay);
    set(pair.from, TCP_CORK, mode.cork);
    give(pair, 100, mode.more ? MSG_MORE : 0);
    return pair;
}

static bool leaves(struct mode mode, struct pair pair) {
    (void)mode;
    return now(pair) == 100;
}

static bool waits(struct mode mode, struct pair pair) {
    (void)mode;
    return nothing(pair);
}

static bool comes_by_itself(struct mode mode, struct pair pair) {
    (void)mode;
    return nothing(pair) && later(pair, 100) == 100;
}

static bool no_delay_pushes(struct mode mode, struct pair pair) {
    (void)mode;
    bool waited = nothing(pair);
    set(pair.from, TCP_NODELAY, 1);
    return waited && now(pair) == 100;
}

/* It ends what MSG_MORE has begun, too. */
static bool uncork_pushes(struct mode mode, struct pair pair) {
    (void)mode;
    bool waited = nothing(pair);
    set(pair.from, TCP_CORK, 0);
    return waited && now(pair) == 100;
}

static bool cork_does_not_push(struct mode mode, struct pair pair) {
    (void)mode;
    set(pair.from, TCP_CORK, 1);
    return nothing(pair);
}

static bool more_data_completes_it(struct mode mode, struct pair pair) {
    bool waited = nothing(pair);
    give(pair, 50, 0);
    return waited && (mode.cork ? nothing(pair) : now(pair) == 150);
}

static bool shutdown_pushes(struct mode mode, struct pair pair) {
    (void)mode;
    bool waited = nothing(pair);
    shutdown(pair.from, SHUT_WR);
    return waited && now(pair) == 100 && now(pair) == 0;
}

static bool another_cork(struct mode mode, struct pair pair) {
    (void)mode;
    set(pair.from, TCP_CORK, 0);
    bool all = now(pair) == 100;
    set(pair.from, TCP_CORK, 1);
    give(pair, 60, 0);
    bool waited = nothing(pair);
    give(pair, 40, 0);
    waited = waited && nothing(pair);
    set(pair.from, TCP_CORK, 0);
    return all && waited && now(pair) == 100;
}

static bool holds(bool (*check)(struct mode mode, struct pair pair), struct mode mode) {
    bool held = false;
    for (int i = 0; i < ATTEMPTS && !held; i++) {
        struct pair pair = prepared(mode);
        held = check(mode, pair);
        close(pair.from);
        close(pair.to);
    }
    return held;
}

static void small(void) {
    static const struct {
        bool (*check)(struct mode mode, struct pair pair);
        const char *text;
    } waiting[] = {
        {waits, "waits"},
        {comes_by_itself, "comes by itself"},
        {no_delay_pushes, "leaves with TCP_NODELAY"},
        {more_data_completes_it, "and more data"},
        {shutdown_pushes, "leaves with the end"},
        {uncork_pushes, "leaves without a cork"},
        {cork_does_not_push, "waits when there is a cork"},
    };
    for (int i = 0; i < 8; i++) {
        struct mode mode = {.no_delay = i & 1, .cork = i & 2, .more = i & 4};
        char text[64];
        snprintf(text, sizeof text, "%s%s%s", i & 1 ? "TCP_NODELAY, " : "", i & 2 ? "TCP_CORK, " : "",
                 i & 4 ? "MSG_MORE, " : "");
        if (!mode.cork && !mode.more) {
            ok(holds(leaves, mode), "%s100 bytes leave", text);
            continue;
        }
        for (size_t j = 0; j < sizeof waiting / sizeof *waiting; j++)
            ok(holds(waiting[j].check, mode), "%s100 bytes: %s", text, waiting[j].text);
    }
    ok(holds(another_cork, (struct mode){.cork = 1}), "a cork again");
}

/* ---- more than a segment */

static bool big_leaves(struct mode mode) {
    struct pair pair = connected();
    set(pair.from, TCP_NODELAY, mode.no_delay);
    set(pair.from, TCP_CORK, mode.cork);
    fcntl(pair.from, F_SETFL, O_NONBLOCK);
    ssize_t sent = 0, n;
    for (int i = 0; i < 20 && (n = send(pair.from, data, BIG / 20, mode.more ? MSG_MORE : 0)) > 0; i++)
        sent += n;
    ssize_t got = now(pair);
    bool good = got > 0 && later(pair, (size_t)(sent - got)) == sent - got;
    close(pair.from);
    close(pair.to);
    return good;
}

/* Only what is smaller than a segment waits, and Nagle's rule lets it go: nothing else like it is on its way. */
static bool one_and_a_half(void) {
    const ssize_t size = 40000;
    struct pair pair = connected();
    give(pair, (size_t)size, 0);
    ssize_t got = now(pair);
    close(pair.from);
    close(pair.to);
    return got == size;
}

/* A cork does not keep a full buffer full. */
static bool full_buffer(void) {
    struct pair pair = connected();
    int size = 4096;
    setsockopt(pair.from, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    set(pair.from, TCP_CORK, 1);
    ssize_t sent = send(pair.from, data, BIG, MSG_DONTWAIT), got = now(pair);
    close(pair.from);
    close(pair.to);
    return sent > 0 && sent < BIG && got == sent;
}

static bool holds_once(bool (*check)(void)) {
    for (int i = 0; i < ATTEMPTS; i++)
        if (check())
            return true;
    return false;
}

static void big(void) {
    for (int i = 0; i < 8; i++) {
        struct mode mode = {.no_delay = i & 1, .cork = i & 2, .more = i & 4};
        bool good = false;
        for (int j = 0; j < ATTEMPTS && !good; j++)
            good = big_leaves(mode);
        ok(good, "TCP_NODELAY %d, TCP_CORK %d, MSG_MORE %d: of much, what fills segments leaves", mode.no_delay,
           !!mode.cork, !!mode.more);
    }
    ok(holds_once(one_and_a_half), "40000 bytes leave at once");
    ok(holds_once(full_buffer), "a buffer that is full leaves");
}

/* Small writes with small buffers: each waits for the reader's acknowledgment, and nobody for a clock. */
static void ping_pong(void) {
    struct pair pair = connected();
    ssize_t good = 0;
    for (int i = 0; i < 50; i++) {
        give(pair, 1, MSG_MORE);
        give(pair, 1, 0);
        good += recv(pair.to, buffer, 2, MSG_WAITALL);
        if (send(pair.to, data, 3, 0) == 3)
            good += recv(pair.from, buffer, 3, MSG_WAITALL);
    }
    ok(good == 250, "questions and answers, in pieces");
    close(pair.from);
    close(pair.to);
}

/* What is written before close() arrives, whatever it waits for. */
static void closing(void) {
    struct pair pair = connected();
    set(pair.from, TCP_CORK, 1);
    give(pair, 100, MSG_MORE);
    close(pair.from);
    ok(later(pair, 100) == 100 && later(pair, 1) == 0, "close() with a cork");
    close(pair.to);
}

int main(void) {
    small();
    big();
    ping_pong();
    closing();
    return done_testing();
}
