/* SPDX-License-Identifier: MIT */
/*
 * The client of the UDP rows: keeps N datagrams of 64 bytes outstanding and counts the echoes that come back.
 *
 *     udp_load [-n OUTSTANDING] [-t SECONDS] [-w WARMUP_SECONDS] [-b BATCH] ADDRESS PORT
 *
 * Every reply is compared byte for byte with what was sent and makes room for one new datagram. A datagram without a
 * reply after LOSS_NS counts as lost and its place is used again. Replies are taken and datagrams sent up to BATCH per
 * system call, so that this program is not what limits a server.
 *
 * SIGTERM ends the run early. The figures then reach to the last reply, because a server that ends by itself, after a
 * count of its own, has done so before anyone can tell this program.
 *
 * Prints `rate=... echoes=... seconds=... lost=... late=... corrupt=...`. A corrupt reply or a silent server is exit
 * status 1.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define MAX_OUTSTANDING 1024
#define MAX_BATCH 64
#define LOSS_NS INT64_C(100000000)
#define SILENCE_NS INT64_C(5000000000)
#define SECOND 1e9

struct datagram {
    uint64_t run; /* this process: a reply to an earlier one is not ours */
    uint64_t sequence;
    uint64_t slot;
    uint64_t fill[5]; /* follows from the three above, so corruption shows whatever it hits */
};
_Static_assert(sizeof(struct datagram) == 64, "the rows say 64-byte datagrams");

struct slot {
    uint64_t sequence;
    int64_t sent;
};

struct load {
    int fd;
    unsigned outstanding, batch;
    int64_t warmup, duration;

    uint64_t run, next_sequence;
    struct slot slots[MAX_OUTSTANDING];
    uint64_t echoes, lost, late, corrupt;
    uint64_t lost_before_reply; /* `lost` when the last reply came */
};

static volatile sig_atomic_t told_to_end;

static void on_sigterm(int number) {
    (void)number;
    told_to_end = 1;
}

/* A batch of datagrams with the vectors that recvmmsg and sendmmsg want around them. */
struct messages {
    struct datagram data[MAX_BATCH];
    struct iovec iov[MAX_BATCH];
    struct mmsghdr msg[MAX_BATCH];
};

static int64_t now_ns(void) {
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

/* splitmix64: any bit of the input changes about half of the output. */
static uint64_t mix(uint64_t x) {
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static void compose(struct datagram *d, uint64_t run, uint64_t sequence, uint64_t slot) {
    *d = (struct datagram){.run = run, .sequence = sequence, .slot = slot};
    uint64_t x = run ^ mix(sequence) ^ mix(~slot);
    for (unsigned i = 0; i < sizeof(d->fill) / sizeof(d->fill[0]); i++)
        d->fill[i] = x = mix(x);
}

static void messages_init(struct messages *m) {
    memset(m, 0, sizeof(*m));
    for (unsigned i = 0; i < MAX_BATCH; i++) {
        m->iov[i] = (struct iovec){.iov_base = &m->data[i], .iov_len = sizeof(m->data[i])};
        m->msg[i].msg_hdr.msg_iov = &m->iov[i];
        m->msg[i].msg_hdr.msg_iovlen = 1;
    }
}

static void stage(struct load *l, struct messages *out, unsigned *staged, uint64_t slot, int64_t now) {
    l->slots[slot] = (struct slot){.sequence = ++l->next_sequence, .sent = now};
    compose(&out->data[(*staged)++], l->run, l->next_sequence, slot);
}

/* What the kernel refuses is lost here as it would be in a queue further on. */
static void send_staged(const struct load *l, struct messages *out, unsigned *staged) {
    unsigned done = 0;
    while (done < *staged) {
        int n = sendmmsg(l->fd, out->msg + done, *staged - done, 0);
        done += n > 0 ? (unsigned)n : 1;
    }
    *staged = 0;
}

/* True if the reply is the one its slot waits for. */
static bool accept_reply(struct load *l, const struct datagram *d, size_t length) {
    struct datagram expected;
    compose(&expected, d->run, d->sequence, d->slot);
    if (length != sizeof(*d) || memcmp(d, &expected, sizeof(*d)) != 0) {
        l->corrupt++;
        return false;
    }
    if (d->run != l->run || d->slot >= l->outstanding || d->sequence != l->slots[d->slot].sequence) {
        l->late++;
        return false;
    }
    return true;
}

static void resend_lost(struct load *l, struct messages *out, int64_t now) {
    unsigned staged = 0;
    for (unsigned s = 0; s < l->outstanding; s++) {
        if (now - l->slots[s].sent < LOSS_NS)
            continue;
        l->lost++;
        stage(l, out, &staged, s, now);
        if (staged == l->batch)
            send_staged(l, out, &staged);
    }
    send_staged(l, out, &staged);
}

/* One exchange at a time until the first answer: the server may still be starting, addresses are being resolved. */
static int wait_ready(struct load *l, struct messages *in, struct messages *out) {
    int64_t end = now_ns() + SILENCE_NS;
    while (!told_to_end && now_ns() < end) {
        unsigned staged = 0;
        stage(l, out, &staged, 0, now_ns());
        send_staged(l, out, &staged);
        ssize_t n = recv(l->fd, &in->data[0], sizeof(in->data[0]), 0);
        if (n >= 0 && accept_reply(l, &in->data[0], (size_t)n))
            return 0;
        if (n < 0 && errno == ECONNREFUSED)
            usleep(10000);
    }
    return -ETIMEDOUT;
}

static void send_first(struct load *l, struct messages *out, int64_t now) {
    unsigned staged = 0;
    for (unsigned s = 0; s < l->outstanding; s++) {
        stage(l, out, &staged, s, now);
        if (staged == l->batch)
            send_staged(l, out, &staged);
    }
    send_staged(l, out, &staged);
}

/* Waits for replies and answers each with a new datagram. Returns how many there were. */
static unsigned exchange(struct load *l, struct messages *in, struct messages *out) {
    unsigned staged = 0;
    int n = recvmmsg(l->fd, in->msg, l->batch, MSG_WAITFORONE, NULL);
    int64_t now = now_ns();
    for (int i = 0; i < n; i++)
        if (accept_reply(l, &in->data[i], in->msg[i].msg_len))
            stage(l, out, &staged, in->data[i].slot, now);
    unsigned replies = staged;
    send_staged(l, out, &staged);
    return replies;
}

static int run(struct load *l, double *seconds) {
    static struct messages in, out;
    messages_init(&in);
    messages_init(&out);
    int err = wait_ready(l, &in, &out);
    if (err)
        return err;
    l->lost = l->late = 0;

    int64_t now = now_ns(), counted_from = now + l->warmup, last_reply = now, last_check = now;
    send_first(l, &out, now);
    while (!told_to_end && now < counted_from + l->duration) {
        unsigned replies = exchange(l, &in, &out);
        now = now_ns();
        if (replies > 0) {
            last_reply = now;
            l->lost_before_reply = l->lost;
            if (now >= counted_from)
                l->echoes += replies;
        }
        if (now - last_check > LOSS_NS / 4) {
            resend_lost(l, &out, now);
            last_check = now;
        }
        if (now - last_reply > SILENCE_NS)
            return -ETIMEDOUT;
    }
    if (l->echoes == 0)
        return -ETIMEDOUT;
    if (told_to_end) {
        now = last_reply;
        l->lost = l->lost_before_reply;
    }
    *seconds = (double)(now - counted_from) / SECOND;
    return 0;
}

static int connect_to(const char *address, const char *port) {
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};
    /* So that losses are looked for even when nothing arrives. */
    struct timeval patience = {.tv_usec = (suseconds_t)(LOSS_NS / 4000)};
    if (inet_pton(AF_INET, address, &peer.sin_addr) != 1)
        return -EINVAL;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
        connect(fd, (const struct sockaddr *)&peer, sizeof(peer)) < 0)
        return -errno;
    return fd;
}

int main(int argc, char **argv) {
    static struct load l = {
        .outstanding = 1, .batch = 32, .duration = (int64_t)SECOND, .warmup = (int64_t)(SECOND / 5)};
    bool usage_ok = true;
    int opt;
    while ((opt = getopt(argc, argv, "n:t:w:b:")) != -1) {
        double value = optarg ? strtod(optarg, NULL) : 0;
        if (opt == 'n' && value >= 1 && value <= MAX_OUTSTANDING)
            l.outstanding = (unsigned)value;
        else if (opt == 't' && value > 0 && value < 3600)
            l.duration = (int64_t)(value * SECOND);
        else if (opt == 'w' && value >= 0 && value < 3600)
            l.warmup = (int64_t)(value * SECOND);
        else if (opt == 'b' && value >= 1 && value <= MAX_BATCH)
            l.batch = (unsigned)value;
        else
            usage_ok = false;
    }
    if (!usage_ok || argc - optind != 2) {
        fputs("usage: udp_load [-n OUTSTANDING] [-t SECONDS] [-w WARMUP_SECONDS] [-b BATCH] ADDRESS PORT\n", stderr);
        return 2;
    }

    /* No SA_RESTART: the receive it interrupts returns. */
    const struct sigaction end = {.sa_handler = on_sigterm};
    (void)sigaction(SIGTERM, &end, NULL);
    double seconds = 0;
    l.run = mix((uint64_t)now_ns() ^ (uint64_t)getpid() << 40);
    int err = l.fd = connect_to(argv[optind], argv[optind + 1]);
    if (err >= 0)
        err = run(&l, &seconds);
    if (err < 0) {
        fprintf(stderr, "udp_load: %s port %s: %s\n", argv[optind], argv[optind + 1], strerror(-err));
        return 1;
    }
    printf("rate=%.0f echoes=%" PRIu64 " seconds=%.3f lost=%" PRIu64 " late=%" PRIu64 " corrupt=%" PRIu64 "\n",
           (double)l.echoes / seconds, l.echoes, seconds, l.lost, l.late, l.corrupt);
    if (l.corrupt == 0)
        return 0;
    fprintf(stderr, "udp_load: %" PRIu64 " replies differ from what was sent\n", l.corrupt);
    return 1;
}
