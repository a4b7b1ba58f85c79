/* SPDX-License-Identifier: MIT */
/*
 * udp_order HOST PORT COUNT WINDOW: sends COUNT numbered datagrams of varying length to an echo server, at most WINDOW
 * of them unanswered, and checks that each answer is the next one, with every byte as it was sent.
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define PAYLOAD_MAX 1472u

static size_t fill(uint8_t *payload, uint32_t number) {
    size_t length = sizeof number + number * 37 % (PAYLOAD_MAX - sizeof number);
    memcpy(payload, &number, sizeof number);
    for (size_t i = sizeof number; i < length; i++)
        payload[i] = (uint8_t)(number + i);
    return length;
}

static int receive(int fd, uint32_t number) {
    uint8_t want[PAYLOAD_MAX], got[PAYLOAD_MAX + 1];
    size_t length = fill(want, number);
    ssize_t n = recv(fd, got, sizeof got, 0);
    if (n < 0) {
        perror("udp_order: no answer");
        return -1;
    }
    if ((size_t)n != length || memcmp(want, got, length) != 0) {
        fprintf(stderr, "udp_order: answer %u: %zd bytes, expected %zu, or other content\n", number, n, length);
        return -1;
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc != 5) {
        fprintf(stderr, "usage: udp_order HOST PORT COUNT WINDOW\n");
        return 2;
    }
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2]))};
    uint32_t count = (uint32_t)atoi(argv[3]), window = (uint32_t)atoi(argv[4]), received = 0;
    struct timeval limit = {.tv_sec = 5};
    uint8_t payload[PAYLOAD_MAX];
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (inet_pton(AF_INET, argv[1], &to.sin_addr) != 1 || fd < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) < 0 ||
        connect(fd, (struct sockaddr *)&to, sizeof to) < 0) {
        perror("udp_order");
        return 1;
    }
    for (uint32_t sent = 0; sent < count; sent++) {
        if (sent - received == window && receive(fd, received++))
            return 1;
        size_t length = fill(payload, sent);
        if (send(fd, payload, length, 0) != (ssize_t)length) {
            perror("udp_order: send");
            return 1;
        }
    }
    while (received < count)
        if (receive(fd, received++))
            return 1;
    close(fd);
    return 0;
}
