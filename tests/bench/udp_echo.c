/* SPDX-License-Identifier: MIT */
/*
 * The native side of the udp-echo rows: the server anyone would write first. One socket, recvfrom, sendto, for ever.
 *
 *     udp_echo PORT
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

int main(int argc, char **argv) {
    static char buf[65536];
    long port = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
    if (port < 1 || port > 65535) {
        fputs("usage: udp_echo PORT\n", stderr);
        return 2;
    }

    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in self = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (fd < 0 || bind(fd, (const struct sockaddr *)&self, sizeof(self)) < 0) {
        perror("udp_echo");
        return 1;
    }
    for (;;) {
        struct sockaddr_in peer;
        socklen_t peer_len = sizeof(peer);
        ssize_t n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&peer, &peer_len);
        if (n < 0 && errno != EINTR) {
            perror("udp_echo: recvfrom");
            return 1;
        }
        /* A reply that cannot be sent is a lost datagram, as on any network; the client counts it. */
        if (n >= 0)
            (void)sendto(fd, buf, (size_t)n, 0, (const struct sockaddr *)&peer, peer_len);
    }
}
