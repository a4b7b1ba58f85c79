/* SPDX-License-Identifier: MIT */
/*
 * When the last segment of a connection leaves. Full segments leave at once, as far as the windows allow; only a last
 * one that is not full may wait: for more data (MSG_MORE, TCP_CORK), or by Nagle's rule for the acknowledgment of
 * another one that was not full (Linux: tcp_nagle_test(), with Minshall's change). Nothing waits for data longer than
 * some 200 ms once everything before it is acknowledged, as in Linux.
 *
 * lwIP knows no cork, and its rule waits for the acknowledgment of full segments, too. So its tcp_output() is compiled
 * under another name (build.mk), and everybody, lwIP included, calls this one, which takes a segment that waits out of
 * the queue meanwhile.
 */
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/tcp.h"
#include "tcp.h"

/* Looked at in each slow tick, of 100 ms. */
#define HOLD_FOR (150 * UK_MILLISECOND)

err_t uk_lwip_output(struct tcp_pcb *pcb);

/* Where the last segment hangs; there is one. */
static struct tcp_seg **last_of(struct tcp_pcb *pcb) {
    struct tcp_seg **at = &pcb->unsent;
    while ((*at)->next)
        at = &(*at)->next;
    return at;
}

static u32_t end_of(const struct tcp_seg *segment) {
    return lwip_ntohl(segment->tcphdr->seqno) + TCP_TCPLEN(segment);
}

/* As tcp_write() makes them. */
static u16_t full_size(const struct tcp_pcb *pcb) {
    u16_t half_window = TCPWND_MIN16(pcb->snd_wnd_max / 2);
    return half_window && half_window < pcb->mss ? half_window : pcb->mss;
}

/* Not full, and sent for the first time. The end of the stream makes any segment full. */
static bool is_small(const struct tcp_pcb *pcb, const struct tcp_seg *segment) {
    return segment->len < full_size(pcb) && !(TCPH_FLAGS(segment->tcphdr) & (TCP_SYN | TCP_FIN)) &&
           TCP_SEQ_GT(end_of(segment), pcb->snd_nxt);
}

static bool is_small_in_flight(const struct uk_tcp *tcp) {
    const struct tcp_pcb *pcb = tcp->pcb;
    return TCP_SEQ_GT(tcp->small_end, pcb->lastack) && TCP_SEQ_LEQ(tcp->small_end, pcb->snd_nxt);
}

static bool waits_for_data(const struct uk_tcp *tcp) {
    return (tcp->cork || tcp->more) && !tcp->push;
}

static bool waits(const struct uk_tcp *tcp) {
    return waits_for_data(tcp) || (!tcp->push && !tcp->no_delay && is_small_in_flight(tcp));
}

/* Without lwIP's own rule. */
static err_t send_now(struct tcp_pcb *pcb) {
    tcpflags_t kept = pcb->flags & TF_NODELAY;
    tcp_set_flags(pcb, TF_NODELAY);
    err_t error = uk_lwip_output(pcb);
    if (!kept)
        tcp_clear_flags(pcb, TF_NODELAY);
    return error;
}

static err_t send_all_but_last(struct uk_tcp *tcp, struct tcp_seg **at) {
    struct tcp_pcb *pcb = tcp->pcb;
    struct tcp_seg *last = *at;
    u16_t oversize = pcb->unsent_oversize;
    *at = NULL;
    err_t error = send_now(pcb);
    for (at = &pcb->unsent; *at; at = &(*at)->next)
        ;
    *at = last;
    pcb->unsent_oversize = oversize;
    bool idle = !pcb->unacked && pcb->unsent == last;
    if (!idle || !waits_for_data(tcp))
        tcp->held_since = 0;
    else if (!tcp->held_since)
        tcp->held_since = uk_clock_monotonic();
    return error;
}

static err_t send_with_small(struct uk_tcp *tcp, struct tcp_seg *last) {
    u32_t end = end_of(last);
    TCPH_SET_FLAG(last->tcphdr, TCP_PSH);
    err_t error = send_now(tcp->pcb);
    if (TCP_SEQ_LEQ(end, tcp->pcb->snd_nxt))
        tcp->small_end = end;
    return error;
}

/* lwIP's tcp_output(). */
err_t tcp_output(struct tcp_pcb *pcb) {
    struct uk_tcp *tcp = uk_tcp_of(pcb);
    struct tcp_seg **last = tcp && pcb->unsent ? last_of(pcb) : NULL;
    bool small = last && is_small(pcb, *last);
    if (small && waits(tcp))
        return send_all_but_last(tcp, last);
    if (tcp)
        tcp->held_since = 0;
    if (small)
        return send_with_small(tcp, *last);
    return send_now(pcb);
}

void uk_tcp_push(struct uk_tcp *tcp) {
    tcp->push = true;
    uk_tcp_dirty(tcp);
}

void uk_tcp_release(struct uk_tcp *tcp) {
    if (tcp->held_since && uk_clock_monotonic() - tcp->held_since >= HOLD_FOR)
        tcp->push = true;
}
