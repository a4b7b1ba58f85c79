/* SPDX-License-Identifier: MIT */
#include "echo.h"

#include "ukvm.h"

/* Offsets of fields and lengths of headers. Ethernet; RFC 826, 791, 792, 768. */
enum {
    ETH_TO = 0,
    ETH_FROM = 6,
    ETH_TYPE = 12,
    ETH_HEADER = 14,

    ARP_FIXED = 0, /* hardware and protocol, and the lengths of their addresses */
    ARP_OPERATION = 6,
    ARP_SENDER_MAC = 8,
    ARP_SENDER_IP = 14,
    ARP_TARGET_MAC = 18,
    ARP_TARGET_IP = 24,
    ARP_SIZE = 28,

    IP_VERSION_IHL = 0,
    IP_TOTAL_LENGTH = 2,
    IP_FRAGMENT = 6,
    IP_TTL = 8,
    IP_PROTOCOL = 9,
    IP_CHECKSUM = 10,
    IP_FROM = 12,
    IP_TO = 16,
    IP_HEADER = 20, /* without options */

    ICMP_TYPE = 0,
    ICMP_CODE = 1,
    ICMP_CHECKSUM = 2,
    ICMP_HEADER = 8,

    UDP_FROM = 0,
    UDP_TO = 2,
    UDP_LENGTH = 4,
    UDP_HEADER = 8,
};

#define ETH_TYPE_IP 0x0800u
#define ETH_TYPE_ARP 0x0806u
#define ARP_REQUEST 1u
#define ARP_REPLY 2u
#define IP_DONT_FRAGMENT 0x4000u
#define IP_ICMP 1u
#define IP_UDP 17u
#define ICMP_ECHO_REPLY 0u
#define ICMP_ECHO 8u
#define TTL 64u

static uint16_t get16(const uint8_t *at) {
    return (uint16_t)(at[0] << 8 | at[1]);
}

static void put16(uint8_t *at, unsigned value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static bool equal(const uint8_t *a, const uint8_t *b, size_t size) {
    return memcmp(a, b, size) == 0;
}

static void swap(uint8_t *a, uint8_t *b, size_t size) {
    for (size_t i = 0; i < size; i++) {
        uint8_t t = a[i];
        a[i] = b[i];
        b[i] = t;
    }
}

/* ---- checksums, RFC 1071 and 1624 */

static uint16_t fold(uint32_t sum) {
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)(sum + (sum >> 16));
}

/* 0xffff for a header whose checksum is right. */
static uint16_t header_sum(const uint8_t *ip) {
    uint32_t sum = 0;
    for (unsigned i = 0; i < IP_HEADER; i += 2)
        sum += get16(ip + i);
    return fold(sum);
}

/* Replaces a 16-bit field and corrects the checksum that covers it, right or wrong as that was: HC' = ~(~HC + ~m + m').
 */
static void replace16(uint8_t *field, unsigned value, uint8_t *checksum) {
    uint32_t sum = (uint16_t)~get16(checksum) + (uint32_t)(uint16_t)~get16(field) + value;
    put16(checksum, (uint16_t)~fold(sum));
    put16(field, value);
}

/* ---- who may be answered */

/* Not a group: an answer would go to many. */
static bool is_one_mac(const uint8_t *mac) {
    return (mac[0] & 1) == 0;
}

/* Neither "this network" nor loopback, multicast, reserved or broadcast. */
static bool is_one_ip(const uint8_t *ip) {
    return ip[0] != 0 && ip[0] != 127 && ip[0] < 224;
}

static bool is_broadcast(const uint8_t *mac) {
    static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    return equal(mac, broadcast, 6);
}

/* ---- the protocols; `length` is what the frame has room for, headers' own lengths are checked against it */

static void answer_sender(const struct echo_host *host, uint8_t *frame) {
    memcpy(frame + ETH_TO, frame + ETH_FROM, 6);
    memcpy(frame + ETH_FROM, host->mac, 6);
}

static enum echo_kind reply_arp(const struct echo_host *host, uint8_t *frame, size_t *length) {
    static const uint8_t fixed[6] = {0, 1, 0x08, 0x00, 6, 4}; /* Ethernet, IPv4 */
    uint8_t *arp = frame + ETH_HEADER;
    if (*length < ETH_HEADER + ARP_SIZE || !equal(arp + ARP_FIXED, fixed, sizeof fixed) ||
        get16(arp + ARP_OPERATION) != ARP_REQUEST || !equal(arp + ARP_TARGET_IP, host->ip, 4))
        return ECHO_NONE;
    put16(arp + ARP_OPERATION, ARP_REPLY);
    memcpy(arp + ARP_TARGET_MAC, arp + ARP_SENDER_MAC, 6);
    memcpy(arp + ARP_TARGET_IP, arp + ARP_SENDER_IP, 4);
    memcpy(arp + ARP_SENDER_MAC, host->mac, 6);
    memcpy(arp + ARP_SENDER_IP, host->ip, 4);
    answer_sender(host, frame);
    *length = ETH_HEADER + ARP_SIZE;
    return ECHO_ARP;
}

static enum echo_kind reply_icmp(uint8_t *icmp, size_t length) {
    if (length < ICMP_HEADER || icmp[ICMP_TYPE] != ICMP_ECHO || icmp[ICMP_CODE] != 0)
        return ECHO_NONE;
    replace16(icmp + ICMP_TYPE, ICMP_ECHO_REPLY << 8, icmp + ICMP_CHECKSUM);
    return ECHO_ICMP;
}

/* Swapping ports and addresses leaves the sum over them, and so the checksum, as it was. */
static enum echo_kind reply_udp(const struct echo_host *host, uint8_t *udp, size_t length) {
    if (length < UDP_HEADER || get16(udp + UDP_LENGTH) < UDP_HEADER || get16(udp + UDP_LENGTH) > length)
        return ECHO_NONE;
    unsigned from = get16(udp + UDP_FROM), to = get16(udp + UDP_TO);
    /* Nor to port 0, which nobody has, nor to an echo service, which would answer for ever. */
    if ((to != ECHO_PORT && !host->any_port) || from == 0 || from == ECHO_PORT)
        return ECHO_NONE;
    swap(udp + UDP_FROM, udp + UDP_TO, 2);
    return ECHO_UDP;
}

static bool is_for_us(const struct echo_host *host, const uint8_t *ip, size_t length) {
    return length >= IP_HEADER && ip[IP_VERSION_IHL] == (4 << 4 | IP_HEADER / 4) &&
           get16(ip + IP_TOTAL_LENGTH) >= IP_HEADER && get16(ip + IP_TOTAL_LENGTH) <= length &&
           (get16(ip + IP_FRAGMENT) & ~IP_DONT_FRAGMENT) == 0 && equal(ip + IP_TO, host->ip, 4) &&
           is_one_ip(ip + IP_FROM) && !equal(ip + IP_FROM, host->ip, 4) && header_sum(ip) == 0xffff;
}

static enum echo_kind reply_ip(const struct echo_host *host, uint8_t *frame, size_t *length) {
    uint8_t *ip = frame + ETH_HEADER;
    enum echo_kind kind = ECHO_NONE;
    if (!is_for_us(host, ip, *length - ETH_HEADER))
        return ECHO_NONE;
    size_t total = get16(ip + IP_TOTAL_LENGTH); /* a short frame is padded behind it */
    if (ip[IP_PROTOCOL] == IP_ICMP)
        kind = reply_icmp(ip + IP_HEADER, total - IP_HEADER);
    else if (ip[IP_PROTOCOL] == IP_UDP)
        kind = reply_udp(host, ip + IP_HEADER, total - IP_HEADER);
    if (kind == ECHO_NONE)
        return ECHO_NONE;
    swap(ip + IP_FROM, ip + IP_TO, 4);
    replace16(ip + IP_TTL, TTL << 8 | ip[IP_PROTOCOL], ip + IP_CHECKSUM);
    answer_sender(host, frame);
    *length = ETH_HEADER + total;
    return kind;
}

enum echo_kind echo_reply(const struct echo_host *host, uint8_t *frame, size_t *length) {
    if (*length < ETH_HEADER || !is_one_mac(frame + ETH_FROM))
        return ECHO_NONE;
    bool to_us = equal(frame + ETH_TO, host->mac, 6);
    unsigned type = get16(frame + ETH_TYPE);
    if (type == ETH_TYPE_ARP && (to_us || is_broadcast(frame + ETH_TO)))
        return reply_arp(host, frame, length);
    if (type == ETH_TYPE_IP && to_us)
        return reply_ip(host, frame, length);
    return ECHO_NONE;
}
