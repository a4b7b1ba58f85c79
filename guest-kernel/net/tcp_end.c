/* SPDX-License-Identifier: MIT */
/*
 * The end of a program. Elsewhere its kernel lives on: it closes the connections and goes on sending what was written.
 * Here both must happen before the guest ends, in a time that is bounded, for a peer may have gone.
 */
#include "lwip/priv/tcp_priv.h"
#include "tcp.h"

#define LEAVE_WITHIN (3 * UK_SECOND)

static void close_all(void) {
    const struct tcp_pcb *pcb = tcp_active_pcbs, *next;
    for (; pcb; pcb = next) {
        struct uk_tcp *tcp = uk_tcp_of(pcb);
        next = pcb->next;
        if (tcp)
            uk_tcp_close(tcp);
    }
}

static bool is_leaving(void) {
    for (const struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
        if ((pcb->unsent || pcb->unacked) && !ip_addr_isloopback(&pcb->remote_ip))
            return true;
    return false;
}

/* No thread runs any more; what arrives meanwhile goes to lwIP alone. */
void uk_tcp_end(void) {
    uint64_t give_up = uk_clock_monotonic() + LEAVE_WITHIN;
    close_all();
    while (is_leaving() && uk_clock_monotonic() < give_up)
        uk_wait(give_up);
}
