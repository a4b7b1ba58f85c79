/* SPDX-License-Identifier: MIT */
/*
 * What a program writes is queued in lwIP and goes out in one go when the guest leaves for the monitor: every
 * connection that has something is in the list of dirty ones.
 */
#include "core/wait.h"
#include "lwip/priv/tcp_priv.h"
#include "tcp.h"

/* A program that has been busy since then may go on to be: what it writes leaves at once. */
#define FLUSH_AFTER (500 * UK_MICROSECOND)

/* A turn of the event loop brings the rest. */
#define LOOPED_MOST 64u

static struct uk_tcp *first, **end = &first;

void uk_tcp_dirty(struct uk_tcp *tcp) {
    if (tcp->dirty)
        return;
    tcp->dirty = true;
    tcp->dirty_next = NULL;
    *end = tcp;
    end = &tcp->dirty_next;
}

void uk_tcp_undirty(struct uk_tcp *tcp) {
    struct uk_tcp **at = &first;
    if (!tcp->dirty)
        return;
    while (*at != tcp)
        at = &(*at)->dirty_next;
    *at = tcp->dirty_next;
    if (!*at)
        end = at;
    tcp->dirty = false;
}

void uk_tcp_open_window(struct uk_tcp *tcp) {
    while (tcp->owed) {
        u16_t step = (u16_t)LWIP_MIN(tcp->owed, UINT16_MAX);
        tcp->owed -= step;
        tcp_recved(tcp->pcb, step);
    }
}

static void flush(struct uk_tcp *tcp) {
    if (!tcp->pcb)
        return;
    uk_tcp_open_window(tcp);
    if (tcp->ack_owed)
        tcp_ack_now(tcp->pcb);
    tcp->ack_owed = false;
    if (tcp_output(tcp->pcb) == ERR_MEM)
        uk_tcp_dirty(tcp); /* no buffer for a frame: there is one when the next frame has left */
}

void uk_tcp_flush(void) {
    struct uk_tcp *tcp = first, *next;
    first = NULL;
    end = &first;
    for (; tcp; tcp = next) {
        next = tcp->dirty_next;
        tcp->dirty = false;
        flush(tcp);
    }
}

/* What is still there may wait for an acknowledgment, and that is in the queue by now. */
static void exchange_looped(const struct uk_tcp *tcp) {
    unsigned round = 0;
    do {
        uk_tcp_flush();
        uk_net_deliver_looped();
    } while (first && tcp->pcb && tcp->pcb->unsent && ++round < LOOPED_MOST);
}

void uk_tcp_leave_soon(struct uk_tcp *tcp) {
    uk_tcp_dirty(tcp);
    if (tcp->looped) {
        exchange_looped(tcp);
    } else if (uk_clock_monotonic() - uk_last_exit() > FLUSH_AFTER) {
        uk_kick();
    }
}
