/* SPDX-License-Identifier: MIT */
/*
 * Connections that the program has closed, and that still have something to send. A peer that is there and keeps its
 * window shut would hold one for ever, for it answers each probe: Linux gives up after some minutes, too.
 */
#include "lwip/priv/tcp_priv.h"
#include "tcp.h"

#define GIVE_UP_AFTER 120u /* seconds without any progress */
#define EVERY_SECOND (1000u / TCP_SLOW_INTERVAL)

/* In the place of a pointer to a socket: the second of the last progress, and what was acknowledged then. */
static void *remember(uint32_t second, uint32_t acknowledged) {
    return (void *)((uintptr_t)second << 32 | acknowledged);
}

static uint32_t now_s(void) {
    return (uint32_t)(uk_clock_monotonic() / UK_SECOND);
}

static err_t look(void *context, struct tcp_pcb *pcb) {
    uint32_t second = (uint32_t)((uintptr_t)context >> 32), acknowledged = (uint32_t)(uintptr_t)context;
    if (!pcb->unsent || pcb->lastack != acknowledged) {
        tcp_arg(pcb, remember(now_s(), pcb->lastack));
        return ERR_OK;
    }
    if (now_s() - second < GIVE_UP_AFTER)
        return ERR_OK;
    tcp_abort(pcb);
    return ERR_ABRT;
}

void uk_tcp_orphan(struct tcp_pcb *pcb) {
    tcp_arg(pcb, remember(now_s(), pcb->lastack));
    tcp_poll(pcb, look, EVERY_SECOND);
}
