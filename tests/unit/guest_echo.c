/* SPDX-License-Identifier: MIT */
/* links: examples/netecho/echo.c */
#include "../../examples/netecho/echo.h"

#include "tap.h"

#define MAX_FRAME 1600

/* Offsets into the frames below. */
enum { IP = 14, L4 = 34 };

static const struct echo_host host = {{0x52, 0x54, 0, 0, 0, 1}, {10, 0, 0, 2}, false};
static const struct echo_host any_port = {{0x52, 0x54, 0, 0, 0, 1}, {10, 0, 0, 2}, true};
static const uint8_t client_mac[6] = {0x02, 0, 0, 0, 0, 9}, client_ip[4] = {10, 0, 0, 1};

struct packet {
    size_t length;
    uint8_t bytes[MAX_FRAME];
};

static void put16(uint8_t *at, size_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static unsigned get16(const uint8_t *at) {
    return (unsigned)(at[0] << 8 | at[1]);
}

/* The checksum of RFC 1071 from scratch: 0 over what includes a right one. */
static uint16_t checksum(const uint8_t *at, size_t length, uint32_t sum) {
    for (size_t i = 0; i < length; i++)
        sum += (uint32_t)at[i] << (i % 2 ? 0 : 8);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static uint16_t udp_checksum(const struct packet *p) {
    size_t length = get16(p->bytes + L4 + 4);
    uint32_t pseudo = 17 + (uint32_t)length;
    for (size_t i = 12; i < 20; i += 2)
        pseudo += get16(p->bytes + IP + i);
    return checksum(p->bytes + L4, length, pseudo);
}

static void fix_ip(struct packet *p) {
    put16(p->bytes + IP + 10, 0);
    put16(p->bytes + IP + 10, checksum(p->bytes + IP, 20, 0));
}

static struct packet ethernet(unsigned type) {
    struct packet p = {.length = 14};
    memcpy(p.bytes, host.mac, 6);
    memcpy(p.bytes + 6, client_mac, 6);
    put16(p.bytes + 12, type);
    return p;
}

static struct packet ip(unsigned protocol, size_t payload) {
    struct packet p = ethernet(0x0800);
    p.length = L4 + payload;
    p.bytes[IP] = 0x45;
    put16(p.bytes + IP + 2, 20 + payload);
    put16(p.bytes + IP + 4, 0x1234);
    p.bytes[IP + 8] = 61;
    p.bytes[IP + 9] = (uint8_t)protocol;
    memcpy(p.bytes + IP + 12, client_ip, 4);
    memcpy(p.bytes + IP + 16, host.ip, 4);
    for (size_t i = 0; i < payload; i++)
        p.bytes[L4 + i] = (uint8_t)(i * 11);
    fix_ip(&p);
    return p;
}

static struct packet udp(size_t data) {
    struct packet p = ip(17, 8 + data);
    put16(p.bytes + L4, 40000);
    put16(p.bytes + L4 + 2, 7);
    put16(p.bytes + L4 + 4, 8 + data);
    put16(p.bytes + L4 + 6, 0);
    put16(p.bytes + L4 + 6, udp_checksum(&p));
    return p;
}

static struct packet icmp(size_t data) {
    struct packet p = ip(1, 8 + data);
    p.bytes[L4] = 8;
    p.bytes[L4 + 1] = 0;
    put16(p.bytes + L4 + 2, 0);
    put16(p.bytes + L4 + 2, checksum(p.bytes + L4, 8 + data, 0));
    return p;
}

static struct packet arp(void) {
    static const uint8_t head[8] = {0, 1, 8, 0, 6, 4, 0, 1};
    struct packet p = ethernet(0x0806);
    memset(p.bytes, 0xff, 6);
    memcpy(p.bytes + 14, head, 8);
    memcpy(p.bytes + 22, client_mac, 6);
    memcpy(p.bytes + 28, client_ip, 4);
    memcpy(p.bytes + 38, host.ip, 4);
    p.length = 42;
    return p;
}

/* In a block of exactly the frame's length, so that the address sanitizer sees every byte beyond. */
static enum echo_kind answer(const struct echo_host *as, struct packet *p) {
    uint8_t *frame = malloc(p->length ? p->length : 1);
    size_t length = p->length;
    memcpy(frame, p->bytes, length);
    enum echo_kind kind = echo_reply(as, frame, &length);
    if (length > p->length || (kind == ECHO_NONE && (length != p->length || memcmp(frame, p->bytes, length) != 0)))
        ok(false, "an answer is no longer than the frame, and no answer leaves it as it was");
    memcpy(p->bytes, frame, length);
    p->length = length;
    free(frame);
    return kind;
}

static void ignored(struct packet p, const char *name) {
    ok(answer(&host, &p) == ECHO_NONE, "ignored: %s", name);
}

static void to_client(const struct packet *p, const char *what) {
    ok(memcmp(p->bytes, client_mac, 6) == 0 && memcmp(p->bytes + 6, host.mac, 6) == 0 &&
           memcmp(p->bytes + IP + 12, host.ip, 4) == 0 && memcmp(p->bytes + IP + 16, client_ip, 4) == 0,
       "%s: addresses are swapped", what);
    is_u64(checksum(p->bytes + IP, 20, 0), 0, "%s: the header checksum is right", what);
    is_u64(p->bytes[IP + 8], 64, "%s: with a time to live of its own", what);
}

static void answers_arp(void) {
    struct packet p = arp();
    p.length = 60; /* as padded on a wire */
    ok(answer(&host, &p) == ECHO_ARP, "an ARP request for us is answered");
    is_u64(p.length, 42, "without the padding");
    is_u64(get16(p.bytes + 20), 2, "with a reply");
    ok(memcmp(p.bytes + 22, host.mac, 6) == 0 && memcmp(p.bytes + 28, host.ip, 4) == 0, "that has our addresses");
    ok(memcmp(p.bytes + 32, client_mac, 6) == 0 && memcmp(p.bytes + 38, client_ip, 4) == 0, "for who asked");
    ok(memcmp(p.bytes, client_mac, 6) == 0 && memcmp(p.bytes + 6, host.mac, 6) == 0, "sent to him");
}

static void answers_icmp(void) {
    for (size_t data = 0; data < 70; data += 23) {
        struct packet p = icmp(data), sent = p;
        ok(answer(&host, &p) == ECHO_ICMP, "a ping of %zu bytes is answered", data);
        to_client(&p, "ping");
        is_u64(p.bytes[L4], 0, "it is an echo reply");
        is_u64(checksum(p.bytes + L4, 8 + data, 0), 0, "its checksum is right");
        ok(memcmp(p.bytes + L4 + 4, sent.bytes + L4 + 4, 4 + data) == 0, "its data are those that were sent");
    }
}

static void answers_udp(void) {
    for (size_t data = 0; data < 1473; data += 92) {
        struct packet p = udp(data), sent = p;
        p.length += data == 0 ? 18 : 0;
        ok(answer(&host, &p) == ECHO_UDP, "a datagram of %zu bytes is answered", data);
        to_client(&p, "udp");
        is_u64(p.length, L4 + 8 + data, "without padding");
        ok(get16(p.bytes + L4) == 7 && get16(p.bytes + L4 + 2) == 40000, "ports are swapped");
        is_u64(udp_checksum(&p), 0, "its checksum is right");
        ok(memcmp(p.bytes + L4 + 8, sent.bytes + L4 + 8, data) == 0, "its data are those that were sent");
    }
    struct packet p = udp(64);
    put16(p.bytes + L4 + 6, 0);
    ok(answer(&host, &p) == ECHO_UDP && get16(p.bytes + L4 + 6) == 0, "no checksum stays none");
    p = udp(10);
    put16(p.bytes + L4 + 2, 9999);
    struct packet other = p;
    ok(answer(&host, &p) == ECHO_NONE, "another port is not answered");
    ok(answer(&any_port, &other) == ECHO_UDP, "unless any port is");
    p = udp(10);
    put16(p.bytes + IP + 6, 0x4000);
    fix_ip(&p);
    ok(answer(&host, &p) == ECHO_UDP, "don't-fragment is no fragment");
}

static struct packet with16(struct packet p, size_t at, unsigned value) {
    put16(p.bytes + at, value);
    if (at >= IP && at < L4 && at != IP + 10)
        fix_ip(&p);
    return p;
}

static struct packet with8(struct packet p, size_t at, unsigned value) {
    p.bytes[at] = (uint8_t)value;
    if (at >= IP && at < L4)
        fix_ip(&p);
    return p;
}

static void ignores(void) {
    ignored(ethernet(0x0800), "an IP frame without a header");
    ignored(ethernet(0x86dd), "IPv6");
    ignored(with8(udp(8), 5, 2), "another MAC address");
    ignored(with8(udp(8), 0, 0xff), "a group");
    ignored(with8(udp(8), 6, 0x01), "a sender that is a group");
    ignored(with8(udp(8), IP, 0x65), "IP version 6 in an IPv4 frame");
    ignored(with8(udp(8), IP, 0x44), "an IHL below 5");
    ignored(with8(udp(8), IP, 0x4f), "an IHL beyond the frame");
    ignored(with8(udp(40), IP, 0x46), "IP options");
    ignored(with16(udp(8), IP + 2, 19), "a total length below the header");
    ignored(with16(udp(8), IP + 2, 37), "a total length beyond the frame");
    ignored(with16(udp(8), IP + 2, 0xffff), "the longest total length");
    ignored(with16(udp(8), IP + 6, 0x2000), "a first fragment");
    ignored(with16(udp(8), IP + 6, 0x0001), "a later fragment");
    ignored(with16(udp(8), IP + 6, 0x8000), "the reserved flag");
    ignored(with16(udp(8), IP + 10, 0x1111), "a wrong header checksum");
    ignored(with8(udp(8), IP + 19, 3), "another IP address");
    ignored(with8(udp(8), IP + 12, 127), "from loopback");
    ignored(with8(udp(8), IP + 12, 0), "from no address");
    ignored(with8(udp(8), IP + 12, 224), "from a multicast address");
    ignored(with8(udp(8), IP + 12, 255), "from a broadcast address");
    ignored(with8(udp(8), IP + 15, 2), "from our own address");
    ignored(with8(udp(8), IP + 9, 6), "TCP");
    ignored(with16(udp(8), L4 + 4, 7), "a UDP length below its header");
    ignored(with16(udp(8), L4 + 4, 17), "a UDP length beyond the datagram");
    ignored(with16(udp(8), L4, 7), "from an echo service");
    ignored(with16(udp(8), L4, 0), "from port 0");
    ignored(ip(17, 7), "half a UDP header");
    ignored(ip(17, 0), "no UDP header");
    ignored(ip(1, 7), "half an ICMP header");
    ignored(with8(icmp(8), L4, 0), "an echo reply");
    ignored(with8(icmp(8), L4 + 1, 1), "an echo request of another code");
    ignored(with16(arp(), 20, 2), "an ARP reply");
    ignored(with8(arp(), 41, 3), "an ARP request for another");
    ignored(with16(arp(), 14, 6), "ARP for other hardware");
    ignored(with8(arp(), 18, 8), "ARP with longer addresses");
    struct packet cut = arp();
    cut.length = 41;
    ignored(cut, "ARP that is cut short");
}

/* Every prefix of good packets, and many packets with random changes: no byte outside is touched, nothing grows. */
static void abuse(void) {
    const struct packet good[] = {arp(), icmp(40), udp(40)};
    unsigned failed = tap.failed;
    srand(1);
    for (size_t i = 0; i < 3; i++) {
        for (size_t length = 0; length < good[i].length; length++) {
            struct packet p = good[i];
            p.length = length;
            answer(&any_port, &p);
        }
        for (unsigned turn = 0; turn < 100000; turn++) {
            struct packet p = good[i];
            for (unsigned change = 0; change < 3; change++)
                p.bytes[(size_t)rand() % p.length] = (uint8_t)rand();
            p.length = turn % 3 ? p.length : (size_t)rand() % p.length;
            if (turn % 2)
                fix_ip(&p);
            answer(&any_port, &p);
        }
    }
    ok(tap.failed == failed, "300000 damaged packets do no harm");
}

int main(void) {
    answers_arp();
    answers_icmp();
    answers_udp();
    ignores();
    abuse();
    return done_testing();
}
