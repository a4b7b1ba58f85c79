/* SPDX-License-Identifier: MIT */
/*
 * raw_frames IFNAME IP MAC: sends frames to a guest that no well-behaved host sends: too short, with lengths that lie,
 * fragments, bad checksums, and a few thousand of random content.
 */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct target {
    int fd;
    struct sockaddr_ll address;
    uint8_t mac[6];
    uint8_t ip[4];
};

static int errors;

static void send_frame(const struct target *target, const uint8_t *frame, size_t length) {
    if (sendto(target->fd, frame, length, 0, (const struct sockaddr *)&target->address, sizeof target->address) < 0)
        errors++;
}

/* An IPv4 frame to the guest with `ihl`, `total_length` and `protocol` as asked, and a right header checksum. */
static size_t ipv4(const struct target *target, uint8_t *frame, unsigned ihl, unsigned total_length, uint8_t protocol,
                   unsigned fragment) {
    static const uint8_t from[4] = {10, 77, 0, 1};
    memset(frame, 0, 200);
    memcpy(frame, target->mac, 6);
    frame[6] = 2;
    frame[12] = 0x08;
    uint8_t *ip = frame + 14;
    ip[0] = (uint8_t)(0x40 | ihl);
    ip[2] = (uint8_t)(total_length >> 8);
    ip[3] = (uint8_t)total_length;
    ip[6] = (uint8_t)(fragment >> 8);
    ip[7] = (uint8_t)fragment;
    ip[8] = 64;
    ip[9] = protocol;
    memcpy(ip + 12, from, 4);
    memcpy(ip + 16, target->ip, 4);
    uint32_t sum = 0;
    for (unsigned i = 0; i < 4 * ihl && i < 60; i += 2)
        sum += (uint32_t)ip[i] << 8 | ip[i + 1];
    sum = (sum & 0xffff) + (sum >> 16);
    sum = ~((sum & 0xffff) + (sum >> 16));
    ip[10] = (uint8_t)(sum >> 8);
    ip[11] = (uint8_t)sum;
    return 14 + 60;
}

static void send_lies(const struct target *target) {
    static const unsigned lengths[] = {0, 1, 19, 20, 21, 27, 28, 60, 61, 1500, 65535};
    uint8_t frame[256];
    for (unsigned protocol = 0; protocol < 2; protocol++)
        for (unsigned ihl = 0; ihl < 16; ihl++)
            for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
                send_frame(target, frame, ipv4(target, frame, ihl, lengths[i], protocol ? 17 : 1, 0));
    /* UDP whose own length lies, and fragments of it */
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        size_t length = ipv4(target, frame, 5, 60, 17, i % 2 ? 0x2000 : 0);
        frame[14 + 20 + 3] = 7;
        frame[14 + 20 + 4] = (uint8_t)(lengths[i] >> 8);
        frame[14 + 20 + 5] = (uint8_t)lengths[i];
        send_frame(target, frame, length);
        send_frame(target, frame, 14 + i);
    }
}

int main(int argc, char **argv) {
    struct target target = {.fd = socket(AF_PACKET, SOCK_RAW, 0)};
    uint8_t frame[1514];
    unsigned mac[6];
    if (argc != 4 || inet_pton(AF_INET, argv[2], target.ip) != 1 ||
        sscanf(argv[3], "%x:%x:%x:%x:%x:%x", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4], &mac[5]) != 6) {
        fprintf(stderr, "usage: raw_frames IFNAME IP MAC\n");
        return 2;
    }
    for (int i = 0; i < 6; i++)
        target.mac[i] = (uint8_t)mac[i];
    target.address = (struct sockaddr_ll){
        .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(argv[1]), .sll_halen = ETH_ALEN};
    if (target.fd < 0 || target.address.sll_ifindex == 0) {
        perror("raw_frames");
        return 1;
    }
    send_lies(&target);
    srandom(1);
    for (int i = 0; i < 3000; i++) {
        size_t length = 14 + (size_t)random() % (sizeof frame - 14);
        for (size_t j = 0; j < length; j++)
            frame[j] = (uint8_t)random();
        if (i % 4) { /* mostly something that the guest looks at */
            memcpy(frame, target.mac, 6);
            frame[12] = 0x08;
            frame[13] = i % 4 == 1 ? 0x06 : 0x00;
        }
        send_frame(&target, frame, length);
    }
    if (errors > 100)
        fprintf(stderr, "raw_frames: %d frames were not sent\n", errors);
    return errors > 100;
}
