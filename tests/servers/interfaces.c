/* SPDX-License-Identifier: MIT */
/* Prints what getifaddrs() says of the first network device, a line each: for sockets.t. */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <string.h>

static void print_link(const struct sockaddr_ll *link) {
    printf("link");
    for (int i = 0; i < link->sll_halen; i++)
        printf("%c%02x", i ? ':' : ' ', link->sll_addr[i]);
    printf("\n");
}

static void print_ip4(const struct sockaddr_in *ip, const struct sockaddr_in *mask,
                      const struct sockaddr_in *broadcast) {
    printf("ip %s", inet_ntoa(ip->sin_addr));
    printf(" mask %s", inet_ntoa(mask->sin_addr));
    printf(" broadcast %s\n", inet_ntoa(broadcast->sin_addr));
}

int main(void) {
    struct ifaddrs *all;
    if (getifaddrs(&all))
        return 1;
    for (const struct ifaddrs *at = all; at; at = at->ifa_next) {
        if (strcmp(at->ifa_name, "eth0") != 0 || !at->ifa_addr)
            continue;
        if (at->ifa_addr->sa_family == AF_PACKET)
            print_link((const void *)at->ifa_addr);
        if (at->ifa_addr->sa_family == AF_INET)
            print_ip4((const void *)at->ifa_addr, (const void *)at->ifa_netmask, (const void *)at->ifa_broadaddr);
    }
    freeifaddrs(all);
    return 0;
}
