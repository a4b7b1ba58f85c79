/* SPDX-License-Identifier: MIT */
/* How lwIP is built: its raw interface alone, called from one thread at a time. lwip/opt.h explains each option. */
#ifndef UK_LWIPOPTS_H
#define UK_LWIPOPTS_H

#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_SOCKET 0
#define LWIP_NETCONN 0
#define LWIP_STATS 0
#define LWIP_HOOK_FILENAME "hooks.h"

/* Memory is the kernel's heap: nothing is set aside, and no pool limits how many connections there are. */
#define MEM_LIBC_MALLOC 1
#define MEMP_MEM_MALLOC 1
#define mem_clib_malloc uk_malloc
#define mem_clib_free uk_free
#define mem_clib_calloc(count, size) ((void)(count), (void)(size), NULL) /* lwIP has no caller of it */
#define MEM_ALIGNMENT 8
#define PBUF_POOL_BUFSIZE 2048

/* Timers are ours: ticks.c. */
#define LWIP_TIMERS 1
#define LWIP_TIMERS_CUSTOM 1

/* Links */
#define LWIP_ARP 1
#define ARP_TABLE_SIZE 127
#define ARP_QUEUEING 1
#define ARP_QUEUE_LEN 16
#define ETHARP_SUPPORT_STATIC_ENTRIES 0
#define ETH_PAD_SIZE 0
#define LWIP_HAVE_LOOPIF 1
#define LWIP_NETIF_LOOPBACK 1
#define LWIP_LOOPBACK_MAX_PBUFS 0
#define LWIP_NETIF_STATUS_CALLBACK 1
#define LWIP_NETIF_TX_SINGLE_PBUF 1
#define LWIP_SUPPORT_CUSTOM_PBUF 1
#define LWIP_CHECKSUM_CTRL_PER_NETIF 1 /* none on the loopback interface */

/* IP */
#define LWIP_IPV4 1
#define LWIP_IPV6 1
#define LWIP_ICMP 1
#define LWIP_RAW 1
#define LWIP_IGMP 0
#define LWIP_IPV6_MLD 1
#define IP_REASSEMBLY 1
#define IP_REASS_MAX_PBUFS 512
#define IP_FRAG 1
#define IPV6_FRAG_COPYHEADER 1 /* pointers have 64 bits */
#define LWIP_ND6_NUM_NEIGHBORS 64
#define LWIP_ND6_NUM_DESTINATIONS 64
#define LWIP_ND6_QUEUEING 1
#define LWIP_DHCP 1
#define LWIP_DHCP_DOES_ACD_CHECK 0
#define DHCP_DOES_ARP_CHECK 0
/* Only to keep the addresses of the servers that DHCP and router advertisements name; resolving is the C library's. */
#define LWIP_DNS 1
#define DNS_TABLE_SIZE 1
#define DNS_MAX_SERVERS 3
#define LWIP_ND6_RDNSS_MAX_DNS_SERVERS 1

/* UDP */
#define LWIP_UDP 1
#define LWIP_MULTICAST_TX_OPTIONS 1
#define SO_REUSE 1
#define SO_REUSE_RXTOALL 1

/* TCP. The maximum segment size is that of the interface; this is only its upper limit. */
#define LWIP_TCP 1
#define TCP_MSS 16384
#define LWIP_WND_SCALE 1
#define TCP_RCV_SCALE 3
#define TCP_WND (256 * 1024)
#define TCP_SND_BUF (256 * 1024)
#define TCP_SND_QUEUELEN 2048
#define TCP_SNDLOWAT (TCP_SND_BUF / 3)
#define TCP_QUEUE_OOSEQ 1
#define LWIP_TCP_SACK_OUT 1
#define LWIP_TCP_KEEPALIVE 1
#define TCP_LISTEN_BACKLOG 0 /* ours: tcp_listen.c */
#define LWIP_DISABLE_TCP_SANITY_CHECKS 1
/*
 * The slow timer ticks every 100 ms, so that the shortest retransmission timeout is 200 to 300 ms, as in Linux, and not
 * a second and a half. Delayed acknowledgments leave after 50 ms at most.
 */
#define TCP_TMR_INTERVAL 50
#define LWIP_TCP_RTO_TIME 1000 /* the first one. RFC 6298, 2.1 */
#define TCP_MSL 30000          /* TIME_WAIT is twice that: a minute, as in Linux */

#endif
