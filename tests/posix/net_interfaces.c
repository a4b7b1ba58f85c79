/* SPDX-License-Identifier: MIT */
/* The network interfaces, by getifaddrs(), by name and number, and by netlink itself. Only lo is the same everywhere.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tap.h"

static const struct ifaddrs *find(const struct ifaddrs *at, int family) {
    while (at && (strcmp(at->ifa_name, "lo") != 0 || !at->ifa_addr || at->ifa_addr->sa_family != family))
        at = at->ifa_next;
    return at;
}

static void by_library(void) {
    struct ifaddrs *all;
    ok(getifaddrs(&all) == 0, "getifaddrs");
    const struct ifaddrs *link = find(all, AF_PACKET), *ip4 = find(all, AF_INET);
    ok(link && (link->ifa_flags & (IFF_UP | IFF_LOOPBACK)) == (IFF_UP | IFF_LOOPBACK), "lo is up");
    const struct sockaddr_ll *ll = link ? (const void *)link->ifa_addr : NULL;
    ok(ll && ll->sll_hatype == 772 && ll->sll_halen == 6 && ll->sll_ifindex == (int)if_nametoindex("lo"),
       "its link address");
    ok(ip4 && ((const struct sockaddr_in *)(const void *)ip4->ifa_addr)->sin_addr.s_addr == htonl(INADDR_LOOPBACK) &&
           ((const struct sockaddr_in *)(const void *)ip4->ifa_netmask)->sin_addr.s_addr == htonl(0xff000000),
       "its IPv4 address");
    freeifaddrs(all);
    struct if_nameindex *names = if_nameindex();
    bool found = false;
    for (size_t i = 0; names && names[i].if_name; i++)
        found = found || (!strcmp(names[i].if_name, "lo") && names[i].if_index == if_nametoindex("lo"));
    ok(found, "if_nameindex");
    if_freenameindex(names);
    char name[IF_NAMESIZE];
    ok(if_indextoname(if_nametoindex("lo"), name) && !strcmp(name, "lo"), "if_indextoname");
    ok(if_nametoindex("none") == 0, "no such interface");
}

static struct {
    struct nlmsghdr header;
    union {
        struct ifinfomsg link;
        struct rtmsg route;
        struct nlmsgerr error;
    };
    char rest[8192];
} message;

static ssize_t ask(int fd, uint16_t type, uint16_t flags, int index) {
    memset(&message, 0, sizeof message);
    message.header = (struct nlmsghdr){
        .nlmsg_len = NLMSG_LENGTH(sizeof message.link),
        .nlmsg_type = type,
        .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
        .nlmsg_seq = 77,
    };
    message.link.ifi_index = index;
    if (send(fd, &message, message.header.nlmsg_len, 0) != (ssize_t)message.header.nlmsg_len)
        return -1;
    return recv(fd, &message, sizeof message, 0);
}

static void by_netlink(void) {
    struct sockaddr_nl address;
    socklen_t length = sizeof address;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), lo = (int)if_nametoindex("lo");
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    ok(fd >= 0 && poll(&wait, 1, 0) == 0 && recv(fd, &message, sizeof message, MSG_DONTWAIT) < 0 && errno == EAGAIN,
       "a netlink socket");
    ok(ask(fd, RTM_GETLINK, 0, lo) >= (ssize_t)NLMSG_LENGTH(sizeof message.link) &&
           message.header.nlmsg_type == RTM_NEWLINK && message.header.nlmsg_seq == 77 && message.link.ifi_index == lo &&
           (message.link.ifi_flags & IFF_LOOPBACK),
       "one interface");
    ok(ask(fd, RTM_GETLINK, 0, 250) > 0 && message.header.nlmsg_type == NLMSG_ERROR && message.error.error == -ENODEV,
       "none of that number");
    ok(ask(fd, RTM_GETLINK, NLM_F_DUMP, 0) > 0 && message.header.nlmsg_type == RTM_NEWLINK &&
           (message.header.nlmsg_flags & NLM_F_MULTI),
       "all of them");
    while (recv(fd, &message, sizeof message, MSG_DONTWAIT) > 0)
        ;
    ok(getsockname(fd, (struct sockaddr *)&address, &length) == 0 && length == sizeof address &&
           address.nl_family == AF_NETLINK && address.nl_pid != 0,
       "its own address");
    close(fd);
    ok(socket(AF_NETLINK, SOCK_STREAM, 0) < 0 && errno == ESOCKTNOSUPPORT, "no streams");
}

int main(void) {
    by_library();
    by_netlink();
    return done_testing();
}
