/* SPDX-License-Identifier: MIT */
/*
 * Connections that the program begins. Until the interfaces have their addresses, for a few seconds at most, these wait
 * in a list: the program sees a connection that takes its time, whether it blocks or not.
 */
#include <sys/epoll.h>

#include "tcp.h"

static struct uk_tcp *waiting;

static err_t connected(void *context, struct tcp_pcb *pcb, err_t error) {
    struct uk_tcp *tcp = context;
    (void)pcb;
    (void)error;
    tcp->state = UK_TCP_CONNECTED;
    uk_tcp_enter(tcp);
    uk_file_notify(&tcp->socket.file, EPOLLOUT | EPOLLWRNORM);
    return ERR_OK;
}

static int begin(struct uk_tcp *tcp, const ip_addr_t *ip, uint16_t port) {
    int error = uk_tcp_make(tcp);
    if (!error)
        error = uk_net_error(tcp_connect(tcp->pcb, ip, port, connected));
    if (error)
        return error;
    tcp->ended = false;
    tcp->state = UK_TCP_CONNECTING;
    uk_tcp_remember_ends(tcp);
    return -EINPROGRESS;
}

/* ---- those that wait */

static void begin_waiting(struct uk_timer *timer) {
    (void)timer;
    while (waiting) {
        struct uk_tcp *tcp = waiting;
        waiting = tcp->waiting_next;
        tcp->waits = false;
        ip_addr_t ip = tcp->peer_ip;
        int error = begin(tcp, &ip, tcp->peer_port);
        if (error == -EINPROGRESS)
            continue;
        tcp->socket.error = -error;
        tcp->state = UK_TCP_CLOSED;
        uk_file_notify(&tcp->socket.file, EPOLLIN | EPOLLOUT | EPOLLHUP | EPOLLERR);
    }
}

static struct uk_timer timer = {.fire = begin_waiting};

static int wait(struct uk_tcp *tcp, const ip_addr_t *ip, uint16_t port, uint64_t until) {
    tcp->peer_ip = *ip;
    tcp->peer_port = port;
    tcp->state = UK_TCP_CONNECTING;
    tcp->waits = true;
    tcp->waiting_next = waiting;
    waiting = tcp;
    uk_timer_start(&timer, until);
    return -EINPROGRESS;
}

void uk_tcp_forget_connect(struct uk_tcp *tcp) {
    struct uk_tcp **at = &waiting;
    if (!tcp->waits)
        return;
    while (*at != tcp)
        at = &(*at)->waiting_next;
    *at = tcp->waiting_next;
    tcp->waits = false;
}

/* lwIP is in the midst of something: not from here. */
void uk_tcp_configured(void) {
    if (waiting && !uk_net_configures_until())
        uk_timer_start(&timer, 0);
}

/* ---- the operation */

int uk_tcp_connect(struct uk_socket *socket, const struct sockaddr *address, socklen_t length) {
    struct uk_tcp *tcp = (struct uk_tcp *)socket;
    ip_addr_t ip;
    uint16_t port;
    int error = uk_address_get_peer(socket, address, length, &ip, &port);
    if (error)
        return error;
    if (tcp->state == UK_TCP_CONNECTING)
        return -EALREADY;
    if (tcp->state == UK_TCP_CONNECTED || tcp->state == UK_TCP_LISTENING)
        return -EISCONN;
    if (tcp->state == UK_TCP_CLOSED && socket->error)
        return uk_socket_take_error(socket);
    uint64_t until = ip_addr_isloopback(&ip) ? 0 : uk_net_configures_until();
    return until ? wait(tcp, &ip, port, until) : begin(tcp, &ip, port);
}
