/* SPDX-License-Identifier: MIT */
/* The points at which lwIP asks us. */
#ifndef UK_LWIP_HOOKS_H
#define UK_LWIP_HOOKS_H

#include "lwip/err.h"
#include "lwip/ip_addr.h"

struct pbuf;
struct tcp_hdr;
struct tcp_pcb;

/* tcp_isn.c: the first sequence number of a connection. */
uint32_t uk_net_tcp_isn(const ip_addr_t *local_ip, uint16_t local_port, const ip_addr_t *remote_ip,
                        uint16_t remote_port);
#define LWIP_HOOK_TCP_ISN uk_net_tcp_isn

/*
 * tcp_gate.c: whether a segment may go on to `pcb`. The header is in host byte order; the buffer starts behind it. With
 * an error the segment is dropped.
 */
err_t uk_net_tcp_gate(struct tcp_pcb *pcb, struct tcp_hdr *header, struct pbuf *p);
#define LWIP_HOOK_TCP_INPACKET_PCB(pcb, header, options, options1, options2, p) uk_net_tcp_gate(pcb, header, p)

/* tcp_find.c: a packet begins its way through IP. They never eat it. */
struct netif;
int uk_tcp_seek4(const struct pbuf *p, const struct netif *netif);
int uk_tcp_seek6(const struct pbuf *p, const struct netif *netif);
#define LWIP_HOOK_IP4_INPUT(p, netif) uk_tcp_seek4(p, netif)
#define LWIP_HOOK_IP6_INPUT(p, netif) uk_tcp_seek6(p, netif)

/* tcp_ack.c: before a segment leaves; meant for options, of which it adds none: returns where they would go. */
uint32_t *uk_net_tcp_acceptable(const struct tcp_pcb *pcb, struct tcp_hdr *header, const struct pbuf *p,
                                uint32_t *options);
#define LWIP_HOOK_TCP_OUT_ADD_TCPOPTS(p, header, pcb, options) uk_net_tcp_acceptable(pcb, header, p, options)

#endif
