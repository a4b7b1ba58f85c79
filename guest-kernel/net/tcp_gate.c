/* SPDX-License-Identifier: MIT */
/* What a segment meets before lwIP's own rules: segments for listening sockets, and for connections that are over. */
#include "hooks.h"
#include "lwip/ip.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/tcp.h"
#include "tcp.h"

/* The share of memory that connections which are not even established leave alone. */
#define MEMORY_RESERVE 16

/*
 * No new connection while the queue is full, as in Linux, or memory is short: the peer tries again after a second.
 */
static err_t listening(const struct tcp_pcb *pcb, const struct tcp_hdr *header) {
    const struct uk_tcp *tcp = uk_tcp_listener_for(pcb->callback_arg, ip_current_src_addr(), header->src);
    bool short_of_memory = uk_pages_available() < uk_pages_total() / MEMORY_RESERVE;
    return tcp->queued > tcp->backlog || short_of_memory ? ERR_MEM : ERR_OK;
}

/* ---- a new connection with the addresses of one in TIME_WAIT. RFC 1122, 4.2.2.13; lwIP knows no such thing */

#define AGAIN_MAX 16u

static struct again {
    struct pbuf *p;
    struct netif *netif;
} again[AGAIN_MAX];
static unsigned again_count;

static void input_again(struct uk_timer *timer) {
    (void)timer;
    while (again_count) {
        struct again segment = again[--again_count];
        if (ip_input(segment.p, segment.netif) != ERR_OK)
            pbuf_free(segment.p);
    }
}

static struct uk_timer again_timer = {.fire = input_again};

/* As it was when it arrived. */
static void restore(struct tcp_hdr *header, struct pbuf *p) {
    header->src = lwip_htons(header->src);
    header->dest = lwip_htons(header->dest);
    header->seqno = lwip_htonl(header->seqno);
    header->ackno = lwip_htonl(header->ackno);
    header->wnd = lwip_htons(header->wnd);
    pbuf_add_header_force(p, (size_t)TCPH_HDRLEN_BYTES(header) + ip_current_header_tot_len());
}

/* The old connection goes, and the segment comes once more, to find the listening socket. */
static err_t start_anew(struct tcp_pcb *pcb, struct tcp_hdr *header, struct pbuf *p) {
    if (again_count == AGAIN_MAX || p->next)
        return ERR_MEM;
    tcp_pcb_remove(&tcp_tw_pcbs, pcb);
    tcp_free(pcb);
    restore(header, p);
    pbuf_ref(p);
    again[again_count++] = (struct again){p, ip_current_input_netif()};
    uk_timer_start(&again_timer, 0);
    return ERR_USE;
}

/* Who has forgotten the old connection resets it then, and its next attempt is a new one. */
static err_t say_what_is_expected(struct tcp_pcb *pcb) {
    tcp_ack_now(pcb);
    tcp_output(pcb);
    return ERR_USE;
}

/* Linux: tcp_timewait_state_process(). lwIP resets the new connection, or ignores what ends the old one. */
static err_t waiting(struct tcp_pcb *pcb, struct tcp_hdr *header, struct pbuf *p) {
    u8_t flags = TCPH_FLAGS(header);
    if ((flags & TCP_RST) && header->seqno == pcb->rcv_nxt) {
        tcp_pcb_remove(&tcp_tw_pcbs, pcb);
        tcp_free(pcb);
        return ERR_USE;
    }
    if ((flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) != TCP_SYN)
        return ERR_OK;
    return TCP_SEQ_GT(header->seqno, pcb->rcv_nxt) ? start_anew(pcb, header, p) : say_what_is_expected(pcb);
}

err_t uk_net_tcp_gate(struct tcp_pcb *pcb, struct tcp_hdr *header, struct pbuf *p) {
    if (pcb->state == LISTEN)
        return listening(pcb, header);
    if (pcb->state == TIME_WAIT)
        return waiting(pcb, header, p);
    return ERR_OK;
}
