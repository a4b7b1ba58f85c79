/* SPDX-License-Identifier: MIT */
#include "interface.h"

#include <errno.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>

static bool is_loopback(const struct netif *netif) {
    return netif->name[0] == 'l';
}

void uk_interface_name(const struct netif *netif, char name[IFNAMSIZ]) {
    if (is_loopback(netif))
        uk_snprintf(name, IFNAMSIZ, "lo");
    else
        uk_snprintf(name, IFNAMSIZ, "eth%u", netif->num - 1u);
}

static struct netif *find_interface(const char *wanted) {
    struct netif *netif;
    char name[IFNAMSIZ];
    NETIF_FOREACH(netif) {
        uk_interface_name(netif, name);
        if (strncmp(name, wanted, sizeof name) == 0)
            return netif;
    }
    return NULL;
}

static void put_address(struct sockaddr *to, const ip4_addr_t *ip) {
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = ip->addr};
    memcpy(to, &in, sizeof in);
}

static int list_interfaces(struct ifconf *list) {
    const struct netif *netif;
    int used = 0;
    NETIF_FOREACH(netif) {
        struct ifreq *entry = (struct ifreq *)(void *)(list->ifc_buf + used);
        if (list->ifc_buf && used + (int)sizeof *entry <= list->ifc_len) {
            uk_interface_name(netif, entry->ifr_name);
            put_address(&entry->ifr_addr, netif_ip4_addr(netif));
        } else if (list->ifc_buf) {
            break;
        }
        used += (int)sizeof *entry;
    }
    list->ifc_len = used;
    return 0;
}

unsigned uk_interface_flags(const struct netif *netif) {
    unsigned flags = netif_is_up(netif) ? IFF_UP | IFF_RUNNING : 0;
    return flags | (is_loopback(netif) ? IFF_LOOPBACK : IFF_BROADCAST | IFF_MULTICAST);
}

uint32_t uk_interface_mtu(const struct netif *netif) {
    return netif->mtu ? netif->mtu : 65536;
}

unsigned short uk_interface_type(const struct netif *netif) {
    return is_loopback(netif) ? ARPHRD_LOOPBACK : ARPHRD_ETHER;
}

static int name_interface(struct ifreq *request) {
    const struct netif *netif = netif_get_by_index((u8_t)request->ifr_ifindex);
    if (!netif)
        return -ENODEV;
    uk_interface_name(netif, request->ifr_name);
    return 0;
}

static int ask_interface(unsigned request, struct ifreq *answer) {
    const struct netif *netif = find_interface(answer->ifr_name);
    if (!netif)
        return -ENODEV;
    switch (request) {
    case SIOCGIFADDR:
        put_address(&answer->ifr_addr, netif_ip4_addr(netif));
        return 0;
    case SIOCGIFNETMASK:
        put_address(&answer->ifr_netmask, netif_ip4_netmask(netif));
        return 0;
    case SIOCGIFBRDADDR:
        put_address(&answer->ifr_broadaddr,
                    &(ip4_addr_t){netif_ip4_addr(netif)->addr | ~netif_ip4_netmask(netif)->addr});
        return 0;
    case SIOCGIFFLAGS:
        answer->ifr_flags = (short)uk_interface_flags(netif);
        return 0;
    case SIOCGIFMTU:
        answer->ifr_mtu = (int)uk_interface_mtu(netif);
        return 0;
    case SIOCGIFINDEX:
        answer->ifr_ifindex = netif_get_index(netif);
        return 0;
    case SIOCGIFHWADDR:
        answer->ifr_hwaddr.sa_family = uk_interface_type(netif);
        memcpy(answer->ifr_hwaddr.sa_data, netif->hwaddr, netif->hwaddr_len);
        return 0;
    default:
        return -ENOTTY;
    }
}

int uk_interface_ioctl(unsigned request, void *argument) {
    switch (request) {
    case SIOCGIFCONF:
        return list_interfaces(argument);
    case SIOCGIFNAME:
        return name_interface(argument);
    default:
        return ask_interface(request, argument);
    }
}
