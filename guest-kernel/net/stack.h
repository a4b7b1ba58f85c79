/* SPDX-License-Identifier: MIT */
/*
 * lwIP as the sockets use it. lwIP runs in callbacks (a frame, a timer) and in system calls, never in two of them at
 * once. What it sends goes into the submission ring and leaves with the next exit.
 */
#ifndef UK_NET_STACK_H
#define UK_NET_STACK_H

#include "lwip/ip_addr.h"
#include "lwip/netif.h"
#include "ukvm.h"

/* Brings the stack and every network device up; does nothing the second time. */
void uk_net_up(void);

/* Something is sent or received: timers may be needed. Cheap, and callable by what lwIP calls. */
void uk_net_activity(void);

/* Before lwIP is given a frame that has arrived. */
void uk_net_arrival(void);

/* Until when an interface may get its first address by DHCP; 0: all have one, or have had their time. */
uint64_t uk_net_configures_until(void);

/* Blocks while an interface waits for its first address by DHCP, a few seconds at most. -UK_ERESTART: a signal. */
int uk_net_wait_configured(void);

/* Passes on what was sent to an own address. From system calls only: Linux does so at once, and some programs rely on
 * it. */
void uk_net_deliver_looped(void);

bool uk_net_is_own(const ip_addr_t *ip);

/* -EADDRNOTAVAIL if no interface has that address. "Any" is fine. */
int uk_net_check_local(const ip_addr_t *ip);

/* A negative errno for an error of lwIP's, 0 for ERR_OK. */
int uk_net_error(err_t error);

/* ---- between the files of this folder */

/* link.c: attaches a device to the stack; NULL if there is no memory for it. */
struct netif *uk_link_start(const struct ukvm_device *device);

/* lease.c: asks for an address by DHCP, and from then on keeps it; -ENOMEM. */
int uk_lease_start(struct netif *netif);

/* Does what is due for each lease, and says when something is. Not more than once a second. */
void uk_leases_tick(void);
uint64_t uk_leases_next(uint64_t due);

/* ticks.c */
void uk_ticks_init(void);

/* tcp_connect.c: an interface has a new address. */
void uk_tcp_configured(void);

/* tcp_flush.c: sends what the sockets have queued. */
void uk_tcp_flush(void);

#endif
