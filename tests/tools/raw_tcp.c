/* SPDX-License-Identifier: MIT */
/*
 * raw_tcp IFNAME IP MAC STEP...: a TCP peer made of single segments, at 10.77.0.9, against the guest with that address.
 * Each step is one argument; one that fails resets the connection and ends it with status 1.
 *
 *   from=N port=N     the ports; the guest's is 7 unless said
 *   seq=N window=N    what the next segments carry; seq=+N and seq=-N change the number
 *   syn ack fin rst   sends one
 *   data=TEXT         sends it
 *   hold=1            acknowledges nothing new from now on; 0: everything again
 *   acks=1            answers each new segment with an acknowledgment; 0: no longer
 *   want=FLAGS        waits for a segment with exactly these flags of "SAFRP" ("P" is ignored)
 *   sizes=N           waits for N new bytes, and says how they were cut
 *   quiet=MS          fails if anything new comes within that time
 *   count=MS          says how many segments of any kind come within that time
 */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

#define PATIENCE 60000 /* ms */
#define HEADERS (14u + 20u + 20u)

struct segment {
    uint8_t flags;
    uint32_t seq, ack;
    size_t length;
};

static struct peer {
    int fd;
    struct sockaddr_ll address;
    uint8_t own_mac[6], mac[6], own_ip[4], ip[4];
    uint16_t own_port, port, window;
    uint32_t seq, ack; /* next to send, next to receive */
    uint32_t held_ack;
    bool holds, acks;
} peer = {
    .own_mac = {2, 0, 0, 0, 0, 9}, .own_ip = {10, 77, 0, 9}, .own_port = 4000, .port = 7, .window = 65535, .seq = 1000};

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- bytes */

static void put16(uint8_t *to, unsigned value) {
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
}

static void put32(uint8_t *to, uint32_t value) {
    put16(to, value >> 16);
    put16(to + 2, value & 0xffff);
}

static unsigned get16(const uint8_t *from) {
    return (unsigned)from[0] << 8 | from[1];
}

static uint32_t get32(const uint8_t *from) {
    return (uint32_t)get16(from) << 16 | get16(from + 2);
}

static uint32_t sum(const uint8_t *from, size_t length, uint32_t start) {
    for (size_t i = 0; i < length; i++)
        start += i % 2 ? from[i] : (uint32_t)from[i] << 8;
    return start;
}

static unsigned folded(uint32_t value) {
    value = (value & 0xffff) + (value >> 16);
    return ~((value & 0xffff) + (value >> 16)) & 0xffff;
}

/* ---- frames */

static void send_frame(const uint8_t *frame, size_t length) {
    if (sendto(peer.fd, frame, length, 0, (const struct sockaddr *)&peer.address, sizeof peer.address) < 0)
        perror("raw_tcp: sendto");
}

static void answer_arp(const uint8_t *request) {
    uint8_t frame[60] = {0};
    memcpy(frame, request + 6, 6);
    memcpy(frame + 6, peer.own_mac, 6);
    memcpy(frame + 12, request + 12, 8);
    frame[21] = 2; /* a reply */
    memcpy(frame + 22, peer.own_mac, 6);
    memcpy(frame + 28, peer.own_ip, 4);
    memcpy(frame + 32, request + 22, 10);
    send_frame(frame, sizeof frame);
}

static void send_segment(uint8_t flags, const char *data) {
    static const uint8_t mss[] = {2, 4, 1460 >> 8, 1460 & 0xff};
    uint8_t frame[1514] = {0}, *ip = frame + 14, *tcp = ip + 20;
    size_t options = flags & SYN ? sizeof mss : 0, length = options + (data ? strlen(data) : 0);
    memcpy(frame, peer.mac, 6);
    memcpy(frame + 6, peer.own_mac, 6);
    put16(frame + 12, 0x0800);
    ip[0] = 0x45;
    put16(ip + 2, (unsigned)(40 + length));
    ip[8] = 64;
    ip[9] = IPPROTO_TCP;
    memcpy(ip + 12, peer.own_ip, 4);
    memcpy(ip + 16, peer.ip, 4);
    put16(ip + 10, folded(sum(ip, 20, 0)));
    put16(tcp, peer.own_port);
    put16(tcp + 2, peer.port);
    put32(tcp + 4, peer.seq);
    put32(tcp + 8, flags & ACK ? peer.holds ? peer.held_ack : peer.ack : 0);
    tcp[12] = (uint8_t)(0x50 + (options << 2));
    tcp[13] = flags;
    put16(tcp + 14, peer.window);
    memcpy(tcp + 20, mss, options);
    if (data)
        memcpy(tcp + 20 + options, data, length - options);
    put16(tcp + 16, folded(sum(tcp, 20 + length, sum(ip + 12, 8, (uint32_t)(IPPROTO_TCP + 20 + length)))));
    send_frame(frame, HEADERS + length < 60 ? 60 : HEADERS + length);
    peer.seq += (uint32_t)(length - options) + !!(flags & SYN) + !!(flags & FIN);
}

static bool is_ours(const uint8_t *frame, size_t length) {
    return length >= HEADERS && get16(frame + 12) == 0x0800 && frame[14] == 0x45 && frame[23] == IPPROTO_TCP &&
           memcmp(frame + 30, peer.own_ip, 4) == 0 && get16(frame + 34) == peer.port &&
           get16(frame + 36) == peer.own_port;
}

/* Any segment of the connection; false: none came before `deadline`. */
static bool receive(struct segment *segment, int64_t deadline) {
    uint8_t frame[2048];
    for (;;) {
        int64_t left = deadline - now_ms();
        struct pollfd ready = {.fd = peer.fd, .events = POLLIN};
        if (left <= 0 || poll(&ready, 1, (int)left) <= 0)
            return false;
        ssize_t n = recv(peer.fd, frame, sizeof frame, 0);
        if (n >= 42 && get16(frame + 12) == 0x0806 && frame[21] == 1 && memcmp(frame + 38, peer.own_ip, 4) == 0)
            answer_arp(frame);
        if (n < 0 || !is_ours(frame, (size_t)n))
            continue;
        const uint8_t *tcp = frame + 34;
        size_t header = (size_t)(tcp[12] >> 4) * 4, packet = get16(frame + 16);
        *segment = (struct segment){.flags = tcp[13],
                                    .seq = get32(tcp + 4),
                                    .ack = get32(tcp + 8),
                                    .length = packet >= 20 + header ? packet - 20 - header : 0};
        return true;
    }
}

static bool is_new(const struct segment *segment) {
    uint32_t size = (uint32_t)segment->length + !!(segment->flags & (SYN | FIN));
    return segment->flags & (SYN | RST) || (size && segment->seq == peer.ack);
}

static void take(const struct segment *segment) {
    if (segment->flags & SYN)
        peer.ack = segment->seq;
    if (is_new(segment) && !(segment->flags & RST))
        peer.ack += (uint32_t)segment->length + !!(segment->flags & (SYN | FIN));
    if (peer.acks && segment->length)
        send_segment(ACK, NULL);
}

/* ---- steps */

static bool fail(const char *step, const char *why) {
    fprintf(stderr, "raw_tcp: %s: %s\n", step, why);
    return false;
}

static bool want(const char *step, const char *names) {
    uint8_t flags = 0;
    struct segment segment = {0};
    for (; *names; names++)
        flags |= *names == 'S' ? SYN : *names == 'A' ? ACK : *names == 'F' ? FIN : *names == 'R' ? RST : 0;
    for (int64_t deadline = now_ms() + PATIENCE; receive(&segment, deadline);) {
        if ((segment.flags & ~PSH) != flags)
            continue;
        take(&segment);
        return true;
    }
    return fail(step, "no such segment");
}

static bool sizes(const char *step, size_t wanted) {
    struct segment segment;
    size_t got = 0;
    int64_t deadline = now_ms() + PATIENCE;
    while (got < wanted) {
        if (!receive(&segment, deadline))
            return fail(step, "it stopped");
        if (!segment.length || !is_new(&segment))
            continue;
        printf("%s%zu", got ? " " : "", segment.length);
        got += segment.length;
        take(&segment);
    }
    puts("");
    return true;
}

static bool quiet(const char *step, int64_t ms) {
    struct segment segment;
    for (int64_t deadline = now_ms() + ms; receive(&segment, deadline);)
        if (is_new(&segment))
            return fail(step, "something came");
    return true;
}

static bool count(int64_t ms) {
    struct segment segment;
    unsigned number = 0;
    for (int64_t deadline = now_ms() + ms; receive(&segment, deadline);)
        number++;
    printf("%u\n", number);
    return true;
}

static void hold(bool on) {
    peer.holds = on;
    peer.held_ack = peer.ack;
}

/* Those that take a number. */
static bool set(const char *step, size_t name, const char *text) {
    long long value = strtoll(text, NULL, 10);
    if (strncmp(step, "from", name) == 0)
        peer.own_port = (uint16_t)value;
    else if (strncmp(step, "port", name) == 0)
        peer.port = (uint16_t)value;
    else if (strncmp(step, "window", name) == 0)
        peer.window = (uint16_t)value;
    else if (strncmp(step, "acks", name) == 0)
        peer.acks = value;
    else if (strncmp(step, "seq", name) == 0)
        peer.seq = (uint32_t)(text[0] == '+' || text[0] == '-' ? peer.seq + value : value);
    else if (strncmp(step, "hold", name) == 0)
        hold(value);
    else if (strncmp(step, "sizes", name) == 0)
        return sizes(step, (size_t)value);
    else if (strncmp(step, "quiet", name) == 0)
        return quiet(step, value);
    else if (strncmp(step, "count", name) == 0)
        return count(value);
    else
        return fail(step, "no such step");
    return true;
}

static bool do_step(const char *step) {
    const char *equals = strchr(step, '=');
    if (equals && strncmp(step, "want=", 5) == 0)
        return want(step, equals + 1);
    if (equals && strncmp(step, "data=", 5) == 0)
        send_segment(ACK | PSH, equals + 1);
    else if (equals)
        return set(step, (size_t)(equals - step), equals + 1);
    else if (strcmp(step, "syn") == 0)
        send_segment(SYN, NULL);
    else if (strcmp(step, "ack") == 0)
        send_segment(ACK, NULL);
    else if (strcmp(step, "fin") == 0)
        send_segment(FIN | ACK, NULL);
    else if (strcmp(step, "rst") == 0)
        send_segment(RST, NULL);
    else
        return fail(step, "no such step");
    return true;
}

int main(int argc, char **argv) {
    unsigned mac[6];
    if (argc < 5 || inet_pton(AF_INET, argv[2], peer.ip) != 1 ||
        sscanf(argv[3], "%x:%x:%x:%x:%x:%x", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4], &mac[5]) != 6) {
        fprintf(stderr, "usage: raw_tcp IFNAME IP MAC STEP...\n");
        return 2;
    }
    for (int i = 0; i < 6; i++)
        peer.mac[i] = (uint8_t)mac[i];
    peer.address = (struct sockaddr_ll){.sll_family = AF_PACKET,
                                        .sll_protocol = htons(ETH_P_ALL),
                                        .sll_ifindex = (int)if_nametoindex(argv[1]),
                                        .sll_halen = ETH_ALEN};
    peer.fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
    if (peer.fd < 0 || bind(peer.fd, (struct sockaddr *)&peer.address, sizeof peer.address) < 0) {
        perror("raw_tcp");
        return 1;
    }
    for (int i = 4; i < argc; i++)
        if (!do_step(argv[i])) {
            send_segment(RST, NULL);
            return 1;
        }
    return 0;
}
