/* SPDX-License-Identifier: MIT */
/* The interfaces, as programs see them: lo, eth0... */
#ifndef UK_NET_INTERFACE_H
#define UK_NET_INTERFACE_H

#include <net/if.h>

#include "stack.h"

void uk_interface_name(const struct netif *netif, char name[IFNAMSIZ]);
unsigned uk_interface_flags(const struct netif *netif);      /* IFF_UP... */
unsigned short uk_interface_type(const struct netif *netif); /* ARPHRD_ETHER or ARPHRD_LOOPBACK */
uint32_t uk_interface_mtu(const struct netif *netif);

/* SIOCGIFCONF and its kin: netdevice(7). -ENODEV, -ENOTTY. */
int uk_interface_ioctl(unsigned request, void *argument);

#endif
