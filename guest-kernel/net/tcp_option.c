/* SPDX-License-Identifier: MIT */
/* Options of TCP's own, and those of all sockets that lwIP must know of. */
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "lwip/priv/tcp_priv.h"
#include "tcp.h"

static void set_flag(struct tcp_pcb *pcb, u8_t flag, int on) {
    if (on)
        ip_set_option(pcb, flag);
    else
        ip_reset_option(pcb, flag);
}

/* A listening control block has only the first of these fields. */
void uk_tcp_apply_options(struct uk_tcp *tcp) {
    struct tcp_pcb *pcb = tcp->pcb;
    const struct uk_socket *socket = &tcp->socket;
    if (!pcb)
        return;
    set_flag(pcb, SOF_REUSEADDR, socket->reuse_address || socket->reuse_port);
    set_flag(pcb, SOF_KEEPALIVE, socket->keep_alive);
    pcb->ttl = (u8_t)socket->ttl;
    pcb->tos = (u8_t)socket->tos;
    if (pcb->state == LISTEN)
        return;
    if (tcp->no_delay)
        tcp_nagle_disable(pcb);
    else
        tcp_nagle_enable(pcb);
    if (tcp->keep_idle)
        pcb->keep_idle = (u32_t)tcp->keep_idle * 1000;
    if (tcp->keep_interval)
        pcb->keep_intvl = (u32_t)tcp->keep_interval * 1000;
    if (tcp->keep_count)
        pcb->keep_cnt = (u32_t)tcp->keep_count;
}

/* Seconds and counts, as Linux limits them: include/net/tcp.h */
static int set_positive(int *field, int value, int most) {
    if (value < 1 || value > most)
        return -EINVAL;
    *field = value;
    return 0;
}

static int set_tcp(struct uk_tcp *tcp, int name, int value) {
    switch (name) {
    case TCP_NODELAY:
        tcp->no_delay = value != 0;
        break;
    case TCP_CORK:
        tcp->cork = value != 0;
        break;
    case TCP_KEEPIDLE:
        return set_positive(&tcp->keep_idle, value, 32767);
    case TCP_KEEPINTVL:
        return set_positive(&tcp->keep_interval, value, 32767);
    case TCP_KEEPCNT:
        return set_positive(&tcp->keep_count, value, 127);
    case TCP_USER_TIMEOUT:
        tcp->user_timeout = value;
        break;
    case TCP_QUICKACK: /* hints, and what there is no need of */
    case TCP_DEFER_ACCEPT:
    case TCP_FASTOPEN:
    case TCP_SYNCNT:
    case TCP_LINGER2:
    case TCP_WINDOW_CLAMP:
    case TCP_MAXSEG:
    case TCP_NOTSENT_LOWAT:
        break;
    default:
        return -ENOPROTOOPT;
    }
    return 0;
}

/* What TCP_NODELAY and the end of TCP_CORK push out: tcp(7). The former does so even while there is a cork. */
static void let_go(struct uk_tcp *tcp, int name, int value) {
    if (name == TCP_NODELAY && value)
        tcp->push = true;
    else if (name == TCP_CORK && !value)
        tcp->more = false;
    else
        return;
    uk_tcp_leave_soon(tcp);
}

int uk_tcp_set_option(struct uk_socket *socket, int level, int name, int value) {
    struct uk_tcp *tcp = (struct uk_tcp *)socket;
    int error = level == IPPROTO_TCP ? set_tcp(tcp, name, value) : level == SOL_SOCKET ? 0 : -ENOPROTOOPT;
    if (error)
        return error;
    uk_tcp_apply_options(tcp);
    if (level == IPPROTO_TCP && tcp->pcb && tcp->state == UK_TCP_CONNECTED)
        let_go(tcp, name, value);
    return 0;
}

static uint8_t linux_state(const struct tcp_pcb *pcb) {
    static const uint8_t states[] = {
        [CLOSED] = TCP_CLOSE,         [LISTEN] = TCP_LISTEN,           [SYN_SENT] = TCP_SYN_SENT,
        [SYN_RCVD] = TCP_SYN_RECV,    [ESTABLISHED] = TCP_ESTABLISHED, [FIN_WAIT_1] = TCP_FIN_WAIT1,
        [FIN_WAIT_2] = TCP_FIN_WAIT2, [CLOSE_WAIT] = TCP_CLOSE_WAIT,   [CLOSING] = TCP_CLOSING,
        [LAST_ACK] = TCP_LAST_ACK,    [TIME_WAIT] = TCP_TIME_WAIT,
    };
    return pcb ? states[pcb->state] : TCP_CLOSE;
}

static int get_info(const struct uk_tcp *tcp, void *value, socklen_t *length) {
    const struct tcp_pcb *pcb = tcp->pcb;
    struct tcp_info info = {.tcpi_state = linux_state(pcb)};
    if (pcb && pcb->state != LISTEN) {
        info.tcpi_snd_mss = info.tcpi_rcv_mss = pcb->mss;
        info.tcpi_snd_cwnd = pcb->cwnd / pcb->mss;
        info.tcpi_retransmits = pcb->nrtx;
        info.tcpi_rto = (u32_t)pcb->rto * TCP_SLOW_INTERVAL * 1000;
        info.tcpi_rtt = (u32_t)(pcb->sa >> 3) * TCP_SLOW_INTERVAL * 1000;
    }
    if (*length > sizeof info)
        *length = sizeof info;
    memcpy(value, &info, *length);
    return 0;
}

static int get_int(int result, void *value, socklen_t *length) {
    if (*length > sizeof result)
        *length = sizeof result;
    memcpy(value, &result, *length);
    return 0;
}

int uk_tcp_get_option(struct uk_socket *socket, int level, int name, void *value, socklen_t *length) {
    const struct uk_tcp *tcp = (struct uk_tcp *)socket;
    bool connected = tcp->pcb && tcp->state != UK_TCP_LISTENING;
    if (level != IPPROTO_TCP)
        return -ENOPROTOOPT;
    switch (name) {
    case TCP_NODELAY:
        return get_int(tcp->no_delay, value, length);
    case TCP_CORK:
        return get_int(tcp->cork, value, length);
    case TCP_MAXSEG:
        return get_int(connected ? tcp->pcb->mss : 536, value, length);
    case TCP_KEEPIDLE:
        return get_int(tcp->keep_idle ? tcp->keep_idle : (int)(TCP_KEEPIDLE_DEFAULT / 1000), value, length);
    case TCP_KEEPINTVL:
        return get_int(tcp->keep_interval ? tcp->keep_interval : (int)(TCP_KEEPINTVL_DEFAULT / 1000), value, length);
    case TCP_KEEPCNT:
        return get_int(tcp->keep_count ? tcp->keep_count : (int)TCP_KEEPCNT_DEFAULT, value, length);
    case TCP_USER_TIMEOUT:
        return get_int(tcp->user_timeout, value, length);
    case TCP_INFO:
        return get_info(tcp, value, length);
    case TCP_QUICKACK:
        return get_int(1, value, length);
    case TCP_DEFER_ACCEPT:
    case TCP_FASTOPEN:
        return get_int(0, value, length);
    default:
        return -ENOPROTOOPT;
    }
}
