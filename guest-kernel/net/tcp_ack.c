/* SPDX-License-Identifier: MIT */
/*
 * The sequence number of a bare acknowledgment. lwIP probes a closed window with a byte beyond it and counts that byte
 * as sent; the acknowledgments that follow would carry a number outside of the window, and Linux, among others, drops
 * those unread. A peer that writes all before it reads would then send the same segments for ever.
 */
#include "hooks.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/tcp.h"

static bool is_bare(const struct tcp_hdr *header, const struct pbuf *p) {
    return TCPH_FLAGS(header) == TCP_ACK && p->tot_len == TCPH_HDRLEN_BYTES(header);
}

/* Linux: tcp_acceptable_seq(). */
uint32_t *uk_net_tcp_acceptable(const struct tcp_pcb *pcb, struct tcp_hdr *header, const struct pbuf *p,
                                uint32_t *options) {
    uint32_t end = pcb ? pcb->lastack + pcb->snd_wnd : 0;
    if (pcb && is_bare(header, p) && TCP_SEQ_GT(lwip_ntohl(header->seqno), end))
        header->seqno = lwip_htonl(end);
    return options;
}
