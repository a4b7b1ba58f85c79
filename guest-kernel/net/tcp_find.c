/* SPDX-License-Identifier: MIT */
/*
 * Which connection a segment belongs to. lwIP goes through the list of all of them, which takes microseconds when there
 * are thousands; here it is a table by addresses and ports.
 *
 * lwIP has no hook for that. But its search begins at the head of the list, and ends there if that is the right one: so
 * tcp_in.c is compiled with a head of its own (build.mk), which is the connection found here, once for each segment,
 * and after that, or if none was found, the list's. The table knows established connections only; the others are found
 * as before.
 */
#include "hooks.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"
#include "lwip/prot/tcp.h"
#include "posix/process/random.h"
#include "tcp.h"

#define BUCKETS 1024u

static struct uk_tcp *table[BUCKETS];
static struct tcp_pcb *found; /* of the segment that is on its way to tcp_in.c */

struct tcp_pcb **uk_tcp_first(void);

static uint32_t fold(const ip_addr_t *address) {
    const u32_t *words = ip_2_ip6(address)->addr;
    return IP_IS_V6(address) ? words[0] ^ words[1] ^ words[2] ^ words[3] : ip_2_ip4(address)->addr;
}

/* Multiplied by a secret, so that nobody can choose ports that share a bucket. Dietzfelbinger et al. 1997, theorem 1.
 */
static struct uk_tcp **bucket_of(const ip_addr_t *peer, uint16_t peer_port, uint16_t local_port) {
    static uint64_t secret;
    if (!secret) {
        uk_random_bytes(&secret, sizeof secret);
        secret |= 1;
    }
    uint64_t key = ((uint64_t)fold(peer) << 32) + ((uint32_t)peer_port << 16) + local_port;
    return &table[key * secret >> 54];
}
_Static_assert(BUCKETS == 1u << (64 - 54), "the shift");

void uk_tcp_enter(struct uk_tcp *tcp) {
    struct uk_tcp **bucket = bucket_of(&tcp->peer_ip, tcp->peer_port, tcp->local_port);
    tcp->table_next = *bucket;
    *bucket = tcp;
    tcp->in_table = true;
}

void uk_tcp_leave(struct uk_tcp *tcp) {
    if (!tcp->in_table)
        return;
    struct uk_tcp **at = bucket_of(&tcp->peer_ip, tcp->peer_port, tcp->local_port);
    while (*at != tcp)
        at = &(*at)->table_next;
    *at = tcp->table_next;
    tcp->in_table = false;
}

/* What tcp_in.c would ask of each in its list, and that this one is in that list. */
static bool is_it(const struct tcp_pcb *pcb, const ip_addr_t *from, const ip_addr_t *to, const struct tcp_hdr *header,
                  const struct netif *netif) {
    return pcb->state != CLOSED && pcb->state != LISTEN && pcb->state != TIME_WAIT &&
           (pcb->netif_idx == NETIF_NO_INDEX || pcb->netif_idx == netif_get_index(netif)) &&
           pcb->remote_port == lwip_ntohs(header->src) && pcb->local_port == lwip_ntohs(header->dest) &&
           ip_addr_cmp(&pcb->remote_ip, from) && ip_addr_cmp(&pcb->local_ip, to);
}

static void find(const ip_addr_t *from, const ip_addr_t *to, const struct tcp_hdr *header, const struct netif *netif) {
    const struct uk_tcp *tcp = *bucket_of(from, lwip_ntohs(header->src), lwip_ntohs(header->dest));
    while (tcp && !is_it(tcp->pcb, from, to, header, netif))
        tcp = tcp->table_next;
    found = tcp ? tcp->pcb : NULL;
}

#define PORTS 4u /* bytes, at the beginning of the header */

int uk_tcp_seek4(const struct pbuf *p, const struct netif *netif) {
    const struct ip_hdr *ip = p->payload;
    found = NULL;
    if (p->len < IP_HLEN || IPH_PROTO(ip) != IP_PROTO_TCP || (IPH_OFFSET(ip) & PP_HTONS(IP_OFFMASK | IP_MF)) ||
        p->len < IPH_HL_BYTES(ip) + PORTS)
        return 0;
    ip_addr_t from, to;
    ip_addr_copy_from_ip4(from, ip->src);
    ip_addr_copy_from_ip4(to, ip->dest);
    find(&from, &to, (const struct tcp_hdr *)((const char *)p->payload + IPH_HL_BYTES(ip)), netif);
    return 0;
}

int uk_tcp_seek6(const struct pbuf *p, const struct netif *netif) {
    const struct ip6_hdr *ip = p->payload;
    found = NULL;
    if (p->len < IP6_HLEN + PORTS || IP6H_NEXTH(ip) != IP6_NEXTH_TCP)
        return 0;
    ip_addr_t from, to;
    ip_addr_copy_from_ip6_packed(from, ip->src);
    ip_addr_copy_from_ip6_packed(to, ip->dest);
    ip6_addr_assign_zone(ip_2_ip6(&from), IP6_UNICAST, netif);
    ip6_addr_assign_zone(ip_2_ip6(&to), IP6_UNICAST, netif);
    find(&from, &to, (const struct tcp_hdr *)((const char *)p->payload + IP6_HLEN), netif);
    return 0;
}

struct tcp_pcb **uk_tcp_first(void) {
    static struct tcp_pcb *head;
    if (!found)
        return &tcp_active_pcbs;
    head = found;
    found = NULL;
    return &head;
}
